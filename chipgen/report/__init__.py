"""What `chipgen stats` shows: the sizes in a dataset, scales that suit them, and what a plan or a build comes to."""

from __future__ import annotations

from chipgen.report.built import BuiltStats, built_stats
from chipgen.report.page_file import new_page
from chipgen.report.parts import PartsStats, parts_stats
from chipgen.report.planned import Stats, stats

__all__ = ["BuiltStats", "PartsStats", "Stats", "built_stats", "new_page", "parts_stats", "stats"]

"""Looking at a build: contact sheets and one page of chips with their boxes, added to it in a folder of their own.

Everything is made from the build alone, and from the source pictures where their folder is named; the same build and
the same options give the same bytes.
"""

from __future__ import annotations

from chipgen.viewing.adding import ViewReport, view

__all__ = ["ViewReport", "view"]

"""Which boxes share a window: few groups that hold every box of every image.

All groups that matter are laid out (`cliques`), boxes that others speak for are set aside (`dominance`), few groups
that hold the rest are chosen (`set_cover`), and each of them takes in again whatever its window can enclose besides.
"""

from __future__ import annotations

from chipgen.grouping.few import Grouping, few_groups

__all__ = ["Grouping", "few_groups"]

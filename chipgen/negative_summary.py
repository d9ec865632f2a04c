"""The figures of negative chips, for people and programs; before a build and, read back from its manifest, after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.mining import AT_LEVEL, STATUSES
from chipgen.text import listed, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chipgen.plan import Plan

SOURCES = {"proposals": "from proposals", "random": "random background that shows no object", "none": "none"}


@dataclass(frozen=True)
class NegativeLevel:
    """One level in figures.

    Parameters
    ----------
    level
        Its number.
    in_range, on_object, covered, used, left_over
        Proposals in its valid range, and what became of them: the last four add up to the first.
    found, chips
        Negative chips found, and those of them that the plan holds.
    """

    level: int
    in_range: int
    on_object: int
    covered: int
    used: int
    left_over: int
    found: int
    chips: int


@dataclass(frozen=True)
class NegativeSummary:
    """Negative chips in figures.

    Parameters
    ----------
    mode
        ``proposals``, ``random`` or ``none``.
    told
        What else there is to say about it, in words.
    found, chips
        Negative chips found, and those of them that the plan holds.
    levels
        Each level.
    proposals
        Proposals by what became of them, see `chipgen.mining.STATUSES`; they add up to the file. Empty unless mined.
    """

    mode: str
    told: str
    found: int
    chips: int
    levels: tuple[NegativeLevel, ...]
    proposals: dict[str, int]

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> NegativeSummary:
        """Make it again from the plain values of a manifest."""
        levels = tuple(NegativeLevel(**level) for level in value["levels"])
        proposals = {name: value["proposals"][name] for name in STATUSES if name in value["proposals"]}
        return cls(**{**value, "levels": levels, "proposals": proposals})

    def level_lines(self) -> list[str]:
        """Tabulate what became of proposals at each level; nothing unless they were mined."""
        if self.mode != "proposals":
            return []
        names = (*AT_LEVEL, "found", "chips")
        head = ["level", "proposals in range", "on object", "covered", "used", "left over", "found", "negative"]
        return table([head, *([str(row.level), *(f"{getattr(row, name):,}" for name in names)] for row in self.levels)])

    def total_lines(self) -> list[str]:
        """Say what it comes to."""
        told = f": {self.told}" if self.told else ""
        drawn = f"{self.chips:,} of {self.found:,} found, " if self.mode != "none" else ""
        lines = [f"negatives    {drawn}{SOURCES[self.mode]}{told}"]
        if self.mode == "proposals":
            lines.append(f"proposals    {sum(self.proposals.values()):,}: {listed(self.proposals)}")
        return lines


def summarize_negatives(plan: Plan) -> NegativeSummary:
    """Return the figures of the negative chips of a plan."""
    mining, chips = plan.mining, plan.chips
    levels = len(plan.levels.scales)
    drawn = np.bincount(chips.level[chips.kind == 1], minlength=levels)
    rows = np.column_stack((np.arange(levels), mining.at_level, mining.found, drawn)).tolist()
    told = mining.minimum
    if mining.mode == "none":
        told = "no proposals were given" if plan.config.negative.negatives == "auto" else "as asked"
    return NegativeSummary(
        mode=mining.mode,
        told=told,
        found=int(mining.found.sum()),
        chips=int(drawn.sum()),
        levels=tuple(NegativeLevel(*row) for row in rows),
        proposals=mining.proposals() if mining.mode == "proposals" else {},
    )

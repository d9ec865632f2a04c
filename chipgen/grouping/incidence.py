"""Which groups hold which boxes, as a sparse table that can be read along both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints

ENTRY_BITS = 36
"""Bits for the number of an entry in a number that also holds its box: sorting those is faster than a stable sort."""


@dataclass(frozen=True)
class Incidence:
    """G groups of B boxes; every group holds a box, every box is in a group; E entries, listed twice.

    Parameters
    ----------
    group, box
        Of each entry, sorted by group, shape ``(E,)``, int64.
    starts
        First entry of each group, shape ``(G,)``, int64.
    groups_of_boxes
        Group of each entry, sorted by box, shape ``(E,)``, int64.
    box_starts
        First of these of each box, shape ``(B,)``, int64.
    """

    group: Ints
    box: Ints
    starts: Ints
    groups_of_boxes: Ints
    box_starts: Ints

    @classmethod
    def of(cls, group: Ints, box: Ints, boxes: int) -> Incidence:
        """Lay out entries in any order; groups and boxes are numbered without a gap."""
        if np.any(box[1:] < box[:-1]):
            order = _order(box)
            group, box = group[order], box[order]
        order = _order(group)
        by_group = group[order]
        counts = np.bincount(box, minlength=boxes)
        return cls(by_group, box[order], _starts(by_group), group, np.cumsum(counts) - counts)

    @property
    def sizes(self) -> Ints:
        """Return the number of boxes of each group, shape ``(G,)``."""
        return np.diff(self.starts, append=len(self.group))

    @property
    def degrees(self) -> Ints:
        """Return the number of groups of each box, shape ``(B,)``."""
        return np.diff(self.box_starts, append=len(self.group))

    @property
    def any_box(self) -> Ints:
        """Return some box of each group, shape ``(G,)``."""
        return self.box[self.starts]

    def over_groups(self, ufunc: np.ufunc, value: Ints) -> Ints:
        """Reduce a value of every box over each group, shape ``(G,)``."""
        return np.asarray(ufunc.reduceat(_at(value, self.box), self.starts))

    def over_boxes(self, ufunc: np.ufunc, value: Ints) -> Ints:
        """Reduce a value of every group over the groups of each box, shape ``(B,)``."""
        return np.asarray(ufunc.reduceat(_at(value, self.groups_of_boxes), self.box_starts))

    def of_boxes(self, boxes: Bools) -> tuple[Incidence, Ints, Ints]:
        """Return the table of some boxes and the groups that hold any of them, and the old numbers of both."""
        keep = np.flatnonzero(_at(boxes, self.box))
        group, box = self.group[keep], self.box[keep]
        starts = _starts(group)
        groups, kept = group[starts], np.flatnonzero(boxes)
        new_group = np.zeros(len(self.starts), dtype=np.int64)
        new_group[groups] = np.arange(len(groups))
        degrees = self.degrees
        entries = np.flatnonzero(np.repeat(boxes, degrees))
        ends = np.cumsum(degrees[kept])
        table = Incidence(
            group=_at(new_group, group),
            box=_at(np.cumsum(boxes) - 1, box),
            starts=starts,
            groups_of_boxes=_at(new_group, self.groups_of_boxes[entries]),
            box_starts=ends - degrees[kept],
        )
        return table, groups, kept

    def of_groups(self, groups: Bools) -> tuple[Incidence, Ints]:
        """Return the table of some groups, which hold every box, and their old numbers."""
        kept, new = np.flatnonzero(groups), np.cumsum(groups) - 1
        entries = np.flatnonzero(_at(groups, self.group))
        of_boxes = np.flatnonzero(_at(groups, self.groups_of_boxes))
        group = _at(new, self.group[entries])
        box_starts = np.searchsorted(of_boxes, self.box_starts)
        table = Incidence(
            group, self.box[entries], _starts(group), _at(new, self.groups_of_boxes[of_boxes]), box_starts
        )
        return table, kept


def _order(number: Ints) -> Ints:
    """Return the order that sorts numbers, equal ones as they come."""
    return np.argsort(number << ENTRY_BITS | np.arange(len(number)))


def _starts(sorted_numbers: Ints) -> Ints:
    """Return where each number begins in a sorted list."""
    return np.flatnonzero(np.concatenate((np.ones(1, dtype=np.bool_), sorted_numbers[1:] != sorted_numbers[:-1])))[
        : len(sorted_numbers)
    ]


def _at(value: Ints | Bools, index: Ints) -> Ints:
    """Return values by index; all are valid, and not checking that twice makes it twice as fast."""
    return np.asarray(value.take(index, mode="clip"))

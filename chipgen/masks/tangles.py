"""How much work an outline is, told before the work is begun.

What geometry libraries do takes time by the number of pairs of edges that come near each other, and mending an outline
takes quadratic time by the number of its crossings: a saw of 8,000 teeth keeps them busy for twenty seconds for each
chip, 300 points in random order for half a minute. Outlines of real objects have a few pairs for each point, and a few
crossings if any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.boxes import Floats, Ints

PAIRS = 100_000
PAIRS_A_POINT = 10
"""Pairs of edges with overlapping bounding boxes that a mask may have, besides neighbours, and more for each point."""

FEW = 64
"""Points of an outline that need no counting of pairs."""

CROSSINGS = 1000
"""Points in which the outlines of a mask may cross themselves, altogether."""

MEETINGS = 10_000
"""Pairs of edges of different outlines of a mask that may meet."""

AT_A_TIME = 4_000_000
"""Pairs looked at together, at most."""


@dataclass
class Patience:
    """What the outlines of one mask may still cost.

    Parameters
    ----------
    pairs, crossings
        Pairs of edges that come near each other, and points in which outlines cross themselves.
    meetings
        Pairs of edges of different outlines that meet.
    """

    pairs: int
    crossings: int = CROSSINGS
    meetings: int = MEETINGS

    @classmethod
    def of_mask(cls, points: int) -> Patience:
        """Return what a mask of so many points may cost."""
        return cls(PAIRS + PAIRS_A_POINT * points)

    def look(self, ring: Floats) -> None:
        """Take an outline into account.

        Raises
        ------
        UnusableError
            Too many of its edges come near each other.
        """
        if len(ring) <= FEW:
            return
        for _, first, _ in _near_pairs(ring):
            self.pairs -= len(first)
            if self.pairs < 0:
                raise UnusableError("bad_polygon", "too many edges of a polygon lie side by side")

    def mend(self, ring: Floats) -> None:
        """Take the mending of an outline that crosses itself into account.

        Raises
        ------
        UnusableError
            It does so too often.
        """
        for edges, first, second in _near_pairs(ring):
            self.crossings -= int(np.count_nonzero(shapely.intersects(edges[first], edges[second])))
            if self.crossings < 0:
                raise UnusableError("bad_polygon", f"a polygon crosses itself more than {CROSSINGS:,} times")

    def unite(self, rings: Sequence[Floats]) -> None:
        """Take into account that the outlines of a mask are put together wherever a chip shows several.

        Raises
        ------
        UnusableError
            They cross each other too often.
        """
        if len(rings) < 2:
            return
        edges = np.concatenate([_edges(ring) for ring in rings])
        owner = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
        tree, step = shapely.STRtree(edges), max(1, AT_A_TIME // len(edges))
        for start in range(0, len(edges), step):
            asked, second = tree.query(edges[start : start + step])
            first = asked + start
            apart = owner[first] < owner[second]
            self.meetings -= int(np.count_nonzero(shapely.intersects(edges[first[apart]], edges[second[apart]])))
            if self.meetings < 0:
                raise UnusableError("bad_polygon", f"its polygons meet more than {MEETINGS:,} times")


def _edges(ring: Floats) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Return the edges of an outline."""
    return shapely.linestrings(np.stack((ring, np.roll(ring, -1, axis=0)), axis=1))  # type: ignore[no-any-return]


def _near_pairs(ring: Floats) -> Iterator[tuple[np.ndarray[tuple[int], np.dtype[np.object_]], Ints, Ints]]:
    """Yield the edges of an outline and pairs of them, by their positions, whose bounding boxes overlap.

    Neighbours, which always touch, are left out.
    """
    count = len(ring)
    edges = _edges(ring)
    tree = shapely.STRtree(edges)
    step = max(1, AT_A_TIME // count)
    for start in range(0, count, step):
        asked, second = tree.query(edges[start : start + step])
        first = asked + start
        near = (second > first + 1) & ~((first == 0) & (second == count - 1))
        yield edges, first[near], second[near]

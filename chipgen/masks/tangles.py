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
"""Pairs of edges with overlapping bounding boxes that the outlines of a mask may have, and more for each point."""

KNOTS = 1000
"""Places in which the outlines of a mask may meet themselves, altogether."""

AT_A_TIME = 4_000_000
"""Pairs looked at together, at most."""

Lines = np.ndarray[tuple[int], np.dtype[np.object_]]


@dataclass
class Patience:
    """What mending the outlines of one mask may still cost.

    Parameters
    ----------
    knots
        Places in which they meet themselves.
    """

    knots: int = KNOTS

    def mend(self, ring: Floats) -> None:
        """Take the mending of an outline that meets itself into account.

        Where it runs through points that it visited before, each loop so closed counts (edges less points); elsewhere
        each pair of edges that meet. One that goes the same way back, as traced thin things do, closes no loop.

        Raises
        ------
        UnusableError
            It does so too often.
        """
        points, at = np.unique(ring, axis=0, return_inverse=True)
        at = at.reshape(-1)
        edges = np.unique(np.sort(np.stack((at, np.roll(at, -1)), axis=1), axis=1), axis=0)
        edges = edges[edges[:, 0] != edges[:, 1]]
        self._take(len(edges) - len(points))
        lines = shapely.linestrings(points[edges])
        for first, second in _near_pairs(lines):
            apart = (edges[first][:, :, None] != edges[second][:, None]).all(axis=(1, 2))
            self._take(int(np.count_nonzero(shapely.intersects(lines[first[apart]], lines[second[apart]]))))

    def _take(self, knots: int) -> None:
        """Take some knots away."""
        self.knots -= max(0, knots)
        if self.knots < 0:
            raise UnusableError("bad_polygon", f"its outlines meet themselves more than {KNOTS:,} times")


def refuse_tangles(rings: Sequence[Floats]) -> None:
    """Refuse a mask of too many edges that come near each other, in one outline or in several.

    Raises
    ------
    UnusableError
        It has them.
    """
    count = sum(map(len, rings))
    left = PAIRS + PAIRS_A_POINT * count
    if count * (count - 1) // 2 <= left:
        return
    ends = np.concatenate([np.stack((ring, np.roll(ring, -1, axis=0)), axis=1) for ring in rings])
    for first, _ in _near_pairs(shapely.linestrings(ends)):
        left -= len(first)
        if left < 0:
            raise UnusableError("bad_polygon", "too many edges of its outlines lie side by side")


def _near_pairs(lines: Lines) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs of lines, by their positions, whose bounding boxes overlap."""
    tree = shapely.STRtree(lines)
    step = max(1, AT_A_TIME // max(1, len(lines)))
    for start in range(0, len(lines), step):
        first, second = tree.query(lines[start : start + step])
        later = second > first + start
        yield first[later] + start, second[later]

"""Where an object is learnt that several chips of a level show enough of: in all of them, or only in the best.

Source: SNIPER, section 3.2 (a box may lie in several chips), which is ``all``. The authors' code assigns each box to
the one chip that it overlaps most, which is ``one``. Deliberate difference: a box that several chips show whole goes to
the one in which it stands farthest from the border, because a detector learns the surroundings of an object, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints


def margins(xyxy_chip: Floats, content: Ints) -> Floats:
    """Return the distance of boxes to the nearest side of what their chip shows, padding left out.

    Parameters
    ----------
    xyxy_chip
        Boxes cut to their chips, shape ``(V, 4)``, chip px.
    content
        Width and height of the chips without padding, shape ``(V, 2)``, chip px.

    Returns
    -------
    ndarray
        Shape ``(V,)``, float64, chip px; 0 for a box that reaches a side.
    """
    x1, y1, x2, y2 = xyxy_chip.T
    width, height = content.T
    nearest = np.minimum(np.minimum(x1, width - x2), np.minimum(y1, height - y2))
    return np.asarray(nearest, dtype=np.float64)


def learnt_in_one(pair: Ints, visibility: Floats, margin: Floats) -> Bools:
    """Choose one box of each pair of annotation and level: the most visible, then the farthest from the border.

    Parameters
    ----------
    pair
        Number of the annotation and level that each box belongs to, 0 or more, shape ``(V,)``.
    visibility
        Share of the annotation that is visible, shape ``(V,)``.
    margin
        Distance to the border, see `margins`, shape ``(V,)``.

    Returns
    -------
    ndarray
        Whether the box is the chosen one of its pair, shape ``(V,)``, bool; among equals, within the tolerance, the
        first.
    """
    chosen = np.ones(len(pair), dtype=np.bool_)
    rows = np.flatnonzero(np.bincount(pair)[pair] > 1)  # most pairs have one box only
    rows = rows[np.argsort(pair[rows], kind="stable")]
    if len(rows):
        first = np.flatnonzero(np.diff(pair[rows], prepend=-1))
        left = _near_best(visibility[rows], first)
        left = _near_best(np.where(left, margin[rows], -np.inf), first)
        chosen[rows] = False
        chosen[rows[_first_of_each(left, first)]] = True
    return chosen


def _near_best(values: Floats, first: Ints) -> Bools:
    """Tell which values are the largest of their group, or smaller by the tolerance; `first` begins each group."""
    sizes = np.diff(first, append=len(values))
    return np.asarray(values >= np.repeat(np.maximum.reduceat(values, first), sizes) - TOLERANCE, dtype=np.bool_)


def _first_of_each(marked: Bools, first: Ints) -> Ints:
    """Return the first marked row of each group, each of which has one."""
    rows = np.flatnonzero(marked)
    return rows[np.searchsorted(rows, first)]

"""Tables over all windows of a grid: which of them show a box, and how much of them boxes take up."""

from __future__ import annotations

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints

MOST_EXACT = 1000
"""Boxes above which common areas are no longer told apart: the exact table grows with their square."""


def showing(x: Ints, y: Ints, content: Ints, boxes: tuple[Floats, Floats, Floats]) -> Bools:
    """Tell which windows show enough of any box.

    Parameters
    ----------
    x, y
        Sorted positions of the windows along both axes, shapes ``(X,)`` and ``(Y,)``, scaled px.
    content
        Width and height of a window, shape ``(2,)``, scaled px.
    boxes
        Boxes, shape ``(N, 4)``; how much of their width and height is enough, both needed, shape ``(N, 2)``; and how
        much of their area is, needed as well, shape ``(N,)``; scaled px.

    Returns
    -------
    ndarray
        Shape ``(X, Y)``, bool. What falls short by no more than the tolerance is enough.
    """
    found = np.zeros((len(x), len(y)), dtype=np.bool_)
    xyxy_scaled, least, least_area = boxes
    low = xyxy_scaled[:, :2] + least - content - TOLERANCE
    high = xyxy_scaled[:, 2:] - least + TOLERANCE
    left, right = np.searchsorted(x, low[:, 0], "left"), np.searchsorted(x, high[:, 0], "right")
    top, bottom = np.searchsorted(y, low[:, 1], "left"), np.searchsorted(y, high[:, 1], "right")
    for box, (x1, x2, y1, y2) in enumerate(np.column_stack((left, right, top, bottom)).tolist()):
        along_x = _common(x[x1:x2], content[0], xyxy_scaled[box, 0::2])[:, None]
        along_y = _common(y[y1:y2], content[1], xyxy_scaled[box, 1::2])
        found[x1:x2, y1:y2] |= (
            (along_x >= least[box, 0] - TOLERANCE)
            & (along_y >= least[box, 1] - TOLERANCE)
            & (along_x * along_y >= least_area[box] - TOLERANCE)
        )
    return found


def _common(position: Ints, length: int, side: Floats) -> Floats:
    """Return what windows share with a box along one axis, shape ``(X,)``."""
    return np.asarray(np.maximum(np.minimum(position + length, side[1]) - np.maximum(position, side[0]), 0.0))


def taken_up(x: Ints, y: Ints, content: Ints, xyxy_scaled: Floats) -> Floats:
    """Return the area of each window that boxes take up together.

    The sides of the boxes cut the plane into cells, each inside or outside of a box as a whole. Summed up from the
    corner of the image, their area is linear between the cuts along either axis, so it is known at every corner of
    every window. Of more than a thousand boxes the areas are added instead, common ones twice: never too little.

    Parameters
    ----------
    x, y, content
        See `showing`.
    xyxy_scaled
        Boxes, shape ``(N, 4)``.

    Returns
    -------
    ndarray
        Shape ``(X, Y)``, float64, square scaled px.
    """
    if len(xyxy_scaled) > MOST_EXACT:
        return _added_up(x, y, content, xyxy_scaled)
    xs, ys = np.unique(xyxy_scaled[:, 0::2]), np.unique(xyxy_scaled[:, 1::2])
    if not len(xs):
        return np.zeros((len(x), len(y)))
    inside = np.zeros((len(xs) - 1, len(ys) - 1))
    (left, right), (top, bottom) = (
        np.searchsorted(xs, xyxy_scaled[:, 0::2]).T,
        np.searchsorted(ys, xyxy_scaled[:, 1::2]).T,
    )
    for x1, x2, y1, y2 in np.column_stack((left, right, top, bottom)).tolist():
        inside[x1:x2, y1:y2] = 1.0
    total = np.zeros((len(xs), len(ys)))
    total[1:, 1:] = (inside * np.diff(xs)[:, None] * np.diff(ys)).cumsum(axis=0).cumsum(axis=1)
    along_x = _between(total, xs, x + content[0]) - _between(total, xs, x)
    return np.asarray((_between(along_x.T, ys, y + content[1]) - _between(along_x.T, ys, y)).T)


def _between(total: Floats, cuts: Floats, at: Ints) -> Floats:
    """Read a table whose rows stand at `cuts` at other places; constant beyond its ends."""
    row = np.clip(np.searchsorted(cuts, at, "right") - 1, 0, max(len(cuts) - 2, 0))
    above = np.minimum(row + 1, len(cuts) - 1)
    width = np.where(above > row, cuts[above] - cuts[row], 1.0)
    share = np.clip((at - cuts[row]) / width, 0.0, 1.0)[:, None]
    return np.asarray(total[row] + share * (total[above] - total[row]))


def _added_up(x: Ints, y: Ints, content: Ints, xyxy_scaled: Floats) -> Floats:
    """Return the area of each window that boxes take up, common areas counted once for each box."""
    taken = np.zeros((len(x), len(y)))
    for box in xyxy_scaled:
        x1, x2 = np.searchsorted(x, box[0] - content[0], "left"), np.searchsorted(x, box[2], "right")
        y1, y2 = np.searchsorted(y, box[1] - content[1], "left"), np.searchsorted(y, box[3], "right")
        along_x, along_y = _common(x[x1:x2], content[0], box[0::2]), _common(y[y1:y2], content[1], box[1::2])
        taken[x1:x2, y1:y2] += along_x[:, None] * along_y
    return taken

"""What windows show of boxes: which windows of a grid show any, and how much of a window boxes take up."""

from __future__ import annotations

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints
from chipgen.flat import spread


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


def taken_up(window: Ints, xyxy_scaled: Floats, windows: int) -> Floats:
    """Return the area that boxes take up together in each window.

    The sides of the boxes cut their window into strips from top to bottom. Down a strip, each box adds what it reaches
    below all boxes that begin above it.

    Parameters
    ----------
    window
        Row of the window of each box, shape ``(N,)``, int64.
    xyxy_scaled
        Boxes clipped to their window, shape ``(N, 4)``, scaled px.
    windows
        Number of windows.

    Returns
    -------
    ndarray
        Shape ``(windows,)``, float64, square scaled px.
    """
    order = np.argsort(xyxy_scaled[:, 1], kind="stable")  # from here on, the number of a box tells which begins above
    window, (x1, y1, x2, y2) = window[order], xyxy_scaled[order].T
    count = len(order)
    sides = np.concatenate((x1, x2))
    along = np.lexsort((sides, np.tile(window, 2)))
    place = np.empty(2 * count, dtype=np.int64)
    place[along] = np.arange(2 * count)
    width = np.diff(sides[along], append=0.0)
    box, strip = spread(place[:count], place[count:] - place[:count])
    strip, box = np.divmod(np.sort(strip * count + box), max(count, 1))
    reach = np.empty(count, dtype=np.int64)
    reach[np.argsort(y2, kind="stable")] = np.arange(count)
    lowest = np.maximum.accumulate(strip * count + reach[box])  # of this and the boxes before it in its strip
    begun = np.diff(strip, prepend=-1) == 0
    before = np.sort(y2)[np.where(begun, np.roll(lowest, 1), 0) % max(count, 1)]
    length = y2[box] - np.where(begun, np.maximum(before, y1[box]), y1[box])
    added = np.bincount(window[box], weights=np.maximum(length, 0.0) * width[strip], minlength=windows)
    return added.astype(np.float64)  # of no boxes, they are whole numbers

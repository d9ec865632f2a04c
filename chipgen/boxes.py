"""Boxes as arrays: ``xyxy``, half-open, float64, shape ``(N, 4)``.

A box holds the points with ``x1 <= x < x2`` and ``y1 <= y < y2``. Its frame is the last word of its name: ``_img``
(source pixels), ``_scaled`` (pixels of the resized image), ``_chip`` (pixels of one chip). COCO's ``xywh`` exists
only in readers and writers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TOLERANCE = 1e-6
"""Pixels by which geometric comparisons forgive rounding: 500 * (512 / 500) is a little over 512."""


def clip(xyxy: Floats, window: Floats) -> Floats:
    """Cut boxes to a window.

    Parameters
    ----------
    xyxy
        Boxes, shape ``(N, 4)``.
    window
        One window ``(4,)`` or one for each box ``(N, 4)``, same frame.

    Returns
    -------
    ndarray
        Shape ``(N, 4)``; a box outside its window has zero width or height.
    """
    low, high = window[..., :2], window[..., 2:]
    return np.concatenate(
        (np.clip(xyxy[..., :2], low, high), np.clip(xyxy[..., 2:], low, high)), axis=-1, dtype=np.float64
    )


def sides(xyxy: Floats) -> Floats:
    """Return width and height of each box, shape ``(N, 2)``."""
    return xyxy[..., 2:] - xyxy[..., :2]


def area(xyxy: Floats) -> Floats:
    """Return the area of each box, shape ``(N,)``, square pixels of its frame."""
    x1, y1, x2, y2 = (xyxy[..., side] for side in range(4))
    return np.asarray((x2 - x1) * (y2 - y1), dtype=np.float64)


def size(xyxy: Floats) -> Floats:
    """Return sqrt(width * height) of each box, shape ``(N,)``: the measure that valid ranges are written in.

    Source: SNIPER, section 3.1 (area ranges of the scales).
    """
    return np.sqrt(area(xyxy))


def scale(xyxy: Floats, factor: Floats) -> Floats:
    """Scale boxes about the origin.

    Parameters
    ----------
    xyxy
        Boxes, shape ``(N, 4)``.
    factor
        ``(factor_x, factor_y)``, shape ``(2,)``, or one pair for each box ``(N, 2)``.

    Returns
    -------
    ndarray
        Shape ``(N, 4)``.
    """
    scaled = np.empty(xyxy.shape)
    for side in range(4):  # column by column: numpy is slow along short rows
        scaled[..., side] = xyxy[..., side] * factor[..., side % 2]
    return scaled


def inside(xyxy: Floats, window: Floats) -> Bools:
    """Tell which boxes lie completely inside their window, shape ``(N,)``; both half-open, same frame."""
    low = xyxy[..., :2] >= window[..., :2] - TOLERANCE
    high = xyxy[..., 2:] <= window[..., 2:] + TOLERANCE
    return np.asarray(np.all(low & high, axis=-1), dtype=np.bool_)

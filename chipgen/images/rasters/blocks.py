"""Pixels averaged by blocks, in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_ROWS = 256
"""Rows of 8 bits that add up to less than 2 ** 16."""


def block_means(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return the means of square blocks, halves rounded up.

    Parameters
    ----------
    pixels
        Shape ``(H, W, C)``.
    side
        Of a block, px; blocks at the right and at the bottom may be cut short.

    Returns
    -------
    ndarray
        Shape ``(ceil(H / side), ceil(W / side), C)``, uint8.
    """
    height, width = pixels.shape[:2]
    rows = _row_sums(pixels, side)
    sums = _sums(rows.transpose(1, 0, 2), side).transpose(1, 0, 2)
    counts = _lengths(height, side)[:, None] * _lengths(width, side)
    means: npt.NDArray[np.int64] = (2 * sums + counts[:, :, None]) // (2 * counts[:, :, None])
    return means.astype(np.uint8)


def _row_sums(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[Any]:
    """Return the sums of `side` rows each, in the narrowest numbers that hold them: this is where the time goes."""
    if side > MOST_ROWS:
        return _sums(pixels, side)
    height, width, channels = pixels.shape
    sums = np.zeros((-(-height // side), width, channels), dtype=np.uint16)
    for row in range(min(side, height)):
        some = pixels[row::side]
        sums[: len(some)] += some
    return sums


def _sums(values: npt.NDArray[Any], side: int) -> npt.NDArray[np.int64]:
    """Return the sums of `side` rows each."""
    return np.add.reduceat(values, np.arange(0, len(values), side), axis=0, dtype=np.int64)


def _lengths(length: int, side: int) -> npt.NDArray[np.int64]:
    """Return how many px each block has along an axis of some length."""
    starts = np.arange(0, length, side, dtype=np.int64)
    return np.minimum(starts + side, length) - starts

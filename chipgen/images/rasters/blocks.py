"""Pixels averaged by blocks, in whole numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

LARGEST_SIDE = 1024
"""Of a block, px: its sum and twice that fit 32 bits."""
MOST_ROWS = 256
"""Rows of 8 bits that add up to less than 2 ** 16."""


def block_means(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return the means of square blocks, halves rounded up.

    Parameters
    ----------
    pixels
        Shape ``(H, W, C)``.
    side
        Of a block, px, at most `LARGEST_SIDE`; blocks at the right and at the bottom may be cut short.

    Returns
    -------
    ndarray
        Shape ``(ceil(H / side), ceil(W / side), C)``, uint8.
    """
    height, width = pixels.shape[:2]
    rows = _sums(pixels, side, np.uint16 if side <= MOST_ROWS else np.uint32)
    sums = _sums(rows.transpose(1, 0, 2), side, np.uint32).transpose(1, 0, 2)
    found = _rounded(sums, np.uint32(side * side))
    if height % side:
        found[-1] = _rounded(sums[-1], height % side * _lengths(width, side)[:, None])
    if width % side:
        found[:, -1] = _rounded(sums[:, -1], width % side * _lengths(height, side)[:, None])
    return found


def _rounded(sums: npt.NDArray[Any], count: np.uint32 | npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
    """Return sums divided by how many values they are of, halves rounded up."""
    means: npt.NDArray[np.uint32] = (2 * sums + count) // (2 * count)
    return means.astype(np.uint8)


def _sums(values: npt.NDArray[Any], side: int, dtype: type[np.unsignedinteger[Any]]) -> npt.NDArray[Any]:
    """Return the sums of `side` rows each, in the narrowest numbers that hold them: this is where the time goes."""
    sums = np.zeros((-(-len(values) // side), *values.shape[1:]), dtype=dtype)
    for row in range(min(side, len(values))):
        some = values[row::side]
        sums[: len(some)] += some
    return sums


def _lengths(length: int, side: int) -> npt.NDArray[np.uint32]:
    """Return how many px each block has along an axis of some length."""
    starts = np.arange(0, length, side, dtype=np.uint32)
    lengths: npt.NDArray[np.uint32] = np.minimum(starts + np.uint32(side), np.uint32(length)) - starts
    return lengths

"""From the values of a raster to the 8 bits a channel of a chip."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from chipgen.bands import Stretch

AT_ONCE = 1 << 18
"""Values turned at a time: each takes 8 bytes on the way."""

Values = npt.NDArray[Any]
"""Whole numbers or floats of any width."""


def usable(values: Values, nodata: float | None) -> npt.NDArray[np.bool_]:
    """Tell which values mean something: neither NaN nor the one that stands for nothing.

    Parameters
    ----------
    values
        Any shape.
    nodata
        The value that stands for nothing; None without.
    """
    good = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=bool)
    return good if nodata is None else good & (values != nodata)


def ends(values: Values, stretch: Stretch) -> tuple[float, float]:
    """Return the values that become 0 and 255.

    Parameters
    ----------
    values
        Values of a band that mean something, shape ``(N,)``. A percentile is the value at rank floor(p (N - 1) + 0.5)
        among them, so that it is exact.
    stretch
        What was asked for.

    Returns
    -------
    float, float
        The first is below the second, also where all values are the same: these become 0.
    """
    if not stretch.percent:
        return stretch.lo, stretch.hi
    if not len(values):
        return 0.0, 1.0
    ranks = [math.floor(percent * (len(values) - 1) / 100 + 0.5) for percent in (stretch.lo, stretch.hi)]
    ordered = np.partition(values, ranks)
    lo, hi = (float(ordered[rank]) for rank in ranks)
    return (lo, hi) if lo < hi else (lo, lo + max(1.0, abs(lo)))


def to_eight_bits(values: Values, lo: float, hi: float, nodata: float | None = None) -> npt.NDArray[np.uint8]:
    """Spread values over 0 to 255: floor((v - lo) / (hi - lo) * 255 + 0.5), clipped.

    Parameters
    ----------
    values
        Any shape.
    lo, hi
        What becomes 0 and 255.
    nodata
        The value that stands for nothing; it becomes 0 as NaN does.

    Returns
    -------
    ndarray
        Of the same shape, uint8.
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    spread = np.zeros(len(flat), dtype=np.uint8)
    for start in range(0, len(flat), AT_ONCE):
        some = flat[start : start + AT_ONCE]
        with np.errstate(over="ignore", invalid="ignore"):
            level = np.floor((some.astype(np.float64) - lo) / (hi - lo) * 255 + 0.5)
        empty = np.isnan(level)
        if nodata is not None:
            empty |= some == nodata
        spread[start : start + AT_ONCE] = np.where(empty, 0, np.clip(level, 0, 255)).astype(np.uint8)
    return spread.reshape(values.shape)

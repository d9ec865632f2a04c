"""Scales and valid ranges for a dataset: the fewest scales at which its objects arrive at a good size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.levels import auto_ranges
from chipgen.scales import GOOD_CHIP, GOOD_SIZE, OVERLAP, ValidRange

if TYPE_CHECKING:
    from chipgen.boxes import Floats

PERCENTILES = (2.0, 98.0)
LARGEST_FACTOR = 4.0
"""Beyond this an object is only blurred further."""


@dataclass(frozen=True)
class Suggestion:
    """Scale and range tokens, and the object sizes they were made for.

    Parameters
    ----------
    scales, valid_ranges
        As the command line takes them, finest first.
    small_img, large_img
        2nd and 98th percentile of sqrt(w * h), image px.
    """

    scales: str
    valid_ranges: str
    small_img: float
    large_img: float


def suggest(sizes_img: Floats, chip_size: int = GOOD_CHIP) -> Suggestion | None:
    """Find the fewest scales that bring the 2nd to 98th percentile of object sizes to 50 to 250 px of a 512 chip.

    One scale serves sizes of a ratio of 5; each further one adds a ratio of 4, because neighbours overlap. The span
    of sizes is cut into as many parts of equal ratio as there are scales, and each scale brings the middle of its
    part to the middle of the good sizes. No scale enlarges by more than 4: objects that would
    need more get the best of it.

    Parameters
    ----------
    sizes_img
        sqrt(w * h) of the objects to learn, shape ``(N,)``, image px.
    chip_size
        Side of a chip, px.

    Returns
    -------
    Suggestion or None
        None without objects.
    """
    if not len(sizes_img):
        return None
    small, large = np.percentile(sizes_img, PERCENTILES).tolist()
    low, high = (end * chip_size / GOOD_CHIP for end in GOOD_SIZE)
    span = (max(small, low / LARGEST_FACTOR), max(large, low / LARGEST_FACTOR))
    beyond_one = math.log(span[1] / span[0] / (high / low)) / math.log(high / low * OVERLAP)
    count = 1 + max(0, math.ceil(beyond_one - 1e-9))
    middles = span[0] * (span[1] / span[0]) ** ((np.arange(count) + 0.5) / count)
    factors = (math.sqrt(low * high) / middles).tolist()
    tidy = sorted({float(f"{min(factor, LARGEST_FACTOR):.3g}") for factor in factors}, reverse=True)
    ranges = auto_ranges(np.array([tidy]), chip_size)[0].tolist()
    return Suggestion(
        ",".join(f"{factor:g}x" for factor in tidy),
        ",".join(str(ValidRange(_tidy(lo), _tidy(hi))) for lo, hi in ranges),
        small,
        large,
    )


def _tidy(end: float) -> float:
    """Round an end of a range to three digits."""
    return end if math.isinf(end) else float(f"{end:.3g}")

"""Levels: scales and valid ranges applied to images.

Levels keep the order in which they are given; the finest level of an image is the one with its largest factor.

Source: SNIPER, section 3.1, and SNIP, section 5 (valid ranges).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.scales import GOOD_CHIP, GOOD_SIZE, OVERLAP

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.scales import Scale, ValidRange


@dataclass(frozen=True)
class Levels:
    """Every scale at every image, as arrays over images and levels.

    Parameters
    ----------
    scales
        The rules, in the order given; L of them.
    size_scaled
        Scaled width and height, shape ``(M, L, 2)``, int64.
    factor
        Scaled px per image px along x and y, after rounding, shape ``(M, L, 2)``, float64.
    range_img
        Valid range ``[lo, hi)``, shape ``(M, L, 2)``, float64, image px; ``hi`` infinite when open.
    """

    scales: tuple[Scale, ...]
    size_scaled: Ints
    factor: Floats
    range_img: Floats

    @property
    def mean_factor(self) -> Floats:
        """One factor for both axes, shape ``(M, L)``: the square root of the change of area."""
        return np.asarray(np.sqrt(self.factor.prod(axis=2)), dtype=np.float64)


def scaled_sizes(scale: Scale, sizes_img: Ints) -> Ints:
    """Return the scaled sizes of images.

    Parameters
    ----------
    scale
        The rule.
    sizes_img
        Width and height, shape ``(M, 2)``, image px.

    Returns
    -------
    ndarray
        Width and height, shape ``(M, 2)``, int64, scaled px: ``floor(x + 0.5)``, at least 1.
    """
    sides_img = np.asarray(sizes_img, dtype=np.float64)
    exact = sides_img * scale.factor if math.isfinite(scale.factor) else _limited(scale, sides_img)
    return np.maximum(np.floor(exact + 0.5), 1.0).astype(np.int64)


def _limited(scale: Scale, sides_img: Floats) -> Floats:
    """Return exact scaled sides; multiplied before divided, so that halves stay halves and round up."""
    longest: Floats = sides_img.max(axis=1, keepdims=True)
    shortest: Floats = sides_img.min(axis=1, keepdims=True)
    if not math.isfinite(scale.shortest):
        return np.asarray(sides_img * scale.longest / longest)
    by_longest = scale.longest * shortest < scale.shortest * longest
    return np.where(by_longest, sides_img * scale.longest / longest, sides_img * scale.shortest / shortest)


def make_levels(
    scales: tuple[Scale, ...], ranges: tuple[ValidRange, ...] | None, sizes_img: Ints, chip_size: int
) -> Levels:
    """Apply scales and valid ranges to images.

    Parameters
    ----------
    scales
        L rules.
    ranges
        L valid ranges, or None to choose them for each image.
    sizes_img
        Width and height of the images, shape ``(M, 2)``, image px.
    chip_size
        Side of a chip, scaled px.
    """
    size_scaled = np.stack([scaled_sizes(scale, sizes_img) for scale in scales], axis=1)
    factor = size_scaled / sizes_img[:, None, :]
    if ranges is None:
        range_img = auto_ranges(np.sqrt(factor.prod(axis=2)), chip_size)
    else:
        rows = np.array([(valid.lo, valid.hi) for valid in ranges], dtype=np.float64)
        range_img = np.broadcast_to(rows, (len(sizes_img), *rows.shape))
    return Levels(scales, size_scaled, factor, range_img)


def auto_ranges(factor: Floats, chip_size: int) -> Floats:
    """Choose valid ranges so that objects arrive in a chip at roughly 50 to 250 px (of 512).

    Sorted finest first, the upper end of a level is where objects arrive at 250 px. The next level begins where they
    arrive at 50 px, but never above 0.8 of that upper end, so that neighbours always overlap. The last level, being
    open at the top, begins exactly there: whatever the finer level shows well is left to it. Where scales lie so far
    apart that 250 px of one fall short of 50 px of the next, the finer level reaches further up, as far as a chip
    can enclose an object. At the paper's scales on a 640-px photograph this gives 0-83, 30-150, 120-.

    Parameters
    ----------
    factor
        Scaled px per image px, shape ``(M, L)``.
    chip_size
        Side of a chip, scaled px.

    Returns
    -------
    ndarray
        ``[lo, hi)`` in image px, shape ``(M, L, 2)``.
    """
    low, high = (end * chip_size / GOOD_CHIP for end in GOOD_SIZE)
    order = np.argsort(-factor, axis=1, kind="stable")
    finest_first = np.take_along_axis(factor, order, axis=1)
    hi = np.full_like(finest_first, math.inf)
    lo = np.zeros_like(finest_first)
    if hi.shape[1] > 1:
        wanted = low / OVERLAP / finest_first[:, 1:]
        reach = chip_size / finest_first[:, :-1]
        hi[:, :-1] = np.minimum(np.maximum(high / finest_first[:, :-1], wanted), reach)
        lo[:, 1:] = np.minimum(low / finest_first[:, 1:], OVERLAP * hi[:, :-1])
        lo[:, -1] = OVERLAP * hi[:, -2]
    ranges = np.empty((*factor.shape, 2), dtype=np.float64)
    np.put_along_axis(ranges, order[..., None], np.stack((lo, hi), axis=-1), axis=1)
    return ranges

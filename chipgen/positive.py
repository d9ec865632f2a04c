"""Which boxes count toward the positive chips of each level.

Source: SNIPER, section 3.1 (valid ranges) and 3.2 (positive chips).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, scale, sides, size
from chipgen.cover import enclosing_origins

if TYPE_CHECKING:
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.levels import Levels

THINNEST = 1.0
"""Chip px: a box that meets a chip by less than this is not written, so it cannot count either."""
BLOCK = 1 << 16
"""Boxes compared at a time, so that the steps between take little memory."""


@dataclass(frozen=True)
class Fit:
    """How each annotation fits each level; all of shape ``(N, L)``, bool.

    Parameters
    ----------
    in_range
        Its size lies in the level's valid range.
    holdable
        A window at whole scaled pixels inside the scaled image can hold it.
    thick
        Both its scaled sides are at least ``min_box``.
    counts
        It counts toward positive chips: all three, and neither ignored by the source nor invalid.
    """

    in_range: Bools
    holdable: Bools
    thick: Bools
    counts: Bools


def fit(dataset: Dataset, levels: Levels, config: PlanConfig) -> Fit:
    """Compare every annotation with every level.

    An end of a valid range that a size misses by less than the tolerance counts as met: boxes written as floats
    must not change sides by rounding.
    """
    annotations = dataset.annotations
    usable = annotations.invalid == 0
    shape = (len(annotations), len(levels.scales))
    in_range, holdable, thick = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    for first in range(0, len(annotations) if len(dataset.images) else 0, BLOCK):
        rows = slice(first, first + BLOCK)
        image, xyxy_img = np.where(usable[rows], annotations.image[rows], 0), annotations.xyxy_img[rows]
        for level in range(len(levels.scales)):
            found = _compare(xyxy_img, image, levels, level, config)
            in_range[rows, level], holdable[rows, level], thick[rows, level] = found
    learnable = usable & (annotations.ignored_by == 0)
    return Fit(in_range, holdable, thick, in_range & holdable & thick & learnable[:, None])


def _compare(
    xyxy_img: Floats, image: Ints, levels: Levels, level: int, config: PlanConfig
) -> tuple[Bools, Bools, Bools]:
    """Compare boxes, given with the rows of their images, with one level: the first columns of `Fit`."""
    sizes_img, (lo, hi) = size(xyxy_img), levels.range_img[image, level].T
    in_range = (sizes_img >= lo - TOLERANCE) & (sizes_img < hi - TOLERANCE)
    boxes_scaled = scale(xyxy_img, levels.factor[image, level])
    origins = enclosing_origins(boxes_scaled, levels.size_scaled[image, level], config.chip_size)
    thin = max(config.min_box, THINNEST) - TOLERANCE
    return in_range, origins.exist, np.all(sides(boxes_scaled) >= thin, axis=1)

"""Which boxes count toward the positive chips of each level.

Source: SNIPER, section 3.1 (valid ranges) and 3.2 (positive chips).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, scale, sides, size
from chipgen.cover import enclosing_origins

if TYPE_CHECKING:
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.scales import Levels

THINNEST = 1.0
"""Chip px: a box that meets a chip by less than this is not written, so it cannot count either."""


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
    image = np.where(usable, annotations.image, 0)
    shape = (len(annotations), len(levels.scales))
    in_range, holdable, thick = (np.zeros(shape, dtype=np.bool_) for _ in range(3))
    if len(dataset.images):
        sizes_img = size(annotations.xyxy_img)
        for level in range(len(levels.scales)):
            lo, hi = levels.range_img[image, level].T
            in_range[:, level] = (sizes_img >= lo - TOLERANCE) & (sizes_img < hi - TOLERANCE)
            boxes_scaled = scale(annotations.xyxy_img, levels.factor[image, level])
            origins = enclosing_origins(boxes_scaled, levels.size_scaled[image, level], config.chip_size)
            holdable[:, level] = origins.exist
            thin = max(config.min_box, THINNEST) - TOLERANCE
            thick[:, level] = np.all(sides(boxes_scaled) >= thin, axis=1)
    learnable = usable & (annotations.ignored_by == 0)
    return Fit(in_range, holdable, thick, in_range & holdable & thick & learnable[:, None])

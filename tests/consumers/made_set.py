"""A dataset with everything that a consumer may stumble over, and the options that bring out all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from small_set import LEVELS, small_coco, square

if TYPE_CHECKING:
    from datasets_made import Coco

REASONS = {"crowd", "out_of_range", "too_large", "truncated", "too_small", "assigned_elsewhere"}
"""Every reason for which a box can be ignored."""

OPTIONS = (*LEVELS, "--chips-per-shard", "6", "--assign", "one", "--negatives", "random", "--negatives-per-image", "1")
"""An object that two chips of a level show is learnt in one of them; each image gives an empty chip where it can."""


def consumer_coco() -> Coco:
    """Return the annotations: those of the small set, and a row of objects that neighbouring chips share."""
    coco = small_coco()
    coco.image(760, 300, 21)
    for number, x in enumerate(range(20, 700, 130)):
        outline = [square(x, 30, 40), square(x + 45, 60, 15)]
        coco.box(21, [x, 30, 60, 45], category_id=(7, 1, 90)[number % 3], segmentation=outline)
    return coco

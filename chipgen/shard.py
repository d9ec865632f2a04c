"""One shard of a plan: all that is needed to write it, small enough to travel to a worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipgen.chips import Chips, Crop, Places
from chipgen.dataset import Annotations, Images
from chipgen.labels import ChipBoxes
from chipgen.rows import bboxes_of

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.plan import Plan


@dataclass(frozen=True)
class Shard:
    """Some chips of a plan with their images, boxes and annotations; rows count within the shard.

    Parameters
    ----------
    index, count
        Number of this shard and of all.
    first_id
        What was added to the ids of images and annotations; see `chipgen.partition_ids`.
    first_chip, first_box
        Id of the first chip here, and the one before that of the first box: rows in the plan, and `first_id`.
    images, annotations
        Those that the chips show.
    chips, boxes
        Rows refer to the tables above.
    image_row
        Row of each image in the dataset, shape ``(I,)``, int64.
    finest
        Largest factor at which each image is cut, in this shard or another, shape ``(I,)``, float64.
    factor, range_img
        Factors and valid range of each chip, shape ``(C, 2)``, float64.
    chip_size
        Side of a padded chip, px.
    """

    index: int
    count: int
    first_id: int
    first_chip: int
    first_box: int
    images: Images
    annotations: Annotations
    chips: Chips
    boxes: ChipBoxes
    image_row: Ints
    finest: Floats
    factor: Floats
    range_img: Floats
    chip_size: int

    @cached_property
    def bboxes(self) -> Floats:
        """Return the boxes as COCO writes them, shape ``(B, 4)``, chip px."""
        return bboxes_of(self.boxes.xyxy_chip)

    @cached_property
    def box_spans(self) -> list[int]:
        """Return the first box of each chip and the end of the last: C + 1 numbers."""
        ends: list[int] = np.searchsorted(self.boxes.chip, np.arange(len(self.chips) + 1)).tolist()
        return ends

    def image_of(self, annotations: list[int]) -> Ints:
        """Return the images of some annotations; both count within the shard."""
        return np.searchsorted(self.image_row, self.annotations.image[annotations])

    def crops(self, *, pad: bool) -> list[Crop]:
        """Return the place of each chip in its image."""
        factor, origin, content = (
            [(x, y) for x, y in column.tolist()]
            for column in (self.factor, self.chips.origin_scaled, self.chips.content)
        )
        size = [(self.chip_size, self.chip_size)] * len(content) if pad else content
        return list(map(Crop, factor, origin, content, size))

    @cached_property
    def places(self) -> Places:
        """Return the same as columns, padding left out."""
        origin, content = self.chips.origin_scaled, self.chips.content
        window_img = np.concatenate((origin / self.factor, (origin + content) / self.factor), axis=1)
        return Places(window_img, self.factor, origin)


def take_shard(plan: Plan, index: int) -> Shard:
    """Cut one shard out of a plan."""
    first, stop = plan.shards[index : index + 2].tolist()
    first_box, stop_box = plan.box_spans[[first, stop]].tolist()
    chips, boxes = plan.chips.take(slice(first, stop)), _box_rows(plan.boxes, first_box, stop_box)
    image_row, image = np.unique(chips.image, return_inverse=True)
    annotation_row, annotation = np.unique(boxes.annotation, return_inverse=True)
    images, first_id = plan.dataset.images, plan.dataset.source.first_id
    cell = (chips.image, chips.level)
    return Shard(
        index=index,
        count=len(plan.shards) - 1,
        first_id=first_id,
        first_chip=first_id + first,
        first_box=first_id + first_box,
        images=Images(
            images.id[image_row],
            tuple(images.file_name[row] for row in image_row.tolist()),
            images.size_img[image_row],
        ),
        annotations=plan.dataset.annotations.take(annotation_row),
        chips=replace(chips, image=image.reshape(-1)),
        boxes=replace(boxes, chip=boxes.chip - first, annotation=annotation.reshape(-1)),
        image_row=image_row,
        finest=_finest(plan, image_row),
        factor=plan.levels.factor[cell],
        range_img=plan.levels.range_img[cell],
        chip_size=plan.config.chip_size,
    )


def _finest(plan: Plan, image_row: Ints) -> Floats:
    """Return the largest factor at which chips are cut from some images, all their chips in the plan regarded."""
    first = np.searchsorted(plan.chips.image, image_row, "left")
    stop = np.searchsorted(plan.chips.image, image_row, "right")
    largest = [
        plan.levels.factor[row, plan.chips.level[begin:end]].max()
        for row, begin, end in zip(image_row.tolist(), first.tolist(), stop.tolist(), strict=True)
    ]
    return np.array(largest, dtype=np.float64)


def _box_rows(boxes: ChipBoxes, first: int, stop: int) -> ChipBoxes:
    """Return some boxes."""
    rows = slice(first, stop)
    return ChipBoxes(
        boxes.chip[rows],
        boxes.annotation[rows],
        boxes.xyxy_chip[rows],
        boxes.visibility[rows],
        boxes.enclosed[rows],
        boxes.state[rows],
    )

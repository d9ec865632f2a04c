"""The boxes of chips, finished for the writers: many chips at a time, so that their masks are cut together."""

from __future__ import annotations

import bisect
import itertools
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from chipgen.dataset import Skipped
from chipgen.details import Details, guarded, read_details
from chipgen.labels import STATES
from chipgen.masks import Polygons, crop_keypoints, crop_many, crop_mask
from chipgen.rows import Objects

if TYPE_CHECKING:
    from typing import Any

    from chipgen.boxes import Ints
    from chipgen.chips import Crop
    from chipgen.errors import UnusableError
    from chipgen.export_config import ExportConfig
    from chipgen.shard import Shard

SMALLEST = 0.001
"""Square chip px: a mask may cover next to nothing, but evaluation and trainers want areas above zero."""

Cut = tuple["Any", float]
"""A mask as COCO writes it, chip px, None when nothing of it is in the chip; and its area, square chip px."""


MOST_BOXES = 2000
"""Boxes whose masks are cut together: as much work at a time as makes calls cheap, and no more memory than a few
chips take."""


class ShardObjects:
    """Finishes the boxes of the chips of a shard, whose masks it cuts some chips ahead.

    Parameters
    ----------
    shard
        The chips.
    crops
        Their places.
    config
        Says which boxes are written, and as what.
    """

    def __init__(self, shard: Shard, crops: list[Crop], config: ExportConfig) -> None:
        self.shard, self.crops, self.config = shard, crops, config
        self.details: dict[int, Details] = {}
        self.notes: dict[int, list[Skipped]] = {}
        self.ready, self.finished = range(0), list[Objects]()

    def of(self, chip: int) -> Objects:
        """Return the boxes of a chip that are written; chips are asked for in order, but some may be left out."""
        if chip not in self.ready:
            spans = self.shard.box_spans
            stop = bisect.bisect_right(spans, spans[chip] + MOST_BOXES) - 1
            self.ready = range(chip, max(stop, chip + 1))
            self.finished = self.finish(self.ready)
        return self.finished[chip - self.ready.start]

    def noted(self, image: int) -> list[Skipped]:
        """Return what could not be used of the masks and keypoints of an image, once its chips are done."""
        return self.notes.pop(image, [])

    def finish(self, chips: range) -> list[Objects]:
        """Finish the boxes of some chips."""
        shard, boxes = self.shard, self.shard.boxes
        rows = np.arange(shard.box_spans[chips.start], shard.box_spans[chips.stop])
        if self.config.ignored in {"drop", "paint"}:
            rows = rows[boxes.state[rows] == 0]
        whole = self.columns(rows)
        ends = np.searchsorted(boxes.chip[rows], np.arange(chips.start, chips.stop + 1)).tolist()
        return [whole.part(first, stop) for first, stop in itertools.pairwise(ends)]

    def columns(self, rows: Ints) -> Objects:
        """Finish some boxes: their masks, keypoints and extra fields."""
        shard, boxes = self.shard, self.shard.boxes
        annotation = boxes.annotation[rows]
        details = self.read(annotation)
        crops = [self.crops[chip] for chip in boxes.chip[rows].tolist()]
        bbox = shard.bboxes[rows].tolist()
        masks = self.cut(annotation.tolist(), details, boxes.chip[rows])
        reasons = [STATES[state] for state in boxes.state[rows].tolist()]
        keep = self.config.ignored == "keep"
        points = [
            (None, None) if own.points is None else crop_keypoints(own.points, crop)
            for own, crop in zip(details, crops, strict=True)
        ]
        return Objects(
            id=(rows + shard.first_box + 1).tolist(),
            bbox=bbox,
            category=shard.annotations.category[annotation].tolist(),
            category_id=shard.annotations.category_id[annotation].tolist(),
            area=[_area(box, mask) for box, mask in zip(bbox, masks, strict=True)],
            crowd=[bool(reason) and not keep for reason in reasons],
            valid=[not reason for reason in reasons],
            ignore_reason=reasons,
            visibility=[round(share, 6) for share in boxes.visibility[rows].tolist()],
            source_id=shard.annotations.id[annotation].tolist(),
            segmentation=[segmentation for segmentation, _ in masks],
            keypoints=[flat for flat, _ in points],
            num_keypoints=[labelled for _, labelled in points],
            extra=[own.extra for own in details],
        )

    def read(self, annotation: Ints) -> list[Details]:
        """Read what annotations carry, each once however many chips show it; forget what chips before carried."""
        known, rows = self.details, np.unique(annotation).tolist()
        new = [row for row in rows if row not in known]
        shard = self.shard
        sizes = [(width, height) for width, height in shard.images.size_img[shard.image_of(new)].tolist()]
        raws = [shard.annotations.raw[row] for row in new]
        found = read_details(raws, sizes, lambda number, error: self.note(new[number], error))
        self.details = {row: known[row] for row in rows if row in known} | dict(zip(new, found, strict=True))
        return [self.details[row] for row in annotation.tolist()]

    def cut(self, annotation: list[int], details: list[Details], chip: Ints) -> list[Cut]:
        """Cut the masks of boxes: polygons all together, others, and what does not go well, one by one."""
        cuts: list[Cut | None] = [None] * len(details)
        some = [at for at, own in enumerate(details) if isinstance(own.mask, Polygons)]
        numbers: dict[int, int] = {}
        mask = np.array([numbers.setdefault(annotation[at], len(numbers)) for at in some], dtype=np.int64)
        known = [self.details[row].mask for row in numbers]
        polygons = [one for one in known if isinstance(one, Polygons)]
        for at, cut in zip(some, crop_many(polygons, mask, self.shard.places.take(chip[some])), strict=True):
            cuts[at] = cut
        for at, (row, own) in enumerate(zip(annotation, details, strict=True)):
            if cuts[at] is None and own.mask is not None:
                work = partial(crop_mask, own.mask, self.crops[int(chip[at])])
                cuts[at] = guarded(row, work, self.note)
        return [cut or (None, 0.0) for cut in cuts]

    def note(self, annotation: int, error: UnusableError) -> None:
        """Note that a mask or keypoints cannot be used."""
        images, identifier = self.shard.images, int(self.shard.annotations.id[annotation])
        image = int(self.shard.image_of([annotation])[0])
        where = int(images.id[image]), identifier, images.file_name[image]
        self.notes.setdefault(image, []).append(Skipped("mask", *where, error.reason, error.message))


def _area(bbox: list[float], mask: Cut) -> float:
    """Return the area of what is visible of a mask, or else of a box, square chip px."""
    area = bbox[2] * bbox[3] if mask[0] is None else mask[1]
    return max(round(area, 3), SMALLEST)

"""The boxes of chips, finished for the writers: some chips of an image at a time, their masks cut together."""

from __future__ import annotations

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
    from chipgen.findings import Findings
    from chipgen.shard import Shard

SMALLEST = 0.001
"""Square chip px: a mask may cover next to nothing, but evaluation and trainers want areas above zero."""

Cut = tuple["Any", float]
"""A mask as COCO writes it, chip px, None when nothing of it is in the chip; and its area, square chip px."""


class ImageObjects:
    """Finishes the boxes of the chips of one image.

    Parameters
    ----------
    shard, image
        The chips, and which of the images they are cut from.
    crops
        The places of all chips of the shard.
    config
        Says which boxes are written, and as what.
    findings
        Broken masks and keypoints are noted there and left out; their boxes stay.
    """

    def __init__(self, shard: Shard, image: int, crops: list[Crop], config: ExportConfig, findings: Findings) -> None:
        self.shard, self.image, self.crops = shard, image, crops
        self.config, self.findings = config, findings
        self.size_img: tuple[int, int] = tuple(shard.images.size_img[image].tolist())
        self.details: dict[int, Details] = {}

    def of(self, chips: range) -> list[Objects]:
        """Return the boxes of some chips of the image that are written."""
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
        """Read what annotations carry, each once however many chips show it."""
        new = [row for row in np.unique(annotation).tolist() if row not in self.details]
        raw = self.shard.annotations.raw
        found = read_details(
            [raw[row] for row in new], self.size_img, lambda number, error: self.note(new[number], error)
        )
        self.details.update(zip(new, found, strict=True))
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
        images, annotations = self.shard.images, self.shard.annotations
        self.findings.skipped.append(
            Skipped(
                kind="mask",
                image_id=int(images.id[self.image]),
                annotation_id=int(annotations.id[annotation]),
                file_name=images.file_name[self.image],
                reason=error.reason,
                message=error.message,
            )
        )


def _area(bbox: list[float], mask: Cut) -> float:
    """Return the area of what is visible of a mask, or else of a box, square chip px."""
    area = bbox[2] * bbox[3] if mask[0] is None else mask[1]
    return max(round(area, 3), SMALLEST)

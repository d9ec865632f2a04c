"""From one shard of the plan to finished chips: each image is decoded once, each mask read once."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from chipgen.chips import KINDS, Crop
from chipgen.dataset import Skipped
from chipgen.errors import DataError, UnusableError
from chipgen.images import EXTENSIONS, Picture, engine_of, locate, open_picture, reduction_for
from chipgen.labels import STATES
from chipgen.loose_json import parse
from chipgen.masks import Mask, crop_keypoints, crop_mask, read_keypoints, read_mask
from chipgen.rows import ChipRow, ObjectRow, SourceRow, range_chip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chipgen.boxes import Floats
    from chipgen.export_config import ExportConfig
    from chipgen.findings import Findings
    from chipgen.shard import Shard

OURS = frozenset(
    {"id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "keypoints", "num_keypoints"}
)
"""Fields of a source annotation that are made anew; all others are extra."""

SMALLEST = 0.001
"""Square chip px: a mask may cover next to nothing, but evaluation and trainers want areas above zero."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class _Details:
    """What an annotation carries besides its box, read once however many chips show it."""

    mask: Mask | None
    points: Floats | None
    extra: dict[str, Any] | None


def render(
    shard: Shard, root: Path, config: ExportConfig, findings: Findings, tell: Callable[[int, str], None]
) -> Iterator[ChipRow]:
    """Make the chips of a shard, in plan order.

    Parameters
    ----------
    shard
        The chips to make.
    root
        The image root.
    config
        How to draw and label them.
    findings
        Filled along the way: the chips of an image that cannot be used are left out and noted there.
    tell
        Called with id and file name of each image before it is read.
    """
    for image, chips in itertools.groupby(range(len(shard.chips)), key=lambda chip: int(shard.chips.image[chip])):
        tell(int(shard.images.id[image]), shard.images.file_name[image])
        drawer = _drawer(shard, image, root, config, findings)
        if drawer is not None:
            yield from map(drawer.chip, chips)
        del drawer  # and its image, before the next one is decoded


def _drawer(shard: Shard, image: int, root: Path, config: ExportConfig, findings: Findings) -> _ImageRenderer | None:
    """Decode an image of the shard, or note why not."""
    row = int(shard.image_row[image])
    try:
        picture = _open(shard, image, root, config)
    except UnusableError as error:
        findings.skipped.append(_skipped_image(shard, image, error))
        findings.images[row] = error.reason
        return None
    findings.notes[row], findings.files[row] = picture.notes, picture.file
    return _ImageRenderer(shard, image, picture, config, findings)


def _open(shard: Shard, image: int, root: Path, config: ExportConfig) -> Picture:
    """Decode an image of the shard."""
    path = locate(root, shard.images.file_name[image], follow_symlinks=config.follow_symlinks)
    width, height = shard.images.size_img[image].tolist()
    return open_picture(path, (width, height), config, reduction_for(float(shard.finest[image])))


def _skipped_image(shard: Shard, image: int, error: UnusableError) -> Skipped:
    """Return the line for an image that cannot be used."""
    image_id, file_name = int(shard.images.id[image]), shard.images.file_name[image]
    return Skipped("image", image_id, None, file_name, error.reason, error.message)


class _ImageRenderer:
    """Makes the chips of one decoded image."""

    def __init__(self, shard: Shard, image: int, picture: Picture, config: ExportConfig, findings: Findings) -> None:
        self.shard, self.image, self.picture = shard, image, picture
        self.config, self.findings, self.engine = config, findings, engine_of(config.imaging)
        self.details: dict[int, _Details] = {}
        width, height = shard.images.size_img[image].tolist()
        self.source = SourceRow(int(shard.images.id[image]), shard.images.file_name[image], width, height)

    def chip(self, chip: int) -> ChipRow:
        """Make one chip."""
        shard, config = self.shard, self.config
        crop = shard.crop(chip, pad=config.pad)
        first, stop = np.searchsorted(shard.boxes.chip, (chip, chip + 1)).tolist()
        chip_id, level = shard.first_chip + chip, int(shard.chips.level[chip])
        return ChipRow(
            image_id=chip_id,
            file_name=f"{chip_id:08d}-{self.source.image_id}-{level}.{EXTENSIONS[config.image_format]}",
            encoded=self.draw(chip_id, crop, slice(first, stop)),
            size=crop.size,
            content=crop.content,
            kind=KINDS[shard.chips.kind[chip]],
            level=level,
            source=self.source,
            origin_img=crop.origin_img,
            factor=crop.factor,
            valid_range=range_chip(shard.range_img[chip], shard.factor[chip]),
            objects=tuple(self.objects(range(first, stop), crop)),
        )

    def draw(self, chip_id: int, crop: Crop, rows: slice) -> bytes:
        """Cut, paint and encode a chip.

        Raises
        ------
        DataError
            The libraries refuse, naming image and chip.
        """
        config, boxes = self.config, self.shard.boxes
        try:
            pixels = self.engine.cut(self.picture.pixels, crop, config)
            if config.ignored == "paint":
                xyxy_chip, valid = boxes.xyxy_chip[rows], boxes.state[rows] == 0
                hidden, kept = _whole(xyxy_chip[~valid]), _whole(xyxy_chip[valid])
                pixels = self.engine.paint_over(pixels, hidden, kept, config.fill)
            return self.engine.encode(pixels, config)
        except MemoryError:
            raise
        except UnusableError as error:  # of a raster, of which chips may have been written already
            where = f"chip {chip_id} of image {self.source.image_id}"
            todo = "put a sound copy in its place, or take the image out of the annotations"
            if error.reason == "too_large":
                todo = "raise --max-pixels, or choose another --resample"
            raise DataError.one(self.source.file_name, where, error.message, todo) from error
        except Exception as error:  # encoders raise whatever they like
            where = f"chip {chip_id} of image {self.source.image_id}"
            what = f"cannot be drawn as {config.image_format} ({type(error).__name__}: {error})"
            todo = "choose another --image-format or a smaller --chip-size"
            raise DataError.one(self.source.file_name, where, what, todo) from error

    def objects(self, boxes: range, crop: Crop) -> Iterator[ObjectRow]:
        """Yield the boxes of a chip that are written."""
        leave_out = self.config.ignored in {"drop", "paint"}
        for box in boxes:
            if self.shard.boxes.state[box] == 0 or not leave_out:
                yield self.object(box, crop)

    def object(self, box: int, crop: Crop) -> ObjectRow:
        """Finish one box: its mask, keypoints and extra fields."""
        boxes, annotations = self.shard.boxes, self.shard.annotations
        annotation = int(boxes.annotation[box])
        details = self.read(annotation)
        x, y, width, height = self.shard.bboxes[box].tolist()
        segmentation, area = None, width * height
        cropped = None
        if details.mask is not None:
            cropped = self.guard(annotation, partial(crop_mask, crop=crop), details.mask)
        if cropped is not None:
            segmentation, mask_area = cropped
            area = mask_area if segmentation is not None else area
        keypoints, labelled = (None, None) if details.points is None else crop_keypoints(details.points, crop)
        reason = STATES[boxes.state[box]]
        return ObjectRow(
            id=self.shard.first_box + box + 1,
            bbox=(x, y, width, height),
            category=int(annotations.category[annotation]),
            category_id=int(annotations.category_id[annotation]),
            area=max(round(area, 3), SMALLEST),
            crowd=bool(reason) and self.config.ignored != "keep",
            valid=not reason,
            ignore_reason=reason,
            visibility=round(float(boxes.visibility[box]), 6),
            source_id=int(annotations.id[annotation]),
            segmentation=segmentation,
            keypoints=keypoints,
            num_keypoints=labelled,
            extra=details.extra,
        )

    def read(self, annotation: int) -> _Details:
        """Read what an annotation carries besides its box, once; a broken mask is noted and left out."""
        if annotation not in self.details:
            fields = self.guard(annotation, _parse, self.shard.annotations.raw[annotation]) or {}
            self.details[annotation] = _Details(
                self.guard(annotation, self.read_mask, fields.get("segmentation")),
                self.guard(annotation, read_keypoints, fields.get("keypoints")),
                {name: value for name, value in fields.items() if name not in OURS} or None,
            )
        return self.details[annotation]

    def read_mask(self, value: Any) -> Mask | None:
        """Read a mask of this image."""
        return read_mask(value, (self.source.width, self.source.height))

    def guard(self, annotation: int, read: Callable[[Any], Read], value: Any) -> Read | None:
        """Read or cut a mask or keypoints, or note why not."""
        try:
            return read(value)
        except UnusableError as error:
            self.findings.skipped.append(
                Skipped(
                    kind="mask",
                    image_id=self.source.image_id,
                    annotation_id=int(self.shard.annotations.id[annotation]),
                    file_name=self.source.file_name,
                    reason=error.reason,
                    message=error.message,
                )
            )
            return None


def _parse(raw: bytes) -> dict[str, Any]:
    """Parse an annotation.

    Raises
    ------
    UnusableError
        It is nested too deeply.
    """
    try:
        value: dict[str, Any] = parse(raw)
    except RecursionError as error:
        raise UnusableError("bad_mask", "the annotation is nested too deeply") from error
    return value


def _whole(boxes_chip: Floats) -> list[tuple[int, int, int, int]]:
    """Return the whole pixels that boxes touch."""
    return [
        (math.floor(x1 + 1e-6), math.floor(y1 + 1e-6), math.ceil(x2 - 1e-6), math.ceil(y2 - 1e-6))
        for x1, y1, x2, y2 in boxes_chip.tolist()
    ]

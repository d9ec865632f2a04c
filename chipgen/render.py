"""From one shard of the plan to finished chips: each image is decoded once, each mask read once."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from chipgen.chips import KINDS
from chipgen.dataset import Skipped
from chipgen.errors import DataError, StorageError, UnusableError
from chipgen.images import EXTENSIONS, Picture, engine_of, locate, open_picture, reduction_for
from chipgen.objects import ShardObjects
from chipgen.rows import ChipRow, SourceRow, ranges_chip, stem_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chipgen.boxes import Floats
    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig
    from chipgen.findings import Findings
    from chipgen.shard import Shard


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
    objects = ShardObjects(shard, shard.crops(pad=config.pad), config)
    ranges = ranges_chip(shard.range_img, shard.factor)
    ends = np.searchsorted(shard.chips.image, np.arange(len(shard.images) + 1)).tolist()
    for image, (first, stop) in enumerate(itertools.pairwise(ends)):
        tell(int(shard.images.id[image]) - shard.first_id, shard.images.file_name[image])
        picture = _picture(shard, image, root, config, findings)
        if picture is not None:
            yield from map(_ImageRenderer(shard, image, picture, objects, ranges).chip, range(first, stop))
        noted = objects.noted(image)
        findings.skipped.extend(noted if picture is not None else ())
        del picture  # before the next one is decoded


def _picture(shard: Shard, image: int, root: Path, config: ExportConfig, findings: Findings) -> Picture | None:
    """Decode an image of the shard, or note why not."""
    row = int(shard.image_row[image])
    try:
        picture = _open(shard, image, root, config)
    except UnusableError as error:
        findings.skipped.append(_skipped_image(shard, image, error))
        findings.images[row] = error.reason
        return None
    findings.notes[row], findings.files[row] = picture.notes, picture.file
    return picture


def _open(shard: Shard, image: int, root: Path, config: ExportConfig) -> Picture:
    """Decode an image of the shard."""
    path = locate(root, shard.images.file_name[image], follow_symlinks=config.follow_symlinks)
    width, height = shard.images.size_img[image].tolist()
    return open_picture(path, (width, height), config, reduction_for(float(shard.finest[image]), config.resample))


def _skipped_image(shard: Shard, image: int, error: UnusableError) -> Skipped:
    """Return the line for an image that cannot be used."""
    image_id, file_name = int(shard.images.id[image]), shard.images.file_name[image]
    return Skipped("image", image_id, None, file_name, error.reason, error.message)


class _ImageRenderer:
    """Makes the chips of one decoded image."""

    def __init__(
        self,
        shard: Shard,
        image: int,
        picture: Picture,
        objects: ShardObjects,
        ranges: list[tuple[float, float | None]],
    ) -> None:
        self.shard, self.picture, self.objects, self.ranges = shard, picture, objects, ranges
        self.config, size = objects.config, shard.images.size_img[image].tolist()
        self.source = SourceRow(int(shard.images.id[image]), shard.images.file_name[image], *size)
        self.engine = engine_of(self.config.imaging)

    def chip(self, chip: int) -> ChipRow:
        """Make one chip."""
        shard, crop = self.shard, self.objects.crops[chip]
        chip_id, level = shard.first_chip + chip, int(shard.chips.level[chip])
        return ChipRow(
            image_id=chip_id,
            file_name=f"{stem_of(chip_id, self.source.image_id, level)}.{EXTENSIONS[self.config.image_format]}",
            encoded=self.draw(chip_id, crop, slice(*shard.box_spans[chip : chip + 2])),
            size=crop.size,
            content=crop.content,
            kind=KINDS[shard.chips.kind[chip]],
            level=level,
            source=self.source,
            origin_img=crop.origin_img,
            factor=crop.factor,
            valid_range=self.ranges[chip],
            objects=self.objects.of(chip),
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
        except (MemoryError, StorageError):
            raise
        except UnusableError as error:  # of a raster, of which chips may have been written already
            where = f"chip {chip_id} of image {self.source.image_id - self.shard.first_id}"
            todo = "put a sound copy in its place, or take the image out of the annotations"
            if error.reason == "too_large":
                todo = "raise --max-pixels, or choose another --resample"
            raise DataError.one(self.source.file_name, where, error.message, todo) from error
        except Exception as error:  # encoders raise whatever they like
            where = f"chip {chip_id} of image {self.source.image_id - self.shard.first_id}"
            what = f"cannot be drawn as {config.image_format} ({type(error).__name__}: {error})"
            todo = "choose another --image-format or a smaller --chip-size"
            raise DataError.one(self.source.file_name, where, what, todo) from error


def _whole(boxes_chip: Floats) -> list[tuple[int, int, int, int]]:
    """Return the whole pixels that boxes touch."""
    return [
        (math.floor(x1 + 1e-6), math.floor(y1 + 1e-6), math.ceil(x2 - 1e-6), math.ceil(y2 - 1e-6))
        for x1, y1, x2, y2 in boxes_chip.tolist()
    ]

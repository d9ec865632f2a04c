"""What a writer is given: finished chips, one at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Floats


@dataclass(frozen=True)
class ObjectRow:
    """One box in one chip.

    Parameters
    ----------
    id
        Unique in the output, from 1 on: COCO's evaluation takes 0 for "no match".
    bbox
        x, y, width, height, chip px.
    category, category_id
        Position in the category table; the source's id.
    area
        Area of the mask where there is one, else of the box; square chip px.
    crowd
        Written as a crowd: ignored, unless ignored boxes are kept as ordinary ones.
    valid, ignore_reason, visibility
        Whether to learn it, why not, and the share of it that is visible.
    source_id
        Id of the source annotation.
    segmentation
        Polygons or run-length code, chip px; None when there is nothing of it in the chip.
    keypoints, num_keypoints
        Triples x, y, v, chip px, and how many are labelled; None when the source has none.
    extra
        All other fields of the source; None when there are none.
    """

    id: int
    bbox: list[float]
    category: int
    category_id: int
    area: float
    crowd: bool
    valid: bool
    ignore_reason: str
    visibility: float
    source_id: int
    segmentation: Any
    keypoints: list[float] | None
    num_keypoints: int | None
    extra: dict[str, Any] | None


@dataclass(frozen=True)
class Objects:
    """The boxes of one chip, as columns of the fields of `ObjectRow`."""

    id: list[int]
    bbox: list[list[float]]
    category: list[int]
    category_id: list[int]
    area: list[float]
    crowd: list[bool]
    valid: list[bool]
    ignore_reason: list[str]
    visibility: list[float]
    source_id: list[int]
    segmentation: list[Any]
    keypoints: list[list[float] | None]
    num_keypoints: list[int | None]
    extra: list[dict[str, Any] | None]

    def part(self, first: int, stop: int) -> Objects:
        """Return some neighbours."""
        return Objects(*[column[first:stop] for column in vars(self).values()])

    def rows(self) -> Iterator[ObjectRow]:
        """Yield the boxes one by one."""
        return map(ObjectRow, *vars(self).values())


@dataclass(frozen=True)
class SourceRow:
    """The image a chip was cut from, as its annotations describe it."""

    image_id: int
    file_name: str
    width: int
    height: int


@dataclass(frozen=True)
class ChipRow:
    """One finished chip.

    Parameters
    ----------
    image_id
        Id of the chip.
    file_name
        Name for a file or for the Parquet column ``image.path``.
    encoded
        The encoded chip.
    size, content
        Width and height with and without padding, chip px.
    kind, level
        ``positive`` or ``negative``; number of the level.
    source
        The image it was cut from.
    origin_img, factor
        image px = chip px / factor + origin.
    valid_range
        ``(lo, hi)`` in chip px; hi None when open.
    objects
        Its boxes.
    """

    image_id: int
    file_name: str
    encoded: bytes
    size: tuple[int, int]
    content: tuple[int, int]
    kind: str
    level: int
    source: SourceRow
    origin_img: tuple[float, float]
    factor: tuple[float, float]
    valid_range: tuple[float, float | None]
    objects: Objects


def stem_of(chip_id: int, image_id: int, level: int) -> str:
    """Return the name of the files of a chip, without ending."""
    return f"{chip_id:08d}-{image_id}-{level}"


def ranges_chip(range_img: Floats, factor: Floats) -> list[tuple[float, float | None]]:
    """Return valid ranges in chip px: image px times the square root of the change of area.

    Parameters
    ----------
    range_img, factor
        Shape ``(C, 2)``.

    Returns
    -------
    list of tuple
        ``(lo, hi)`` for each; hi None when open.
    """
    ranges = (range_img * np.sqrt(factor[:, 0] * factor[:, 1])[:, None]).tolist()
    return [(lo, None if math.isinf(hi) else hi) for lo, hi in ranges]


def bboxes_of(xyxy_chip: Floats) -> Floats:
    """Return COCO's x, y, width, height of boxes, shape ``(N, 4)``, to a thousandth of a pixel.

    Corners are rounded before sides are taken, so that a box never grows beyond its chip.
    """
    corners = np.round(xyxy_chip, 3)
    return np.concatenate((corners[:, :2], np.round(corners[:, 2:] - corners[:, :2], 3)), axis=1)

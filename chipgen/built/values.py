"""Chips of a finished build, as people look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chipgen.rows import SourceRow


@dataclass(frozen=True)
class BuiltBox:
    """One box of a chip.

    Parameters
    ----------
    id, source_id
        Of the box in the output, and of the source annotation.
    bbox
        x, y, width, height, chip px.
    category, name
        Position in the category table, and the name of that class.
    valid, reason
        Whether it is to be learnt, and else why not, a word from `chipgen.labels.STATES`.
    visibility
        Visible share of it, 0..1.
    segmentation
        Polygons or run-length code as COCO writes them, chip px; None where the shard tells none.
    """

    id: int
    source_id: int
    bbox: tuple[float, float, float, float]
    category: int
    name: str
    valid: bool
    reason: str
    visibility: float
    segmentation: Any


@dataclass(frozen=True)
class BuiltChip:
    """One chip.

    Parameters
    ----------
    row, id
        Its row in the plan table, and its id.
    encoded
        The picture, as its file or column holds it.
    kind, level
        ``positive`` or ``negative``; number of the level.
    source
        The image it was cut from.
    origin_img, factor
        image px = chip px / factor + origin.
    content
        Width and height without padding, chip px.
    valid_range
        ``(lo, hi)``, chip px; hi infinite when open.
    boxes
        Its boxes as the plan tells them: ignored ones too, whatever ``--ignored`` made of them in the shards.
    """

    row: int
    id: int
    encoded: bytes
    kind: str
    level: int
    source: SourceRow
    origin_img: tuple[float, float]
    factor: tuple[float, float]
    content: tuple[int, int]
    valid_range: tuple[float, float]
    boxes: tuple[BuiltBox, ...]

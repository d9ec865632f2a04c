"""Reading the source: COCO JSON with the standard library only."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from checker.model import XYXY, Annotation, Picture, Source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CROWD_FLAGS = ("iscrowd", "ignore", "difficult")


def read_source(path: Path, root: Path, limit: int | None = None) -> Source:
    """Read a COCO file; `limit` keeps the first images by id."""
    document = json.loads(path.read_bytes())
    pictures = [Picture(i["id"], i["file_name"], i["width"], i["height"]) for i in document["images"]]
    kept = {picture.id: picture for picture in sorted(pictures, key=lambda picture: picture.id)[:limit]}
    annotations = [_annotation(a, kept[a["image_id"]]) for a in document["annotations"] if a["image_id"] in kept]
    annotations.sort(key=lambda annotation: (annotation.image_id, annotation.id))
    return Source(path, root, kept, tuple(annotations), document["categories"])


def _annotation(raw: dict[str, Any], picture: Picture) -> Annotation:
    return Annotation(
        id=raw["id"],
        image_id=raw["image_id"],
        category_id=raw["category_id"],
        box_img=clipped(raw["bbox"], picture),
        crowd=any(bool(raw.get(flag)) for flag in CROWD_FLAGS),
        raw=raw,
    )


def clipped(bbox: Sequence[float], picture: Picture) -> XYXY | None:
    """Clip a box to its image; None where nothing of it is left, or where it is no box."""
    x, y, width, height = bbox
    if not all(math.isfinite(number) for number in bbox) or width <= 0 or height <= 0:
        return None
    x1, x2 = (min(max(end, 0.0), float(picture.width)) for end in (x, x + width))
    y1, y2 = (min(max(end, 0.0), float(picture.height)) for end in (y, y + height))
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None

"""Builds made by hand: one image, one level, chips wherever a test wants them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from checker.model import Build, Chip, Negatives, Picture, Settings, Source
from checker.source import read_source

PICTURE = Picture(1, "a.png", 400, 200)
PLAIN = Settings(scales=("1x",), ranges=("10-60",), chip_size=100, stride=50)
"""The image as it is; boxes in it are boxes in scaled px."""

Place = tuple[str, int, int, int]
"""Kind, left, top, and the plan's count of proposals."""


def source_by_hand(folder: Path, annotations: list[dict[str, Any]]) -> Source:
    """Write and read annotations; ids are 1, 2, 3, ..."""
    rows = [{"id": n, "image_id": 1, "category_id": 1, **one} for n, one in enumerate(annotations, start=1)]
    image = {"id": 1, "file_name": PICTURE.file_name, "width": PICTURE.width, "height": PICTURE.height}
    document = {"images": [image], "annotations": rows, "categories": [{"id": 1, "name": "kite"}]}
    path = folder / "annotations.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_source(path, folder)


def build_by_hand(places: list[Place]) -> Build:
    """Put chips at places, positive ones first; without pixels and boxes."""
    chips = [_chip(number, *place[:3]) for number, place in enumerate(places)]
    plan = [{"image_id": number, "proposals": place[-1]} for number, place in enumerate(places)]
    return Build(Path("nowhere"), "parquet", chips, [], [], {}, plan, [], [])


def _chip(number: int, kind: str, left: int, top: int) -> Chip:
    size = PLAIN.chip_size
    return Chip(
        id=number,
        encoded=b"",
        width=size,
        height=size,
        kind=kind,
        level=0,
        source=PICTURE,
        x0=float(left),
        y0=float(top),
        factor_x=1.0,
        factor_y=1.0,
        content_width=size,
        content_height=size,
        lo=10.0,
        hi=60.0,
    )


def mined_by_hand(folder: Path, boxes: list[list[float]], **asked: Any) -> Settings:
    """Write proposals, numbered from 0, best first; return settings that mine negative chips from them."""
    lines = [{"image_id": 1, "category_id": 1, "bbox": box, "score": 1 - n / 100} for n, box in enumerate(boxes)]
    path = folder / "proposals.json"
    path.write_text(json.dumps(lines), encoding="utf-8")
    return replace(PLAIN, negatives=Negatives("proposals", path, **{"min_proposals": (3,), **asked}))

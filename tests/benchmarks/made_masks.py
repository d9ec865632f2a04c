"""A COCO file like train2017, made by code: polygons and crowds; and pictures for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.boxes import Floats

CATEGORIES = 80
OBJECTS = 8.6
"""Annotations an image, on average."""
CORNERS = 25
"""Corners of an outline, on average; each takes 16 bytes or so."""
CROWDS = 0.012
"""Share of annotations that are crowds, drawn as run lengths."""


def outline(box: Floats, rng: np.random.Generator) -> list[list[float]]:
    """Return a polygon inside a box given as x, y, w, h."""
    corners = int(rng.integers(6, 2 * CORNERS - 6))
    angle = np.sort(rng.random(corners)) * 2 * np.pi
    radius = rng.uniform(0.3, 0.5, corners)
    places = np.stack((0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)), axis=1) * box[2:] + box[:2]
    return [np.round(places, 2).reshape(-1).tolist()]


def run_lengths(box: Floats, width: int, height: int) -> dict[str, list[int]]:
    """Return a box, given as x, y, w, h, as run lengths of its image."""
    x, y, w, h = (int(side) for side in box)
    columns, rows = max(w, 1), max(h, 1)
    gaps = [rows, height - rows] * columns
    gaps[-1] = width * height - x * height - y - sum(gaps[:-1])
    return {"counts": [x * height + y, *gaps], "size": [height, width]}


def annotations_of(number: int, first: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield the objects of an image of 640 x 480 px, of the sizes of COCO's."""
    count = int(rng.poisson(OBJECTS))
    sides = np.exp(rng.normal(3.8, 1.0, (count, 2))).clip(3, (639, 479))
    boxes = np.concatenate((rng.random((count, 2)) * ((640, 480) - sides), sides), axis=1)
    for at, box in enumerate(boxes):
        crowd = bool(rng.random() < CROWDS)
        yield {
            "segmentation": run_lengths(box, 640, 480) if crowd else outline(box, rng),
            "area": round(float(box[2] * box[3]) * 0.6, 4),
            "iscrowd": int(crowd),
            "image_id": number,
            "bbox": np.round(box, 2).tolist(),
            "category_id": int(rng.integers(1, CATEGORIES + 1)),
            "id": first + at,
        }


def image_of(number: int) -> dict[str, Any]:
    """Return the entry of an image, with the addresses that COCO gives for it."""
    name = f"{number:012d}.jpg"
    return {
        "license": number % 8 + 1,
        "file_name": name,
        "coco_url": f"http://images.cocodataset.org/train2017/{name}",
        "height": 480,
        "width": 640,
        "date_captured": "2013-11-14 11:18:45",
        "flickr_url": f"http://farm9.staticflickr.com/8186/{number * 7919:010d}_{number * 104729:010x}_z.jpg",
        "id": number,
    }


def write_dataset(path: Path, images: int) -> int:
    """Write a COCO file like train2017, an image at a time; return how many annotations it has."""
    rng, written = np.random.default_rng(0), 0
    categories = [{"supercategory": "thing", "id": one, "name": f"thing {one}"} for one in range(1, CATEGORIES + 1)]
    with path.open("w", encoding="ascii") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        for number in range(1, images + 1):
            file.write(", " * (number > 1) + json.dumps(image_of(number)))
        file.write('], "annotations": [')
        for number in range(1, images + 1):
            for entry in annotations_of(number, written + 1, rng):
                file.write(", " * bool(written) + json.dumps(entry))
                written += 1
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return written


def photograph(rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Paint a picture with detail of all sizes, which compresses about as well as a photograph."""
    picture = np.full((height, width, 3), 128.0)
    for side, strength in ((4, 60), (16, 40), (64, 25), (160, 14), (max(width, height), 5)):
        grain = rng.normal(0, 1, (max(2, side * height // width), side, 3 if side < 200 else 1)) * strength
        layer = Image.fromarray(np.clip(grain + 128, 0, 255).astype(np.uint8).squeeze())
        picture += np.asarray(layer.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)) - 128.0
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def write_photographs(path: Path, images: int) -> None:
    """Write a dataset with its pictures, in the folder ``images`` beside it."""
    write_dataset(path, images)
    folder, rng = path.parent / "images", np.random.default_rng(4)
    folder.mkdir()
    for number in range(1, images + 1):
        photograph(rng, 640, 480).save(folder / image_of(number)["file_name"], quality=92)

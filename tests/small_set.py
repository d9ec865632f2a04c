"""A small dataset with pixels and a bit of everything: what most tests build."""

from __future__ import annotations

import copy
import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets_made import Coco
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES: list[dict[str, Any]] = [
    {"id": 7, "name": "car", "supercategory": "vehicle"},
    {"id": 1, "name": "person", "keypoints": ["head", "feet"], "skeleton": [[1, 2]]},
    {"id": 90, "name": "boat"},
]
SIZES = {5: (640, 480), 3: (300, 200), 11: (500, 900), 8: (320, 320)}
LEVELS = ("--scales", "1x,2x,256", "--valid-ranges", "20-120,0-60,60-", "--chip-size", "256")
SCALES = (*LEVELS, "--chips-per-shard", "4")
"""So few that every build has several shards."""


def texture(width: int, height: int, seed: int) -> Image.Image:
    """Return a picture without flat regions, smooth enough to be compared after resampling."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


@functools.lru_cache(maxsize=200)
def texture_file(width: int, height: int, seed: int, suffix: str = ".png") -> bytes:
    """Return the file of such a picture: making it takes longer than building chips of it, and most tests need one."""
    stream = io.BytesIO()
    texture(width, height, seed).save(stream, Image.registered_extensions()[suffix.lower()])
    return stream.getvalue()


def square(x: float, y: float, side: float) -> list[float]:
    """Return the outline of a square."""
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def small_coco() -> Coco:
    """Return the annotations."""
    coco = Coco(categories=copy.deepcopy(CATEGORIES))  # tests write into it
    for identifier, (width, height) in SIZES.items():
        coco.image(width, height, identifier)
    coco.box(5, [40.5, 60.25, 60, 40], segmentation=[[40.5, 60.25, 100.5, 60.25, 100.5, 100.25]], occluded=True)
    coco.box(5, [300, 200, 30, 30], segmentation=[square(300, 200, 10), square(315, 215, 15)], category_id=90)
    coco.box(5, [320, 210, 240, 200], segmentation=[], category_id=90, attributes={"ignore": 1, "colour": "blue"})
    coco.box(5, [0, 300, 128, 64], iscrowd=1, segmentation=_runs(640, 480, (0, 300, 128, 364)))
    coco.box(5, [500, 20, 20, 60], category_id=1, keypoints=[510, 25, 2, 510, 75, 1], num_keypoints=2)
    coco.box(3, [10, 10, 12, 12], visibility="low")
    coco.box(3, [290, 190, 20, 20])  # over the edge
    coco.box(11, [100, 100, 300, 700], segmentation=_runs(500, 900, (120, 150, 380, 780)))
    coco.box(11, [130, 130, 9, 9], ignore=1)
    coco.box(11, [400, 850, 0.9, 0.9])
    coco.box(11, [0, 0, 500, 30], difficult=True)
    coco.box(8, [0, 0, 100, 100])  # its chip at 1x shows a little of the next two
    coco.box(8, [250, 0, 60, 60])
    coco.box(8, [0, 60, 300, 20])  # too long for a chip at 1x
    coco.box(8, [10, 200, 20, 20])
    coco.box(8, [15, 205, 0.9, 0.9])  # too small, inside one that is not
    return coco


def _runs(width: int, height: int, box: tuple[int, int, int, int]) -> dict[str, Any]:
    """Return a box as uncompressed runs."""
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 1
    flat = pixels.ravel(order="F")
    edges = np.concatenate(([0], np.flatnonzero(np.diff(flat, prepend=0)), [len(flat)]))
    return {"size": [height, width], "counts": np.diff(edges).tolist()}


def small_proposals() -> list[dict[str, Any]]:
    """Return proposals for it: a grid over each image, better ones first."""
    return [
        {"image_id": image, "bbox": [x, y, 30 + x % 40, 30], "score": round(1 - x / 2000 - y / 10**7, 7)}
        for image, (width, height) in SIZES.items()
        for x in range(0, width - 70, 24)
        for y in range(0, height - 40, 24)
    ]


def write_small_set(folder: Path, coco: Coco | None = None) -> Path:
    """Write annotations and images and return the annotation file."""
    coco = coco or small_coco()
    (folder / "images").mkdir(parents=True)
    for image in coco.images:
        file = folder / "images" / image["file_name"]
        if not file.exists():
            file.write_bytes(texture_file(image["width"], image["height"], abs(image["id"]), file.suffix))
    path = folder / "instances.json"
    path.write_text(coco.text(), encoding="utf-8")
    return path

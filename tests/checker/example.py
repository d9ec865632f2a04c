"""A small dataset with one of everything, made by code, and the way to run the real program on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pycocotools.mask as coco_mask
from PIL import Image
from run_cli import chipgen_here

from checker.model import Negatives, Settings

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = Settings(scales=("1x", "0.5x", "2x"), ranges=("20-100", "110-", "0-18"), chip_size=256, lossless=True)
"""Levels out of order, and gaps between ranges, so that every status occurs."""

SIZES = {7: (700, 500), 3: (240, 180), 12: (401, 300), 20: (64, 64), 9: (640, 420)}
NAMES = {7: "a.png", 3: "below/b.png", 12: "grey.png", 20: "nothing.png", 9: "wide.png"}


def run_chipgen(*arguments: str | Path, code: int = 0) -> str:
    """Run the command line; return what it printed."""
    return chipgen_here(*map(str, arguments)).expect(code).out


def build_options(settings: Settings) -> list[str]:
    """Return settings as command-line options; the numbers that are defaults stay unsaid."""
    ranges = "auto" if settings.ranges is None else ",".join(settings.ranges)
    options = ["--scales", ",".join(settings.scales), "--valid-ranges", ranges, "--ignored", settings.ignored]
    options += ["--chip-size", str(settings.chip_size), "--image-format", "png" if settings.lossless else "jpeg"]
    options += [] if settings.assign == "all" else ["--assign", settings.assign]
    return [*options, "--pad" if settings.pad else "--no-pad", *_negative_options(settings.negatives)]


def _negative_options(asked: Negatives) -> list[str]:
    """Return nothing for builds without negatives: that is the default."""
    if asked.mode == "none":
        return []
    per_image = "all" if asked.per_image is None else str(asked.per_image)
    options = ["--negatives", asked.mode, "--negatives-per-image", per_image]
    named = {
        "--proposals": asked.proposals,
        "--negative-ratio": asked.ratio,
        "--min-proposals": asked.min_proposals and ",".join(map(str, asked.min_proposals)),
        "--max-ignored-area": asked.max_ignored_area,
        "--min-score": asked.min_score,
        "--max-proposals": asked.max_proposals,
        "--object-iou": asked.object_iou,
        "--crowd-share": asked.crowd_share,
    }
    return options + [text for name, value in named.items() if value is not None for text in (name, str(value))]


def make_example(folder: Path) -> Path:
    """Write the images and their annotations; return the path of the annotations."""
    images = folder / "images"
    rng = np.random.default_rng(5)
    for image_id, (width, height) in SIZES.items():
        path = images / NAMES[image_id]
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        (picture.convert("L") if image_id == 12 else picture).save(path)
    document = {
        "images": [
            {"id": id_, "file_name": NAMES[id_], "width": size[0], "height": size[1]} for id_, size in SIZES.items()
        ],
        "annotations": _annotations(rng),
        "categories": [{"id": 5, "name": "kite"}, {"id": 2, "name": "boat", "supercategory": "vehicle"}],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _annotations(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return annotations, ids falling, so that file order is not id order."""
    made = [*_masked(), *_flagged(), *_odd(), *_many(rng), *_wide()]
    for number, annotation in enumerate(made):
        annotation.setdefault("image_id", 7)
        annotation.setdefault("iscrowd", 0)
        annotation |= {"id": 900 - number, "category_id": (2, 5)[number % 2], "area": 1.0}
    return made


def _masked() -> list[dict[str, Any]]:
    """Return annotations with masks and keypoints."""
    width, height = SIZES[7]
    mask = np.zeros((height, width), dtype=np.uint8, order="F")
    mask[310:360, 410:480] = 1
    code = coco_mask.encode(mask)
    flat = mask.ravel(order="F").astype(np.int8)
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *edges.tolist(), flat.size]).tolist()
    points = [110.5, 120.25, 2, 150, 140, 1, 0, 0, 0, 168, 158, 2]
    star = [100, 100, 170, 105, 140, 130, 170, 160, 105, 150]
    return [
        {"bbox": [100, 100, 70, 60], "segmentation": [star], "keypoints": points, "num_keypoints": 3},
        {"bbox": [220, 40, 80, 60], "segmentation": [[220, 40, 250, 40, 250, 100], [260, 50, 300, 45, 290, 95]]},
        {"bbox": [410, 310, 70, 50], "segmentation": {"size": [height, width], "counts": runs}},
        {
            "bbox": [410, 310, 70, 50],
            "segmentation": {"size": [height, width], "counts": code["counts"].decode()},
            "iscrowd": 1,
        },
    ]


def _flagged() -> list[dict[str, Any]]:
    """Return annotations that the source ignores, and some with fields of its own."""
    return [
        {"bbox": [300, 200, 40, 40], "ignore": 1},
        {"bbox": [350, 220, 30, 45], "difficult": True, "note": "far away"},
        {"bbox": [500, 60, 45.5, 33.3], "attributes": {"colour": "red", "parts": [1, 2]}, "note": None},
    ]


def _odd() -> list[dict[str, Any]]:
    """Return boxes at the edges of the laws."""
    return [
        {"bbox": [20, 440, 600, 40]},  # 300 px at half size: no chip holds it
        {"bbox": [50, 50, 0.9, 30]},  # 1.8 px at double size: too thin
        {"bbox": [560, 380, 105, 105]},  # in the gap between two ranges
        {"bbox": [200, 150, 100, 100]},  # exactly at an end that is open
        {"bbox": [30, 300, 20, 20]},  # exactly at an end that is closed
        {"bbox": [10.5, 200, 256, 30]},  # as long as a chip, between whole pixels
        {"bbox": [680, 470, 60, 60]},  # leaves the image
        {"bbox": [0, 0, 240, 180], "image_id": 3},
        {"bbox": [100, 60, 50, 50], "image_id": 3},
        {"bbox": [200, 100, 0, 10]},  # nothing
    ]


def _many(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return small boxes anywhere in the first and the grey image."""
    # At double size 1.8 of 3.2 px lie left of a multiple of the stride: too thin in a chip that ends there.
    made: list[dict[str, Any]] = [
        {"bbox": [16 * column - 0.9, 60 + 9 * column, 1.6, 40], "image_id": 12} for column in range(4, 24)
    ]
    for image_id in (7, 12):
        for _ in range(25):
            size = rng.uniform(4, 60, 2)
            place = rng.uniform(0, 1, 2) * (np.array(SIZES[image_id]) - size)
            made.append({"bbox": np.round([*place, *size], 2).tolist(), "image_id": image_id})
    return made


def _wide() -> list[dict[str, Any]]:
    """Return the objects of an image that is mostly background."""
    return [
        {"bbox": [500, 300, 60, 60], "image_id": 9},
        {"bbox": [40, 40, 150, 120], "image_id": 9, "iscrowd": 1},
        {"bbox": [280, 100, 15, 15], "image_id": 9},
    ]


def make_proposals(folder: Path) -> Path:
    """Write proposals for the example in COCO's form for results; return their path."""
    rng = np.random.default_rng(6)
    boxes: dict[int, list[list[float]]] = {
        9: [
            *_cluster(rng, (330, 10), (150, 130), (25, 60), 12),
            *_cluster(rng, (0, 170), (120, 120), (5, 16), 9),
            *_cluster(rng, (300, 200), (120, 110), (5, 16), 10),
            *_cluster(rng, (0, 100), (400, 320), (115, 240), 6),
            *_cluster(rng, (505, 170), (130, 240), (22, 45), 8),  # a positive chip sees most of these
            *_cluster(rng, (42, 42), (146, 116), (22, 50), 6),  # in the crowd region
            *[[180.0, 60 + 5 * row, 25, 25] for row in range(4)],  # two fifths in it
            *[[170.0, 60 + 5 * row, 25, 25] for row in range(4)],  # four fifths in it
            [500, 300, 60, 60],  # an object
            [500, 300, 60, 20],  # a third of one
            [500, 300, 60, 17],  # less
            [620, 400, 60, 60],  # leaves the image
        ],
        7: _cluster(rng, (0, 0), SIZES[7], (4, 240), 150),
        12: _cluster(rng, (0, 0), SIZES[12], (4, 160), 90),
        3: _cluster(rng, (0, 0), SIZES[3], (4, 60), 20),
        20: _cluster(rng, (0, 0), SIZES[20], (5, 40), 12),
        99: [[10, 10, 30, 30]],  # no such image
    }
    boxes[9] += [boxes[9][0], [10, 10, 0, 30], [10, 10, 30, -5], [700, 10, 30, 30], [-50, 10, 50, 30]]
    pairs = [(image_id, box) for image_id, several in boxes.items() for box in several]
    scores = rng.permutation(len(pairs)) / len(pairs)
    lines = [
        {"image_id": image_id, "category_id": 1, "bbox": box, "score": round(score, 4)}
        for (image_id, box), score in zip(pairs, scores.tolist(), strict=True)
    ]
    path = folder / "proposals.json"
    path.write_text(json.dumps(lines), encoding="utf-8")
    return path


def _cluster(
    rng: np.random.Generator, corner: tuple[int, int], extent: tuple[int, int], sides: tuple[int, int], number: int
) -> list[list[float]]:
    """Return boxes inside a part of an image."""
    shapes = [np.minimum(rng.uniform(*sides, 2), extent) for _ in range(number)]
    places = [corner + rng.uniform(0, 1, 2) * (extent - shape) for shape in shapes]
    return [np.round([*place, *shape], 2).tolist() for place, shape in zip(places, shapes, strict=True)]

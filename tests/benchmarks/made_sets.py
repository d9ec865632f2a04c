"""Datasets made by code for benchmarks: boxes only, in sizes, numbers and clusters as people have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PHOTOS = [(640, 480), (480, 640), (640, 427), (500, 375), (427, 640), (640, 426), (612, 612)]


def coco_like(path: Path, images: int) -> None:
    """Write photographs with 8.6 objects an image, of the sizes of COCO's: two in five below 32 px."""
    rng = np.random.default_rng(0)
    sizes, boxes = [], []
    for _ in range(images):
        size = np.array(PHOTOS[rng.integers(len(PHOTOS))])
        count = 1 + min(int(rng.gamma(0.9, 8.6)), 90)
        sizes.append(size)
        boxes.append(_boxes(_places(rng, count, size, clusters=3, spread=80), _sides(rng, count, 45, 1.2), size))
    _write(path, sizes, boxes)


def drone_like(path: Path, images: int) -> None:
    """Write views from above with 66 small objects an image, most of them in clusters."""
    rng = np.random.default_rng(1)
    sizes, boxes = [], []
    for _ in range(images):
        size, count = np.array((1920, 1080)), int(rng.poisson(66))
        sizes.append(size)
        clusters = int(rng.integers(4, 14))
        boxes.append(_boxes(_places(rng, count, size, clusters, spread=130), _sides(rng, count, 32, 0.55), size))
    _write(path, sizes, boxes)


def one_large(path: Path, side: int, count: int) -> None:
    """Write a single image full of small objects, spread evenly."""
    rng = np.random.default_rng(2)
    size = np.array((side, side))
    _write(path, [size], [_boxes(rng.random((count, 2)) * size, _sides(rng, count, 30, 0.5), size)])


def proposals(dataset: Path, path: Path, an_image: int) -> None:
    """Write proposals as COCO results: a third of them around objects, the others in clusters."""
    rng = np.random.default_rng(3)
    document = json.loads(dataset.read_bytes())
    by_image: dict[int, list[list[float]]] = {}
    for annotation in document["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation["bbox"])
    rows: list[dict[str, Any]] = []
    for image in document["images"]:
        size = np.array((image["width"], image["height"]))
        own = np.array(by_image.get(image["id"], [[0, 0, *size.tolist()]]))
        near = own[rng.integers(len(own), size=an_image // 3)]
        near = near + rng.normal(0, 0.2, near.shape) * np.tile(near[:, 2:], 2)
        count = an_image - len(near)
        far = _boxes(_places(rng, count, size, clusters=4, spread=70), _sides(rng, count, 40, 0.7), size)
        kept = np.concatenate((near[(near[:, 2:] > 1).all(axis=1)], far)).round(2)
        scores = np.sort(rng.random(len(kept)))[::-1].round(4)
        rows += [
            {"image_id": image["id"], "category_id": 1, "bbox": box, "score": score}
            for box, score in zip(kept.tolist(), scores.tolist(), strict=True)
        ]
    path.write_text(json.dumps(rows), encoding="ascii")


def _places(
    rng: np.random.Generator, count: int, size: NDArray[np.int64], clusters: int, spread: float
) -> NDArray[np.float64]:
    """Return middles of boxes: a third anywhere, the others around some places."""
    around = (rng.random((clusters, 2)) * size)[rng.integers(clusters, size=count)]
    near = around + rng.normal(0, spread, (count, 2))
    return np.asarray(np.where(rng.random((count, 1)) < 1 / 3, rng.random((count, 2)) * size, near))


def _sides(rng: np.random.Generator, count: int, median: float, sigma: float) -> NDArray[np.float64]:
    """Return widths and heights."""
    size, shape = median * np.exp(rng.normal(0, sigma, count)), np.exp(rng.normal(0, 0.35, count))
    return np.stack((size * shape, size / shape), axis=1)


def _boxes(middles: NDArray[np.float64], sides: NDArray[np.float64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return boxes as x, y, width, height inside their image."""
    sides = np.minimum(np.maximum(sides, 2), size * 0.95)
    return np.asarray(np.concatenate((np.clip(middles - sides / 2, 0, size - sides), sides), axis=1).round(2))


def _write(path: Path, sizes: list[NDArray[np.int64]], boxes: list[NDArray[np.float64]]) -> None:
    """Write a COCO file."""
    images = [
        {"id": number, "file_name": f"{number}.jpg", "width": int(size[0]), "height": int(size[1])}
        for number, size in enumerate(sizes)
    ]
    rows = [(image, box) for image, own in enumerate(boxes) for box in own.tolist()]
    annotations = [
        {"id": number, "image_id": image, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for number, (image, box) in enumerate(rows)
    ]
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    path.write_text(json.dumps(document), encoding="ascii")

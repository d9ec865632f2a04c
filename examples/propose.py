"""Propose boxes in the images of a COCO dataset: where more edges lie inside a box than just around it.

    python examples/propose.py demo/instances.json demo/images demo/proposals.json

A stand-in for the weakly trained detector of SNIPER: it knows no classes, finds things that look like objects, and is
wrong where a detector would be wrong too. Writes the results format of COCO, 300 boxes an image, best first.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Floats = npt.NDArray[np.float64]

SIZES = (16, 24, 36, 54, 81, 121, 182, 273)
"""sqrt(width * height) of the boxes that are tried, image px."""
RATIOS = (0.5, 1.0, 2.0)
STEP = 0.25
"""Distance of the boxes that are tried, as a share of their sides."""
RING = 0.25
"""Width of the ring around a box, as a share of its sides."""
AN_IMAGE = 300


def edge_table(path: Path) -> Floats:
    """Return the sums of edges above and to the left of each corner of a pixel, shape ``(height + 1, width + 1)``."""
    grey = np.asarray(Image.open(path).convert("L"), dtype=np.float64)
    down, across = np.gradient(grey)
    return np.pad(np.hypot(down, across).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))


def edges_in(table: Floats, boxes: Floats) -> Floats:
    """Return the sum of edges in each box, shape ``(N,)``; boxes are cut to the image, corners to whole pixels."""
    height, width = table.shape
    x1, x2 = (np.clip(np.rint(boxes[:, i]), 0, width - 1).astype(int) for i in (0, 2))
    y1, y2 = (np.clip(np.rint(boxes[:, i]), 0, height - 1).astype(int) for i in (1, 3))
    return np.asarray(table[y2, x2] - table[y1, x2] - table[y2, x1] + table[y1, x1])


def tried(width: int, height: int) -> Floats:
    """Return all boxes that are tried in an image as x1, y1, x2, y2, shape ``(N, 4)``."""
    found = [np.empty((0, 4))]
    for size, ratio in itertools.product(SIZES, RATIOS):
        w, h = size * ratio**0.5, size / ratio**0.5
        x, y = np.meshgrid(np.arange(0, width - w, w * STEP), np.arange(0, height - h, h * STEP))
        found.append(np.stack((x, y, x + w, y + h), axis=-1).reshape(-1, 4))
    return np.concatenate(found)


def score(table: Floats, boxes: Floats) -> Floats:
    """Return how much denser edges are inside each box than in the ring around it, shape ``(N,)``."""
    sides = boxes[:, 2:] - boxes[:, :2]
    ring = np.concatenate((boxes[:, :2] - RING * sides, boxes[:, 2:] + RING * sides), axis=1)
    inside, both = edges_in(table, boxes), edges_in(table, ring)
    areas = sides.prod(axis=1), (ring[:, 2:] - ring[:, :2]).prod(axis=1) - sides.prod(axis=1)
    # A ring that leaves the image counts as empty there; the square root favours larger boxes a little.
    return np.asarray((inside / areas[0] - (both - inside) / areas[1]) * np.sqrt(areas[0]))


def best(boxes: Floats, scores: Floats) -> list[int]:
    """Return the best boxes of an image, none that shares half its area or more with a better one of its size."""
    kept: list[int] = []
    for candidate in np.argsort(-scores, kind="stable")[: 30 * AN_IMAGE].tolist():
        box, others = boxes[candidate], boxes[kept]
        low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
        common = np.maximum(high - low, 0).prod(axis=1)
        own, theirs = (box[2:] - box[:2]).prod(), (others[:, 2:] - others[:, :2]).prod(axis=1)
        if not np.any(common > 0.5 * np.maximum(own, theirs)):
            kept.append(candidate)
            if len(kept) == AN_IMAGE:
                break
    return kept


def propose(image: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return the proposals of one image."""
    table, boxes = edge_table(folder / image["file_name"]), tried(image["width"], image["height"])
    scores = score(table, boxes)
    rows = [(boxes[row].round(1).tolist(), float(scores[row].round(4))) for row in best(boxes, scores)]
    return [
        {"image_id": image["id"], "bbox": [x1, y1, round(x2 - x1, 1), round(y2 - y1, 1)], "score": worth}
        for (x1, y1, x2, y2), worth in rows
    ]


def main() -> None:
    """Read the command line and write the proposals."""
    parser = argparse.ArgumentParser(description="Propose boxes in the images of a COCO dataset.")
    parser.add_argument("coco", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    wanted = parser.parse_args()
    images = json.loads(wanted.coco.read_text())["images"]
    found = [proposal for image in images for proposal in propose(image, wanted.images)]
    wanted.out.write_text(json.dumps(found))
    print(f"{wanted.out}: {len(found)} proposals in {len(images)} images")


if __name__ == "__main__":
    main()

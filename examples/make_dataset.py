"""Make a small COCO dataset of painted aerial views: cars, boats, buildings and trees, from 6 to 700 pixels.

    python examples/make_dataset.py demo
    python examples/make_dataset.py demo --images 3 --seed 1

Writes FOLDER/instances.json and FOLDER/images/*.jpg. The same seed gives the same dataset. It has what real datasets
have: category ids with holes, polygons of one and of several parts, a crowd as run-length code (the wood), keypoints
(bow and stern of each boat) and a field of its own (``heading``). The painting itself is in the folder scenery.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from scenery.canvas import View
from scenery.picture import paint
from scenery.things import BOAT, BUILDING, CAR, TREE

VIEWS = (
    View(2400, 1600, 1.0, True, ("stadium", "depot", "market", "harbour", "wood", "village")),
    View(400, 300, 0.46, False, ("farm", "farm")),
    View(1600, 2200, 1.2, True, ("works", "harbour", "market", "depot", "farm")),
    View(2600, 1700, 0.46, True, ("stadium", "market", "wood", "harbour", "depot", "works", "village", "village")),
    View(2200, 1700, 1.4, False, ("stadium", "depot", "farm", "village")),
    View(2400, 1350, 0.9, True, ("harbour", "works", "wood", "village", "market", "farm")),
)
"""What the pictures show, one after the other; after the last the first comes again, painted anew."""


def category_table() -> list[dict[str, Any]]:
    """Return the section ``categories``."""
    boat = {"id": BOAT, "name": "boat", "keypoints": ["bow", "stern"], "skeleton": [[1, 2]]}
    names = {CAR: "car", BUILDING: "building", TREE: "tree"}
    table = [boat, *({"id": number, "name": name} for number, name in names.items())]
    return sorted(table, key=lambda entry: str(entry["name"]))


def make(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Write the pictures and return the annotation file."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        view = VIEWS[number % len(VIEWS)]
        picture, objects = paint(view, np.random.default_rng((seed, number)))
        name = f"aerial_{number + 1:02}.jpg"
        picture.save(folder / "images" / name, quality=92)
        images.append({"id": number + 1, "file_name": name, "width": view.width, "height": view.height})
        for entry in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": number + 1, **entry})
    return {"images": images, "annotations": annotations, "categories": category_table()}


def main() -> None:
    """Read the command line and write the dataset."""
    parser = argparse.ArgumentParser(description="Make a small COCO dataset of painted aerial views.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=len(VIEWS), help="how many pictures [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pictures [%(default)s]")
    wanted = parser.parse_args()
    coco = make(wanted.folder, wanted.images, wanted.seed)
    (wanted.folder / "instances.json").write_text(json.dumps(coco))
    print(f"{wanted.folder}: {len(coco['images'])} pictures with {len(coco['annotations'])} objects")


if __name__ == "__main__":
    main()

"""What readers of COCO files rely on, more strictly than any of them: rules for `annotations.json` of a build."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from pathlib import Path

Entry = dict[str, Any]


def read_strictly(build: Path) -> Entry:
    """Return the annotation file of a build when it breaks no rule."""
    document: Entry = json.loads((build / "annotations.json").read_bytes())
    images = {image["id"]: image for image in document["images"]}
    assert len(images) == len(document["images"]), "an image id stands twice"
    for image in images.values():
        check_image(image, build)
    ids = [annotation["id"] for annotation in document["annotations"]]
    assert len(set(ids)) == len(ids), "an annotation id stands twice"
    names = [category["name"] for category in document["categories"]]
    assert all(names), "a class has no name"
    assert len(set(names)) == len(names), "a class name stands twice"
    classes = {category["id"] for category in document["categories"]}
    assert len(classes) == len(names), "a class id stands twice"
    for annotation in document["annotations"]:
        assert annotation["category_id"] in classes, "a class that is not there"
        check_annotation(annotation, images[annotation["image_id"]])
    return document


def check_image(image: Entry, build: Path) -> None:
    """Check that an image is there, and as large as its entry says."""
    assert min(image["width"], image["height"]) >= 32, "so small that it is left out"
    with Image.open(build / image["file_name"]) as picture:
        assert picture.size == (image["width"], image["height"])


def check_annotation(annotation: Entry, image: Entry) -> None:
    """Check that an annotation can be meant, and lies in its image."""
    assert annotation["id"] > 0, "the evaluation takes 0 for nothing"
    assert "ignore" not in annotation, "one reader stops on it, another makes background of it"
    x, y, width, height = annotation["bbox"]
    assert min(width, height) >= 1
    assert min(x, y) >= 0
    assert x + width <= image["width"] + 1e-3
    assert y + height <= image["height"] + 1e-3
    assert 0 < annotation["area"] <= (width + 1) * (height + 1), "more than whole pixels that the box touches"
    assert annotation["iscrowd"] in {0, 1}
    assert annotation["iscrowd"] == (not annotation["valid"]) == bool(annotation["ignore_reason"])
    if isinstance(annotation["segmentation"], dict):
        check_runs(annotation["segmentation"], image)
    else:
        assert isinstance(annotation["segmentation"], list)
        for polygon in annotation["segmentation"]:
            check_polygon(polygon, image)


def check_runs(runs: Entry, image: Entry) -> None:
    """Check that a run-length code is one, and of this image."""
    assert runs["size"] == [image["height"], image["width"]]
    decoded = coco_mask.decode(runs)
    assert decoded.shape == (image["height"], image["width"])
    assert decoded.any(), "an empty mask"
    assert coco_mask.encode(decoded)["counts"] == runs["counts"].encode("ascii"), "no run-length code of this size"


def check_polygon(polygon: list[float], image: Entry) -> None:
    """Check that an outline is one: three points or more, inside the image."""
    assert len(polygon) >= 6, "less than three points"
    points = np.array(polygon, dtype=float).reshape(-1, 2)
    assert np.isfinite(points).all()
    assert (points >= -1e-3).all()
    assert (points <= np.array([image["width"], image["height"]]) + 1e-3).all()


WRONG = [
    "boxes_of_the_next",
    "corners_for_sizes",
    "id_twice",
    "id_zero",
    "no_names",
    "picture_missing",
    "picture_smaller",
    "key_ignore",
    "no_area",
    "thin_side",
    "outside",
    "over_the_edge",
    "unknown_image",
    "unknown_class",
    "crowds_not_marked",
    "all_marked_as_crowds",
    "polygon_of_two_points",
    "polygon_of_odd_numbers",
    "polygon_beyond_the_chip",
    "polygon_not_nested",
    "runs_of_another_size",
    "runs_broken",
]
"""Changes of a COCO build that break one of the rules."""

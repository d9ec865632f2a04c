"""detectron2 cannot be installed beside what we test with: what it makes of a COCO file, in our own words.

Its reader stops when annotation ids stand twice or an annotation is marked by a key `ignore`; it numbers the classes by
their ids, and drops an object whose polygons all have less than three points. Its mapper then drops crowds and boxes
without a side, and stops when a picture has another size than its entry. Images that have nothing left are not shown at
all unless DATALOADER.FILTER_EMPTY_ANNOTATIONS is False, which keeps our negative chips.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from consumers.coco_rules import read_strictly
from consumers.tampered import passes, tampered_coco
from consumers.truth import assert_boxes, truth
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path


def learnt_by_detectron2(build: Path) -> dict[int, list[tuple[str, list[float]]]]:
    """Return name and box (x y width height) of all that is learnt in each image."""
    document = json.loads((build / "annotations.json").read_bytes())
    annotations = document["annotations"]
    assert len({annotation["id"] for annotation in annotations}) == len(annotations)
    classes = sorted(document["categories"], key=lambda category: int(category["id"]))
    number = {category["id"]: index for index, category in enumerate(classes)}
    names = [category["name"] for category in classes]
    learnt: dict[int, list[tuple[str, list[float]]]] = {}
    for image in sorted(document["images"], key=lambda image: int(image["id"])):
        with Image.open(build / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])
        own = [annotation for annotation in annotations if annotation["image_id"] == image["id"]]
        assert not any(annotation.get("ignore", 0) for annotation in own)
        kept = [annotation for annotation in own if _has_shape(annotation) and not annotation.get("iscrowd", 0)]
        learnt[image["id"]] = [(names[number[one["category_id"]]], one["bbox"]) for one in kept]
    return learnt


def _has_shape(annotation: dict[str, Any]) -> bool:
    """Tell whether an annotation has a box and, if it has a mask of polygons, one that can be drawn."""
    mask = annotation.get("segmentation")
    drawable = not mask or isinstance(mask, dict) or any(len(part) >= 6 and len(part) % 2 == 0 for part in mask)
    return drawable and min(annotation["bbox"][2:]) > 1e-5


def check_detectron2(build: Path) -> None:
    """Check that exactly the valid boxes are learnt, under their names, and that no rule is broken."""
    read_strictly(build)
    learnt, expected = learnt_by_detectron2(build), truth(build)
    assert list(learnt) == list(expected)
    for found, seen in zip(learnt.values(), expected.values(), strict=True):
        valid = [one for one in seen if one.valid]
        assert_boxes([box for _, box in found], valid)
        assert [name for name, _ in found] == [one.name for one in valid]


def test_valid_boxes_are_learnt_and_no_others(builds: dict[str, Path]) -> None:
    check_detectron2(builds["coco"])
    learnt = learnt_by_detectron2(builds["coco"])
    assert sum(map(len, learnt.values())) > 20
    assert not all(learnt.values())  # negative chips, if they are not filtered out


@pytest.mark.parametrize(
    "change",
    [
        "key_ignore",
        "id_twice",
        "polygon_of_two_points",
        "class_of_the_next",
        "names_of_the_next",
        "boxes_moved",
        "crowds_not_marked",
        "picture_smaller",
        "picture_missing",
        "empty_chips_missing",
    ],
)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_detectron2, tampered_coco(builds["coco"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_detectron2(tampered_coco(builds["coco"], tmp_path, "nothing"))

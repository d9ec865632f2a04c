"""mmdetection cannot be installed beside what we test with: what it makes of a COCO file, in our own words.

Its dataset stops when annotation ids stand twice. It silently passes over annotations that are marked by a key
`ignore`, lie outside their image, have no area, a side below 1 px, or a class whose name was not asked for; crowds are
kept apart as boxes to ignore. Images below 32 px are left out, and with `filter_cfg=dict(filter_empty_gt=True)`, the
usual setting, those without any annotation, which are our empty negative chips. Polygons that are none make a box one
to ignore.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from consumers.coco_rules import read_strictly
from consumers.tampered import passes, tampered_coco
from consumers.truth import assert_boxes, truth

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("boat", "person", "car")
"""Classes as a configuration might ask for them."""


@dataclass
class Shown:
    """What an image shows: names and boxes (x y width height) to learn, and boxes to ignore."""

    names: list[str] = field(default_factory=list)
    learnt: list[list[float]] = field(default_factory=list)
    ignored: list[list[float]] = field(default_factory=list)


def shown_to_mmdetection(build: Path) -> dict[int, Shown]:
    """Return what is made of each image."""
    document = json.loads((build / "annotations.json").read_bytes())
    annotations = document["annotations"]
    assert len({annotation["id"] for annotation in annotations}) == len(annotations)
    classes = {category["id"]: category["name"] for category in document["categories"] if category["name"] in NAMES}
    shown = {}
    for image in document["images"]:
        if min(image["width"], image["height"]) < 32:
            continue
        assert (build / image["file_name"]).is_file()
        shown[image["id"]] = Shown()
        for annotation in annotations:
            if (
                annotation["image_id"] == image["id"]
                and _is_used(annotation, image)
                and annotation["category_id"] in classes
            ):
                _take(annotation, classes[annotation["category_id"]], shown[image["id"]])
    return shown


def _is_used(annotation: dict[str, Any], image: dict[str, Any]) -> bool:
    """Tell whether an annotation is not passed over."""
    x, y, width, height = annotation["bbox"]
    meets = min(x + width, image["width"]) > max(x, 0) and min(y + height, image["height"]) > max(y, 0)
    return meets and not annotation.get("ignore") and annotation["area"] > 0 and min(width, height) >= 1


def _take(annotation: dict[str, Any], name: str, shown: Shown) -> None:
    """Put an annotation to those to learn or to those to ignore."""
    mask = annotation.get("segmentation") or []
    broken = isinstance(mask, list) and any(len(part) < 6 or len(part) % 2 for part in mask)
    if annotation.get("iscrowd") or broken:
        shown.ignored.append(annotation["bbox"])
    else:
        shown.learnt.append(annotation["bbox"])
        shown.names.append(name)


def check_mmdetection(build: Path) -> None:
    """Check that valid boxes are learnt and the others ignored, that nothing is passed over, and no rule broken."""
    read_strictly(build)
    found, expected = shown_to_mmdetection(build), truth(build)
    assert list(found) == list(expected)
    for one, seen in zip(found.values(), expected.values(), strict=True):
        assert_boxes(one.learnt, [box for box in seen if box.valid])
        assert one.names == [box.name for box in seen if box.valid]
        assert_boxes(one.ignored, [box for box in seen if not box.valid])


def test_nothing_is_passed_over(builds: dict[str, Path]) -> None:
    check_mmdetection(builds["coco"])
    found = shown_to_mmdetection(builds["coco"]).values()
    assert sum(len(one.learnt) for one in found) > 20
    assert sum(len(one.ignored) for one in found) > 10


@pytest.mark.parametrize(
    "change",
    [
        "key_ignore",
        "id_twice",
        "no_area",
        "thin_side",
        "outside",
        "unknown_class",
        "class_of_the_next",
        "boxes_moved",
        "names_of_the_next",
        "crowds_not_marked",
        "ignored_boxes_left_out",
        "picture_missing",
        "polygon_of_two_points",
    ],
)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_mmdetection, tampered_coco(builds["coco"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_mmdetection(tampered_coco(builds["coco"], tmp_path, "nothing"))

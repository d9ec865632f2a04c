"""RF-DETR is not installed here: what it makes of a build in Roboflow's layout, in our own words.

It looks for `train/_annotations.coco.json` in the folder that it is given; pictures lie relative to that file. Releases
differ in what they take for a class: the first leave out categories whose supercategory is "none" and stop where there
is none at all, later ones leave out those that are the supercategory of another. All of them count all categories, and
the first take the category id for the number of the class, later ones its position by id. Crowds are dropped, boxes
are clipped to the picture, and what has no side left is dropped, too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from consumers.tampered import passes, tampered_coco
from consumers.truth import assert_boxes, assert_mask, truth
from PIL import Image
from pycocotools import mask as coco_mask
from run_cli import chipgen_here as chipgen
from small_set import LEVELS, small_coco, write_small_set

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

FILE = "_annotations.coco.json"


@dataclass(frozen=True)
class Target:
    """What RF-DETR learns in one picture: names, boxes (x y width height) and masks."""

    names: list[str]
    boxes: list[list[float]]
    masks: list[npt.NDArray[np.bool_]]


def class_names(categories: list[dict[str, Any]]) -> list[str]:
    """Return the names of the classes, when all releases make the same of the categories."""
    by_id = sorted(categories, key=lambda category: int(category["id"]))
    assert [category["id"] for category in by_id] == list(range(len(by_id))), "ids are no numbers of classes"
    first = [category["name"] for category in by_id if category["supercategory"] != "none"]
    parents = {category["supercategory"] for category in by_id} - {"", "none", "null", None}
    later = [category["name"] for category in by_id if category["name"] not in parents]
    assert first == later == [category["name"] for category in by_id], "a class is left out"
    return first


def learnt_by_rfdetr(folder: Path) -> dict[int, Target]:
    """Return what is learnt in each picture of the split ``train``."""
    document = json.loads((folder / "train" / FILE).read_bytes())
    names = class_names(document["categories"])
    targets = {}
    for image in sorted(document["images"], key=lambda image: int(image["id"])):
        with Image.open(folder / "train" / image["file_name"]) as picture:
            width, height = picture.convert("RGB").size
        own = [a for a in document["annotations"] if a["image_id"] == image["id"] and not a.get("iscrowd", 0)]
        boxes = [_clipped(annotation["bbox"], width, height) for annotation in own]
        kept = [(annotation, box) for annotation, box in zip(own, boxes, strict=True) if min(box[2:]) > 0]
        targets[image["id"]] = Target(
            [names[annotation["category_id"]] for annotation, _ in kept],
            [box for _, box in kept],
            [_drawn(annotation["segmentation"], height, width) for annotation, _ in kept],
        )
        assert all(a["area"] > 0 for a in own)
    return targets


def _clipped(box: list[float], width: int, height: int) -> list[float]:
    """Return a box, x y width height, as far as it lies in the picture."""
    x, y = (min(max(box[0], 0), width), min(max(box[1], 0), height))
    return [x, y, min(box[0] + box[2], width) - x, min(box[1] + box[3], height) - y]


def _drawn(segmentation: Any, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return a mask, empty where there is none."""
    if not segmentation:
        return np.zeros((height, width), dtype=bool)
    if isinstance(segmentation, dict):
        drawn = coco_mask.decode(segmentation)
    else:
        drawn = coco_mask.decode(coco_mask.frPyObjects(segmentation, height, width)).any(axis=2)
    return np.asarray(drawn, dtype=bool)


def check_rfdetr(build: Path) -> None:
    """Check that exactly the valid boxes are learnt, under their names and with their masks."""
    learnt, expected = learnt_by_rfdetr(build.parent), truth(build)
    assert list(learnt) == list(expected)
    for target, seen in zip(learnt.values(), expected.values(), strict=True):
        valid = [one for one in seen if one.valid]
        assert_boxes(target.boxes, valid)
        assert target.names == [one.name for one in valid]
        for mask, one in zip(target.masks, valid, strict=True):
            assert_mask(mask, np.zeros((256, 256), dtype=bool) if one.mask is None else one.mask)


def test_valid_boxes_are_learnt_and_no_others(builds: dict[str, Path]) -> None:
    check_rfdetr(builds["roboflow"])
    assert sum(len(target.boxes) for target in learnt_by_rfdetr(builds["roboflow"].parent).values()) > 20


@pytest.mark.parametrize(
    "change",
    [
        "corners_for_sizes",
        "boxes_moved",
        "class_of_the_next",
        "names_of_the_next",
        "no_names",
        "no_supercategories",
        "supercategory_none",
        "supercategory_of_another",
        "ids_from_one",
        "no_area",
        "outside",
        "picture_missing",
        "empty_chips_missing",
        "crowds_not_marked",
        "masks_moved",
        "masks_lost",
    ],
)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_rfdetr, tampered_coco(builds["roboflow"], tmp_path, change, FILE))


def test_classes_of_a_dataset_that_roboflow_exported(tmp_path: Path) -> None:
    coco = small_coco()
    for category in coco.categories:
        category["supercategory"] = "things"
    coco.categories.insert(0, {"id": 0, "name": "things", "supercategory": "none"})
    path = write_small_set(tmp_path / "set", coco)
    out = tmp_path / "out"
    chipgen(
        "build", "--coco", str(path), *LEVELS, "--format", "coco", "--layout", "roboflow", "--out", str(out)
    ).expect(0)
    assert class_names(json.loads((out / "train" / FILE).read_bytes())["categories"]) == [
        "things",
        "car",
        "person",
        "boat",
    ]


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_rfdetr(tampered_coco(builds["roboflow"], tmp_path, "nothing", FILE))

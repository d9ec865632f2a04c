"""Roboflow's supervision reads a COCO build: boxes, classes, crowds and masks are those of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import supervision
from consumers.tampered import passes, tampered_coco
from consumers.truth import Seen, assert_boxes, assert_mask, truth

if TYPE_CHECKING:
    from pathlib import Path


def check_from_coco(build: Path) -> None:
    """Check what `DetectionDataset.from_coco` makes of a build; images come in the order of the file, by chip."""
    found = supervision.DetectionDataset.from_coco(str(build), str(build / "annotations.json"))
    assert found.classes == ["person", "car", "boat"]  # by category id
    expected = truth(build)
    assert len(found) == len(expected)
    for (_, picture, detections), seen in zip(found, expected.values(), strict=True):
        assert picture.shape == (256, 256, 3)
        check_detections(detections, found.classes, seen)
        if seen:
            assert detections.data["iscrowd"].tolist() == [not one.valid for one in seen]
            _check_masks(detections, seen)


def check_detections(detections: supervision.Detections, classes: list[str], seen: list[Seen]) -> None:
    """Check boxes and classes of one chip."""
    x1, y1, x2, y2 = np.asarray(detections.xyxy, dtype=np.float64).reshape(-1, 4).T
    assert_boxes(list(np.stack([x1, y1, x2 - x1, y2 - y1], 1)), seen)
    assert [classes[number] for number in detections.class_id] == [one.name for one in seen]


def _check_masks(detections: supervision.Detections, seen: list[Seen]) -> None:
    """Check the masks of one chip; where only some of its objects have one, those of the others are empty."""
    assert (detections.mask is None) == all(one.mask is None for one in seen)
    if detections.mask is not None:
        for mask, one in zip(detections.mask, seen, strict=True):
            assert_mask(mask, np.zeros((256, 256), dtype=bool) if one.mask is None else one.mask)


def test_from_coco_shows_what_the_source_says(builds: dict[str, Path]) -> None:
    check_from_coco(builds["coco"])


@pytest.mark.parametrize(
    "change",
    [
        "corners_for_sizes",
        "boxes_moved",
        "class_of_the_next",
        "names_of_the_next",
        "no_names",
        "picture_missing",
        "picture_smaller",
        "empty_chips_missing",
        "unknown_image",
        "crowds_not_marked",
        "ignored_boxes_left_out",
        "masks_moved",
        "masks_lost",
        "parts_lost",
        "polygon_not_nested",
        "runs_broken",
    ],
)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_from_coco, tampered_coco(builds["coco"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_from_coco(tampered_coco(builds["coco"], tmp_path, "nothing"))

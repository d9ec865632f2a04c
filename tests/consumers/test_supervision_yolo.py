"""Roboflow's supervision reads a YOLO build: what is to be learnt, as the source says, and no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import supervision
from consumers.tampered import OF_YOLO, passes, tampered_yolo
from consumers.test_supervision import check_detections
from consumers.truth import assert_mask, assert_picture, plan_rows, truth


def check_from_yolo(build: Path) -> None:
    """Check what `DetectionDataset.from_yolo` makes of a build; with masks in the dataset each label is an outline."""
    images, labels, data = str(build / "images"), str(build / "labels"), str(build / "data.yaml")
    found = supervision.DetectionDataset.from_yolo(images, labels, data)
    assert found.classes == ["car", "person", "boat"]  # in the order of the category table
    chips = {int(Path(path).name.split("-")[0]): (picture, detections) for path, picture, detections in found}
    expected = truth(build)
    assert sorted(chips) == list(expected)
    outlines = any(one.mask is not None for seen in expected.values() for one in seen)
    for row in plan_rows(build):
        picture, detections = chips[row["image_id"]]
        learnt = [one for one in expected[row["image_id"]] if one.valid]
        if not any(not one.valid for one in expected[row["image_id"]]):  # nothing is painted over
            assert_picture(np.asarray(picture)[..., ::-1], build, row)  # OpenCV's order of colours
        if not outlines:
            check_detections(detections, found.classes, learnt)
            assert detections.mask is None
            continue
        classes = [] if detections.class_id is None else detections.class_id
        assert [found.classes[number] for number in classes] == [one.name for one in learnt]
        for mask, one in zip(() if detections.mask is None else detections.mask, learnt, strict=True):
            assert_mask(mask, _of_box(one.box) if one.mask is None else one.mask)


def _of_box(box: tuple[float, float, float, float]) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return the pixels of a box."""
    pixels = np.zeros((256, 256), dtype=bool)
    left, top, right, bottom = (round(end) for end in (box[0], box[1], box[0] + box[2], box[1] + box[3]))
    pixels[top:bottom, left:right] = True
    return pixels


@pytest.mark.parametrize("build", ["yolo", "yolo-boxes"])
def test_from_yolo_shows_what_the_source_says(build: str, builds: dict[str, Path]) -> None:
    check_from_yolo(builds[build])


@pytest.mark.parametrize("build", ["yolo", "yolo-boxes"])
@pytest.mark.parametrize("change", sorted(OF_YOLO.keys() - {"nothing"}))
def test_wrong_builds_are_noticed(change: str, build: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_from_yolo, tampered_yolo(builds[build], tmp_path, change))


@pytest.mark.parametrize("build", ["yolo", "yolo-boxes"])
def test_rewritten_build_is_right(build: str, builds: dict[str, Path], tmp_path: Path) -> None:
    check_from_yolo(tampered_yolo(builds[build], tmp_path, "nothing"))

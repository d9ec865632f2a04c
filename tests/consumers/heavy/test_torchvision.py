"""torchvision reads a COCO build, and trains on a Parquet build without learning from what is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from consumers.heavy.consumer import HERE, Consumer, assert_falls
from consumers.heavy.overlaps import corners, on_ignored, shares
from consumers.heavy.wrong import objects_changed
from consumers.tampered import passes, tampered_coco, tampered_parquet
from consumers.truth import assert_boxes, truth

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "with_torchvision.py"
TRAINING = ("--tiny", "--batch-size", "2", "--limit-steps", "24", "--log-steps", "6", "--epochs", "9")


def check_coco_detection(consumer: Consumer, build: Path) -> None:
    """Check what `CocoDetection` makes of a build: every picture opens, and shows what the source says."""
    found, expected = consumer.ask(SCRIPT, "see", build), truth(build)
    assert [image["id"] for image in found] == list(expected)
    for image, seen in zip(found, expected.values(), strict=True):
        assert (image["mode"], image["size"]) == ("RGB", [256, 256])
        assert_boxes([one["bbox"] for one in image["objects"]], seen)
        assert [one["category_id"] for one in image["objects"]] == [one.category_id for one in seen]
        assert [bool(one["iscrowd"]) for one in image["objects"]] == [not one.valid for one in seen]
        assert all(one["image_id"] == image["id"] for one in image["objects"])


def check_batches(consumer: Consumer, build: Path) -> None:
    """Check what the training example makes of a build: valid boxes with classes from 1, then ignored ones."""
    found, expected = consumer.ask(SCRIPT, "batches", build), truth(build)
    assert [chip["id"] for chip in found] == list(expected)
    for chip, seen in zip(found, expected.values(), strict=True):
        assert chip["names"] == ["car", "person", "boat"]
        assert chip["shape"] == [3, 256, 256]
        assert 0 <= chip["range"][0] < chip["range"][1] <= 1
        ordered = [one for one in seen if one.valid] + [one for one in seen if not one.valid]
        low, high = np.array(chip["boxes"]).reshape(-1, 2, 2).transpose(1, 0, 2)
        assert_boxes(list(np.hstack([low, high - low])), ordered)
        of_ignored = {True: -1, False: 0}
        wanted = [
            chip["names"].index(one.name) + 1 if one.valid else of_ignored[one.reason == "crowd"] for one in ordered
        ]
        assert chip["labels"] == wanted


def check_training(consumer: Consumer, build: Path, out: Path) -> None:
    """Check that a model learns something from a build."""
    assert_falls(consumer.losses("train_torchvision.py", build, out, *TRAINING))
    assert out.stat().st_size > 10**6


def check_ignored(consumer: Consumer, build: Path, folder: Path, *arguments: str) -> None:
    """Check in both stages that nothing on an ignored object is taught to be background, and that all else is."""
    consumer.run(HERE / SCRIPT, "labels", build, folder / "labels.npz", *arguments)
    with np.load(folder / "labels.npz") as kept:
        arrays = {name: kept[name].astype(float) for name in kept.files}
    for stage, low in (("anchors", 0.3), ("proposals", 0.5)):
        left_out = 0
        for chip, seen in truth(build).items():
            boxes, labels = arrays[f"{chip} {stage}"], arrays[f"{chip} {stage} labels"]
            iou = shares(boxes, corners([one for one in seen if one.valid]))[0].max(1, initial=0)
            near = on_ignored(boxes, seen, 0.301)
            assert not np.any(labels[near] == 0), f"chip {chip}: {stage} on something ignored are background"
            assert np.all(labels[(iou < low - 0.001) & ~on_ignored(boxes, seen, 0.299)] >= 0), "too much is left out"
            assert np.all(labels[iou > 0.701] > 0), "what is on an object is not taught to be one"
            left_out += int((near & (iou < low - 0.001) & (labels == -1)).sum())
        assert left_out > 100, f"no {stage} were left out"


def test_coco_detection_shows_what_the_source_says(torchvision: Consumer, builds: dict[str, Path]) -> None:
    check_coco_detection(torchvision, builds["coco"])


@pytest.mark.parametrize(
    "change", ["corners_for_sizes", "class_of_the_next", "picture_missing", "crowds_not_marked", "empty_chips_missing"]
)
def test_wrong_coco_is_noticed(change: str, torchvision: Consumer, builds: dict[str, Path], tmp_path: Path) -> None:
    wrong = tampered_coco(builds["coco"], tmp_path, change)
    assert not passes(lambda build: check_coco_detection(torchvision, build), wrong)


def test_batches_hold_what_the_source_says(torchvision: Consumer, builds: dict[str, Path]) -> None:
    check_batches(torchvision, builds["parquet"])


@pytest.mark.parametrize(
    "change", ["corners_for_sizes", "class_of_the_next", "names_of_the_next", "all_learnt", "no_reasons", "chip_lost"]
)
def test_wrong_batches_are_noticed(change: str, torchvision: Consumer, builds: dict[str, Path], tmp_path: Path) -> None:
    wrong = tampered_parquet(builds["parquet"], tmp_path, change)
    assert not passes(lambda build: check_batches(torchvision, build), wrong)


def test_faster_rcnn_learns(torchvision: Consumer, builds: dict[str, Path], tmp_path: Path) -> None:
    rewritten = objects_changed(builds["parquet"], tmp_path, "nothing")
    check_training(torchvision, rewritten, tmp_path / "model.pt")


@pytest.mark.parametrize("change", ["no_width", "class_beyond_the_table"])
def test_faster_rcnn_does_not_learn_from_wrong_builds(
    change: str, torchvision: Consumer, builds: dict[str, Path], tmp_path: Path
) -> None:
    wrong = objects_changed(builds["parquet"], tmp_path, change)
    assert not passes(lambda build: check_training(torchvision, build, tmp_path / "model.pt"), wrong)


def test_nothing_on_an_ignored_object_is_taught_to_be_background(
    torchvision: Consumer, crowded: Path, tmp_path: Path
) -> None:
    check_ignored(torchvision, crowded, tmp_path)


def test_without_the_rule_it_would_be(torchvision: Consumer, crowded: Path, tmp_path: Path) -> None:
    assert not passes(lambda build: check_ignored(torchvision, build, tmp_path, "no"), crowded)


def test_a_build_without_its_ignored_boxes_is_noticed(torchvision: Consumer, crowded: Path, tmp_path: Path) -> None:
    wrong = objects_changed(crowded, tmp_path, "ignored_left_out")
    assert not passes(lambda build: check_ignored(torchvision, build, tmp_path), wrong)

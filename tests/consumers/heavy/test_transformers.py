"""RT-DETR of transformers trains on a Parquet build without learning from what is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from consumers.heavy.consumer import Consumer, assert_falls
from consumers.heavy.overlaps import on_ignored
from consumers.heavy.wrong import objects_changed
from consumers.tampered import passes, tampered_parquet
from consumers.truth import assert_boxes, truth

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = "with_transformers.py"
TRAINING = ("--tiny", "--batch-size", "2", "--limit-steps", "10", "--log-steps", "2", "--lr", "1e-3")
SIDE = 256


def check_batches(consumer: Consumer, build: Path) -> None:
    """Check what the image processor and the example make of a build."""
    found, expected = consumer.ask(SCRIPT, "batches", build), truth(build)
    assert [chip["image_id"] for chip in found] == [[number] for number in expected]
    for chip, seen in zip(found, expected.values(), strict=True):
        assert chip["names"] == ["car", "person", "boat"]
        assert chip["shape"] == [1, 3, SIDE, SIDE]
        assert 0 <= chip["range"][0] < chip["range"][1] <= 1
        valid, ignored = ([one for one in seen if one.valid == kind] for kind in (True, False))
        x, y, width, height = SIDE * np.array(chip["boxes"]).reshape(-1, 4).T
        assert_boxes(list(np.stack((x - width / 2, y - height / 2, width, height), axis=1)), valid)
        assert [chip["names"][row] for row in chip["class_labels"]] == [one.name for one in valid]
        corners = SIDE * np.array(chip["ignored"]).reshape(-1, 4)
        assert_boxes(list(np.hstack((corners[:, :2], corners[:, 2:] - corners[:, :2]))), ignored)
        assert chip["crowd"] == [one.reason == "crowd" for one in ignored]


def check_training(consumer: Consumer, build: Path, out: Path) -> None:
    """Check that a model learns something from a build."""
    assert_falls(consumer.losses("train_transformers.py", build, out, *TRAINING))
    assert {"config.json", "model.safetensors", "preprocessor_config.json"} <= {path.name for path in out.iterdir()}


def check_ignored(consumer: Consumer, build: Path, *arguments: str) -> None:
    """Check that queries on something ignored are taught nothing, and all others and those of objects something."""
    found, expected = consumer.ask(SCRIPT, "taught", build, *arguments), truth(build)
    assert [chip["id"] for chip in found] == list(expected)
    kinds = set()
    for chip, seen in zip(found, expected.values(), strict=True):
        taught, boxes = np.array(chip["taught"], dtype=bool), SIDE * np.array(chip["boxes"]).reshape(-1, 4)
        matched = np.arange(len(boxes)) < sum(one.valid for one in seen)
        near = on_ignored(boxes, seen, 0.3)
        np.testing.assert_array_equal(taught, matched | ~near)
        kinds |= set(zip(matched.tolist(), near.tolist(), strict=True))
    assert len(kinds) == 4


def test_batches_hold_what_the_source_says(transformers: Consumer, builds: dict[str, Path]) -> None:
    check_batches(transformers, builds["parquet"])


@pytest.mark.parametrize(
    "change", ["corners_for_sizes", "class_of_the_next", "names_of_the_next", "all_learnt", "no_reasons", "chip_lost"]
)
def test_wrong_batches_are_noticed(
    change: str, transformers: Consumer, builds: dict[str, Path], tmp_path: Path
) -> None:
    wrong = tampered_parquet(builds["parquet"], tmp_path, change)
    assert not passes(lambda build: check_batches(transformers, build), wrong)


def test_rt_detr_learns(transformers: Consumer, builds: dict[str, Path], tmp_path: Path) -> None:
    rewritten = objects_changed(builds["parquet"], tmp_path, "nothing")
    check_training(transformers, rewritten, tmp_path / "model")


def test_rt_detr_does_not_learn_from_wrong_builds(
    transformers: Consumer, builds: dict[str, Path], tmp_path: Path
) -> None:
    wrong = objects_changed(builds["parquet"], tmp_path, "class_beyond_the_table")
    assert not passes(lambda build: check_training(transformers, build, tmp_path / "model"), wrong)


def test_queries_on_ignored_objects_are_taught_nothing(transformers: Consumer, crowded: Path) -> None:
    check_ignored(transformers, crowded)


def test_without_the_rule_they_would_be(transformers: Consumer, crowded: Path) -> None:
    assert not passes(lambda build: check_ignored(transformers, build, "no"), crowded)


def test_a_build_that_marks_nothing_as_ignored_is_noticed(
    transformers: Consumer, crowded: Path, tmp_path: Path
) -> None:
    wrong = tampered_parquet(crowded, tmp_path, "all_learnt")
    assert not passes(lambda build: check_ignored(transformers, build), wrong)

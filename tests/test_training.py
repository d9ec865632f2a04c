"""The training examples, as far as no framework is needed: the chips of an epoch, the boxes of a chip, what is told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tampering import rich_build

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from training import chips_of_epoch, command_line, learn, objects_of, read

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Parquet build with negative chips and two epochs."""
    return rich_build(tmp_path_factory.mktemp("training"), "parquet")


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the caches of `datasets` out of the home."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def wanted(*options: str) -> Any:
    return command_line("", 1e-4).parse_args(["build", "out", *options])


def test_each_epoch_shows_what_was_drawn_for_it_and_the_first_comes_again(build: Path) -> None:
    chips, names = read(build)
    assert names == ["car", "person", "boat"]
    drawn = [pq.read_table(build / "epochs" / f"epoch-{epoch}.parquet")["image_id"].to_pylist() for epoch in (0, 1)]
    assert drawn[0] != drawn[1]
    for epoch in range(4):
        assert chips_of_epoch(chips, build, epoch)["image_id"] == drawn[epoch % 2]


def test_without_epochs_all_chips_are_shown(built: dict[str, Path]) -> None:
    chips, _ = read(built["parquet"])
    assert chips_of_epoch(chips, built["parquet"], 3) is chips


def test_boxes_are_parted_into_valid_and_ignored(build: Path) -> None:
    chips, _ = read(build)
    reasons = set()
    for chip in chips:
        objects, told = objects_of(chip), chip["objects"]
        x, y, width, height = np.array(told["bbox"]).reshape(-1, 4).T
        corners = np.stack((x, y, x + width, y + height), axis=1)
        valid = np.array(told["valid"], dtype=bool)
        np.testing.assert_allclose(objects.valid, corners[valid], rtol=1e-6)
        np.testing.assert_allclose(objects.ignored, corners[~valid], rtol=1e-6)
        assert objects.category.tolist() == [row for row, ok in zip(told["category"], valid, strict=True) if ok]
        ignored = [reason for reason, ok in zip(told["ignore_reason"], valid, strict=True) if not ok]
        assert objects.crowd.tolist() == [reason == "crowd" for reason in ignored]
        reasons |= set(ignored)
    assert {"crowd", "out_of_range"} <= reasons


def test_loss_is_told_as_the_mean_since_it_was_told_last(capsys: pytest.CaptureFixture[str]) -> None:
    learn(wanted("--epochs", "2", "--log-steps", "2"), lambda epoch: iter((epoch, 10.0, 20.0)), float)
    assert capsys.readouterr().out.splitlines() == [
        "epoch 0  step 2  loss 5.000",
        "epoch 1  step 4  loss 10.500",
        "epoch 1  step 6  loss 15.000",
    ]


def test_no_step_is_made_after_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []

    def batches(epoch: int) -> Iterator[int]:
        for number in range(3):
            shown.append((epoch, number))
            yield number

    learn(wanted("--limit-steps", "5", "--log-steps", "2"), batches, float)
    assert len(shown) == 5
    assert capsys.readouterr().out.splitlines()[-1] == "epoch 1  step 5  loss 1.000"

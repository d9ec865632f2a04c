"""Hugging Face `datasets`, the oldest version still in use and the newest, reads a Parquet build as it lies there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from consumers.tampered import passes, tampered_parquet
from consumers.truth import assert_boxes, assert_written_mask, truth
from run_cli import chipgen
from small_set import LEVELS, write_small_set

READER = Path(__file__).with_name("read_with_datasets.py")
OLD = Path(__file__).parents[2] / ".venv-datasets3" / "bin" / "python"


def read(python: Path, build: Path, cache: Path) -> dict[str, Any]:
    """Read a build in another process, without any network."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [str(python), str(READER), str(build), str(cache)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def check_datasets(python: Path, cache: Path, build: Path) -> None:
    """Check that images are decoded, classes named, and boxes where the source says."""
    found = read(python, build, cache)
    assert found["version"].startswith("3.6") == (python == OLD)
    assert found["names"] == ["car", "person", "boat"]
    expected = truth(build)
    assert [row["image_id"] for row in found["rows"]] == list(expected)
    for row, seen in zip(found["rows"], expected.values(), strict=True):
        assert row["decoded"] == [row["width"], row["height"]] == [256, 256]
        assert row["mode"] == "RGB"
        objects = row["objects"]
        assert_boxes(objects["bbox"], seen)
        assert [found["names"][category] for category in objects["category"]] == [one.name for one in seen]
        assert objects["category_id"] == [one.category_id for one in seen]
        assert objects["valid"] == [one.valid for one in seen]
        assert objects["ignore_reason"] == [one.reason for one in seen]
        assert objects["iscrowd"] == [not one.valid for one in seen]
        for mask, one in zip(objects["segmentation"], seen, strict=True):
            assert_written_mask(mask, one.mask)


@pytest.mark.parametrize("python", [Path(sys.executable), OLD], ids=["newest", "3.6"])
def test_load_dataset_decodes_images_and_class_names(python: Path, builds: dict[str, Path], tmp_path: Path) -> None:
    if not python.exists():
        pytest.skip("no environment with datasets 3.6: `make test` makes one")
    check_datasets(python, tmp_path, builds["parquet"])
    rows = read(python, builds["parquet"], tmp_path)["rows"]
    source = pq.read_table(builds["parquet"] / "data").to_pylist()
    for row, expected in zip(rows, source, strict=True):
        assert all(row[key] == expected[key] for key in ("objects", "transform", "valid_range", "source"))


@pytest.mark.parametrize(
    "change",
    [
        "no_metadata",
        "names_of_the_next",
        "image_as_plain_struct",
        "corners_for_sizes",
        "class_of_the_next",
        "all_learnt",
        "objects_lost",
        "masks_lost",
        "pictures_broken",
        "size_of_another",
    ],
)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    build = tampered_parquet(builds["parquet"], tmp_path, change)
    assert not passes(partial(check_datasets, Path(sys.executable), tmp_path / "cache"), build)


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_datasets(Path(sys.executable), tmp_path / "cache", tampered_parquet(builds["parquet"], tmp_path, "nothing"))


@pytest.mark.parametrize("python", [Path(sys.executable), OLD], ids=["newest", "3.6"])
@pytest.mark.parametrize("more", [(), ("--val-fraction", "0.5")], ids=["build", "splits"])
def test_another_build_under_the_same_name_is_read_anew(python: Path, more: tuple[str, ...], tmp_path: Path) -> None:
    if not python.exists():
        pytest.skip("no environment with datasets 3.6: `make test` makes one")
    coco, seen = write_small_set(tmp_path / "set"), []
    for fill in ("0", "255"):  # the same plan, other pixels
        out = tmp_path / fill / "chips"
        out.parent.mkdir()
        chipgen("build", "--coco", str(coco), *LEVELS, *more, "--fill", fill, "--out", str(out)).expect(0)
        seen.append(first_pixels(python, out, tmp_path / "cache"))
    assert seen[0] != seen[1]


def first_pixels(python: Path, build: Path, cache: Path) -> str:
    """Return the last pixel of each chip as a reader shows it, with a cache that outlives builds."""
    look = "import sys, datasets; t = datasets.load_dataset(sys.argv[1], cache_dir=sys.argv[2]);"
    look += "print([row['image'].getpixel((255, 255)) for name in t for row in t[name]])"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache)}
    done = subprocess.run(
        [str(python), "-c", look, str(build), str(cache)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

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
from run_cli import chipgen_here as chipgen
from small_set import LEVELS, write_small_set

READER = Path(__file__).with_name("read_with_datasets.py")
OLD = Path(__file__).parents[2] / ".venv-datasets3" / "bin" / "python"


def read(python: Path, builds: list[Path], cache: Path) -> list[dict[str, Any]]:
    """Read builds in another process, without any network; of one that cannot be read its error is returned."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [str(python), str(READER), str(cache), *map(str, builds)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(found) == len(builds)
    return found


def check_datasets(python: Path, cache: Path, build: Path) -> dict[str, Any]:
    """Check what is read of a build, and return it."""
    (found,) = read(python, [build], cache)
    check_found(python, found, build)
    return found


def check_found(python: Path, found: dict[str, Any], build: Path) -> None:
    """Check that images are decoded, classes named, and boxes where the source says."""
    assert "error" not in found, found["error"]
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
    rows = check_datasets(python, tmp_path, builds["parquet"])["rows"]
    source = pq.read_table(builds["parquet"] / "data").to_pylist()
    for row, expected in zip(rows, source, strict=True):
        assert all(row[key] == expected[key] for key in ("objects", "transform", "valid_range", "source"))


CHANGES = (
    *("no_metadata", "names_of_the_next", "image_as_plain_struct", "corners_for_sizes", "class_of_the_next"),
    *("all_learnt", "objects_lost", "masks_lost", "pictures_broken", "size_of_another"),
)


Tampered = dict[str, tuple[dict[str, Any], Path]]


@pytest.fixture(scope="module")
def tampered(builds: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Tampered:
    """Return builds that are wrong in one way each, and what is read of them: in one process, which starts slowly."""
    folder = tmp_path_factory.mktemp("tampered")
    made = []
    for change in ("nothing", *CHANGES):
        (folder / change).mkdir()
        made.append(tampered_parquet(builds["parquet"], folder / change, change))
    found = read(Path(sys.executable), made, folder / "cache")
    return dict(zip(("nothing", *CHANGES), zip(found, made, strict=True), strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_builds_are_noticed(change: str, tampered: Tampered) -> None:
    found, build = tampered[change]
    assert not passes(partial(check_found, Path(sys.executable), found), build)


def test_rewritten_build_is_right(tampered: Tampered) -> None:
    check_found(Path(sys.executable), *tampered["nothing"])


@pytest.mark.parametrize("python", [Path(sys.executable), OLD], ids=["newest", "3.6"])
def test_another_build_under_the_same_name_is_read_anew(python: Path, tmp_path: Path) -> None:
    """Of splits, too."""
    if not python.exists():
        pytest.skip("no environment with datasets 3.6: `make test` makes one")
    coco, seen = write_small_set(tmp_path / "set"), []
    for fill in ("0", "255"):  # the same plan, other pixels
        made = {tmp_path / fill / "chips": (), tmp_path / fill / "splits": ("--val-fraction", "0.5")}
        (tmp_path / fill).mkdir()
        for out, more in made.items():
            chipgen("build", "--coco", str(coco), *LEVELS, *more, "--fill", fill, "--out", str(out)).expect(0)
        seen.append(last_pixels(python, list(made), tmp_path / "cache"))
    assert all(one != other for one, other in zip(*seen, strict=True))
    assert [len(pixels) for pixels in seen] == [2, 2]


LOOK = """
import sys, datasets
for build in sys.argv[2:]:
    table = datasets.load_dataset(build, cache_dir=sys.argv[1])
    print([row["image"].getpixel((255, 255)) for name in table for row in table[name]])
"""


def last_pixels(python: Path, builds: list[Path], cache: Path) -> list[str]:
    """Return the last pixel of each chip of some builds as a reader shows it, with a cache that outlives builds."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache)}
    done = subprocess.run(
        [str(python), "-c", LOOK, str(cache), *map(str, builds)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()

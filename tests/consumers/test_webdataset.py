"""The `webdataset` library streams the tar shards of a build, and `datasets` reads them as it reads Parquet."""

from __future__ import annotations

import gc
import io
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset
from consumers.tampered import OF_WEBDATASET, passes, tampered_webdataset
from consumers.test_datasets import OLD, Tampered, check_datasets, check_found, read
from consumers.truth import assert_boxes, assert_picture, assert_written_mask, plan_rows, truth
from PIL import Image

NAMES = ["car", "person", "boat"]
ROUNDED = ("bbox", "area", "visibility", "keypoints", "valid_range")
"""Numbers of 32 bits in Parquet."""


def stream(build: Path) -> list[dict[str, Any]]:
    """Return the samples of a build, pictures decoded."""
    shards = sorted(map(str, (build / "data").iterdir()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves it to chance when a shard is closed
        samples = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False).decode("pil"))
        gc.collect()
    return samples


def check_webdataset(build: Path) -> None:
    """Check that each sample has its picture and all that is known of it, in the order of the plan."""
    samples, plan, expected = stream(build), plan_rows(build), truth(build)
    assert [sample["json"]["image_id"] for sample in samples] == list(expected)
    assert [category["name"] for category in json.loads((build / "_categories.json").read_bytes())] == NAMES
    for sample, row, seen in zip(samples, plan, expected.values(), strict=True):
        assert {key for key in sample if not key.startswith("__")} == {"jpg", "json"}
        known, objects = sample["json"], sample["json"]["objects"]
        assert [known["width"], known["height"]] == list(sample["jpg"].size)
        assert_picture(np.asarray(sample["jpg"]), build, row)
        assert all(known[key] == row[key] for key in ("kind", "level", "source", "transform"))
        assert_boxes(objects["bbox"], seen)
        assert [NAMES[category] for category in objects["category"]] == [one.name for one in seen]
        assert objects["valid"] == [one.valid for one in seen]
        assert objects["ignore_reason"] == [one.reason for one in seen]
        for mask, one in zip(objects["segmentation"], seen, strict=True):
            assert_written_mask(mask, one.mask)


def test_samples_are_what_the_source_says(builds: dict[str, Path]) -> None:
    check_webdataset(builds["webdataset"])


def test_samples_are_the_rows_of_the_parquet_build(builds: dict[str, Path]) -> None:
    rows = pq.read_table(builds["parquet"] / "data").to_pylist()
    for sample, row in zip(stream(builds["webdataset"]), rows, strict=True):
        known = sample["json"]
        with Image.open(io.BytesIO(row.pop("image")["bytes"])) as picture:
            assert picture.tobytes() == sample["jpg"].tobytes()
        objects, expected = known.pop("objects"), row.pop("objects")
        for facts, into in ((known, objects), (row, expected)):
            into["valid_range"] = facts.pop("valid_range").values()
        for name in ROUNDED:
            for found, value in zip(objects.pop(name), expected.pop(name), strict=True):
                assert found == (value if value is None else pytest.approx(value, rel=1e-6))
        assert objects == expected
        assert known == row


CHANGES = sorted(OF_WEBDATASET.keys() - {"nothing", "masks_not_as_text"})


@pytest.mark.parametrize("change", CHANGES)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_webdataset, tampered_webdataset(builds["webdataset"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_webdataset(tampered_webdataset(builds["webdataset"], tmp_path, "nothing"))


@pytest.mark.parametrize("python", [Path(sys.executable), OLD], ids=["newest", "3.6"])
def test_datasets_reads_the_same(python: Path, builds: dict[str, Path], tmp_path: Path) -> None:
    if not python.exists():
        pytest.skip("no environment with datasets 3.6: `make test` makes one")
    check_datasets(python, tmp_path, builds["webdataset"])


FOR_DATASETS = ("class_of_the_next", "masks_not_as_text", "json_missing")


@pytest.fixture(scope="module")
def tampered(builds: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Tampered:
    """Return builds that are wrong in one way each, and what `datasets` reads of them, in one process."""
    made = {}
    for change in (*FOR_DATASETS, "no card"):
        how = change if change in FOR_DATASETS else "nothing"
        made[change] = tampered_webdataset(builds["webdataset"], tmp_path_factory.mktemp("tampered"), how)
    (made["no card"] / "README.md").unlink()
    found = read(Path(sys.executable), list(made.values()), tmp_path_factory.mktemp("cache"))
    return dict(zip(made, zip(found, made.values(), strict=True), strict=True))


@pytest.mark.parametrize("change", FOR_DATASETS)
def test_datasets_notices_wrong_builds(change: str, tampered: Tampered) -> None:
    assert not passes(partial(check_found, Path(sys.executable), tampered[change][0]), tampered[change][1])


def test_datasets_needs_the_card(tampered: Tampered) -> None:
    found, build = tampered["no card"]
    assert not passes(partial(check_found, Path(sys.executable), found), build)

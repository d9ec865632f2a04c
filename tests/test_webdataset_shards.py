"""WebDataset builds: for each chip a picture and, behind it, the columns of the Parquet build as JSON."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml
from run_cli import chipgen_here as chipgen
from small_set import SCALES

if TYPE_CHECKING:
    from pathlib import Path


def members(out: Path) -> list[tuple[tarfile.TarInfo, bytes]]:
    """Return all members of all shards, in order."""
    found = []
    for path in sorted((out / "data").iterdir()):
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member)
                assert file is not None
                found.append((member, file.read()))
    return found


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory, built: dict[str, Path]) -> dict[str, Path]:
    """Return a WebDataset build and the Parquet build of the same dataset."""
    out = tmp_path_factory.mktemp("webdataset") / "out"
    coco = built["parquet"].parent / "set" / "instances.json"
    chipgen("build", "--coco", str(coco), *SCALES, "--format", "webdataset", "--out", str(out)).expect(0)
    return {"webdataset": out, "parquet": built["parquet"]}


def test_samples_say_what_the_parquet_build_says(builds: dict[str, Path]) -> None:
    rows: list[dict[str, Any]] = pq.read_table(builds["parquet"] / "data").sort_by("image_id").to_pylist()
    found = members(builds["webdataset"])
    assert len(found) == 2 * len(rows) > 0
    for row, (picture, encoded), (told, text) in zip(rows, found[::2], found[1::2], strict=True):
        image = row.pop("image")
        assert (picture.name, encoded) == (image["path"], image["bytes"])
        assert told.name == picture.name.rpartition(".")[0] + ".json"
        sample = json.loads(text)
        objects, wanted = sample.pop("objects"), row.pop("objects")
        ends, valid_range = sample.pop("valid_range"), row.pop("valid_range")
        assert sample == row
        assert ends == pytest.approx(valid_range)
        for name in ("bbox", "area", "visibility", "keypoints"):
            got, want = objects.pop(name), wanted.pop(name)
            assert [one is None for one in got] == [one is None for one in want]
            for one, other in zip(got, want, strict=True):
                assert one is None or one == pytest.approx(other, rel=1e-6)
        assert objects == wanted


def test_members_tell_nothing_of_the_run(builds: dict[str, Path]) -> None:
    for member, _ in members(builds["webdataset"]):
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        assert member.mode == 0o644
        assert member.name.count(".") == 1  # a second one would end the key of the sample


def test_masks_are_of_one_type(builds: dict[str, Path]) -> None:
    samples = [json.loads(text) for member, text in members(builds["webdataset"]) if member.name.endswith(".json")]
    masks = [mask for sample in samples for mask in sample["objects"]["segmentation"]]
    assert {type(mask) for mask in masks} == {str, type(None)}
    assert {type(json.loads(mask)) for mask in masks if mask} == {list, dict}


def test_category_table_is_as_it_came(builds: dict[str, Path]) -> None:
    table = json.loads((builds["webdataset"] / "_categories.json").read_bytes())
    assert [entry["id"] for entry in table] == [7, 1, 90]
    assert table[1]["keypoints"] == ["head", "feet"]


def test_card_tells_types_that_readers_would_have_to_guess(builds: dict[str, Path]) -> None:
    head = yaml.safe_load((builds["webdataset"] / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    picture, told, *_ = head["dataset_info"]["features"]
    assert picture == {"name": "jpg", "dtype": "image"}
    objects = {entry["name"]: entry for entry in told["struct"]}["objects"]
    category = {entry["name"]: entry for entry in objects["struct"]}["category"]
    assert category["sequence"]["class_label"]["names"] == {"0": "car", "1": "person", "2": "boat"}

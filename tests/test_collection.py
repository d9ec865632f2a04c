"""Several splits in one folder: each a build by itself, and beside them what trainers look for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from run_cli import chipgen, tree
from small_set import SCALES, small_coco, write_small_set
from zoo.running import run_here

import chipgen as library

if TYPE_CHECKING:
    from pathlib import Path

HALF = ("--val-fraction", "0.5")


def build(coco: Path, out: Path, *more: str) -> str:
    """Build and return what was printed."""
    outcome = run_here(["build", "--coco", str(coco), *SCALES, "--workers", "1", "--out", str(out), *more])
    assert outcome.code == 0, outcome
    return outcome.stdout


def sources_of(out: Path) -> set[int]:
    """Return the ids of the images that chips of a split were cut from."""
    source = pq.read_table(out / "_plan.parquet")["source"].combine_chunks()
    return set(source.field("image_id").to_pylist())


def test_no_picture_shows_in_two_splits_and_all_show_in_one(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "whole")
    build(small_set, tmp_path / "out", *HALF)
    train, val = sources_of(tmp_path / "out" / "train"), sources_of(tmp_path / "out" / "val")
    assert not train & val
    assert train
    assert val
    assert train | val == sources_of(tmp_path / "whole")
    chipgen("verify", str(tmp_path / "out")).expect(0)
    chipgen("verify", str(tmp_path / "out"), "--sources", str(small_set)).expect(0)


def test_a_split_holds_the_chips_of_its_images_as_the_whole_does(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "whole")
    build(small_set, tmp_path / "out", *HALF)
    whole, parts = (
        sorted(
            encoded
            for shard in (tmp_path / name).rglob("data/*.parquet")
            for encoded in pq.read_table(shard)["image"].combine_chunks().field("bytes").to_pylist()
        )
        for name in ("whole", "out")
    )
    assert whole == parts


def test_readers_find_both_splits(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", *HALF, "--split", "training")
    found = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    counts = {name: len(pq.read_table(tmp_path / "out" / name / "_plan.parquet")) for name in ("training", "val")}
    assert {name: len(rows) for name, rows in found.items()} == counts


def test_yolo_finds_both_splits(small_set: Path, tmp_path: Path) -> None:
    said = build(small_set, tmp_path / "out", *HALF, "--format", "yolo")
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text(encoding="utf-8"))
    assert data == {"train": "train/images", "val": "val/images", "nc": 3, "names": {0: "car", 1: "person", 2: "boat"}}
    assert all(any((tmp_path / "out" / data[name]).iterdir()) for name in ("train", "val"))
    assert "2 splits, train and val" in said


def test_layout_of_roboflow(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", *HALF, "--format", "coco", "--layout", "roboflow")
    build(small_set, tmp_path / "plain", "--format", "coco")
    plain = json.loads((tmp_path / "plain" / "annotations.json").read_bytes())["annotations"]
    wanted = {annotation["source_id"]: annotation["category_id"] for annotation in plain}
    for name in ("train", "valid"):
        folder = tmp_path / "out" / name
        document = json.loads((folder / "_annotations.coco.json").read_bytes())
        assert [entry["id"] for entry in document["categories"]] == [0, 1, 2]
        assert [entry["source_id"] for entry in document["categories"]] == [7, 1, 90]
        assert [entry["supercategory"] for entry in document["categories"]] == ["vehicle", "objects", "objects"]
        assert document["annotations"]
        for annotation in document["annotations"]:
            assert annotation["source_category_id"] == wanted[annotation["source_id"]]
            assert [7, 1, 90][annotation["category_id"]] == annotation["source_category_id"]
        assert all((folder / image["file_name"]).is_file() for image in document["images"])
    chipgen("verify", str(tmp_path / "out")).expect(0)


def test_no_supercategory_of_roboflows_layout_hides_a_class(tmp_path: Path) -> None:
    coco = small_coco()
    for entry, name, above in zip(
        coco.categories, ("objects", "person", "boat"), ("none", "boat", "things"), strict=True
    ):
        entry |= {"name": name, "supercategory": above}
    build(write_small_set(tmp_path / "set", coco), tmp_path / "out", "--format", "coco", "--layout", "roboflow")
    table = json.loads((tmp_path / "out" / "train" / "_annotations.coco.json").read_bytes())["categories"]
    assert [entry["supercategory"] for entry in table] == ["objects_", "objects_", "things"]


def test_roboflow_without_a_split_to_validate_says_so(small_set: Path, tmp_path: Path) -> None:
    said = build(small_set, tmp_path / "out", "--format", "coco", "--layout", "roboflow")
    assert "note         there is no split valid, which trainers look for: --val-fraction makes one" in said
    assert (tmp_path / "out" / "train" / "_annotations.coco.json").is_file()


def test_a_file_for_each_split_with_its_own_images(tmp_path: Path) -> None:
    train = write_small_set(tmp_path / "a")
    coco = small_coco()
    coco.categories = coco.categories[:2]
    coco.annotations = [one for one in coco.annotations if one["category_id"] != 90]
    val = write_small_set(tmp_path / "b", coco)
    val.rename(tmp_path / "val.json")
    arguments = ["--coco", f"val={tmp_path / 'val.json'}", "--images", f"val={tmp_path / 'b' / 'images'}"]
    outcome = run_here(
        ["build", "--coco", f"train={train}", *arguments, *SCALES, "--out", str(tmp_path / "out"), "--format", "yolo"]
    )
    assert outcome.code == 0, outcome
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text(encoding="utf-8"))
    assert data["names"] == {0: "car", 1: "person", 2: "boat"}
    assert sources_of(tmp_path / "out" / "train") == sources_of(tmp_path / "out" / "val")  # the ids are each file's own
    assert "the same" not in outcome.stdout
    chipgen("verify", str(tmp_path / "out")).expect(0)


def test_pictures_in_two_splits_are_told(small_set: Path, tmp_path: Path) -> None:
    arguments = ["--coco", f"a={small_set}", "--coco", f"b={small_set}", "--out", str(tmp_path / "out")]
    outcome = run_here(["build", *arguments, *SCALES])
    assert "note         4 pictures of a and b are the same, such as 11.png" in outcome.stdout, outcome


def test_again_there_is_nothing_to_do_and_what_is_lost_comes_back(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", *HALF, "--format", "yolo")
    before = tree(tmp_path / "out")
    assert "finished     2 splits" in build(small_set, tmp_path / "out", *HALF, "--format", "yolo")
    assert tree(tmp_path / "out") == before
    for lost in ("data.yaml", "README.md", "val/data.yaml"):
        (tmp_path / "out" / lost).unlink()
    next((tmp_path / "out" / "val" / "images").iterdir()).unlink()
    build(small_set, tmp_path / "out", *HALF, "--format", "yolo")
    assert tree(tmp_path / "out") == before


def test_images_of_a_field_stay_together(tmp_path: Path) -> None:
    coco = small_coco()
    for image in coco.images:
        image["meta"] = {"flight": "a" if image["id"] in {5, 11} else "b"}
    build(write_small_set(tmp_path / "set", coco), tmp_path / "out", *HALF, "--group-by", "meta.flight")
    assert {frozenset(sources_of(tmp_path / "out" / name)) for name in ("train", "val")} == {
        frozenset({5, 11}),
        frozenset({3, 8}),
    }


def test_the_same_in_python(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "cli", *HALF, "--group-by", r"^(\d)")
    sides = library.split(library.read_coco(small_set), 0.5, r"^(\d)")
    settings: dict[str, Any] = {"scales": "1x,2x,256", "valid_ranges": "20-120,0-60,60-", "chip_size": 256}
    plans = {name: library.plan(side, **settings, chips_per_shard=4) for name, side in sides.items()}
    report = library.export_splits(plans, tmp_path / "out", workers=1)
    assert tree(tmp_path / "out") == tree(tmp_path / "cli")
    assert list(report.splits) == ["train", "val"]
    assert library.export_splits(plans, tmp_path / "out", workers=1).unchanged


def test_tables_that_differ_are_refused_and_read_splits_makes_them_one(tmp_path: Path) -> None:
    coco = small_coco()
    coco.categories = coco.categories[:2]
    paths = {"train": write_small_set(tmp_path / "a"), "val": write_small_set(tmp_path / "b", coco)}
    settings: dict[str, Any] = {"scales": "1x", "chip_size": 256}
    apart = {name: library.plan(library.read_coco(path, on_error="skip"), **settings) for name, path in paths.items()}
    with pytest.raises(library.UsageError, match="different category tables"):
        library.export_splits(apart, tmp_path / "out", on_error="skip")
    assert not (tmp_path / "out").exists()
    together = library.read_splits(paths, on_error="skip")
    assert len({one.categories.raw for one in together.values()}) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--val-fraction", "0"], "--val-fraction: 0: is not possible"),
        (["--val-fraction", "0.5", "--split", "val"], "--split: val: is what --val-fraction calls the other side"),
        (["--group-by", "flight"], "--group-by: flight: means nothing without a split"),
        (["--val-fraction", "0.5", "--group-by", "flight"], "--group-by: flight: is a field of no image"),
        (["--coco", "b.json"], "has no name: write SPLIT=PATH for each"),
        (["--layout", "roboflow"], "--layout: roboflow: is a layout of COCO files, not of parquet"),
    ],
)
def test_what_cannot_be_meant_is_refused(small_set: Path, tmp_path: Path, more: list[str], said: str) -> None:
    outcome = run_here(["build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out"), *more])
    assert outcome.code == 2
    assert said in outcome.stderr
    assert not (tmp_path / "out").exists()


def test_other_commands_know_a_folder_of_splits(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", *HALF)
    chips = {name: len(pq.read_table(tmp_path / "out" / name / "_plan.parquet")) for name in ("train", "val")}
    told = json.loads(chipgen("stats", str(tmp_path / "out"), "--json").expect(0).out)
    assert {name: one["chips"] for name, one in told["splits"].items()} == chips
    for command in ("epochs", "view"):
        refused = chipgen(command, str(tmp_path / "out")).expect(1).err
        assert f"holds several splits: name one of them: {tmp_path / 'out' / 'train'}" in refused

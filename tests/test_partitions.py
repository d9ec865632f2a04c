"""A dataset in several files, built one after the other: one dataset to those who read it, and never two in memory."""

from __future__ import annotations

import gc
import json
import shutil
import weakref
from itertools import chain
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from fault_scenes import tree
from partitions_made import PARTS, STEP, build, expect, read_part, write_part, write_parts
from zoo.running import run_here

import chipgen as library
import chipgen.coco
from chipgen.partitions.making import plan_partitions
from chipgen.verification import verify

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.dataset import Dataset
    from chipgen.raw_entries import RawEntries

NEGATIVES = ("--negatives-per-image", "all", "--min-proposals", "2")


@pytest.fixture(scope="module")
def anns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three annotation files, beside one of proposals and one of pictures."""
    return write_parts(tmp_path_factory.mktemp("parts") / "set")


@pytest.fixture(scope="module")
def made(anns: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished build of them, with negative chips; nobody writes there."""
    out = tmp_path_factory.mktemp("made") / "out"
    expect(build(anns, out, "--proposals", f"{anns.parent}/proposals/*", *NEGATIVES), 0)
    return out


def rows(out: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a table of all parts, read as one."""
    found = duckdb.sql(f"SELECT {columns} FROM '{out}/*/{table}'")  # noqa: S608 -- our own words
    return [(*row,) for row in found.fetchall()]


@pytest.fixture
def copied(anns: Path, tmp_path: Path) -> Path:
    """Return a copy of the annotation files, beside the pictures."""
    shutil.copytree(anns.parent, tmp_path / "set")
    return tmp_path / "set" / "anns"


# -- one dataset -------------------------------------------------------------------------------------------------------


def test_tables_of_all_parts_are_one_table_without_an_id_that_stands_twice(anns: Path, made: Path) -> None:
    columns = "image_id, source.image_id, objects.id, objects.source_id"
    chips, images, boxes, sources = zip(*rows(made, "_plan.parquet", columns), strict=True)
    wanted = {image + number * STEP for number, images in enumerate(PARTS.values()) for image in images}
    assert set(images) == wanted
    assert len(set(chips)) == len(chips)
    ids = [one for some in boxes for one in some]
    assert ids
    assert len(set(ids)) == len(ids)
    assert {one // STEP for some in sources for one in some} == {0, 1, 2}
    ledger = rows(made, "_ledger.parquet", "annotation_id, image_id")
    given = {
        (one["id"] + number * STEP, one["image_id"] + number * STEP)
        for number, name in enumerate(PARTS)
        for one in read_part(anns / name)["annotations"]
    }
    assert set(ledger) == given
    assert len(ledger) == len(given)


def test_shards_hold_the_ids_of_the_plan(made: Path) -> None:
    for number in range(3):
        part = made / f"part-{number:05d}"
        plan = pq.read_table(part / "_plan.parquet")["image_id"].to_pylist()
        shards = [pq.read_table(path) for path in sorted((part / "data").iterdir())]
        assert [row for shard in shards for row in shard["image_id"].to_pylist()] == plan
        assert {row // STEP for row in plan} == {number}
        names = [row["path"] for shard in shards for row in shard["image"].to_pylist()]
        assert all(int(name.split("-")[0]) == row for name, row in zip(names, plan, strict=True))


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_readers_find_the_chips_of_all_parts_as_one_split(form: str, anns: Path, tmp_path: Path) -> None:
    expect(build(anns, tmp_path / "out", "--format", form, "--split", "train2"), 0)
    found = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    plans = [pq.read_table(path)["image_id"].to_pylist() for path in sorted((tmp_path / "out").glob("*/_plan.parquet"))]
    assert list(found) == ["train2"]
    ids = found["train2"]["image_id"] if form == "parquet" else [one["image_id"] for one in found["train2"]["json"]]
    assert sorted(ids) == list(chain.from_iterable(plans))
    assert verify(tmp_path / "out").ok


def test_coco_files_of_parts_share_no_id(anns: Path, tmp_path: Path) -> None:
    expect(build(anns, tmp_path / "out", "--format", "coco"), 0)
    documents = [json.loads(path.read_bytes()) for path in sorted((tmp_path / "out").glob("*/annotations.json"))]
    assert len(documents) == 3
    for section in ("images", "annotations"):
        ids = [one["id"] for document in documents for one in document[section]]
        assert len(set(ids)) == len(ids)
    assert {json.dumps(document["categories"]) for document in documents} == {json.dumps(documents[0]["categories"])}
    assert verify(tmp_path / "out").ok


def test_yolo_finds_the_pictures_of_all_parts(copied: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    change_masks(copied / "a.json")
    expect(build(copied, out, "--format", "yolo"), 0)
    text = (out / "data.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    assert "There is no split to validate on here.\n" in text
    assert data["train"] == [f"part-{number:05d}/images" for number in range(3)]
    assert data["names"] == {0: "car", 1: "person", 2: "boat"}
    assert all(any((out / folder).iterdir()) for folder in data["train"])
    lines = [line for path in out.glob("*/labels/*.txt") for line in path.read_text(encoding="ascii").splitlines()]
    assert {line.count(" ") for line in lines} == {4}  # the first file has no mask, so that all labels are boxes
    assert verify(out).ok
    reference = tree(out)
    (out / "data.yaml").unlink()
    next((out / "part-00002" / "labels").iterdir()).unlink()
    expect(build(copied, out, "--format", "yolo"), 0)
    assert tree(out) == reference
    (out / "data.yaml").write_bytes(reference["data.yaml"].replace(b"part-00001", b"part-00009"))
    assert any("data.yaml" in str(fault) for fault in verify(out).faults)


def test_labels_of_yolo_are_outlines_in_all_parts_when_the_first_has_masks(copied: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (copied / "a.json").rename(copied / "z.json")
    change_masks(copied / "c.json")
    expect(build(copied, out, "--format", "yolo"), 0)
    kinds = {json.loads(path.read_bytes())["configuration"]["labels"] for path in out.glob("part-*/_manifest.json")}
    assert kinds == {"outlines"}
    assert verify(out).ok


def change_masks(path: Path) -> None:
    """Take the masks out of an annotation file."""
    document = read_part(path)
    for annotation in document["annotations"]:
        annotation.pop("segmentation", None)
    write_part(path, document)


def test_the_first_part_is_what_its_file_alone_becomes(anns: Path, made: Path, tmp_path: Path) -> None:
    given = ("--proposals", str(anns.parent / "proposals" / "a.json"), *NEGATIVES)
    expect(build(anns / "a.json", tmp_path / "alone", *given), 0)
    alone, part = tree(tmp_path / "alone"), tree(made / "part-00000")
    manifests = [json.loads(files.pop("_manifest.json")) for files in (alone, part)]
    assert alone == part
    assert [one["configuration"].pop("partition") for one in manifests] == [None, 0]
    assert manifests[0] == manifests[1]


def test_order_of_the_files_is_that_of_their_names(copied: Path, tmp_path: Path) -> None:
    (copied / "b.json").rename(copied / "B.json")  # capitals come first, whatever the locale
    said = expect(build(copied, tmp_path / "out"), 0).stdout.splitlines()
    assert [line.split()[1] for line in said[:3]] == ["B.json:", "a.json:", "c.json:"]
    told = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())["parts"]
    assert [one["annotations"] for one in told] == ["B.json", "a.json", "c.json"]


def test_negative_chips_are_mined_from_the_proposals_of_each_part(made: Path) -> None:
    found = rows(made, "_plan.parquet", "source.image_id, kind")
    assert {image // STEP for image, kind in found if kind == "negative"} == {0, 1, 2}


# -- one after the other -----------------------------------------------------------------------------------------------


class Watch:
    """Sees how many datasets are alive when the next is read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.alive: list[int] = []
        self.texts: weakref.WeakSet[RawEntries] = weakref.WeakSet()
        real = chipgen.coco.read_coco

        def read(path: Any, *arguments: Any, **settings: Any) -> Dataset:
            gc.collect()
            self.alive.append(len(self.texts))
            self.read.append(str(path).rpartition("/")[2])
            dataset = real(path, *arguments, **settings)
            self.texts.add(dataset.annotations.raw)
            return dataset

        monkeypatch.setattr(chipgen.coco, "read_coco", read)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_never_two_datasets_are_alive(
    more: tuple[str, ...], anns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(monkeypatch)
    expect(build(anns, tmp_path / "out", *more), 0)
    assert watch.read == ["a.json", "b.json", "c.json"]
    assert watch.alive == [0, 0, 0]


def test_finished_parts_are_not_read_again(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    expect(build(copied, out), 0)
    reference, watch = tree(out), Watch(monkeypatch)
    expect(build(copied, out), 0, "finished     3 parts", "nothing to do")
    assert watch.read == []
    shard = next((out / "part-00001" / "data").iterdir())
    shard.unlink()
    expect(build(copied, out), 0, "part-00000   a.json", "(finished before)", "written      3 parts")
    assert watch.read == ["b.json"]
    assert tree(out) == reference
    (out / "README.md").unlink()
    expect(build(copied, out), 0, "written      3 parts")
    assert tree(out) == reference


def test_lost_card_of_webdataset_is_written_anew(anns: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    expect(build(anns, out, "--format", "webdataset"), 0)
    reference = tree(out)
    (out / "README.md").unlink()
    expect(build(anns, out, "--format", "webdataset"), 0)
    assert tree(out) == reference


def test_a_file_that_sorts_last_is_added_without_changing_others(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, late = tmp_path / "out", copied.parent / "c.json"
    (copied / "c.json").rename(late)
    expect(build(copied, out), 0)
    before = tree(out)
    late.rename(copied / "c.json")
    watch = Watch(monkeypatch)
    expect(build(copied, out), 0, "part-00002   c.json", "written      3 parts")
    assert watch.read == ["c.json"]
    after = tree(out)
    assert {path for path in before if after[path] != before[path]} == {"README.md", "_manifest.json"}
    expect(build(copied, tmp_path / "fresh"), 0)
    assert after == tree(tmp_path / "fresh")
    assert verify(out).ok


def test_the_same_in_python(anns: Path, made: Path, tmp_path: Path) -> None:
    files = [anns / "c.json", anns / "a.json", anns / "b.json"]
    told = library.export_partitions(
        files,
        tmp_path / "out",
        "1x,2x,256",
        valid_ranges="20-120,0-60,60-",
        chip_size=256,
        chips_per_shard=4,
        proposals=f"{anns.parent}/proposals/*",
        negatives_per_image="all",
        min_proposals=2,
        workers=1,
    )
    assert tree(tmp_path / "out") == tree(made)
    assert list(told.parts) == ["part-00000", "part-00001", "part-00002"]
    assert told.within(0)
    again = library.export_partitions(
        str(anns / "*.json"),
        tmp_path / "sampled",
        "1x",
        sampler=library.grid,
        sampler_options={"overlap": 0.5},
        workers=1,
    )
    assert all(part.chips for part in again.parts.values())


def test_limit_is_one_of_each_file(anns: Path, tmp_path: Path) -> None:
    expect(build(anns, tmp_path / "out", "--limit", "1"), 0)
    images = rows(tmp_path / "out", "_plan.parquet", "source.image_id")
    assert {image for (image,) in images} == {3, STEP + 11, 2 * STEP + 5}


def test_dry_run_adds_up_and_writes_nothing(anns: Path, tmp_path: Path) -> None:
    expect(build(anns, tmp_path / "built"), 0)
    chips = sum(len(pq.read_table(path)) for path in (tmp_path / "built").glob("*/_plan.parquet"))
    said = expect(build(anns, tmp_path / "out", "--dry-run"), 0, f"chips        {chips}, ", "3 parts, 4 images").stdout
    assert len(said.splitlines()) == 3 + 5
    told = json.loads(build(anns, tmp_path / "out", "--dry-run", "--json").stdout)
    assert (told["parts"], told["chips"], told["images"]) == (3, chips, 4)
    assert sum(told["ledger"].values()) == told["annotations"] == 16
    assert build(anns, tmp_path / "out", "--dry-run", "-q").stdout == ""
    assert not (tmp_path / "out").exists()


def test_report_as_json(anns: Path, tmp_path: Path) -> None:
    told = json.loads(build(anns, tmp_path / "out", "--json").stdout)
    assert [one["annotations"] for one in told["parts"].values()] == [str(anns / name) for name in PARTS]
    assert build(anns, tmp_path / "out", "-q").stdout == ""


def test_stats_adds_up(made: Path) -> None:
    counts = [json.loads((part / "_manifest.json").read_bytes())["counts"] for part in sorted(made.glob("part-*"))]
    chips, negative = sum(one["chips"] for one in counts), sum(one["negatives"]["chips"] for one in counts)
    told = json.loads(run_here(["stats", str(made), "--json"]).stdout)
    assert (told["parts"], told["images"], told["annotations"], told["chips"], told["negative"]) == (
        *(3, 4, 16),
        *(chips, negative),
    )
    assert sum(told["ledger"].values()) == 16
    said = expect(run_here(["stats", str(made)]), 0, f"{chips - negative:,} positive, {negative:,} negative").stdout
    assert "parts        3" in said


def test_plans_one_after_the_other_can_be_looked_at(anns: Path) -> None:
    from chipgen.config import PlanConfig  # noqa: PLC0415
    from chipgen.export_config import ExportConfig  # noqa: PLC0415
    from chipgen.partitions.files import matching, partitions  # noqa: PLC0415
    from chipgen.partitions.making import Making  # noqa: PLC0415

    parts = partitions(matching(f"{anns}/*"))
    config = PlanConfig.parse("1x")
    making = Making(config, ExportConfig(), lambda part: library.read_coco(part.coco), lambda _: None)
    found = {part.folder: plan.dataset.images.id.tolist() for part, plan in plan_partitions(parts, making)}
    assert found["part-00001"] == [STEP + 11]


def test_categories_of_a_file_that_differ_are_refused_and_finished_parts_stay(copied: Path, tmp_path: Path) -> None:
    out, document = tmp_path / "out", read_part(copied / "b.json")
    write_part(copied / "b.json", {**document, "categories": document["categories"][::-1]})
    said = expect(build(copied, out), 1, "1 of 3 parts are finished and stay").stderr.splitlines()
    assert said[0].startswith(f"{copied}/b.json: categories: are not those of {copied}/a.json")
    assert len(said) == 2
    assert (out / "part-00000" / "_manifest.json").exists()
    assert not (out / "_manifest.json").exists()
    expect(build(copied, tmp_path / "dry", "--dry-run"), 1, "b.json: categories: are not those of")
    write_part(copied / "b.json", document)
    expect(build(copied, out), 0, "(finished before)")
    expect(build(copied, tmp_path / "fresh"), 0)
    assert tree(out) == tree(tmp_path / "fresh")

"""Several splits in one folder, when something is in the way, goes wrong or is changed: nothing lost or untrue."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from fault_scenes import tree
from faulty_disk import Disk, SuddenDeath
from small_set import SCALES, small_coco, write_small_set
from tampering import manifest, words
from zoo.running import Outcome, run_here

import chipgen as library
from chipgen.store import Output, disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from datasets_made import Coco

HALF = ("--val-fraction", "0.5")
SKIP = ("--on-error", "skip", "--max-skipped", "99")


def build(coco: Path, out: Path, *more: str) -> Outcome:
    """Build the small set here."""
    return run_here(["build", "--coco", str(coco), *SCALES, "--workers", "1", "--out", str(out), *more])


def both(train: Path, val: Path, out: Path, *more: str) -> Outcome:
    """Build two annotation files here."""
    files = ["--coco", f"train={train}", "--coco", f"val={val}"]
    return run_here(["build", *files, *SCALES, "--workers", "1", "--out", str(out), *more])


def expect(outcome: Outcome, code: int, said: str = "") -> Outcome:
    """Check how a run ended, in at most one line, and what it said."""
    assert outcome.code == code, outcome
    assert said in outcome.stdout + outcome.stderr, outcome
    assert outcome.stderr.count("\n") == (1 if code in {1, 2, 4, 130} else 0), outcome
    return outcome


def faults(out: Path) -> list[str]:
    """Return what verifying finds."""
    return [str(fault).removeprefix(f"{out}/") for fault in library.verify(out).faults]


def but_for_litter(out: Path) -> dict[str, bytes]:
    """Return all files but those that a killed run leaves and the next one clears."""
    return {path: data for path, data in tree(out).items() if not {".lock", ".tmp"} & {*Path(path).parts}}


def die_in(out: Path, operation: str, place: str, coco: Path, *more: str) -> None:
    """Leave a run that died when something in a place got its name."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk()
        before = tree(out) if out.exists() else None
        with disk.installed(patch):
            assert build(coco, out, *more).code in {0, 3}
        shutil.rmtree(out)
        for path, data in (before or {}).items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(data)
        last = [n for n, (name, a) in enumerate(disk.log, 1) if name == operation and _is_at(a, out / place)][-1]
        with Disk(last, "dies after").installed(patch), pytest.raises(SuddenDeath):
            build(coco, out, *more)


def _is_at(arguments: tuple[Any, ...], place: Path) -> bool:
    return isinstance(arguments[-1], Path) and arguments[-1] == place


@pytest.fixture
def out(small_set: Path, tmp_path: Path) -> Path:
    """Return a finished folder of two splits."""
    expect(build(small_set, tmp_path / "out", *HALF), 0)
    return tmp_path / "out"


# -- killed ------------------------------------------------------------------------------------------------------------

PLACES = ["_run.json", "train/_manifest.json", "val/_run.json", "val/_manifest.json", "README.md", "_manifest.json"]
"""Before the first chip, between the splits, before and among the files about all."""


@pytest.mark.row("I86", "J98", "K108")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("over", [False, True], ids=["fresh", "overwriting"])
def test_killed_anywhere_the_same_command_ends_with_the_same_bytes(
    place: str, over: bool, small_set: Path, tmp_path: Path
) -> None:
    out, more = tmp_path / "out", (*HALF, "--format", "webdataset", *(["--overwrite"] if over else []))
    expect(build(small_set, tmp_path / "reference", *more[:4]), 0)
    if over:
        expect(build(small_set, out, "--val-fraction", "0.25"), 0)
    die_in(out, "replace", place, small_set, *more)
    if place != "_manifest.json":
        assert not (out / "_manifest.json").exists()
        with pytest.raises(library.DataError, match="is not finished: run the same chipgen build again"):
            library.verify(out)
        expect(
            build(small_set, out, *HALF, "--format", "coco"), 4, "configuration.format: is webdataset there and coco"
        )
        expect(build(small_set, out, "--overwrite"), 4, "holds the splits train, val, which are not these")
    expect(build(small_set, out, *more), 0)
    assert tree(out) == tree(tmp_path / "reference")


def test_a_split_that_was_overwritten_before_the_end_is_not_made_again(small_set: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", (*HALF, "--quality", "50", "--overwrite")
    expect(build(small_set, out, *HALF), 0)
    die_in(out, "replace", "val/_run.json", small_set, *more)
    before = {path: path.stat().st_mtime_ns for path in (out / "train").rglob("*.parquet")}
    expect(build(small_set, out, *more), 0)
    assert {path: path.stat().st_mtime_ns for path in (out / "train").rglob("*.parquet")} == before
    expect(build(small_set, out, *more), 0)  # now it is another command, which makes all anew
    assert {path: path.stat().st_mtime_ns for path in (out / "train").rglob("*.parquet")} != before


def test_card_that_was_not_yet_written_again_is_no_nothing_to_do(small_set: Path, tmp_path: Path) -> None:
    """Killed after a retried image came into its split: the card still tells of the chips there were before."""
    out = tmp_path / "out"
    picture = small_set.parent / "images" / "11.png"
    whole = picture.read_bytes()
    picture.write_bytes(b"no picture")
    expect(build(small_set, out, *HALF, *SKIP), 0)
    picture.write_bytes(whole)
    retry = (*HALF, *SKIP, "--retry-skipped")
    card = (out / "README.md").read_bytes()
    side = next(name for name in ("train", "val") if 11 in sides(small_set, tmp_path)[name])
    die_in(out, "replace", f"{side}/_manifest.json", small_set, *retry)
    assert (out / "README.md").read_bytes() == card
    expect(build(small_set, out, *retry), 0)
    expect(build(small_set, tmp_path / "fresh", *HALF, *SKIP), 0)
    assert tree(out) == tree(tmp_path / "fresh")
    expect(build(small_set, out, *retry), 0, "finished     2 splits")


def sides(coco: Path, folder: Path) -> dict[str, set[int]]:
    """Return the ids of the images of each split."""
    expect(build(coco, folder / "sides", *HALF, *SKIP), 0)
    plans = {name: pq.read_table(folder / "sides" / name / "_plan.parquet") for name in ("train", "val")}
    return {name: {row["source"]["image_id"] for row in plan.to_pylist()} for name, plan in plans.items()}


@pytest.mark.row("J99")
@pytest.mark.parametrize(("place", "said"), [("train/_run.json", "0 of 2"), ("val/_run.json", "1 of 2")])
def test_interrupted_it_says_how_many_splits_are_finished(
    place: str, said: str, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "out", disk.replace

    def replace(source: Path, target: Path) -> None:
        real(source, target)
        if target == out / place:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "replace", replace)
        expect(build(small_set, out, *HALF), 130, f"interrupted: {said} splits are finished: run again to resume")
    expect(build(small_set, out, *HALF), 0)
    assert faults(out) == []


@pytest.mark.row("I91")
@pytest.mark.parametrize("place", [".", "train", "val"])
def test_second_run_at_the_same_time_is_refused(place: str, out: Path, small_set: Path) -> None:
    (out / "val" / "README.md").unlink()
    with Output(out / place, overwrite=False, nested=("train", "val")):
        before = tree(out)
        for more in ((), ("--overwrite",)):
            expect(build(small_set, out, *HALF, *more), 4, f"is locked by pid {os.getpid()}")
        assert tree(out) == before
    expect(build(small_set, out, *HALF), 0)


# -- in the way --------------------------------------------------------------------------------------------------------


@pytest.mark.row("I83")
@pytest.mark.parametrize("over", [(), ("--overwrite",)], ids=["plain", "overwriting"])
@pytest.mark.parametrize("foreign", ["mine.txt", "train/mine.txt", "val/data/mine.parquet", "test/mine.txt"])
def test_foreign_files_stay_and_are_named_before_anything_changes(
    foreign: str, over: tuple[str, ...], out: Path, small_set: Path, tmp_path: Path
) -> None:
    fresh = tmp_path / "fresh"
    for folder in (out, fresh):
        (folder / foreign).parent.mkdir(parents=True, exist_ok=True)
        (folder / foreign).write_bytes(b"mine")
        before = tree(folder)
        expect(build(small_set, folder, *HALF, "--quality", "50", *over), 4)
        assert tree(folder) == before
    before = tree(out)
    outcome = build(small_set, out, *HALF)  # the same build, finished: nothing is to be done
    assert outcome.code == (4 if "/" not in foreign or foreign.startswith("test") else 0), outcome
    assert tree(out) == before


@pytest.mark.parametrize("kind", ["file", "link"])
def test_anything_in_the_place_of_a_split_stays(kind: str, small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        (tmp_path / "out" / "val").write_bytes(b"mine")
    else:
        (tmp_path / "out" / "val").symlink_to(tmp_path / "elsewhere")
    expect(build(small_set, tmp_path / "out", *HALF), 4)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["val"]
    assert not any((tmp_path / "elsewhere").iterdir())


def test_missing_image_of_the_second_split_is_told_before_anything_changes(out: Path, small_set: Path) -> None:
    val = sides(small_set, out.parent)["val"]
    (small_set.parent / "images" / f"{min(val)}.png").unlink()
    before = tree(out)
    expect(build(small_set, out, *HALF, "--quality", "50", "--overwrite"), 1, f"image {min(val)}")
    assert tree(out) == before
    expect(build(small_set, out.parent / "new", *HALF), 1, f"image {min(val)}")
    assert not (out.parent / "new").exists()


def test_another_build_in_the_place_of_the_second_split_is_told_before_anything_changes(
    small_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    expect(build(small_set, out / "val", "--split", "val"), 0)
    before = tree(out)
    expect(build(small_set, out, *HALF), 4, f"{out / 'val'}: configuration.val_fraction: is none there and 0.5 now")
    assert tree(out) == before


def test_broken_image_leaves_what_was_there(out: Path, small_set: Path) -> None:
    """Found only when it is decoded: the splits before it are made by then, all else is as it was."""
    broken = sides(small_set, out.parent)
    pictures = small_set.parent / "images"
    shutil.copytree(pictures, out.parent / "kept")
    (pictures / f"{max(broken['train'])}.png").write_bytes(b"no picture")
    before = tree(out)
    expect(build(small_set, out, *HALF, "--quality", "50", "--overwrite"), 1, "unidentified")
    assert tree(out) == before
    assert faults(out) == []
    (pictures / f"{max(broken['val'])}.png").write_bytes(b"no picture")
    shutil.copy(out.parent / "kept" / f"{max(broken['train'])}.png", pictures)
    expect(build(small_set, out, *HALF, "--quality", "50", "--overwrite"), 1, "unidentified")
    assert not (out / "_manifest.json").exists(), "the splits are of two builds"
    assert {path: data for path, data in tree(out).items() if path.startswith("val/")} == {
        path: data for path, data in before.items() if path.startswith("val/")
    }
    expect(build(small_set, out.parent / "new", *HALF), 1, "unidentified")
    assert sorted(path.name for path in (out.parent / "new").iterdir()) == ["_journal.jsonl", "_run.json", "train"]


OTHERS = [
    ("--val-fraction", "0.25"),
    (*HALF, "--format", "yolo"),
    (*HALF, "--format", "coco"),
    (*HALF, "--seed", "1"),
    (*HALF, "--group-by", "^(.)"),
]


@pytest.mark.row("I85")
@pytest.mark.parametrize("more", OTHERS, ids=" ".join)
def test_other_splits_are_refused_and_overwritten_when_asked_for(
    more: tuple[str, ...], out: Path, small_set: Path
) -> None:
    before = tree(out)
    expect(build(small_set, out, *more), 4, "there and")
    assert tree(out) == before
    expect(build(small_set, out, *more, "--overwrite"), 0)
    expect(build(small_set, out.parent / "fresh", *more), 0)
    assert tree(out) == tree(out.parent / "fresh")
    expect(build(small_set, out, *HALF, "--overwrite"), 0)
    assert tree(out) == before


@pytest.mark.parametrize(
    "more", [(), (*HALF, "--split", "learn"), (*HALF, "--format", "coco", "--layout", "roboflow")], ids=" ".join
)
def test_what_has_other_folders_is_refused_with_and_without_overwrite(
    more: tuple[str, ...], out: Path, small_set: Path
) -> None:
    before = tree(out)
    for over in ((), ("--overwrite",)):
        said = "configuration.splits: holds the splits train, val, which are not these: choose another --out"
        expect(build(small_set, out, *more, *over), 4, said)
    assert tree(out) == before


@pytest.mark.parametrize("form", ["parquet", "yolo"])
def test_splits_over_a_single_build(form: str, small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    expect(build(small_set, out, "--format", form), 0)
    before = tree(out)
    expect(build(small_set, out, *HALF, "--format", form), 4, "configuration.splits.train: is none there and train now")
    assert tree(out) == before
    expect(build(small_set, out, *HALF, "--format", form, "--overwrite"), 0)
    expect(build(small_set, tmp_path / "fresh", *HALF, "--format", form), 0)
    assert tree(out) == tree(tmp_path / "fresh")


# -- data --------------------------------------------------------------------------------------------------------------


def _poor() -> Coco:
    """Return the small dataset with annotations that cannot be used, also of no image."""
    coco = small_coco()
    for image in (3, 5, 8, 11):
        coco.box(image, [1, 1, 0, 5])
    coco.box(77, [1, 1, 5, 5])
    coco.box(-4, [1, 1, 5, 5])
    return coco


def test_ledgers_and_lists_of_all_splits_add_up_to_the_input(tmp_path: Path) -> None:
    coco = _poor()
    path = write_small_set(tmp_path / "set", coco)
    (tmp_path / "set" / "images" / "8.png").write_bytes(b"no picture")
    expect(build(path, tmp_path / "out", *HALF, *SKIP), 0)
    ledger = [
        row
        for name in ("train", "val")
        for row in pq.read_table(tmp_path / "out" / name / "_ledger.parquet").to_pylist()
    ]
    assert sorted(row["annotation_id"] for row in ledger) == sorted(one["id"] for one in coco.annotations)
    listed = [
        line
        for name in ("train", "val")
        for line in (tmp_path / "out" / name / "_skipped.jsonl").read_text().splitlines()
    ]
    expect(build(path, tmp_path / "whole", *SKIP), 0)
    assert sorted(listed) == sorted((tmp_path / "whole" / "_skipped.jsonl").read_text().splitlines())
    assert len(listed) == 7


def test_limit_of_skipped_things_counts_all_splits(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set", _poor())
    for limit, code in (("5", 3), ("6", 0), ("5", 3)):  # the second and third time nothing is to be done
        done = build(path, tmp_path / "out", *HALF, "--on-error", "skip", "--max-skipped", limit)
        assert done.code == code
    assert build(path, tmp_path / "strict", *HALF).code == 1
    assert not (tmp_path / "strict").exists()


@pytest.mark.row("K107")
def test_order_of_the_file_changes_no_split(small_set: Path, tmp_path: Path) -> None:
    expect(build(small_set, tmp_path / "out", *HALF, "--format", "yolo"), 0)
    value = json.loads(small_set.read_bytes())
    for section in ("images", "annotations"):
        random.Random(3).shuffle(value[section])  # noqa: S311 -- no secret
    (tmp_path / "set" / "other.json").write_text(json.dumps(value), encoding="utf-8")
    expect(build(tmp_path / "set" / "other.json", tmp_path / "other", *HALF, "--format", "yolo"), 0)
    one, other = tree(tmp_path / "out"), tree(tmp_path / "other")
    assert {path for path in one if one[path] != other.get(path)} == {"train/_manifest.json", "val/_manifest.json"}
    assert one.keys() == other.keys()


@pytest.mark.parametrize("form", ["parquet", "coco", "yolo", "webdataset"])
def test_ids_that_two_files_share_and_categories_that_one_lacks(form: str, tmp_path: Path) -> None:
    """Images and annotations of both files have the same ids; a class has one number in both splits."""
    coco = small_coco()
    coco.categories = [{"id": 90, "name": "boat", "supercategory": "water"}, {"id": 7, "name": "car"}]
    coco.annotations = [one for one in coco.annotations if one["category_id"] != 1]
    train, val = write_small_set(tmp_path / "a"), write_small_set(tmp_path / "b", coco)
    val.write_text(json.dumps(json.loads(val.read_bytes()), indent=2), encoding="utf-8")
    expect(both(train, val, tmp_path / "out", "--format", form), 0)
    assert faults(tmp_path / "out") == []
    rows = {name: pq.read_table(tmp_path / "out" / name / "_plan.parquet").to_pylist() for name in ("train", "val")}
    numbers = {
        name: {
            *zip(
                (c for row in of for c in row["objects"]["category_id"]),
                (c for row in of for c in row["objects"]["category"]),
                strict=True,
            )
        }
        for name, of in rows.items()
    }
    assert numbers["train"] == {(7, 0), (1, 1), (90, 2)}
    assert numbers["val"] == {(7, 0), (90, 2)}


def test_entries_of_one_category_may_say_more_in_one_file(tmp_path: Path) -> None:
    coco = small_coco()
    coco.categories[2]["supercategory"] = "vehicle"
    train, val = write_small_set(tmp_path / "a"), write_small_set(tmp_path / "b", coco)
    expect(both(train, val, tmp_path / "out", "--format", "coco"), 0)
    tables = [
        json.loads((tmp_path / "out" / name / "annotations.json").read_bytes())["categories"]
        for name in ("train", "val")
    ]
    assert tables[0] == tables[1] == small_coco().categories


def test_labels_are_of_one_kind_in_all_splits(tmp_path: Path) -> None:
    """A trainer of outlines cannot validate on boxes."""
    coco = small_coco()
    for annotation in coco.annotations:
        annotation.pop("segmentation", None)
    paths = {"a": write_small_set(tmp_path / "a"), "b": write_small_set(tmp_path / "b", coco)}
    for train, val in (("a", "b"), ("b", "a")):
        out = tmp_path / f"out-{train}"
        expect(both(paths[train], paths[val], out, "--format", "yolo"), 0)
        labels = [path.read_text().split("\n") for path in out.glob("*/labels/*.txt")]
        assert all(line.count(" ") >= 6 for lines in labels for line in lines if line)
        assert faults(out) == []
    out = tmp_path / "boxes"
    expect(both(paths["b"], paths["b"], out, "--format", "yolo"), 0)
    labels = [path.read_text().split("\n") for path in out.glob("*/labels/*.txt")]
    assert all(line.count(" ") == 4 for lines in labels for line in lines if line)
    expect(
        both(paths["b"], paths["a"], tmp_path / "boxes", "--format", "yolo"), 4, "labels: is boxes there and outlines"
    )


def test_epochs_of_a_split_stay(small_set: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", (*HALF, "--negatives", "random", "--negatives-per-image", "all", "--format", "yolo")
    expect(build(small_set, out, *more), 0)
    for name in ("train", "val"):
        library.write_epochs(out / name, epochs=2)
    before = tree(out)
    assert faults(out) == []
    expect(build(small_set, out, *more), 0, "finished     2 splits")
    next((out / "val" / "labels").iterdir()).unlink()
    expect(build(small_set, out, *more), 0, "made again")
    assert tree(out) == before
    refused = expect(run_here(["epochs", str(out)]), 1)
    assert f"holds several splits: name one of them: {out / 'train'}, {out / 'val'}" in refused.stderr


def test_category_of_two_names_is_refused(tmp_path: Path) -> None:
    coco = small_coco()
    coco.categories[2]["name"] = "ship"
    train, val = write_small_set(tmp_path / "a"), write_small_set(tmp_path / "b", coco)
    expect(both(train, val, tmp_path / "out"), 2, "category 90 is 'ship' here and 'boat' in the splits before")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["README.md", "data.yaml", "_manifest.json", "_x"])
def test_names_of_files_are_no_names_of_splits(name: str, small_set: Path, tmp_path: Path) -> None:
    said = f"--split: {name}: is kept for files about all splits"
    expect(build(small_set, tmp_path / "out", *HALF, "--split", name), 2, said)
    assert not (tmp_path / "out").exists()


def test_splits_that_a_disk_or_a_trainer_would_take_for_one(small_set: Path, tmp_path: Path) -> None:
    files = ["--coco", f"val={small_set}", "--coco"]
    arguments = ["build", *SCALES, "--out", str(tmp_path / "out"), *files]
    expect(run_here([*arguments, f"Val={small_set}"]), 2, "val and Val would share a folder")
    expect(run_here([*arguments, f"valid={small_set}", "--format", "yolo"]), 2, "would share a key in data.yaml")
    more = ("--format", "coco", "--layout", "roboflow")
    expect(run_here([*arguments, f"valid={small_set}", *more]), 2, "would share a folder")
    expect(run_here([*arguments, f"names={small_set}", "--format", "yolo"]), 2, "means something else in data.yaml")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["yes", "1", "null", "1e5", "tränen", "a.b", "No"])
def test_odd_names_of_splits_come_back_as_they_were(name: str, small_set: Path, tmp_path: Path) -> None:
    expect(build(small_set, tmp_path / "yolo", *HALF, "--split", name, "--format", "yolo"), 0)
    data = yaml.safe_load((tmp_path / "yolo" / "data.yaml").read_bytes())
    assert [*data][:2] == [name, "val"]
    assert (tmp_path / "yolo" / data[name]).is_dir()
    expect(build(small_set, tmp_path / "parquet", *HALF, "--split", name), 0)
    head = re.search(r"\A---\n(.*?)\n---\n", (tmp_path / "parquet" / "README.md").read_text("utf-8"), re.DOTALL)
    assert head is not None
    (config,) = yaml.safe_load(head[1])["configs"]
    assert [entry["split"] for entry in config["data_files"]] == [name, "val"]


def test_readers_find_both_splits_of_webdataset(small_set: Path, tmp_path: Path) -> None:
    expect(build(small_set, tmp_path / "out", *HALF, "--format", "webdataset"), 0)
    found = load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    plans = {name: pq.read_table(tmp_path / "out" / name / "_plan.parquet") for name in ("train", "val")}
    assert {name: len(rows) for name, rows in found.items()} == {name: len(plan) for name, plan in plans.items()}
    for name, rows in found.items():
        assert [row["json"]["image_id"] for row in rows] == plans[name]["image_id"].to_pylist()


def test_a_split_without_a_chip_is_told_and_whole(tmp_path: Path) -> None:
    coco = small_coco()
    coco.annotations = [one for one in coco.annotations if one["image_id"] == 5]
    path = write_small_set(tmp_path / "set", coco)
    empty = small_coco()
    empty.annotations = []
    val = write_small_set(tmp_path / "empty", empty)
    for form in ("parquet", "coco", "yolo", "webdataset"):
        expect(both(path, val, tmp_path / form, "--format", form), 0, "note         val holds no chips")
        assert faults(tmp_path / form) == []


# -- what is said ------------------------------------------------------------------------------------------------------


def test_dry_run_json_and_quiet(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    dry = json.loads(expect(build(small_set, out, *HALF, "--dry-run", "--json"), 0).stdout)
    assert (dry["out"], {one["build"] for one in dry["splits"].values()}) == (None, {None})
    assert not out.exists()
    told = json.loads(expect(build(small_set, out, *HALF, "--json"), 0).stdout)
    assert {name: one["plan"] for name, one in told["splits"].items()} == {
        n: o["plan"] for n, o in dry["splits"].items()
    }
    assert {name: one["build"]["chips"] for name, one in told["splits"].items()} == {
        name: len(pq.read_table(out / name / "_plan.parquet")) for name in ("train", "val")
    }
    assert expect(build(small_set, out, *HALF, "-q"), 0).stdout == ""


def test_limit_is_that_of_the_file_before_it_is_split(small_set: Path, tmp_path: Path) -> None:
    expect(build(small_set, tmp_path / "one", *HALF, "--limit", "1"), 2, "1 image in 1 group cannot be split")
    expect(build(small_set, tmp_path / "out", *HALF, "--limit", "2"), 0)
    plans = [pq.read_table(tmp_path / "out" / name / "_plan.parquet").to_pylist() for name in ("train", "val")]
    assert {row["source"]["image_id"] for plan in plans for row in plan} == {3, 5}


# -- verifying ---------------------------------------------------------------------------------------------------------


def test_splits_that_were_not_built_together_are_named(out: Path, small_set: Path) -> None:
    expect(build(small_set, out / "train", "--overwrite"), 0)
    assert library.verify(out / "train").ok
    found = faults(out)
    assert any(fault.startswith("_manifest.json: val: was not built together with train") for fault in found), found
    expect(build(small_set, out, *HALF), 4, "configuration.val_fraction: is none there and 0.5 now")
    expect(build(small_set, out, *HALF, "--overwrite"), 0)
    assert faults(out) == []


def test_split_under_the_name_of_another_is_named(out: Path) -> None:
    (out / "train").rename(out / "aside")
    (out / "val").rename(out / "train")
    (out / "aside").rename(out / "val")
    assert [fault.partition(", not")[0] for fault in faults(out)] == [
        "_manifest.json: train: its split is 'val'",
        "_manifest.json: val: its split is 'train'",
    ]


@pytest.mark.parametrize("lost", ["val", "val/_manifest.json"])
def test_lost_split_is_a_fault_and_is_made_again(lost: str, out: Path, small_set: Path) -> None:
    before = tree(out)
    shutil.rmtree(out / lost) if lost == "val" else (out / lost).unlink()
    (found,) = faults(out)
    assert found.startswith("val: holds no finished build: run the same chipgen build again")
    if lost == "val":
        expect(build(small_set, out, *HALF), 0)
        assert tree(out) == before
    else:  # whose files these are no one knows
        expect(build(small_set, out, *HALF), 4, f"{out / 'val'}: is not empty, and chipgen did not write it")


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "no list": (lambda value: value.update(files=[]), "is not listed"),
    "more in the list": (lambda value: value["files"].append(value["files"][0] | {"path": "x"}), "belongs to no"),
    "another format": (lambda value: value["configuration"].update(format="coco"), "its format is 'yolo', not 'coco'"),
    "a split more": (lambda value: value["configuration"]["splits"].update(x="x"), "x: holds no finished build"),
    "a split less": (lambda value: value["configuration"]["splits"].pop("val"), "is a folder that holds no file"),
    "another version": (lambda value: value.update(format_version=9), "format version 9 is not known"),
    "no version": (lambda value: value.pop("chipgen_version"), "chipgen_version"),
    "splits elsewhere": (lambda value: value["configuration"]["splits"].update(val="../val"), "missing required field"),
}


@pytest.mark.row("I88")
def test_every_change_of_what_speaks_of_all_is_named(small_set: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    expect(build(small_set, whole, *HALF, "--format", "yolo"), 0)
    for name, (change, said) in CHANGES.items():
        out = Path(shutil.copytree(whole, tmp_path / name))
        with manifest(out) as value:
            change(value)
        assert any(said in fault for fault in faults(out)), (name, faults(out))
    for number, old, new in ((0, "train/", "val/"), (2, "3", "2"), (4, "car", "cat"), (5, "1", "2")):
        out = Path(shutil.copytree(whole, tmp_path / f"line {number}"))
        with words(out, "data.yaml") as values:
            values[number] = values[number].replace(old, new)
        (found,) = faults(out)
        assert found.startswith("data.yaml: "), found
    for text in (b"", b"null", b"{", b"[" * 100_000, b"\xff"):
        (whole / "_manifest.json").write_bytes(text)
        (found,) = faults(whole)
        assert found.startswith("_manifest.json: ")


def test_sources_of_several_files_are_compared_split_by_split(tmp_path: Path) -> None:
    train, val = write_small_set(tmp_path / "a"), write_small_set(tmp_path / "b")
    val.write_text(val.read_text("utf-8") + "\n", encoding="utf-8")
    expect(both(train, val, tmp_path / "out"), 0)
    refused = expect(run_here(["verify", str(tmp_path / "out"), "--sources", str(train)]), 1)
    assert (
        "is not the annotation file of all splits: name the folder of the images, or look at each split"
        in refused.stderr
    )
    expect(run_here(["verify", str(tmp_path / "out" / "val"), "--sources", str(val)]), 0)
    expect(run_here(["verify", str(tmp_path / "out"), "--sources", str(tmp_path / "a" / "images")]), 0)

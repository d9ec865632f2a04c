"""A dataset in several files, when something is in the way, wrong, killed or changed: nothing lost, nothing untrue."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from fault_scenes import tree
from faulty_disk import SuddenDeath
from long_set import group_is_gone, reference_tree, running, shards_in, wait_for, write_long_set
from partitions_made import STEP, build, expect, part_of, read_part, write_part, write_parts
from small_set import SCALES, small_coco
from zoo.running import Outcome, run_here

import chipgen as library
from chipgen.errors import DataError, UsageError
from chipgen.partitions.files import matching, names_several, partitions
from chipgen.store import Output, disk
from chipgen.verification.manifest import read_manifest
from chipgen.verification.plan import check_plan
from chipgen.verification.tables import read_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SKIP = ("--on-error", "skip", "--max-skipped", "99")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of annotation files and a finished build of them; nobody writes there."""
    folder = tmp_path_factory.mktemp("kept")
    expect(build(write_parts(folder / "set"), folder / "out"), 0)
    return folder


@pytest.fixture
def anns(kept: Path, tmp_path: Path) -> Path:
    """Return a folder of three annotation files, beside one of proposals and one of pictures."""
    shutil.copytree(kept / "set", tmp_path / "set")
    return tmp_path / "set" / "anns"


@pytest.fixture
def out(kept: Path, tmp_path: Path) -> Path:
    """Return a finished build of them."""
    shutil.copytree(kept / "out", tmp_path / "out")
    return tmp_path / "out"


def change(path: Path, alter: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    document = json.loads(path.read_bytes())
    alter(document)
    path.write_text(json.dumps(document), encoding="ascii")


def faults(out: Path) -> list[str]:
    """Return what verifying finds."""
    return [str(fault).removeprefix(f"{out}/") for fault in library.verify(out).faults]


# -- what is asked for -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--format", "coco", "--layout", "roboflow"), "--layout: roboflow: knows no dataset in several files"),
        (("--val-fraction", "0.5"), "--val-fraction: 0.5: means nothing for a dataset in several files"),
        (("--val-fraction", "0.5", "--group-by", "(.)"), "--val-fraction: 0.5: means nothing"),
        (("--group-by", "(.)"), "--group-by: (.): means nothing"),
        (("--proposals", "{anns}/a.json"), "a.json: is one file for several annotation files"),
        (("--proposals", "{anns}/../proposals/[ab].json"), "c.json: has no partner of its name"),
        (("--negatives", "proposals"), "--negatives"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_read(
    more: tuple[str, ...], said: str, anns: Path, tmp_path: Path
) -> None:
    (anns / "b.json").write_text("no JSON", encoding="ascii")
    outcome = expect(build(anns, tmp_path / "new", *(one.format(anns=anns) for one in more)), 2, said)
    assert outcome.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_splits_and_several_files_of_one_are_not_mixed(anns: Path, tmp_path: Path) -> None:
    files = ("--coco", f"train={anns}/*.json", "--coco", f"val={anns}/a.json")
    outcome = run_here(["build", *files, *SCALES, "--out", str(tmp_path / "new")])
    expect(outcome, 2, f"--coco: {anns}/*.json: is several files, and so are the splits")


def test_a_split_may_be_named(anns: Path, tmp_path: Path) -> None:
    outcome = run_here(["build", "--coco", f"val={anns}/*.json", *SCALES, "--workers", "1", "--out", f"{tmp_path}/new"])
    expect(outcome, 0)
    assert (tmp_path / "new" / "part-00000" / "data" / "val-00000-of-00002.parquet").exists()


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("*.jsonl", "*.jsonl: matches no file: name a COCO file"),
        ("../a?ns/*.json", "cannot be read (No such file or directory): only the name of the files may be a pattern"),
        ("", "anns/: is not a regular file, but a folder without Parquet files"),
    ],
)
def test_patterns_that_name_nothing(pattern: str, said: str, anns: Path, tmp_path: Path) -> None:
    outcome = run_here(["build", "--coco", f"{anns}/{pattern}", *SCALES, "--out", str(tmp_path / "new")])
    assert outcome.stderr.count("\n") == 1
    expect(outcome, 1, said)


def test_what_a_pattern_names(tmp_path: Path) -> None:
    for name in ("b10.json", "b9.json", "B.json", ".b.json", "c.txt", "[x].json"):
        (tmp_path / name).write_text("", encoding="ascii")
    (tmp_path / "a.json").mkdir()
    names = ["B.json", "[x].json", "b10.json", "b9.json"]
    assert matching(f"{tmp_path}/*.json") == [f"{tmp_path}/{name}" for name in names]
    assert matching(f"{tmp_path}/b?.json") == [f"{tmp_path}/b9.json"]
    assert not names_several(f"{tmp_path}/[x].json")  # it is there
    assert names_several(f"{tmp_path}/[xy].json")
    assert names_several(str(tmp_path))
    assert not names_several(f"{tmp_path}/none.json")


def test_what_a_pattern_names_in_object_storage() -> None:
    fsspec = pytest.importorskip("fsspec")
    system = fsspec.filesystem("memory")
    system.pipe({f"/bucket/anns/{name}": b"1" for name in ("b.json", "a.json", "c.parquet", ".d.json")})
    try:
        assert matching("memory://bucket/anns/*.json") == [f"memory://bucket/anns/{name}.json" for name in "ab"]
        assert matching("memory://bucket/anns/") == ["memory://bucket/anns/c.parquet"]
        with pytest.raises(DataError, match="matches no file"):
            matching("memory://bucket/anns/*.txt")
        assert names_several("s3://bucket/anns/*.json")
        assert names_several("s3://bucket/anns/")
        assert not names_several("s3://bucket/anns/a.json")
        assert not names_several("https://host/a.json?key=*")
    finally:
        system.rm("/bucket", recursive=True)


def test_files_go_with_proposals_of_their_name() -> None:
    found = partitions(["x/b.json", "y/a.json"], ["p/a.parquet", "p/b.npz"])
    assert [(one.folder, one.coco, one.proposals) for one in found] == [
        ("part-00000", "y/a.json", "p/a.parquet"),
        ("part-00001", "x/b.json", "p/b.npz"),
    ]
    with pytest.raises(UsageError, match=r"--coco: a\.json: is the name of several files"):
        partitions(["x/a.json", "y/a.json"])
    with pytest.raises(UsageError, match=r"p/a\.npz: is named as p/a\.json"):
        partitions(["a.json"], ["p/a.json", "p/a.npz"])
    with pytest.raises(UsageError, match=r"--coco: p/b\.npz: has no partner"):
        partitions(["a.json"], ["p/a.npz", "p/b.npz"])
    with pytest.raises(UsageError, match="names 9,008 files: give 1 to 9,007"):
        partitions([f"{number}.json" for number in range(9008)])


# -- what is wrong with a file -----------------------------------------------------------------------------------------


def test_lines_name_the_file_and_its_own_ids_and_tables_the_others(anns: Path, tmp_path: Path) -> None:
    change(anns / "b.json", lambda it: it["annotations"][0]["bbox"].__setitem__(2, 0))
    first = read_part(anns / "b.json")["annotations"][0]["id"]
    told = f"{anns}/b.json: annotation {first} of image 11: the bbox has no width or no height (zero_area)"
    said = expect(build(anns, tmp_path / "new"), 1, told, "1 of 3 parts are finished and stay").stderr
    assert said.count("\n") == 2
    expect(build(anns, tmp_path / "new", *SKIP), 0, "skipped      1 zero_area")
    (line,) = (tmp_path / "new" / "part-00001" / "_skipped.jsonl").read_text(encoding="ascii").splitlines()
    assert (json.loads(line)["image_id"], json.loads(line)["annotation_id"]) == (STEP + 11, STEP + first)
    assert faults(tmp_path / "new") == []
    assert build(anns, tmp_path / "too_many", "--on-error", "skip").code == 3
    expect(build(anns, tmp_path / "new"), 1)  # finished, but nothing may be skipped


def test_a_proposal_that_cannot_be_used_is_named_by_the_id_of_its_file(anns: Path, tmp_path: Path) -> None:
    bad = {"image_id": 11, "bbox": [5000, 0, 30, 30], "score": 0.5}
    path = anns.parent / "proposals" / "b.json"
    path.write_text(json.dumps([bad, *json.loads(path.read_bytes())]), encoding="ascii")
    expect(build(anns, tmp_path / "new", "--proposals", f"{anns.parent}/proposals/*"), 1, f"{path}: image 11: ")


def test_a_picture_that_is_gone_is_named_by_the_id_of_its_file(anns: Path, tmp_path: Path) -> None:
    (anns.parent / "images" / "5.png").unlink()
    pictures = anns.parent / "images"
    said = expect(build(anns, tmp_path / "new", "--images", str(pictures)), 1, "2 of 3 parts are finished").stderr
    assert said.startswith(f"{pictures}/5.png: image 5: ")


def test_skipped_pictures_are_tried_again(anns: Path, tmp_path: Path) -> None:
    picture = anns.parent / "images" / "5.png"
    whole = picture.read_bytes()
    picture.write_bytes(b"no picture")
    expect(build(anns, tmp_path / "new", *SKIP), 0, "1 unidentified")
    picture.write_bytes(whole)
    expect(build(anns, tmp_path / "new", *SKIP), 0, "finished     3 parts")
    expect(build(anns, tmp_path / "new", *SKIP, "--retry-skipped"), 0, "written      3 parts", "skipped      nothing")
    expect(build(anns, tmp_path / "fresh"), 0)
    assert tree(tmp_path / "new") == tree(tmp_path / "fresh")


@pytest.mark.parametrize(
    ("section", "key", "value", "said"),
    [
        ("images", "id", -1, "image -1: its id is not possible"),
        ("images", "id", STEP, f"image {STEP}: its id is not possible"),
        ("annotations", "id", STEP, f"annotation {STEP}: its id is not possible"),
        ("annotations", "image_id", -5, "annotation of image -5: its id is not possible"),
    ],
)
def test_ids_that_others_would_share_are_refused(
    section: str, key: str, value: int, said: str, anns: Path, tmp_path: Path
) -> None:
    change(anns / "a.json", lambda it: it[section][0].__setitem__(key, value))
    expect(build(anns, tmp_path / "new", *SKIP), 1, f"{anns}/a.json: {said}: ids of a dataset in several files are")
    assert not (tmp_path / "new").exists()


def test_the_last_id_there_may_be(anns: Path, tmp_path: Path) -> None:
    change(anns / "b.json", lambda it: it["annotations"][0].__setitem__("id", STEP - 1))
    expect(build(anns, tmp_path / "new"), 0)
    ledger = pq.read_table(tmp_path / "new" / "part-00001" / "_ledger.parquet")["annotation_id"].to_pylist()
    assert 2 * STEP - 1 in ledger


# -- in the way --------------------------------------------------------------------------------------------------------


def test_other_files_in_the_place_of_those_there_are_refused(anns: Path, out: Path) -> None:
    before = tree(out)
    shutil.copy(anns / "a.json", anns / "aa.json")
    expect(build(anns, out), 4, "part-00001: was made from b.json, and now aa.json has its number")
    (anns / "aa.json").unlink()
    (anns / "c.json").unlink()
    expect(build(anns, out), 4, "holds 3 parts, and now there are 2")
    expect(build(anns, out, "--overwrite"), 4, "holds 3 parts, and now there are 2")
    assert tree(out) == before


def test_a_file_added_that_fails_leaves_all_others_as_they_were(anns: Path, out: Path) -> None:
    before, coco = tree(out), small_coco()
    coco.image(640, 480, 20)
    for x in range(0, 600, 50):
        coco.box(20, [x, 10, 30, 30])
    write_part(anns / "d.json", part_of(coco, (5, 20)))
    (anns.parent / "images" / "20.png").write_bytes(b"no picture")
    expect(build(anns, out), 1, "20.png: image 20: ", "3 of 4 parts are finished and stay")
    assert tree(out) == before
    assert faults(out) == []
    (anns / "d.json").unlink()
    expect(build(anns, out), 0, "nothing to do")


def test_a_part_that_was_being_added_is_told_of(anns: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = disk.replace
    shutil.copy(anns / "c.json", anns / "d.json")

    def replace_(source: Path, target: Path) -> None:
        real(source, target)
        if target == out / "part-00003" / "_run.json":
            raise SuddenDeath

    with monkeypatch.context() as patch, pytest.raises(SuddenDeath):
        patch.setattr(disk, "replace", replace_)
        build(anns, out)
    assert faults(out) == [
        "part-00003: is a part more than the manifest says: run the build of all annotation files again"
    ]
    (anns / "d.json").unlink()
    expect(build(anns, out), 4, f"{out}: part-00003: is a part more than there are now, 3: name all annotation files")
    shutil.copy(anns / "c.json", anns / "d.json")
    expect(build(anns, out), 0)
    expect(build(anns, out.parent / "fresh"), 0)
    assert tree(out) == tree(out.parent / "fresh")


def test_a_file_that_has_changed_is_refused(anns: Path, out: Path) -> None:
    before = tree(out)
    change(anns / "b.json", lambda it: it["annotations"].pop())
    expect(build(anns, out), 4, f"{out}/part-00001: inputs.annotations.sha256: is ")
    assert tree(out) == before
    expect(build(anns, out, "--overwrite"), 0)
    expect(build(anns, out.parent / "fresh"), 0)
    assert tree(out) == tree(out.parent / "fresh")


def test_other_settings_are_refused_and_may_overwrite(anns: Path, out: Path) -> None:
    before = tree(out)
    expect(build(anns, out, "--quality", "50"), 4, f"{out}/part-00000: configuration.quality: is 95 there and 50 now")
    expect(build(anns, out, "--format", "coco"), 4, "configuration.format: is parquet there and coco now")
    assert tree(out) == before
    expect(build(anns, out, "--format", "coco", "--overwrite"), 0)
    expect(build(anns, out.parent / "fresh", "--format", "coco"), 0)
    assert tree(out) == tree(out.parent / "fresh")


@pytest.mark.parametrize("foreign", ["mine.txt", "part-00001/mine.txt", "part-00007/mine.txt"])
def test_foreign_files_stay_and_are_named_before_anything_changes(foreign: str, anns: Path, out: Path) -> None:
    (out / foreign).parent.mkdir(exist_ok=True)
    (out / foreign).write_text("mine", encoding="ascii")
    before = tree(out)
    expect(build(anns, out, "--quality", "50", "--overwrite"), 4, "mine.txt")
    assert tree(out) == before


def test_other_builds_are_not_mixed_with_parts(anns: Path, out: Path, tmp_path: Path) -> None:
    before = tree(out)
    expect(build(anns / "a.json", out), 4, "holds 3 parts of one dataset, which is not this")
    expect(build(anns / "a.json", out, "--val-fraction", "0.5"), 4, "holds 3 parts of one dataset")
    assert tree(out) == before
    expect(build(anns / "a.json", tmp_path / "splits", "--val-fraction", "0.5"), 0)
    expect(build(anns, tmp_path / "splits"), 4, "holds the splits train, val, which are not these")
    expect(build(anns / "b.json", out / "part-00001"), 4, "configuration.partition: is 1 there and none now")


def test_commands_for_one_build_name_the_parts(out: Path) -> None:
    for command in (["epochs"], ["view"], ["stats", "--html", f"{out}.html"]):
        expect(run_here([command[0], str(out), *command[1:]]), 1, f"holds several parts: name one of them: {out}/part-")


def test_a_run_at_the_same_time_is_refused(anns: Path, out: Path) -> None:
    (out / "part-00002" / "README.md").unlink()
    for place in (out, out / "part-00002"):
        with Output(place, overwrite=False, nested=("part-00000", "part-00001", "part-00002")):
            expect(build(anns, out), 4, f"is locked by pid {os.getpid()}")
    expect(build(anns, out), 0)


# -- killed ------------------------------------------------------------------------------------------------------------


def _long_parts(folder: Path) -> Path:
    """Write two annotation files of a dataset that takes a while."""
    whole = write_long_set(folder)
    document = json.loads(whole.read_bytes())
    coco = small_coco()
    coco.images, coco.annotations, coco.categories = (
        document[name] for name in ("images", "annotations", "categories")
    )
    (folder / "parts").mkdir()
    for name, ids in (("a.json", range(1, 9)), ("b.json", range(9, 17))):
        write_part(folder / "parts" / name, part_of(coco, (*ids,)))
    return folder / "parts" / "*.json"


@pytest.mark.row("I86", "J98", "K108")
def test_killed_in_the_second_part_the_same_command_ends_with_the_same_bytes(tmp_path: Path) -> None:
    anns, out = _long_parts(tmp_path / "in"), tmp_path / "out"
    reference = reference_tree(anns, tmp_path / "reference")
    with running(anns, out) as program:
        assert wait_for(lambda: len(shards_in(out / "part-00001")) > 1, program)
        os.killpg(program.pid, 9)
        wait_for(lambda: group_is_gone(program.pid))
    assert not (out / "_manifest.json").exists()
    with pytest.raises(DataError, match="is not finished: run the same chipgen build again"):
        library.verify(out)
    kept = {path: path.stat().st_mtime_ns for path in (out / "part-00000").rglob("*.parquet")}
    assert kept
    assert reference_tree(anns, out) == reference
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_part_that_was_overwritten_before_the_end_is_not_made_again(
    anns: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, more = disk.replace, ("--quality", "50", "--overwrite")

    def replace_(source: Path, target: Path) -> None:
        real(source, target)
        if target == out / "part-00001" / "_run.json":
            raise SuddenDeath

    with monkeypatch.context() as patch, pytest.raises(SuddenDeath):
        patch.setattr(disk, "replace", replace_)
        build(anns, out, *more)
    before = {path: path.stat().st_mtime_ns for path in (out / "part-00000").rglob("*.parquet")}
    expect(build(anns, out, *more), 0)
    assert {path: path.stat().st_mtime_ns for path in (out / "part-00000").rglob("*.parquet")} == before
    expect(build(anns, out, *more), 0)  # now it is another command, which makes all anew
    assert {path: path.stat().st_mtime_ns for path in (out / "part-00000").rglob("*.parquet")} != before


def test_interrupted_it_says_how_many_parts_are_finished(
    anns: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "new", disk.replace

    def replace_(source: Path, target: Path) -> None:
        real(source, target)
        if target == out / "part-00001" / "_run.json":
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(disk, "replace", replace_)
        expect(build(anns, out), 130, "interrupted: 1 of 3 parts are finished: run again to resume")
    expect(build(anns, out), 0)
    assert faults(out) == []


# -- verified ----------------------------------------------------------------------------------------------------------


def test_verify_adds_up(kept: Path) -> None:
    told = library.verify(kept / "out", kept / "set" / "images")
    parts = [library.verify(kept / "out" / f"part-{number:05d}") for number in range(3)]
    assert told.ok
    assert (told.chips, told.shards) == (sum(one.chips for one in parts), sum(one.shards for one in parts))
    assert told.images == 4
    with pytest.raises(DataError, match="is not the annotation file of all parts"):
        library.verify(kept / "out", kept / "set" / "anns" / "a.json")


def _swapped(out: Path) -> None:
    for name, new in (("part-00000", "x"), ("part-00001", "part-00000"), ("x", "part-00001")):
        (out / name).rename(out / new)


def _other_build(out: Path) -> None:
    shutil.rmtree(out / "part-00001")
    made = build(out.parent / "set" / "anns", out.parent / "other", "--quality", "50")
    assert made.code == 0
    shutil.copytree(out.parent / "other" / "part-00001", out / "part-00001")


@pytest.mark.parametrize(
    ("break_", "said"),
    [
        (lambda out: shutil.rmtree(out / "part-00001"), "part-00001: holds no finished build"),
        (lambda out: (out / "README.md").write_text("x"), "README.md: has 1 bytes"),
        (lambda out: (out / "mine.txt").write_text("x"), "mine.txt: is not listed"),
        (_swapped, "part-00000: its partition is 1, not 0"),
        (_other_build, "part-00001: was not built together with part-00000: its quality differs"),
        (
            lambda out: change(out / "_manifest.json", lambda it: it["parts"][1].update(sha256="0" * 64)),
            "part-00001: was made from other annotations, or holds other chips",
        ),
        (lambda out: change(out / "_manifest.json", lambda it: it["parts"].pop()), "parts: are not 3, one a folder"),
        (lambda out: change(out / "_manifest.json", lambda it: it["files"].clear()), "README.md is not listed"),
        (lambda out: change(out / "_manifest.json", lambda it: it.pop("parts")), "missing required field"),
        (lambda out: change(out / "_manifest.json", lambda it: it.update(format_version=2)), "format version 2"),
        (lambda out: next((out / "part-00002" / "data").iterdir()).unlink(), "is missing"),
    ],
)
def test_verify_finds(break_: Callable[[Path], object], said: str, out: Path, anns: Path) -> None:
    assert anns.exists()
    break_(out)
    found = faults(out)
    assert any(said in fault for fault in found), found


def test_verify_finds_ids_of_another_part(out: Path) -> None:
    """Of a build that says it is another part than its ids do."""
    change(out / "part-00001" / "_manifest.json", lambda it: it["configuration"].update(partition=2))
    assert any("ids of a chip begin with 2000000000000" in fault for fault in faults(out / "part-00001"))
    change(out / "part-00001" / "_manifest.json", lambda it: it["configuration"].update(partition=0))
    assert any("chip 0 should stand there" in fault for fault in faults(out / "part-00001"))


def test_verify_finds_chips_of_an_image_of_another_part(kept: Path) -> None:
    part = kept / "out" / "part-00001"
    plan, manifest = read_plan(part / "_plan.parquet"), read_manifest(part)
    assert list(check_plan(plan, manifest, whole=True)) == []
    other = replace(plan, chips=replace(plan.chips, image_id=plan.chips.image_id + STEP))
    found = list(check_plan(other, manifest, whole=True))
    assert found == [(f"chip {STEP}", f"is of image {2 * STEP + 11}, which is of another file")]


def test_a_part_without_a_manifest_is_no_sum(out: Path) -> None:
    (out / "part-00001" / "_manifest.json").unlink()
    outcome: Outcome = run_here(["stats", str(out)])
    expect(outcome, 1, "part-00001/_manifest.json: cannot be read")

"""Verifying a finished build: what is whole is found whole, and every change is named."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mutations import BOXES, COCO, MANIFESTS, PLANNED, ROBOFLOW, SHARDS, TABLES, WEBDATASET, YOLO, Mutation
from run_cli import chipgen_here as program
from small_set import small_coco
from tampering import MANIFEST, build, manifest, rich_build, seal

import chipgen
from chipgen.verification.faults import MOST

FORMS = ("parquet", "coco", "roboflow", "yolo", "webdataset")


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return builds with one of everything, by format; not to be changed."""
    folder = tmp_path_factory.mktemp("rich")
    return {form: rich_build(folder, form) for form in FORMS}


@pytest.fixture
def out(rich: dict[str, Path], tmp_path: Path) -> Path:
    """Return a copy of the Parquet build."""
    return Path(shutil.copytree(rich["parquet"], tmp_path / "out"))


def faults(out: Path, sources: Path | None = None) -> list[str]:
    """Return the lines that verifying gives, paths relative to the folder."""
    return [str(fault).removeprefix(f"{out}/") for fault in chipgen.verify(out, sources).faults]


def check_named(out: Path, mutation: Mutation) -> None:
    found = faults(out)
    assert found, "nothing was noticed"
    assert found[0].startswith(mutation.file), found
    assert mutation.said in found[0], found
    assert len(found) == mutation.lines or not mutation.lines, found


@pytest.mark.parametrize("form", FORMS)
def test_build_with_one_of_everything_is_whole(form: str, rich: dict[str, Path]) -> None:
    report = chipgen.verify(rich[form], rich[form].parent / "set" / "images")
    assert report.ok, report.faults
    assert (report.chips, report.shards, report.images) == (25, 8, 4)
    assert report.files == sum(len(names) for _, _, names in os.walk(rich[form]))
    assert chipgen.verify(rich[form], rich[form].parent / "set" / "instances.json").ok


@pytest.mark.parametrize("ignored", ["crowd", "drop", "keep", "paint"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_ignored_boxes_is_whole(form: str, ignored: str, tmp_path: Path) -> None:
    if (form, ignored) == ("yolo", "crowd"):
        pytest.skip("labels of YOLO know no crowds, which is refused")
    assert faults(build(tmp_path, form, ignored=ignored)) == []


@pytest.mark.parametrize("image_format", ["png", "webp"])
@pytest.mark.parametrize("form", FORMS)
def test_other_pictures_without_padding_are_whole(form: str, image_format: str, tmp_path: Path) -> None:
    assert faults(build(tmp_path, form, image_format=image_format, pad=False)) == []


@pytest.mark.parametrize("form", FORMS)
def test_dataset_without_a_chip_is_whole(form: str, tmp_path: Path) -> None:
    coco = small_coco()
    coco.annotations = []
    assert faults(build(tmp_path, form, coco)) == []
    coco.images, coco.categories = [], []
    (tmp_path / "nothing").mkdir()
    assert faults(build(tmp_path / "nothing", form, coco)) == []


def middle(view: chipgen.View, _: Any) -> Any:
    return ((view.size_scaled - view.content) // 2)[None]


@pytest.mark.parametrize("sampler", [middle, partial(chipgen.grid, overlap=0), partial(chipgen.random_object, chips=1)])
@pytest.mark.parametrize("form", FORMS)
def test_sampler_that_does_not_cover_is_whole(form: str, sampler: Any, tmp_path: Path) -> None:
    coco = small_coco()
    coco.box(11, [241, 241, 30, 30])  # on the seams of a grid without overlap, at 1x and 2x
    out = build(tmp_path, form, coco, sampler=sampler)
    assert json.loads((out / MANIFEST).read_bytes())["counts"]["ledger"]["uncovered"]
    assert faults(out) == []


@pytest.mark.parametrize("form", FORMS)
def test_mask_of_next_to_no_area_is_whole(form: str, tmp_path: Path) -> None:
    coco = small_coco()
    coco.box(8, [100, 250, 40, 40], segmentation=[[100, 250, 100.01, 250, 100, 250.01]])
    assert faults(build(tmp_path, form, coco)) == []


@pytest.mark.row("I88")
@pytest.mark.parametrize("mutation", [*PLANNED, *SHARDS, *TABLES, *MANIFESTS], ids=lambda one: f"{one.file}-{one.name}")
def test_every_change_of_a_parquet_build_is_named(mutation: Mutation, out: Path) -> None:
    mutation.change(out)
    check_named(out, mutation)


OF_FORMATS = {"coco": COCO, "roboflow": ROBOFLOW, "yolo": YOLO, "webdataset": WEBDATASET}


@pytest.mark.row("I88")
@pytest.mark.parametrize(
    ("form", "mutation"),
    [pytest.param(form, one, id=f"{form}-{one.name}") for form, all_ in OF_FORMATS.items() for one in all_],
)
def test_every_change_of_a_build_in_another_format_is_named(
    form: str, mutation: Mutation, rich: dict[str, Path], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(rich[form], tmp_path / "out"))
    mutation.change(out)
    check_named(out, mutation)


@pytest.mark.row("I88")
def test_every_change_of_labels_that_are_boxes_is_named(tmp_path: Path) -> None:
    coco = small_coco()
    for annotation in coco.annotations:
        annotation.pop("segmentation", None)
    whole = build(tmp_path, "yolo", coco, negatives="random", negatives_per_image="all", stride=16, seed=23)
    for mutation in BOXES:
        out = Path(shutil.copytree(whole, tmp_path / mutation.name))
        mutation.change(out)
        check_named(out, mutation)


def test_pairs_that_no_chip_encloses_are_noticed_where_no_image_was_skipped(tmp_path: Path) -> None:
    out = build(tmp_path, "parquet")
    with manifest(out) as value:
        value["counts"]["valid_pairs"] += 1
    assert len(faults(out)) == 1
    assert "counts.valid_pairs" in faults(out)[0]


def each_kind(out: Path) -> list[str]:
    """Return one file of each kind, and of the shards the last."""
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    kinds = {re.sub("[0-9]+", "0", path): path for path in sorted(files - {MANIFEST})}
    return sorted(kinds.values())


@pytest.mark.row("I88")
@pytest.mark.parametrize("form", FORMS)
def test_flipped_bits_truncation_and_loss_are_told_once_for_each_file(
    form: str, rich: dict[str, Path], tmp_path: Path
) -> None:
    out = Path(shutil.copytree(rich[form], tmp_path / "out"))
    paths = each_kind(out)
    assert len(paths) == {"parquet": 7, "webdataset": 8, "yolo": 11}.get(form, 10)
    for path in paths:
        whole = (out / path).read_bytes()
        middle = len(whole) // 2
        (out / path).write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        flipped = faults(out)
        (out / path).write_bytes(whole[:-1])
        short = faults(out)
        (out / path).unlink()
        lost = faults(out)
        (out / path).write_bytes(whole)
        again = f"run the same chipgen {'epochs' if path.startswith('epochs') else 'build'} again, which makes it anew"
        assert flipped == [f"{path}: is damaged: its checksum is not that in the manifest: delete it and {again}"]
        assert short == [
            f"{path}: has {len(whole) - 1:,} bytes, the manifest says {len(whole):,}: delete it and {again}"
        ]
        assert lost == [f"{path}: is missing: {again}"]
    assert faults(out) == []


def test_flipping_any_bit_of_a_manifest_is_an_error_or_a_fault_or_harms_nothing(out: Path) -> None:
    whole = (out / MANIFEST).read_bytes()
    digest = whole.index(b'"sha256": "') + 15
    for position in range(0, len(whole), 61):
        (out / MANIFEST).write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        faults(out)
    (out / MANIFEST).write_bytes(whole[:digest] + b"0" * 8 + whole[digest + 8 :])
    assert len(faults(out)) == 1


def test_missing_folder_is_one_line(out: Path) -> None:
    shutil.rmtree(out / "data")
    assert faults(out) == [
        "data: is missing, and with it 8 files: run the same chipgen build again, which makes it anew"
    ]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "socket", "link to nothing"])
@pytest.mark.parametrize("path", [MANIFEST, "_plan.parquet", "_skipped.jsonl", "data/train-00001-of-00008.parquet"])
def test_anything_in_place_of_a_file_is_named_and_never_opened(kind: str, path: str, out: Path, tmp_path: Path) -> None:
    shutil.move(out / path, tmp_path / "moved")
    if kind == "socket":
        here = Path.cwd()
        os.chdir((out / path).parent)  # the name of a socket must be short
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(Path(path).name)
        os.chdir(here)
    elif kind == "pipe":
        os.mkfifo(out / path)
    elif kind == "folder":
        (out / path).mkdir()
    else:
        (out / path).symlink_to(tmp_path / "moved" if kind == "link" else "nowhere")
    found = faults(out)
    assert len(found) == 1
    assert found[0].startswith(f"{path}: ")
    assert path == MANIFEST or ("not a file" in found[0] and "delete it" in found[0])


@pytest.mark.parametrize("kind", ["link", "file"])
def test_anything_in_place_of_a_folder_is_one_line(kind: str, out: Path, tmp_path: Path) -> None:
    shutil.move(out / "data", tmp_path / "data")
    if kind == "link":
        (out / "data").symlink_to(tmp_path / "data")
    else:
        (out / "data").write_bytes(b"")
    assert [fault[: len("data: is a link, not a folder")] for fault in faults(out)] == [
        f"data: is a {kind}, not a folder"
    ]


def test_what_is_not_listed_is_named(out: Path) -> None:
    (out / "data" / "more.parquet").write_bytes(b"")
    (out / "notes.txt").write_bytes(b"")
    (out / "mine" / "deep").mkdir(parents=True)
    (out / "mine" / "deep" / "file").write_bytes(b"")
    (out / "data" / "new\nline").write_bytes(b"")
    os.mkfifo(out / "pipe")
    found = faults(out)
    todo = "move it away: chipgen did not write it"
    assert found == [
        f"mine: is a folder that holds no file the manifest lists: {todo}",
        f"notes.txt: is not listed: {todo}",
        f"pipe: is not listed: {todo}",
        f"data/more.parquet: is not listed: {todo}",
        f"data/new\\nline: is not listed: {todo}",
    ]


@pytest.mark.row("I86", "I88")
@pytest.mark.parametrize("name", [".tmp", ".lock", "_run.json", "_journal.jsonl"])
def test_what_an_interrupted_build_left_is_cleared_by_the_same_command(name: str, out: Path) -> None:
    if name == ".tmp":
        (out / name / "data").mkdir(parents=True)
    else:
        (out / name).write_bytes(b"")
    said = "is left over from a build that was interrupted: run the same chipgen build again, which clears it"
    assert faults(out) == [f"{name}: {said}"]
    (out / MANIFEST).unlink()
    what = "holds no finished build" if name == ".lock" else "is not finished: run the same chipgen build again"
    with pytest.raises(chipgen.DataError, match=what):
        chipgen.verify(out)


@pytest.mark.parametrize("name", ["nowhere", "file", "empty", "odd\0name"])
def test_folder_that_is_no_build(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    with pytest.raises(chipgen.DataError, match="holds no finished build"):
        chipgen.verify(tmp_path / name)


def test_file_that_cannot_be_read_is_a_fault(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(path: Any, *arguments: Any, **keywords: Any) -> int:
        if str(path).endswith("_plan.parquet"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", refuse)
    (found,) = faults(out)
    assert found.startswith("_plan.parquet: cannot be opened (Permission denied): ")


@pytest.mark.parametrize("path", [MANIFEST, "annotations.json"])
def test_huge_file_is_not_read_whole(path: str, rich: dict[str, Path], tmp_path: Path) -> None:
    out = Path(shutil.copytree(rich["coco"], tmp_path / "out"))
    os.truncate(out / path, 1 << 40)
    found = faults(out)
    assert len(found) == 1
    assert ("too large" if path == MANIFEST else "bytes") in found[0]


def test_one_cause_does_not_give_endless_lines(out: Path) -> None:
    (out / "_skipped.jsonl").write_bytes(b"\n" * (MOST + 5))
    seal(out, "_skipped.jsonl")
    found = faults(out)
    assert len(found) == MOST + 1
    assert "and 5 faults more of this kind" in found[-1]


def test_command_prints_every_fault_and_exits_with_one(rich: dict[str, Path], out: Path) -> None:
    done = program("verify", str(rich["parquet"])).expect(0)
    assert (done.out.count("\n"), done.err) == (1, "")
    assert done.out.startswith("verified     25 chips in 8 shards, 16 files, ")
    for number in range(30):
        (out / f"stray{number}").write_bytes(b"")
    failed = program("verify", str(out)).expect(1)
    assert failed.err.count("\n") == 30
    assert failed.out.startswith("30 faults    25 chips")
    quiet = program("verify", str(out), "-q").expect(1)
    assert (quiet.out, quiet.err) == ("", failed.err)
    told = json.loads(program("verify", str(out), "--json").expect(1).out)
    assert (told["ok"], len(told["faults"]), set(told["faults"][0])) == (False, 30, {"path", "where", "what", "todo"})
    refused = program("verify", str(out / "data")).expect(1)
    assert refused.err == f"{out / 'data'}: holds no finished build: name the output folder of chipgen build\n"

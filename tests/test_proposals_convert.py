"""``chipgen proposals``: what it writes, what it must not touch, what it says."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import itertools
import json
import os
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from proposals_made import WRITERS, Made, some, write_json, write_table
from run_cli import chipgen_here as run
from zoo.running import run_here

from chipgen import store
from chipgen.errors import DataError, OutputError, StorageError, UsageError, WorkerError
from chipgen.proposals import ConversionOptions, convert_proposals, sort, table

if TYPE_CHECKING:
    from pathlib import Path


def convert(made: Made, folder: Path, kind: str = "json", **options: Any) -> bytes:
    """Convert proposals and return what was written."""
    WRITERS[kind](made, folder / "in")
    convert_proposals(folder / "in", folder / "out", overwrite=True, **options)
    return (folder / "out").read_bytes()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# -- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scored", [True, False])
def test_every_form_gives_the_same_bytes(scored: bool, tmp_path: Path) -> None:
    made = some(scored=scored)
    written = {convert(made, tmp_path, kind) for kind in WRITERS}
    assert len(written) == 1
    with mock.patch.object(sort, "CHUNK", 50):
        assert {convert(made, tmp_path, kind) for kind in WRITERS} != written  # other row groups
        assert len({convert(made, tmp_path, kind) for kind in WRITERS}) == 1


def test_the_table(tmp_path: Path) -> None:
    made = some(1000)
    with mock.patch.object(table, "ROWS_A_GROUP", 300):
        convert(made, tmp_path)
    file = pq.ParquetFile(tmp_path / "out")
    assert [str(field.type) for field in file.schema_arrow] == ["int64", *["double"] * 5]
    assert json.loads(file.schema_arrow.metadata[b"chipgen"]) == {"proposals": 1}
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [300, 300, 300, 100]
    ends = [(g.column(0).statistics.min, g.column(0).statistics.max) for g in groups]
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ends))
    assert {groups[0].column(column).compression for column in range(6)} == {"ZSTD"}
    read = file.read()
    file.close()
    order = made.order()
    assert read["image_id"].to_pylist() == made.image_id[order].tolist()
    box = np.column_stack([read[name].to_numpy() for name in "xywh"])
    assert box.tobytes() == made.box[order].tobytes()
    assert made.score is not None
    assert read["score"].to_pylist() == made.score[order].tolist()


def test_scores_that_are_absent_are_null(tmp_path: Path) -> None:
    convert(some(scored=False), tmp_path)
    column = pq.read_table(tmp_path / "out")["score"]
    assert column.null_count == len(column) == 300


def test_converting_again_changes_nothing(tmp_path: Path) -> None:
    first = convert(some(), tmp_path)
    (tmp_path / "out").rename(tmp_path / "in2")
    convert_proposals(tmp_path / "in2", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == first


@pytest.mark.row("G73")
@pytest.mark.parametrize(("box_format", "add"), [("xyxy", 0), ("xyxy-inclusive", 1)])
@pytest.mark.parametrize("kind", WRITERS)
def test_box_formats(kind: str, box_format: str, add: int, tmp_path: Path) -> None:
    made = Made(np.arange(3), np.array([[1.0, 2, 11, 22], [0, 0, 4, 4], [5, 6, 7, 9]]))
    convert(made, tmp_path, kind, box_format=box_format)
    rows = pq.read_table(tmp_path / "out").select(list("xywh")).to_pylist()
    expected = [[x1, y1, x2 - x1 + add, y2 - y1 + add] for x1, y1, x2, y2 in made.box.tolist()]
    assert [list(row.values()) for row in rows] == expected


def test_the_report(tmp_path: Path) -> None:
    made = some(300, images=20)
    made.box[7, 2] = -1
    made.box[[8, 9], 3] = 0
    write_json(made, tmp_path / "in")
    done = convert_proposals(tmp_path / "in", tmp_path / "out", on_error="skip", max_skipped=2)
    assert dataclasses.asdict(done) == {
        "out": str(tmp_path / "out"),
        "bytes": (tmp_path / "out").stat().st_size,
        "form": "COCO results, boxes xywh",
        "proposals": 297,
        "images": 20,
        "per_image": 14.85,
        "scored": True,
        "skipped": {"negative_size": 1, "zero_area": 2},
        "notes": (),
        "within_limit": False,
    }
    assert str(done).splitlines() == [
        "read as      COCO results, boxes xywh",
        f"written      297 proposals of 20 images, 14.85 an image, 0.0 MB: {tmp_path / 'out'}",
        "skipped      1 negative_size, 2 zero_area",
    ]


def test_faults_and_structure_are_told_together(tmp_path: Path) -> None:
    entries = some(20).entries()
    entries[3]["bbox"][2] = -5
    entries[5]["image_id"] = "x"
    (tmp_path / "in").write_text(json.dumps(entries))
    with pytest.raises(DataError) as refused:
        convert_proposals(tmp_path / "in", tmp_path / "out")
    assert len(refused.value.problems) == 2
    assert names(tmp_path) == {"in"}


@pytest.mark.row("G67")
def test_images_that_are_not_in_the_annotation_file_are_counted(tmp_path: Path) -> None:
    """Row G67: proposals usually cover more images than one file of annotations."""
    images = [{"id": number, "file_name": "a", "width": 400, "height": 400} for number in range(15)]
    coco = {"images": images, "annotations": [{"x": float("nan")}], "categories": []}
    (tmp_path / "ann.json").write_text(json.dumps({**coco, "annotations": []}))
    made = some(300, images=20)
    write_json(made, tmp_path / "in")
    done = convert_proposals(tmp_path / "in", tmp_path / "out", coco=tmp_path / "ann.json")
    unknown = int(np.count_nonzero(made.image_id >= 15))
    over = int(np.count_nonzero((made.image_id < 15) & (made.box[:, :2] + made.box[:, 2:] > 401).any(axis=1)))
    assert done.proposals == 300
    assert f"{over} of {300 - unknown} boxes reach over the edge" in done.notes[0]
    assert done.notes[1].startswith(f"{unknown} proposals of images that ")


# -- what must not be touched ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["text", "foreign", "cut", "folder", "link", "link_to_nothing"])
def test_what_chipgen_did_not_write_is_never_overwritten(kind: str, overwrite: bool, tmp_path: Path) -> None:
    ours = convert(some(), tmp_path)
    (tmp_path / "out").rename(tmp_path / "ours")
    out = tmp_path / "out"
    if kind == "text":
        out.write_text("mine")
    elif kind == "foreign":
        write_table(some(), out)
    elif kind == "cut":
        out.write_bytes(ours[:-20])
    elif kind == "folder":
        out.mkdir()
    else:
        out.symlink_to("ours" if kind == "link" else "nothing")
    before = out.read_bytes() if out.is_file() else b""
    with pytest.raises(OutputError) as refused:
        convert_proposals(tmp_path / "in", out, overwrite=overwrite)
    assert refused.value.exit_code == 4
    assert (out.read_bytes() if out.is_file() else b"") == before
    assert (tmp_path / "ours").read_bytes() == ours
    assert names(tmp_path) == {"in", "out", "ours"}


def test_what_was_converted_before_is_overwritten_only_on_demand(tmp_path: Path) -> None:
    first = convert(some(), tmp_path)
    write_json(some(seed=1), tmp_path / "in")
    with pytest.raises(OutputError, match="exists: choose another name, or --overwrite"):
        convert_proposals(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == first
    convert_proposals(tmp_path / "in", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_bytes() != first


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["in", "link", "../{}/in"])
def test_the_source_is_never_overwritten(name: str, overwrite: bool, tmp_path: Path) -> None:
    data = convert(some(), tmp_path)
    (tmp_path / "out").replace(tmp_path / "in")
    (tmp_path / "link").symlink_to("in")
    with pytest.raises(OutputError, match="is the file that is read"):
        convert_proposals(tmp_path / "in", tmp_path / name.format(tmp_path.name), overwrite=overwrite)
    assert (tmp_path / "in").read_bytes() == data


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    write_json(some(), tmp_path / "in")
    with pytest.raises(StorageError, match="its folder does not exist"):
        convert_proposals(tmp_path / "in", tmp_path / "new" / "out")
    assert names(tmp_path) == {"in"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
@pytest.mark.parametrize("before", [False, True])
def test_a_failure_leaves_what_was_there(before: bool, error: Any, tmp_path: Path) -> None:
    first = convert(some(), tmp_path)
    if not before:
        (tmp_path / "out").unlink()
    write_json(some(seed=1), tmp_path / "in")
    expected = StorageError if isinstance(error, OSError) else (error, WorkerError)
    for place in ((table.TableWriter, "write"), (os, "fsync"), (store.HashingFile, "write")):
        with mock.patch.object(*place, side_effect=error), pytest.raises(expected):
            convert_proposals(tmp_path / "in", tmp_path / "out", overwrite=True)
        assert names(tmp_path) == ({"in", "out"} if before else {"in"})
        assert not before or (tmp_path / "out").read_bytes() == first


def test_a_file_that_comes_in_the_meantime_stays(tmp_path: Path) -> None:
    write_json(some(), tmp_path / "in")

    def write(*_: object) -> None:
        (tmp_path / "out").write_text("mine")

    with mock.patch.object(table.TableWriter, "write", write), pytest.raises(OutputError, match="exists"):
        convert_proposals(tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
    assert names(tmp_path) == {"in", "out"}


def test_the_length_and_digest_of_a_new_file(tmp_path: Path) -> None:
    with store.new_file(tmp_path / "a", overwrite=False, is_ours=lambda _: False) as file:
        file.write(b"abc")
        assert names(tmp_path) != {"a"}
    assert (tmp_path / "a").read_bytes() == b"abc"
    assert file.written("a").sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    """Return what the process leaves out of the permissions of new files."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


# -- the command -----------------------------------------------------------------------------------------------------


def test_options_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    for options in ({"box_format": "cxcywh"}, {"on_error": "ignore"}, {"max_skipped": -1}):
        with pytest.raises(UsageError):
            ConversionOptions(**options)
    outcome = run_here(["proposals", str(tmp_path / "in"), str(tmp_path / "out"), "--max-skipped", "-1"])
    assert (outcome.code, outcome.stderr.split(":")[0]) == (2, "--max-skipped")


def test_the_program(tmp_path: Path) -> None:
    write_json(some(), tmp_path / "in")
    done = run("proposals", "in", "out.parquet", cwd=tmp_path).expect(0)
    assert done.out.splitlines()[1].startswith("written      300 proposals of 20 images, 15.00 an image, ")
    assert done.err == ""
    assert run("proposals", "in", "out.parquet", cwd=tmp_path).expect(4).out == ""
    done = run("proposals", "in", "out.parquet", "--overwrite", "--json", cwd=tmp_path).expect(0)
    assert json.loads(done.out)["out"] == "out.parquet"
    assert run("proposals", "in", "out.parquet", "--overwrite", "-q", cwd=tmp_path).expect(0).out == ""
    assert "--trust-pickle" in run("proposals", "--help").expect(0).out


def test_where_an_error_came_from(tmp_path: Path) -> None:
    done = run("proposals", "in", "out.parquet", "--debug", cwd=tmp_path)
    assert done.code == 1
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("in: cannot be read")


@pytest.mark.row("G72")
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """Row G72: a file many times larger than a chunk is never in memory whole."""
    made = some(200_000, images=500)
    pq.write_table(pa.table(made.columns()), tmp_path / "in", row_group_size=10_000)
    held: list[int] = []
    ordered = sort.ordered

    def watched(batch: Any, **options: Any) -> Any:
        held.append(len(batch))
        return ordered(batch, **options)

    with mock.patch.object(sort, "CHUNK", 20_000), mock.patch.object(sort, "ordered", watched):
        convert_proposals(tmp_path / "in", tmp_path / "out")
    assert max(held) <= 30_000
    assert pq.read_metadata(tmp_path / "out").num_rows == 200_000

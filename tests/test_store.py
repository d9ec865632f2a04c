"""The output folder: what may be touched, what stays after a failure, what the next run goes on with."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from chipgen.errors import OutputError, StorageError
from chipgen.store import MANIFEST, Entry, Output, Staging, Start, disk, survey
from chipgen.store.record import first_difference

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = (b"first", b"second", b"third")
TABLE = "_table.txt"


class Halt(Exception):  # noqa: N818 -- no error: the point at which a test stops a run
    """Stops a run."""


def record(**settings: Any) -> dict[str, Any]:
    """Return what a build of a test is made from."""
    return {"format_version": 1, "configuration": {"scales": "512", **settings}}


def planned(path: str) -> bool:
    """Tell which files a build of a test writes."""
    return path in {f"data/{number}.bin" for number in range(len(CONTENT))}


def build(
    out: Path,
    content: tuple[bytes, ...] = CONTENT,
    *,
    overwrite: bool = False,
    halt_after: int | None = None,
    undo: bool = False,
    **settings: Any,
) -> Start:
    """Write some shards as a build would; return what it began with."""
    with Output(out, overwrite=overwrite) as output:
        start = output.start(record(**settings), planned)
        entries = {entry.facts["shard"]: entry for entry in start.kept}
        for number, data in enumerate(content if start.finished is None else ()):
            if number == halt_after:
                if undo:
                    output.undo()
                raise Halt
            if number not in entries:
                staging = output.staging(str(number))
                staging.write(f"data/{number}.bin", data)
                entries[number] = Entry(tuple(staging.written), {"shard": number})
                output.publish(staging, [f"data/{number}.bin"], entries[number])
        if start.finished is None:
            staging = output.staging("tables")
            staging.write(TABLE, b"".join(content))
            output.finish(staging, {"counts": len(content)}, entries.values())
        return start


def halted(out: Path, after: int, **settings: Any) -> None:
    """Leave a build that was stopped."""
    with pytest.raises(Halt):
        build(out, halt_after=after, **settings)


def tree(out: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


@pytest.fixture
def reference(tmp_path: Path) -> dict[str, bytes]:
    """Return the files of an undisturbed build."""
    build(tmp_path / "reference")
    return tree(tmp_path / "reference")


# -- a whole build -----------------------------------------------------------------------------------------------------


@pytest.mark.row("I82")
def test_published_files_are_listed_with_length_and_checksum(tmp_path: Path) -> None:
    build(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / MANIFEST).read_bytes())
    expected = {f"data/{number}.bin": data for number, data in enumerate(CONTENT)} | {TABLE: b"".join(CONTENT)}
    assert manifest["files"] == [
        {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for path, data in sorted(expected.items())
    ]
    assert manifest["configuration"] == {"scales": "512"}
    assert set(tree(tmp_path / "out")) == {*expected, MANIFEST}
    assert not (tmp_path / "out" / ".tmp").exists()


@pytest.mark.row("I84")
def test_finished_build_is_left_alone(tmp_path: Path) -> None:
    build(tmp_path / "out")
    before = tree(tmp_path / "out")
    start = build(tmp_path / "out")
    assert start.finished is not None
    assert start.lost == ()
    assert tree(tmp_path / "out") == before


def test_nothing_changes_before_the_first_shard(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    halted(out, 0)
    assert not out.parent.exists()
    (tmp_path / "empty").mkdir()
    halted(tmp_path / "empty", 0)
    assert list((tmp_path / "empty").iterdir()) == []


# -- going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.row("I86", "K108")
@pytest.mark.parametrize("after", [1, 2])
def test_next_run_goes_on_with_what_is_finished(tmp_path: Path, reference: dict[str, bytes], after: int) -> None:
    out = tmp_path / "out"
    halted(out, after)
    assert set(tree(out)) == {"_run.json", "_journal.jsonl", *(f"data/{number}.bin" for number in range(after))}
    start = build(out)
    assert [entry.facts["shard"] for entry in start.kept] == list(range(after))
    assert tree(out) == reference


@pytest.mark.row("I86")
def test_litter_of_a_killed_run_is_cleared(tmp_path: Path, reference: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    halted(out, 2)
    (out / ".tmp" / "run-0123456789ab" / "2").mkdir(parents=True)
    (out / ".tmp" / "run-0123456789ab" / "2" / "half").write_bytes(b"h")
    (out / ".lock").write_text("12345\n", encoding="ascii")
    build(out)
    assert tree(out) == reference


@pytest.mark.row("I86")
def test_torn_last_line_of_the_journal_is_ignored(tmp_path: Path, reference: dict[str, bytes]) -> None:
    whole = tmp_path / "whole"
    halted(whole, 2)
    journal = (whole / "_journal.jsonl").read_bytes()
    first = journal.index(b"\n") + 1
    for length in range(0, len(journal), 7):
        out = tmp_path / f"cut{length}"
        halted(out, 2)
        (out / "_journal.jsonl").write_bytes(journal[:length])
        start = build(out)
        assert len(start.kept) == (length >= first)
        assert tree(out) == reference


@pytest.mark.row("I87")
@pytest.mark.parametrize("damage", ["lost", "first", "garbage", "foreign run"])
def test_damaged_journal_is_not_trusted(tmp_path: Path, reference: dict[str, bytes], damage: str) -> None:
    out = tmp_path / "out"
    halted(out, 2)
    path = out / "_journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    if damage == "lost":
        path.unlink()
    elif damage == "first":
        path.write_bytes(lines[0].replace(b"shard", b"shred") + lines[1])
    elif damage == "garbage":
        path.write_bytes(b"\xff\x00garbage\n" + lines[1])
    else:
        other = tmp_path / "other"
        halted(other, 2, scales="1024")
        path.write_bytes((other / "_journal.jsonl").read_bytes())
    start = build(out)
    assert [entry.facts["shard"] for entry in start.kept] == ([1] if damage in {"first", "garbage"} else [])
    assert tree(out) == reference


@pytest.mark.row("I88")
@pytest.mark.parametrize("damage", [b"", b"firs", b"firstly", None])
def test_shard_of_another_length_is_made_again(
    tmp_path: Path, reference: dict[str, bytes], damage: bytes | None
) -> None:
    out = tmp_path / "out"
    halted(out, 2)
    if damage is None:
        (out / "data" / "0.bin").unlink()
    else:
        (out / "data" / "0.bin").write_bytes(damage)
    start = build(out)
    assert ([entry.facts["shard"] for entry in start.kept], start.lost) == ([1], ("data/0.bin",))
    assert tree(out) == reference


@pytest.mark.row("I88")
def test_checksums_are_compared_when_asked(tmp_path: Path) -> None:
    out = tmp_path / "out"
    halted(out, 2)
    (out / "data" / "0.bin").write_bytes(b"FIRST")
    with Output(out, overwrite=False) as output:
        assert len(output.start(record(), planned).kept) == 2
    with Output(out, overwrite=False) as output:
        assert [e.facts["shard"] for e in output.start(record(), planned, by_content=True).kept] == [1]


# -- what must not be touched ----------------------------------------------------------------------------------------


@pytest.mark.row("I83")
@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_files_are_never_touched(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="did not write it") as refused:
        build(tmp_path, overwrite=overwrite)
    assert refused.value.exit_code == 4
    assert tree(tmp_path) == {"mine.txt": b"mine"}


@pytest.mark.row("I83")
@pytest.mark.parametrize("name", ["_manifest.json", "_run.json", "_journal.jsonl", ".lock", "data/0.bin"])
@pytest.mark.parametrize("content", [b"mine", b"{}", b'{"files": []}'])
def test_foreign_files_with_our_names_are_foreign(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / name).write_bytes(content)
    for overwrite in (False, True):
        with pytest.raises(OutputError):
            build(tmp_path, overwrite=overwrite)
        assert tree(tmp_path) == {name: content}


@pytest.mark.row("I83")
def test_somebody_elses_temporary_files_stay(tmp_path: Path) -> None:
    (tmp_path / ".tmp").mkdir()
    (tmp_path / ".tmp" / "mine").write_bytes(b"mine")
    build(tmp_path)
    build(tmp_path, scales="64", overwrite=True)
    assert (tmp_path / ".tmp" / "mine").read_bytes() == b"mine"


@pytest.mark.row("I83")
@pytest.mark.parametrize("place", ["notes.txt", "data/notes.txt", "data/3.bin", TABLE])
def test_foreign_file_in_an_unfinished_build_is_refused(tmp_path: Path, place: str) -> None:
    out = tmp_path / "out"
    halted(out, 2)
    (out / place).write_text("mine", encoding="utf-8")
    before = tree(out)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="did not write it"):
            build(out, overwrite=overwrite)
        assert tree(out) == before


@pytest.mark.row("I85")
@pytest.mark.parametrize("finished", [True, False])
def test_other_build_is_refused_by_its_first_difference(tmp_path: Path, finished: bool) -> None:
    out = tmp_path / "out"
    build(out) if finished else halted(out, 2)
    before = tree(out)
    with pytest.raises(OutputError, match=r"configuration\.scales: is 512 there and 64 now") as refused:
        build(out, scales="64")
    assert refused.value.exit_code == 4
    assert tree(out) == before


def test_differences_are_named_in_order() -> None:
    there = {"v": 1, "configuration": {"a": [1, 2], "b": None}, "inputs": {"x": {"sha256": "0" * 64}}}
    assert first_difference(there, {"v": 1, "configuration": {"a": (1, 2)}}) is None
    assert first_difference(there, {"v": 2, "configuration": {"a": 3}}) == ("v", "is 1 there and 2 now")
    assert first_difference(there, {"configuration": {"b": True}}) == ("configuration.b", "is none there and true now")
    now = {"inputs": {"x": {"sha256": "1" * 64}}}
    assert first_difference(there, now) == ("inputs.x.sha256", f"is {'0' * 12}... there and {'1' * 12}... now")
    assert first_difference({"c": {"n": 3}}, {"c": {"n": 4}}, ("n",)) is None
    assert first_difference({"c": {"n": 3}}, {"c": {"n": 2}}, ("n",)) == ("c.n", "is 3 there and 2 now")


# -- overwriting -------------------------------------------------------------------------------------------------------


def test_overwriting_replaces_exactly_what_is_listed(tmp_path: Path, reference: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    build(out, (*CONTENT, b"fourth"), scales="64")
    build(out, overwrite=True)
    assert tree(out) == reference
    build(out, overwrite=True)
    assert tree(out) == reference


def test_overwriting_an_unfinished_build_removes_it(tmp_path: Path, reference: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    halted(out, 2, scales="64")
    start = build(out, overwrite=True)
    assert start.kept == ()
    assert tree(out) == reference


def test_overwriting_that_was_stopped_goes_on(tmp_path: Path, reference: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    build(out, scales="64")
    halted(out, 2, overwrite=True)
    start = build(out, overwrite=True)
    assert len(start.kept) == 2
    assert tree(out) == reference
    assert not (out / ".tmp").exists()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_failed_overwriting_brings_the_old_build_back(tmp_path: Path, after: int) -> None:
    out = tmp_path / "out"
    build(out, scales="64")
    before = tree(out)
    halted(out, after, undo=True, overwrite=True)
    assert tree(out) == before


def test_overwriting_refuses_where_something_else_lies_among_it(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out)
    (out / "data" / "notes.txt").write_text("mine", encoding="utf-8")
    before = tree(out)
    with pytest.raises(OutputError, match=r"notes\.txt"):
        build(out, overwrite=True)
    assert tree(out) == before


def test_manifest_cannot_name_files_outside(tmp_path: Path) -> None:
    out, precious = tmp_path / "out", tmp_path / "precious.txt"
    precious.write_text("keep", encoding="utf-8")
    build(out)
    manifest = json.loads((out / MANIFEST).read_bytes())
    manifest["files"] += [{"path": path, "bytes": 4, "sha256": ""} for path in ("../precious.txt", str(precious))]
    (out / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    build(out, scales="64", overwrite=True)
    assert precious.read_text(encoding="utf-8") == "keep"


# -- failing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1])
def test_undoing_leaves_the_folder_as_the_run_found_it(tmp_path: Path, before: int) -> None:
    out = tmp_path / "out"
    if before:
        halted(out, before)
    earlier = tree(out) if before else {}
    halted(out, 2, undo=True)
    later = tree(out) if out.exists() else {}
    assert {path: data for path, data in later.items() if path != "_journal.jsonl"} == {
        path: data for path, data in earlier.items() if path != "_journal.jsonl"
    }
    assert len(build(out).kept) == before


def test_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="no folder"):
        build(tmp_path / "out")


@pytest.mark.row("I82")
def test_parents_are_not_made_beyond_one_level(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="parent"):
        build(tmp_path / "a" / "b" / "out")
    build(tmp_path / "a" / "out")


def test_what_the_disk_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StorageError, match=r"errno \d+"):
        Staging(tmp_path / "file").write("a.txt", b"a")
    with pytest.raises(StorageError, match="File exists"):
        for _ in range(2):
            Staging(tmp_path / "new").write("a.txt", b"a")


# -- one at a time -----------------------------------------------------------------------------------------------------


@pytest.mark.row("I91")
def test_second_run_is_refused_at_once(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Output(out, overwrite=False):
        with pytest.raises(OutputError, match=f"locked by pid {os.getpid()}") as refused:
            build(out)
        with pytest.raises(OutputError, match="locked by pid"):
            survey(out)
    assert refused.value.exit_code == 4
    build(out)


@pytest.mark.row("I91")
def test_lock_ends_with_its_process(tmp_path: Path, reference: dict[str, bytes]) -> None:
    out = tmp_path / "out"
    code = (
        f"from chipgen.store import Output; import os, pathlib; "
        f"output = Output(pathlib.Path({str(out)!r}), overwrite=False); output.__enter__(); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 9
    assert (out / ".lock").exists()
    build(out)
    assert tree(out) == reference


@pytest.mark.row("I91")
def test_lock_on_a_file_that_its_last_holder_removed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, opened = disk.open_lock, []

    def open_just_before_it_goes(path: Path) -> int:
        opened.append(real(path))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    monkeypatch.setattr(disk, "open_lock", open_just_before_it_goes)
    with Output(tmp_path, overwrite=False) as output:
        assert output.lock.is_ours()
        with pytest.raises(OutputError, match="locked"):
            survey(tmp_path)
    assert len(opened) == 2


@pytest.mark.row("I92")
@pytest.mark.parametrize("replaced", [False, True])
def test_folder_removed_while_running(tmp_path: Path, replaced: bool) -> None:
    out, moved = tmp_path / "out", tmp_path / "moved"
    with pytest.raises(StorageError), Output(out, overwrite=False) as output:
        output.start(record(), planned)
        staging = output.staging("0")
        staging.write("data/0.bin", b"first")
        out.rename(moved)
        if replaced:
            out.mkdir()
        output.publish(staging, ["data/0.bin"], Entry(tuple(staging.written), {"shard": 0}))
    assert out.exists() == replaced
    assert not replaced or list(out.iterdir()) == []


@pytest.mark.row("I92")
def test_folder_that_is_replaced_just_when_a_folder_is_made_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, make_folder = tmp_path / "out", disk.make_folder

    def meanwhile(path: Path) -> None:
        if path == out / "data":
            out.rename(tmp_path / "aside")
            out.mkdir()
        make_folder(path)

    monkeypatch.setattr(disk, "make_folder", meanwhile)
    with pytest.raises(StorageError, match="was removed or replaced"):
        build(out)
    assert list(out.iterdir()) == []

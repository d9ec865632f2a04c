"""An output folder in object storage, where it differs from one on a disk: the lease, the journal, sending, scratch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import fsspec
import pytest

from chipgen.errors import OutputError, StorageError, UsageError
from chipgen.remote import path_of
from chipgen.store import Entry, Output, Written, disk, lease, objects, survey
from chipgen.store.journal import JOURNAL, Journal
from chipgen.store.lease import Holder, Lease, refuse_leased
from chipgen.store.processes import born
from chipgen.store.scratch import scratch_folder, tidy_scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def out() -> Iterator[Any]:
    path: Any = path_of("memory://bucket/out")
    yield path
    if path.system.exists("/bucket"):
        path.system.rm("/bucket", recursive=True)


def _lock(out: Any, number: int, holder: Holder) -> None:
    out.system.pipe_file(f"{out.whole}/.lock.{number:08d}", json.dumps(asdict(holder)).encode())


def _locks(out: Any) -> list[str]:
    return [name for name, _ in out.below() if name.startswith(".lock")]


# -- the lease -----------------------------------------------------------------------------------------------------


def test_second_run_is_refused_while_the_first_lives(out: Any) -> None:
    first = Lease(out)
    first.take()
    with pytest.raises(OutputError, match=f"is locked by pid {os.getpid()}"):
        Lease(out).take()
    with pytest.raises(OutputError, match="is locked"):
        survey(out)
    first.release()
    assert not _locks(out)
    second = Lease(out)
    second.take()
    assert second.is_ours()
    second.release()


def test_lock_of_a_process_that_died_here_is_taken_at_once(out: Any) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        _lock(out, 4, replace(Holder.me(), pid=process.pid, born=born(process.pid)))
        with pytest.raises(OutputError, match=f"pid {process.pid} of "):
            Lease(out).take()
        process.kill()
    mine = Lease(out)
    mine.take()
    assert _locks(out) == [".lock.00000005"]
    mine.release()


def test_lock_that_could_not_be_removed_is_nobodys(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> None:
        raise PermissionError

    first = Lease(out)
    first.take()
    with monkeypatch.context() as patch:
        patch.setattr(disk, "remove", refuse)
        first.release()
    assert _locks(out) == [".lock.00000001"]
    second = Lease(out)
    second.take()
    assert _locks(out) == [".lock.00000002"]
    second.release()


def test_a_process_of_the_same_number_is_another(out: Any) -> None:
    _lock(out, 1, replace(Holder.me(), born="1"))
    mine = Lease(out)
    mine.take()
    assert mine.is_ours()
    mine.release()


def test_holder_elsewhere_is_watched(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "LEASE", 0.3)
    away = replace(Holder.me(), host="another machine", name="far")
    _lock(out, 1, away)

    def beat(_: float) -> None:
        _lock(out, 1, replace(away, beat=1))

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", beat)
        with pytest.raises(OutputError, match="of far"):
            refuse_leased(out)
    refuse_leased(out)  # he writes no more
    began = time.monotonic()
    monkeypatch.setattr(lease, "LEASE", 1e3)
    refuse_leased(out)  # and is known to be dead
    assert time.monotonic() - began < 100


def test_holder_that_was_taken_for_dead_stops(out: Any) -> None:
    slow, quick = Lease(out), Lease(out)
    slow.take()
    out.system.rm_file(f"{out.whole}/.lock.00000001")
    quick.take()
    assert not slow.is_ours()  # though it bears the same number
    with pytest.raises(StorageError, match="took this one for dead"):
        slow.check()
    slow.release()
    assert quick.is_ours()
    quick.release()


def test_of_two_at_the_same_moment_one_takes_it(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    other, real = Lease(out), disk.put_new

    def faster(path: Path, data: bytes) -> None:
        monkeypatch.setattr(disk, "put_new", real)
        other.take()
        real(path, data)

    monkeypatch.setattr(disk, "put_new", faster)
    with pytest.raises(OutputError, match="is locked"):
        Lease(out).take()
    assert other.is_ours()
    other.release()


def test_lock_taken_while_we_looked_is_not_passed_over(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two find the same lock dead; the slower one must not take the next number but one."""
    _lock(out, 1, replace(Holder.me(), born="1"))
    other, real = Lease(out), lease.refuse_leased

    def slowly(place: Path) -> int:
        number = real(place)
        monkeypatch.setattr(lease, "refuse_leased", real)
        other.take()
        return number

    monkeypatch.setattr(lease, "refuse_leased", slowly)
    with pytest.raises(OutputError, match="is locked"):
        Lease(out).take()
    assert other.is_ours()
    other.release()


def test_storage_that_heeds_no_conditions(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getppid()

    def over(path: Any, data: bytes) -> None:
        objects.put(path, data)
        _lock(out, 1, replace(Holder.me(), pid=parent, born=born(parent)))  # another's arrives a moment later

    monkeypatch.setattr(disk, "put_new", over)
    mine = Lease(out)
    with pytest.raises(OutputError, match=f"pid {parent} of"):
        mine.take()
    assert not mine.held


def test_holder_says_that_it_lives(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT", 0.01)
    mine = Lease(out)
    mine.take()
    path, end = out / ".lock.00000001", time.monotonic() + 60
    while json.loads(path.read_bytes())["beat"] < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    out.system.rm_file(path.whole)
    time.sleep(0.1)
    assert not path.exists(), "a lock that was taken away came back"
    mine.release()


def test_lock_tells_no_secret(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "opensesame")
    mine = Lease(out)
    mine.take()
    assert b"opensesame" not in (out / ".lock.00000001").read_bytes()
    mine.release()


# -- the journal ---------------------------------------------------------------------------------------------------


def _entries(count: int) -> list[Entry]:
    return [Entry((Written(f"{number}", number, ""),)) for number in range(count)]


def test_lines_of_a_journal_are_objects_in_their_order(out: Any) -> None:
    first = Journal(out, "run")
    for entry in _entries(12):
        first.append(entry)
    assert Journal(out, "run").read() == (_entries(12), 0, False)
    assert first.exists  # though the first line of it is in no file of that name
    Journal(out, "run").append(Entry(()))
    assert [entry.files for entry in Journal(out, "run").read()[0][11:]] == [_entries(12)[11].files, ()]
    assert Journal(out, "other").read() == ([], 13, False)


def test_journal_written_anew_is_one_object(out: Any) -> None:
    journal = Journal(out, "run")
    journal.append(Entry(()))
    journal.rewrite(_entries(3), out / ".tmp")
    assert [name for name, _ in out.below()] == [JOURNAL]
    journal.append(Entry(()))
    assert journal.read() == ([*_entries(3), Entry(())], 0, False)
    journal.remove()
    assert not list(out.below())


def test_storage_that_does_not_answer_is_no_empty_journal(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Journal(out, "run").append(Entry(()))

    def refuse(*_: object, **__: object) -> bytes:
        raise TimeoutError("no answer")

    monkeypatch.setattr(type(out.system), "cat_file", refuse)
    with pytest.raises(OSError, match="no answer"):
        Journal(out, "run").read()
    out.system.pipe_file(f"{out.whole}/_manifest.json", b"{}")
    with pytest.raises(StorageError, match="no answer"):
        survey(out)


# -- sending -------------------------------------------------------------------------------------------------------


def test_what_arrives_short_is_no_success(out: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    objects.send(tmp_path, out, ["a"])
    assert (out / "a").read_bytes() == b"12345"
    monkeypatch.setattr(type(out.system), "put", lambda *_, **__: out.system.pipe_file(f"{out.whole}/a", b"123"))
    with pytest.raises(OSError, match="3 bytes arrived of 5"):
        objects.send(tmp_path, out, ["a"])


def test_copy_that_is_short_removes_nothing(out: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("from/a", "from/b"):
        objects.put(out / name, b"12345")
    monkeypatch.setattr(type(out.system), "copy", lambda *_, **__: out.system.pipe_file(f"{out.whole}/to/a", b"12345"))
    with pytest.raises(OSError, match="0 bytes arrived of 5"):
        objects.move(out / "from", out / "to")
    assert {name for name, _ in out.below()} == {"from/a", "from/b", "to/a"}


def test_moving_what_was_moved_in_part(out: Any) -> None:
    for name in ("from/b", "from/c", "to/a", "to/b"):
        objects.put(out / name, name[-1].encode())
    objects.move(out / "from", out / "to")
    assert [name for name, _ in out.below()] == ["to/a", "to/b", "to/c"]


def test_removing_what_is_gone(out: Any) -> None:
    objects.remove(out / "a")
    objects.remove_below(out)
    objects.put(out / "a", b"")
    objects._remove([out / "b", out / "a"])
    assert not out.exists()


def test_web_server_cannot_be_written_to() -> None:
    with pytest.raises(UsageError, match="can only be read"):
        survey(path_of("https://host/out"))


def test_files_of_somebody_else_are_seen(out: Any) -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/out/mine.txt", b"precious")
    with pytest.raises(OutputError, match="chipgen did not write it"):
        Output(out, overwrite=True).__enter__()
    assert [name for name, _ in out.below()] == ["mine.txt"]


# -- on this machine -----------------------------------------------------------------------------------------------


def test_scratch_of_the_dead_goes_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    living = scratch_folder()
    (living / "a").write_bytes(b"1")
    here = living.name.split("-")[1]
    dead = living.with_name(f"chipgen-{here}-{os.getpid()}-1-abc")
    away = living.with_name(f"chipgen-00000000-{os.getpid()}-1-abc")  # of a container that shares the folder
    foreign = living.with_name("chipgen-notes")
    for folder in (dead, away, foreign):
        folder.mkdir()
    tidy_scratch()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([living.name, away.name, foreign.name])


def test_nothing_stays_on_this_machine(out: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Output(out, overwrite=False) as output:
        staging = output.staging("some")
        stage: Any = output.stage / "some"
        staging.write("a/b", b"1")
        staging.write("c", b"2")
        staging.settle()
        staging.settle()
        assert [name for name, _ in stage.below()] == ["a/b", "c"]
        with pytest.raises(ZeroDivisionError), output.staging("other").create("d"):
            raise ZeroDivisionError
        del staging
    assert not list(tmp_path.iterdir())
    assert not list(out.below())

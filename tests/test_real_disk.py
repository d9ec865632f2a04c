"""Real disks that refuse: full, read-only, gone, out of handles, names too long. Real second runs."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from long_set import (
    PATIENCE,
    arguments,
    group_is_gone,
    reference_tree,
    running,
    shards_in,
    tree,
    wait_for,
    write_long_set,
)
from run_cli import PROGRAM
from thorough import THOROUGH
from zoo.running import assert_refused, run_here, run_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL_DISK = 1 << 20


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("real_disk") / "in")


@pytest.fixture(scope="module")
def references(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("reference")
    return {form: reference_tree(coco, folder / form, "--format", form) for form in ("parquet", "coco")}


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a small disk in memory; only root may, and not everywhere."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def remount(folder: Path, options: str) -> None:
    """Change a mounted disk."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def _limited(limit: int, value: int) -> Callable[[], None]:
    """Return what sets a limit in a new process."""
    return lambda: resource.setrlimit(limit, (value, value))


def _run(command: list[str], **more: Any) -> tuple[int, list[str]]:
    """Run the program and return its exit code and the lines of its errors."""
    done = subprocess.run(
        [str(PROGRAM), *command], capture_output=True, text=True, check=False, timeout=PATIENCE, **more
    )
    return done.returncode, done.stderr.splitlines()


def _assert_goes_on(command: list[str], out: Path, reference: dict[str, str]) -> None:
    """Check that the same command, where nothing is in its way, ends well: here, and with one worker, to be quick."""
    outcome = run_here([*command, "--workers", "1"])
    assert (outcome.code, outcome.stderr) == (0, "")
    assert tree(out) == reference


def _assert_whole(out: Path, reference: dict[str, str]) -> None:
    """Check that what has a final name is what it will be, and that no manifest is there."""
    final = {path: sha for path, sha in tree(out).items() if not path.startswith((".", "_run", "_journal"))}
    assert final.items() < reference.items()
    assert "_manifest.json" not in final


@pytest.mark.row("I90")
@pytest.mark.parametrize(
    ("form", "workers"), [("parquet", "2"), ("coco", "1"), *([("parquet", "1"), ("coco", "2")] if THOROUGH else [])]
)
def test_full_disk(form: str, workers: str, coco: Path, tmp_path: Path, references: dict[str, dict[str, str]]) -> None:
    disk, reference = tmp_path / "disk", references[form]
    command = arguments(coco, disk / "out", "--format", form, "--workers", workers)
    with mounted(disk, f"size={SMALL_DISK}"):
        for _ in range(2):
            code, (line,) = _run(command)
            assert code == 1
            assert "(errno 28)" in line
            assert line.endswith("free some space, then run the same command again")
            _assert_whole(disk / "out", reference)
        assert shards_in(disk / "out")
        remount(disk, "size=100m")
        _assert_goes_on(command, disk / "out", reference)


@pytest.mark.row("I90")
def test_files_may_not_grow(coco: Path, tmp_path: Path, references: dict[str, dict[str, str]]) -> None:
    """For those who may not mount anything: a limit to the size of files gives EFBIG where a full disk gives ENOSPC."""
    command = arguments(coco, tmp_path / "out", "--workers", "2")
    code, (line,) = _run(command, preexec_fn=_limited(resource.RLIMIT_FSIZE, 40_000))
    assert code == 1
    assert "(errno 27)" in line
    _assert_goes_on(command, tmp_path / "out", references["parquet"])


@pytest.mark.row("I89")
def test_disk_that_is_read_only_is_known_before_anything_is_read(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "ro"):
        for out in (disk, disk / "out", disk / "new" / "out"):
            lines = assert_refused(run_here(arguments(tmp_path / "no.json", out)), disk / "new", 1)
            assert lines == [f"{disk}: cannot be written to: make it writable or choose another --out"]


@pytest.mark.row("I89")
@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_folder_that_is_read_only_is_known_before_anything_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o555)
    lines = assert_refused(run_here(arguments(tmp_path / "no.json", folder / "out")), folder / "out", 1)
    assert lines == [f"{folder}: cannot be written to: make it writable or choose another --out"]


@pytest.mark.row("I89", "I90")
def test_disk_that_becomes_read_only(coco: Path, tmp_path: Path, references: dict[str, dict[str, str]]) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=100m"):
        with running(coco, disk / "out") as program:
            assert wait_for(lambda: len(shards_in(disk / "out")) > 2, program)
            done = subprocess.run(["mount", "-o", "remount,ro", disk], capture_output=True, check=False)
            if done.returncode:
                pytest.skip("a disk in use cannot be made read-only here")
            _, err = program.communicate(timeout=PATIENCE)
        assert (program.returncode, len(err.splitlines())) == (1, 1)
        remount(disk, "rw")
        _assert_goes_on(arguments(coco, disk / "out"), disk / "out", references["parquet"])


@pytest.mark.row("I91")
def test_second_run_stops_at_once_and_works_after_a_kill(
    coco: Path, tmp_path: Path, references: dict[str, dict[str, str]]
) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for(lambda: shards_in(out), program)
        for more in ((), ("--overwrite",)):
            code, (line,) = _run(arguments(coco, out, *more))
            assert code == 4
            assert f"is locked by pid {program.pid}" in line
        assert program.poll() is None
        os.killpg(program.pid, 9)
        program.wait()
    _assert_goes_on(arguments(coco, out), out, references["parquet"])


@pytest.mark.row("I92")
@pytest.mark.parametrize("what", ["removed", "renamed", "replaced", "made a file"])
def test_folder_that_goes_while_it_is_written_to(what: str, coco: Path, tmp_path: Path) -> None:
    out, aside = tmp_path / "out", tmp_path / "aside"
    with running(coco, out) as program:
        assert wait_for(lambda: len(shards_in(out)) > 1, program)
        out.rename(aside)
        if what == "removed":
            shutil.rmtree(aside)
        elif what == "replaced":
            out.mkdir()
        elif what == "made a file":
            out.write_text("mine", encoding="utf-8")
        _, err = program.communicate(timeout=PATIENCE)
        assert program.returncode == 1
        assert len(err.splitlines()) == 1, err
        assert wait_for(lambda: group_is_gone(program.pid))
    assert out.exists() == (what in {"replaced", "made a file"})
    if what == "replaced":
        assert list(out.iterdir()) == []


@pytest.mark.row("I93")
@pytest.mark.parametrize(("workers", "handles"), [(1, 5), (2, 8), (2, 16), *([(1, 6), (2, 12)] if THOROUGH else [])])
def test_too_few_handles(
    workers: int, handles: int, coco: Path, tmp_path: Path, references: dict[str, dict[str, str]]
) -> None:
    """No image is to blame for it, and none may be skipped."""
    out = tmp_path / "out"
    command = arguments(coco, out, "--workers", str(workers), "--on-error", "skip")
    code, (line,) = _run(command, preexec_fn=_limited(resource.RLIMIT_NOFILE, handles))
    assert code == 1
    assert "Too many open files" in line or "cannot be started" in line
    assert "ulimit -n" in line
    _assert_goes_on(command, out, references["parquet"])


@pytest.mark.row("I93")
@pytest.mark.parametrize("length", [240, 256, 5000])
def test_path_that_is_too_long(length: int, coco: Path, tmp_path: Path) -> None:
    out = tmp_path / ("x" * length)
    outcome = run_program(arguments(coco, out, "--workers", "1"))
    if length <= 255:
        assert (outcome.code, outcome.stderr) == (0, "")
        return
    (line,) = outcome.stderr.splitlines()
    assert outcome.code == 1
    assert "File name too long" in line
    assert line.endswith("choose a shorter --out")

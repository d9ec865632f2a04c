"""Processes that die, and signals: the program ends soon, says what it was at, and goes on when run again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from multiprocessing.util import _args_from_interpreter_flags  # type: ignore[attr-defined]
from typing import TYPE_CHECKING

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
    workers_of,
    write_long_set,
)
from run_cli import PROGRAM
from zoo.running import run_here

from chipgen import stopping, workers
from chipgen.workers import DOING

if TYPE_CHECKING:
    from pathlib import Path

SOON = 20
"""Seconds within which the program must have ended, on a busy machine."""
INTERRUPTED = r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n"


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("processes") / "in")


@pytest.fixture(scope="module")
def reference(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return reference_tree(coco, tmp_path_factory.mktemp("reference") / "out")


def _assert_goes_on(coco: Path, out: Path, reference: dict[str, str]) -> None:
    """Check that the same command keeps what is finished and ends well."""
    kept = {path: path.stat().st_mtime_ns for path in shards_in(out)}
    assert kept
    outcome = run_here(arguments(coco, out, "--workers", "1"))
    assert (outcome.code, outcome.stderr) == (0, "")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert tree(out) == reference


def _caught_at_work(program: subprocess.Popen[str], out: Path) -> int:
    """Stop all workers at a moment when one of them makes a shard, and return one of them."""

    def caught() -> bool:
        workers = workers_of(program.pid)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        if list(out.glob(f".tmp/*/*{DOING}")):
            return True
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        return False

    assert wait_for(caught, program)
    return workers_of(program.pid)[0]


@pytest.mark.row("J96")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_dead_worker_ends_the_run_and_is_told_by_what_it_was_at(
    number: signal.Signals, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.kill(_caught_at_work(program, out), number)
        for worker in workers_of(program.pid):
            os.kill(worker, signal.SIGCONT)
        start = time.monotonic()
        _, err = program.communicate(timeout=SOON)
        assert time.monotonic() - start < SOON
    assert program.returncode == 1
    (line,) = err.splitlines()
    assert re.search(r"shard \d+ \(data/train-\d{5}-of-\d{5}\.parquet\), image \d+ \(\d+\.png\)", line)
    assert "--workers" in line
    _assert_goes_on(coco, out, reference)


@pytest.mark.row("J97")
def test_worker_without_memory_is_told_with_a_way_out(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(workers, "render", starve)
    outcome = run_here(arguments(coco, tmp_path / "out", "--workers", "1"))
    assert outcome.code == 1
    assert "ran out of memory" in outcome.stderr
    assert "--workers" in outcome.stderr
    assert "--max-pixels" in outcome.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.row("J99", "J100")
@pytest.mark.parametrize("to_all", [False, True], ids=["to the program", "to all its processes"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_keeps_whole_shards_and_leaves_no_process(
    number: signal.Signals, to_all: bool, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.killpg(program.pid, number) if to_all else program.send_signal(number)
        _, err = program.communicate(timeout=SOON)
        assert program.returncode == 128 + number
        assert re.fullmatch(INTERRUPTED, err)
        assert wait_for(lambda: group_is_gone(program.pid))
    assert {path.name for path in out.iterdir()} == {"data", "_run.json", "_journal.jsonl"}
    _assert_goes_on(coco, out, reference)


@pytest.mark.row("J99")
def test_interrupted_twice_ends_all_the_same(coco: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        program.send_signal(signal.SIGINT)
        time.sleep(0.02)
        program.send_signal(signal.SIGINT)
        program.communicate(timeout=SOON)
        assert program.returncode in {130, -signal.SIGINT}
    assert not (out / "_manifest.json").exists()


@pytest.mark.row("J99", "J100")
def test_interrupted_before_the_first_shard_leaves_nothing(coco: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for((out / ".tmp").exists, program)
        program.send_signal(signal.SIGTERM)
        _, err = program.communicate(timeout=SOON)
    assert program.returncode == 143
    if "0 of" in err:
        assert not out.exists()


@pytest.mark.row("J99")
def test_first_signal_waits_for_the_commit_and_the_second_does_not() -> None:
    steps = []
    with pytest.raises(stopping.Stopped) as stopped, stopping.listening(), stopping.to_the_end():
        signal.raise_signal(signal.SIGTERM)
        steps.append("went on")
    assert (steps, stopped.value.exit_code) == (["went on"], 143)
    with pytest.raises(stopping.Stopped) as stopped, stopping.listening(), stopping.to_the_end():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        steps.append("must not be reached")
    assert (steps, stopped.value.exit_code) == (["went on"], 130)
    with pytest.raises(stopping.Stopped), stopping.listening():
        signal.raise_signal(signal.SIGINT)


@pytest.mark.row("J98")
def test_workers_end_soon_after_their_parent(coco: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(coco, out) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 1, program)
        assert workers_of(program.pid)
        program.kill()
        program.wait(timeout=SOON)
        end = time.monotonic() + 5
        while not group_is_gone(program.pid):
            assert time.monotonic() < end
            time.sleep(0.05)
        count = len(shards_in(out))
        time.sleep(0.3)
        assert len(shards_in(out)) == count


@pytest.mark.row("J101")
@pytest.mark.parametrize("quiet", [(), ("--json",)], ids=["text", "json"])
def test_reader_that_goes_away_changes_nothing(
    quiet: tuple[str, ...], coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    words = arguments(coco, tmp_path / "out", "--workers", "1", *quiet)
    command = [str(PROGRAM), *(word for word in words if word != "-q")]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False, timeout=PATIENCE)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert tree(tmp_path / "out") == reference


@pytest.mark.row("J101")
def test_closed_output_changes_nothing(coco: Path, tmp_path: Path, reference: dict[str, str]) -> None:
    command = [str(PROGRAM), *(word for word in arguments(coco, tmp_path / "out", "--workers", "1") if word != "-q")]
    done = subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *command], check=False, timeout=PATIENCE)
    assert done.returncode == 0
    assert tree(tmp_path / "out") == reference


@pytest.mark.row("I90")
def test_processes_that_watch_what_workers_share_are_started_quiet() -> None:
    """When a full disk ends the workers at once, they would sometimes print warnings of their own beside our line."""
    with workers._quiet_watchers():
        assert f"-W{workers.QUIET}" in _args_from_interpreter_flags()
    assert workers.QUIET not in sys.warnoptions
    code = "import warnings; warnings.warn('resource_tracker: There appear to be 1 leaked objects')"
    done = subprocess.run([sys.executable, f"-W{workers.QUIET}", "-c", code], capture_output=True, check=True)
    assert done.stderr == b""

"""Processes that die, and signals: the program ends soon, says what it was at, and goes on when run again."""

from __future__ import annotations

import json
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
from run_cli import PROGRAM, Finished, chipgen
from zoo.running import run_here

from chipgen import stopping
from chipgen.workers import job, processes
from chipgen.workers.processes import DOING

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
def test_dead_worker_costs_its_shards_and_no_more(
    number: signal.Signals, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--json", quiet=False) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.kill(_caught_at_work(program, out), number)
        for worker in workers_of(program.pid):
            os.kill(worker, signal.SIGCONT)
        report, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    (note,) = json.loads(report)["build"]["notes"]
    assert re.fullmatch("1 worker died and its (shard was|2 shards were) made again", note)
    assert tree(out) == reference


DEADLY = """
import os
import PIL.Image
real = PIL.Image.open
def open_or_die(file, *arguments, **named):
    if os.readlink(f"/proc/self/fd/{file.fileno()}").endswith("/7.png"):
        for number in range(int(os.environ["DEATHS"])):
            try:
                os.close(os.open(f"{os.environ['DEAD']}/{number}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), 9)
    return real(file, *arguments, **named)
PIL.Image.open = open_or_die
"""
"""Lets workers die at one image, a number of times in all."""


@pytest.fixture(scope="module")
def deadly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deadly")
    (folder / "sitecustomize.py").write_text(DEADLY)
    return folder


def _build_deadly(deadly: Path, coco: Path, tmp_path: Path, deaths: int) -> Finished:
    (tmp_path / "dead").mkdir()
    path = os.pathsep.join([str(deadly), os.environ.get("PYTHONPATH", "")])
    words = arguments(coco, tmp_path / "out", "--workers", "2")
    return chipgen(*words, PYTHONPATH=path, DEATHS=str(deaths), DEAD=str(tmp_path / "dead"))


@pytest.mark.row("J96")
def test_shard_over_which_two_workers_died_is_made_alone(
    deadly: Path, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    assert _build_deadly(deadly, coco, tmp_path, 2).expect(0).err == ""
    assert len(list((tmp_path / "dead").iterdir())) == 2
    assert tree(tmp_path / "out") == reference


@pytest.mark.row("J96")
def test_shard_over_which_workers_die_again_and_again_ends_the_run_and_is_told(
    deadly: Path, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    (line,) = _build_deadly(deadly, coco, tmp_path, 9).expect(1).err.splitlines()
    assert re.search(r"shard \d+ \(data/train-\d{5}-of-\d{5}\.parquet\), image 7 \(7\.png\): a worker", line)
    assert " or shard" not in line
    assert "--workers" in line
    assert len(list((tmp_path / "dead").iterdir())) == 3
    _assert_goes_on(coco, tmp_path / "out", reference)


@pytest.mark.row("J97")
def test_worker_without_memory_is_told_with_a_way_out(
    coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(job, "render", starve)
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
    with processes._quiet_watchers():
        assert f"-W{processes.QUIET}" in _args_from_interpreter_flags()
    assert processes.QUIET not in sys.warnoptions
    code = "import warnings; warnings.warn('resource_tracker: There appear to be 1 leaked objects')"
    done = subprocess.run([sys.executable, f"-W{processes.QUIET}", "-c", code], capture_output=True, check=True)
    assert done.stderr == b""

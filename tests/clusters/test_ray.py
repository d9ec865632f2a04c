"""Builds on a cluster of Ray, of two processes: whole, killed, interrupted."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clusters.processes_of import processes_of
from long_set import arguments, group_is_gone, running, shards_in, tree, wait_for
from run_cli import chipgen

ROOT = Path(__file__).parents[2]
LONG = 300
"""Seconds that Ray may take, which is slow to be imported and slow to start."""


def _killed_at_work(pid: int) -> bool:
    """Kill a worker while it makes a shard; return False when none is at it."""
    for worker in processes_of(pid, "ray::chipgen"):
        os.kill(worker, signal.SIGSTOP)
        at_work = worker in processes_of(pid, "ray::chipgen")
        os.kill(worker, signal.SIGKILL if at_work else signal.SIGCONT)
        if at_work:
            return True
    return False


def test_killed_worker_changes_no_byte(coco: Path, tmp_path: Path, reference: dict[str, str]) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--json", "--backend", "ray", quiet=False) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        assert wait_for(lambda: _killed_at_work(program.pid), program)
        report, err = program.communicate(timeout=LONG)
    assert program.returncode == 0, err
    assert "Traceback" not in err
    assert json.loads(report)["build"]["notes"] == ["1 worker died and its shard was made again"]
    assert tree(out) == reference


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_leaves_no_process(
    number: signal.Signals, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--backend", "ray") as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.killpg(program.pid, number) if number == signal.SIGINT else program.send_signal(number)
        _, err = program.communicate(timeout=LONG)
        assert program.returncode == 128 + number
        assert re.fullmatch(r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n", err)
        assert wait_for(lambda: group_is_gone(program.pid))
    assert {path.name for path in out.iterdir()} == {"data", "_run.json", "_journal.jsonl"}
    assert chipgen(*arguments(coco, out, "--workers", "2", "--backend", "ray"), timeout=LONG).expect(0).err == ""
    assert tree(out) == reference


DEADLY = """
import os, sys
if "ray" in " ".join(sys.orig_argv):
    import PIL.Image
    real = PIL.Image.open
    def open_or_die(file, *arguments, **named):
        if os.readlink(f"/proc/self/fd/{file.fileno()}").endswith("/7.png"):
            os.kill(os.getpid(), 9)
        return real(file, *arguments, **named)
    PIL.Image.open = open_or_die
"""


def test_shard_over_which_workers_die_again_and_again_is_told(coco: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(DEADLY)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    words = arguments(coco, tmp_path / "out", "--workers", "2", "--backend", "ray")
    refused = chipgen(*words, PYTHONPATH=path, timeout=LONG).expect(1)
    line = refused.err.splitlines()[-1]
    assert re.search(r"out: shard \d+, WorkerCrashedError: a worker process died .* 3 times: .*--workers", line)


def test_example_builds_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "ray_build.py", tmp_path / "demo", "--images", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"the same \d+ files, byte for byte", done.stdout)

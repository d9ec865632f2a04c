"""A cluster of Dask that the program starts itself, and the example."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from clusters.processes_of import processes_of
from long_set import PATIENCE, group_is_gone, running, shards_in, tree, wait_for

ROOT = Path(__file__).parents[2]
SOON = 30


def test_cluster_of_its_own_ends_with_the_program(coco: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--backend", "dask") as program:
        assert wait_for(lambda: len(shards_in(out)) >= 1, program)
        assert len(processes_of(program.pid, "spawn_main")) == 2
        os.killpg(program.pid, signal.SIGINT)
        _, err = program.communicate(timeout=SOON)
        assert program.returncode == 130
        assert re.fullmatch(r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n", err)
        assert wait_for(lambda: group_is_gone(program.pid))
    assert {path.name for path in out.iterdir()} == {"data", "_run.json", "_journal.jsonl"}


def test_killed_worker_of_its_own_changes_no_byte(coco: Path, tmp_path: Path, reference: dict[str, str]) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--json", "--backend", "dask", quiet=False) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.kill(processes_of(program.pid, "spawn_main")[0], signal.SIGKILL)
        report, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    assert "1 worker left the cluster; what it was at was made again by others" in json.loads(report)["build"]["notes"]
    assert tree(out) == reference


def test_example_builds_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "dask_build.py", tmp_path / "demo", "--images", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"the same \d+ files, byte for byte", done.stdout)

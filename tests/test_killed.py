"""kill -9 at random moments, of the program or with all its workers: the same command ends with the same bytes."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest
from long_set import PATIENCE, group_is_gone, reference_tree, running, shards_in, tree, wait_for, write_long_set
from thorough import times

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("CHIPGEN_KILLS", times(9)))
"""For each format."""


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("killed") / "in")


def _kill_once(coco: Path, out: Path, rng: random.Random, turn: int, *more: str) -> bool:
    """Start the program and kill it somewhere, in the next of four ways; return False when it had ended before."""
    with running(coco, out, *more) as program:
        if turn % 4 < 2:
            time.sleep(rng.uniform(0, 1.2))  # while it starts, reads, plans
        else:
            more_shards = len(shards_in(out)) + rng.randint(1, 4)
            wait_for(lambda: len(shards_in(out)) >= more_shards, program)
            time.sleep(rng.uniform(0, 0.03))
        if program.poll() is not None:
            return False
        if turn % 2 == 0:
            program.kill()
        else:
            os.killpg(program.pid, 9)
        end = time.monotonic() + PATIENCE
        while not group_is_gone(program.pid):
            assert time.monotonic() < end, "workers outlived their parent"
            time.sleep(0.05)
        return True


def _assert_nothing_lies(out: Path, reference: dict[str, str]) -> None:
    """Check that whatever has a final name is what it will be in the end, and that nothing says it is the end."""
    final = {path: sha for path, sha in tree(out).items() if not path.startswith((".", "_run", "_journal"))}
    wrong = [path for path, sha in final.items() if reference.get(path) != sha]
    assert not wrong
    assert "_manifest.json" not in final or final.keys() == reference.keys()


@pytest.mark.row("I86", "J98", "K108")
@pytest.mark.parametrize("form", ["parquet", "coco", "yolo"])
def test_killed_and_run_again_until_it_ends(form: str, coco: Path, tmp_path: Path) -> None:
    rng, kills, rounds = random.Random(f"{form} {KILLS}"), 0, 0  # noqa: S311 -- moments, not secrets
    more = ("--format", form)
    reference = reference_tree(coco, tmp_path / "reference", *more)
    assert len(shards_in(tmp_path / "reference")) > 20
    while kills < KILLS:
        out, rounds = tmp_path / f"out{rounds}", rounds + 1
        finished = False
        while not finished and kills < KILLS:
            finished = not _kill_once(coco, out, rng, kills, *more)
            kills += not finished
            _assert_nothing_lies(out, reference) if out.exists() else None
        with running(coco, out, *more) as program:
            _, err = program.communicate(timeout=PATIENCE)
            assert (program.returncode, err) == (0, "")
        assert tree(out) == reference
        assert not (out / ".tmp").exists()

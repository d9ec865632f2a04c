"""Workers whose parent was killed before they had anything to do: they must not wait for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from long_set import group_is_gone, running, wait_for, workers_of, write_long_set

if TYPE_CHECKING:
    from pathlib import Path

SOON = 20


@pytest.mark.row("J98")
def test_workers_that_have_not_begun_end_with_their_parent(tmp_path: Path) -> None:
    coco = write_long_set(tmp_path / "in")
    for number in range(10):
        with running(coco, tmp_path / f"out{number}") as program:
            assert wait_for(lambda pid=program.pid: workers_of(pid), program)  # type: ignore[misc]
            time.sleep(number / 50)
            program.kill()
            end = time.monotonic() + SOON
            while not group_is_gone(program.pid):
                assert time.monotonic() < end, f"killed {number / 50} s after its first worker was there"
                time.sleep(0.05)

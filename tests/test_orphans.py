"""What workers must do from the start, before they have anything to do: watch their parent, and hear no signals."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from long_set import group_is_gone, running, wait_for, workers_of, write_long_set
from thorough import SHARE

SOON = 20


@pytest.mark.row("J98")
def test_workers_that_have_not_begun_end_with_their_parent(tmp_path: Path) -> None:
    coco = write_long_set(tmp_path / "in")
    for number in range(0, 10, SHARE):
        with running(coco, tmp_path / f"out{number}") as program:
            assert wait_for(lambda pid=program.pid: workers_of(pid), program)  # type: ignore[misc]
            time.sleep(number / 50)
            program.kill()
            end = time.monotonic() + SOON
            while not group_is_gone(program.pid):
                assert time.monotonic() < end, f"killed {number / 50} s after its first worker was there"
                time.sleep(0.05)


@pytest.mark.row("J99", "J100")
def test_workers_hear_no_signal_that_a_terminal_sends_to_all(tmp_path: Path) -> None:
    """Else what they say about it stands between the lines of the program."""
    coco = write_long_set(tmp_path / "in")
    with running(coco, tmp_path / "out") as program:
        assert wait_for(lambda: len(workers_of(program.pid)) == 2, program)
        status = [Path(f"/proc/{pid}/status").read_text() for pid in workers_of(program.pid)]
    blocked = [int(text.partition("SigBlk:")[2].split()[0], 16) for text in status]
    for number in (signal.SIGINT, signal.SIGTERM):
        assert [mask >> number - 1 & 1 for mask in blocked] == [1, 1]

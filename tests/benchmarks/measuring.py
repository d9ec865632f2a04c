"""What all benchmarks share: works timed in turn, processes whose memory is watched, the dataset that is measured."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from made_masks import write_photographs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 5
PROGRAM = Path(sys.executable).with_name("chipgen")


def best(*works: Callable[[], object], runs: int = RUNS, clock: Callable[[], float] = time.process_time) -> list[float]:
    """Return the least time of each work, in seconds, all run in turn: of the processor, unless `clock` says so.

    What a work returns is called when its time is taken, where it can be: to clear away what it left.
    """
    times: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, own in zip(works, times, strict=True):
            start = clock()
            left = work()
            own.append(clock() - start)
            if callable(left):
                left()
    return [min(own) for own in times]


@dataclass(frozen=True)
class Ran:
    """What a process took: wall seconds, the most memory in MB, and how it ended."""

    seconds: float
    memory: float
    status: int


def ran(command: Sequence[str]) -> Ran:
    """Run a command, with one thread for the libraries that would take more."""
    start = time.perf_counter()
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ran(time.perf_counter() - start, usage.ru_maxrss / 1024, process.returncode)


@dataclass(frozen=True)
class Given:
    """A dataset to be measured: its annotations, its pictures, and in how many runs."""

    coco: Path
    images: Path
    runs: int


def options(about: str | None, runs: int = 3) -> argparse.ArgumentParser:
    """Return the options of a benchmark of pixels; see `given`."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--coco", type=Path, help="a COCO file; else a dataset made by code")
    parser.add_argument("--images", type=Path, help="its pictures [the folder 'images' beside it]")
    parser.add_argument("--count", type=int, default=60, help="pictures of the dataset made by code [%(default)s]")
    parser.add_argument("--runs", type=int, default=runs, help="runs, of which the best counts [%(default)s]")
    return parser


def given(asked: argparse.Namespace, folder: Path) -> Given:
    """Return the dataset asked for, made in a folder where none is named; say how busy the machine is."""
    coco, images = asked.coco, asked.images
    if coco is None:
        coco = folder / "instances.json"
        write_photographs(coco, asked.count)
    print(f"{coco}; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    return Given(coco, images or coco.parent / "images", asked.runs)

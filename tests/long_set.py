"""A dataset that takes a second or two to build, in many shards: something to interrupt."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from datasets_made import Coco
from run_cli import PROGRAM
from small_set import CATEGORIES, texture_file
from zoo.running import run_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IMAGES = 26
ARGUMENTS = ("--scales", "1x,2x", "--chip-size", "192", "--chips-per-shard", "6", "--image-format", "png")
PATIENCE = 60
"""Seconds after which something that was to happen soon counts as never happening."""


def write_long_set(folder: Path) -> Path:
    """Write annotations and images and return the annotation file."""
    folder.mkdir()
    coco = Coco(categories=CATEGORIES)
    for number in range(1, IMAGES + 1):
        coco.image(420, 300, number)
        for x in range(8):
            coco.box(number, [x * 50, (x * number * 37) % 260, 24 + x, 30])
        (folder / coco.images[-1]["file_name"]).write_bytes(texture_file(420, 300, number))
    path = folder / "instances.json"
    path.write_text(coco.text(), encoding="utf-8")
    return path


def arguments(coco: Path, out: Path, *more: str) -> list[str]:
    """Return the arguments that build it."""
    return ["build", "--coco", str(coco), *ARGUMENTS, "--out", str(out), "-q", *more]


def reference_tree(coco: Path, out: Path, *more: str) -> dict[str, str]:
    """Build it undisturbed with one worker and return the checksums of all files."""
    assert run_here(arguments(coco, out, "--workers", "1", *more)).code == 0
    return tree(out)


def tree(out: Path) -> dict[str, str]:
    """Return the checksum of every file."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextlib.contextmanager
def running(coco: Path, out: Path, *more: str, quiet: bool = True) -> Iterator[subprocess.Popen[str]]:
    """Run the program in a process group of its own, of which nothing is left afterwards."""
    words = arguments(coco, out, "--workers", "2", *more)
    command = [str(PROGRAM), *(word for word in words if quiet or word != "-q")]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.communicate(timeout=PATIENCE)


def wait_for(what: Callable[[], object], process: subprocess.Popen[str] | None = None) -> bool:
    """Wait until something is so; return False when the program, where one is given, ended before."""
    end = time.monotonic() + PATIENCE
    while not what():
        if process is not None and process.poll() is not None:
            return False
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    return True


def shards_in(out: Path) -> list[Path]:
    """Return the shards that have their final names."""
    return sorted(out.glob("data/*.parquet")) + sorted(out.glob("shards/*"))


def workers_of(pid: int) -> list[int]:
    """Return the worker processes of a program."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
            if parent == pid and b"loky" in command and b"resource_tracker" not in command:
                found.append(int(entry.name))
    return sorted(found)


def group_is_gone(pid: int) -> bool:
    """Tell whether no process of a group lives any more; dead ones that nobody has waited for do not count."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(group) == pid and state != "Z":
                return False
    return True

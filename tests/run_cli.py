"""Running the real program."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from zoo.running import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(sys.executable).with_name("chipgen")
ONE_CORE = {
    "PYTHONPATH": os.pathsep.join(
        filter(None, (str(Path(__file__).with_name("one_core")), os.environ.get("PYTHONPATH")))
    )
}
"""What makes a program believe that the machine has one core."""


@dataclass(frozen=True)
class Finished:
    """What a finished program left."""

    code: int
    out: str
    err: str

    def expect(self, code: int) -> Finished:
        """Check the exit code."""
        assert self.code == code, f"exit {self.code}, not {code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        return self


def chipgen(
    *arguments: str, cwd: Path | None = None, timeout: float = 120, umask: int = -1, **environment: str
) -> Finished:
    """Run ``chipgen``, as on a machine of one core, and wait for it."""
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=cwd,
        env={**os.environ, **ONE_CORE, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        umask=umask,
        check=False,
        text=True,
        encoding="utf-8",
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def chipgen_here(*arguments: str, cwd: Path | None = None) -> Finished:
    """Run ``chipgen`` in this process, as on a machine of one core: for what a process of its own proves no better.

    A process takes a second to load its libraries, more than most builds of tests take.
    """
    with mock.patch("os.cpu_count", return_value=1), _inside(cwd):
        done = run_here(arguments)
    return Finished(done.code, done.stdout, done.stderr)


@contextlib.contextmanager
def _inside(folder: Path | None) -> Iterator[None]:
    """Work in another folder."""
    before = Path.cwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)


MEASURED = """
import sys
from chipgen.cli import main
try:
    main(sys.argv[1:])
finally:
    status = open("/proc/self/status").read()
    print("PEAK", 1024 * int(status.split("VmHWM:")[1].split()[0]))
"""


def measured(*arguments: str, timeout: float = 120) -> tuple[Finished, int]:
    """Run ``chipgen`` in a process that is told the most memory it held, bytes; with one worker that is all of it."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=timeout, check=False, text=True)
    out, _, peak = done.stdout.rpartition("PEAK")
    return Finished(done.returncode, out, done.stderr), int(peak)


def tree(out: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

"""Running the real program."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("chipgen")


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


def chipgen(*arguments: str, cwd: Path | None = None, timeout: float = 120, **environment: str) -> Finished:
    """Run ``chipgen`` and wait for it."""
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
        text=True,
        encoding="utf-8",
    )
    return Finished(done.returncode, done.stdout, done.stderr)

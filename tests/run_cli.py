"""Running the real program."""

from __future__ import annotations

import hashlib
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


def chipgen(
    *arguments: str, cwd: Path | None = None, timeout: float = 120, umask: int = -1, **environment: str
) -> Finished:
    """Run ``chipgen`` and wait for it."""
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        umask=umask,
        check=False,
        text=True,
        encoding="utf-8",
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def tree(out: Path) -> dict[str, str]:
    """Return the checksum of every file below a folder."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {p.relative_to(out).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

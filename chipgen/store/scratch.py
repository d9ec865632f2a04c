"""Room on this machine for files on their way to object storage; what killed runs left of it goes with the next run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import zlib
from pathlib import Path

from chipgen.store.processes import born, host

NAME = re.compile(r"chipgen-([0-9a-f]{8})-(\d+)-(\w+)-\w+")


def scratch_folder() -> Path:
    """Make an empty folder whose name says which process of which machine, or container, it belongs to."""
    return Path(tempfile.mkdtemp(prefix=f"chipgen-{_here()}-{os.getpid()}-{born(os.getpid())}-"))


def tidy_scratch() -> None:
    """Remove what processes left that live no more; whether those of another container do cannot be seen from here."""
    for folder in Path(tempfile.gettempdir()).glob("chipgen-*"):
        match = NAME.fullmatch(folder.name)
        if match and match[1] == _here() and born(int(match[2])) != match[3]:
            remove_scratch(folder)


def _here() -> str:
    """Return what tells this machine, or container, from others in a name."""
    return f"{zlib.crc32(host().encode()):08x}"


def remove_scratch(folder: Path) -> None:
    """Remove such a folder, whoever else removes it at the same moment."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)

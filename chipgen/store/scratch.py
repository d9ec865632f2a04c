"""Room on this machine for files on their way to object storage; what killed runs left of it goes with the next run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from chipgen.store.processes import born

NAME = re.compile(r"chipgen-(\d+)-(\w+)-\w+")


def scratch_folder() -> Path:
    """Make an empty folder whose name says which process it belongs to."""
    return Path(tempfile.mkdtemp(prefix=f"chipgen-{os.getpid()}-{born(os.getpid())}-"))


def tidy_scratch() -> None:
    """Remove what processes left that live no more."""
    for folder in Path(tempfile.gettempdir()).glob("chipgen-*"):
        match = NAME.fullmatch(folder.name)
        if match and born(int(match[1])) != match[2]:
            remove_scratch(folder)


def remove_scratch(folder: Path) -> None:
    """Remove such a folder, whoever else removes it at the same moment."""
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)

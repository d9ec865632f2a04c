"""Systems that lack what others have: no fork, no shared memory to make semaphores in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from run_cli import chipgen, tree
from small_set import SCALES, write_small_set

if TYPE_CHECKING:
    from pathlib import Path

NO_FORK = """
import os
del os.fork, os.forkpty
"""
NO_SEMAPHORES = """
import _multiprocessing, errno, os
class SemLock:
    SEM_VALUE_MAX = 2**31 - 1
    def __init__(self, *_, **__):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
_multiprocessing.SemLock = SemLock
"""


def _poorer(folder: Path, code: str) -> str:
    """Return a search path with which every process of the program begins by running some code."""
    (folder / "sitecustomize.py").write_text(code)
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])


@pytest.mark.row("J103")
@pytest.mark.parametrize("form", ["parquet", "coco"])
@pytest.mark.parametrize("lacks", [NO_FORK, NO_SEMAPHORES, NO_FORK + NO_SEMAPHORES], ids=["fork", "semaphores", "both"])
def test_a_build_goes_through_without_them(lacks: str, form: str, built: dict[str, Path], tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    options = (*SCALES, "--format", form, "--workers", "2", "--out", str(tmp_path / "out"))
    done = chipgen("build", "--coco", str(coco), *options, PYTHONPATH=_poorer(tmp_path, lacks)).expect(0)
    assert done.err == ""
    assert tree(tmp_path / "out") == tree(built[form])


@pytest.mark.row("J103")
def test_what_cannot_be_used_is_told_without_them_as_well(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    (tmp_path / "set" / "images" / "5.png").write_bytes(b"no image")
    arguments = ("build", "--coco", str(coco), *SCALES, "--out", str(tmp_path / "out"))
    refused = chipgen(*arguments, PYTHONPATH=_poorer(tmp_path, NO_SEMAPHORES))
    (line,) = refused.expect(1).err.splitlines()
    assert "image 5" in line
    assert not (tmp_path / "out").exists()

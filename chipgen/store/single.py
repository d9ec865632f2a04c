"""A single file outside any output folder."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

from chipgen.errors import OutputError, StorageError
from chipgen.remote import is_remote
from chipgen.store import disk
from chipgen.store.files import HashingFile, guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def new_file(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool]) -> Iterator[HashingFile]:
    """Write a single file: only when the block ends without an error is it there, and on disk.

    With `overwrite`, one may be replaced of which `is_ours` says that chipgen wrote it.
    """
    with guarded(path):
        _refuse_existing(path, overwrite=overwrite, is_ours=is_ours)
        stage = path.with_name(f".chipgen-{secrets.token_hex(8)}.tmp")
        try:
            with disk.create(stage) as raw:
                file = HashingFile(raw)
                with file.settled():
                    yield file
            _refuse_existing(path, overwrite=overwrite, is_ours=is_ours)  # it may have come in the meantime
            disk.replace(stage, path)
            disk.sync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                disk.remove(stage)


def _refuse_existing(path: Path, *, overwrite: bool, is_ours: Callable[[Path], bool]) -> None:
    """Refuse a place where a file must not be written; see `new_file`."""
    if not is_remote(path) and not path.parent.is_dir():
        raise StorageError.one(path, "", "its folder does not exist", "create it first")
    if not (path.exists() if is_remote(path) else os.path.lexists(path)):
        return
    if not overwrite:
        raise OutputError.one(path, "", "exists", "choose another name, or --overwrite what chipgen wrote there")
    if path.is_symlink() or not path.is_file() or not is_ours(path):
        raise OutputError.one(path, "", "chipgen did not write it", "move it away or choose another name")

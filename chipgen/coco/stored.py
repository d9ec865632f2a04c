"""A file that is read like bytes, of which no more is in memory than is asked for."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from chipgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 20
"""Bytes read at a time when all are wanted."""

State = tuple[int, int, int, int]


class StoredText:
    """The bytes of a file as they were when it was opened; a file that has changed since is refused.

    It stays open, so that another file of the same name is no matter; in another process it is opened again.

    Parameters
    ----------
    path
        The file.
    state
        What it was when it was opened first, for another process: device, inode, length, time of the last change, ns.
    told
        What it is called where something is wrong with it; its path when empty.

    Raises
    ------
    OSError
        It cannot be opened.
    DataError
        It is not the file that it was.
    """

    file: Path | None = None

    def __init__(self, path: str, state: State | None = None, told: str = "") -> None:
        self.path, self.told = path, told or path
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._handle)
        self._state = state or self._now()
        self._refuse_changed()

    def __len__(self) -> int:
        return self._state[2]

    def __getitem__(self, span: slice) -> bytes:
        start, stop, _ = span.indices(len(self))
        pieces = []
        while start < stop and (piece := self._read(start, stop - start)):
            pieces.append(piece)
            start += len(piece)
        self._refuse_changed()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __reduce__(self) -> tuple[type[StoredText], tuple[str, State, str]]:
        """Travel as a name, and as what the file was."""
        return type(self), (self.path, self._state, self.told)

    @classmethod
    def of(cls, path: Path) -> StoredText:
        """Return the bytes of a file, or of a copy of one, which stays as long as they do."""
        text = cls(os.fspath(path), told=str(path))
        text.file = path
        return text

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Yield what stands from one place to another, a piece at a time."""
        end = len(self) if stop is None else stop
        for first in range(start, end, BLOCK):
            yield self[first : min(first + BLOCK, end)]

    def count(self, part: bytes, start: int, stop: int) -> int:
        """Count how often something of at least two bytes stands between two places, as `bytes.count` does."""
        found, rest = 0, b""
        for block in self.blocks(start, stop):
            *before, rest = (rest + block).split(part)
            found += len(before)
            rest = rest[-(len(part) - 1) :]
        return found

    def _read(self, start: int, length: int) -> bytes:
        """Read some bytes; fewer than asked for where the system gives no more at once."""
        try:
            return os.pread(self._handle, length, start)
        except OSError as error:
            what = f"cannot be read any more ({error.strerror or error})"
            raise DataError.one(self.told, "", what, "see to the disk, then run again") from error

    def _now(self) -> State:
        """Return what the file is now."""
        now = os.fstat(self._handle)
        return now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns

    def _refuse_changed(self) -> None:
        """Refuse a file that has changed."""
        if self._now() != self._state:
            raise DataError.one(self.told, "", "has changed while it was read", "run again once it stays as it is")

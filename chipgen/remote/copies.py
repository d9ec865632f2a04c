"""Files that are read again and again, fetched once to this machine; what is told of them is where they lie."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from chipgen.errors import DataError, StorageError
from chipgen.remote.given import is_remote, path_of
from chipgen.remote.systems import refuse_silence

if TYPE_CHECKING:
    import os

    from chipgen.errors import ChipgenError
    from chipgen.remote.path import RemotePath

PIECE = 4 << 20
"""Bytes that are in memory while a file is fetched."""


class Fetched:
    """A copy on this machine that is called as what it is a copy of; it goes with this object, or with the process.

    Parameters
    ----------
    remote
        What was fetched.
    version
        What the storage said it was.
    """

    def __init__(self, remote: RemotePath, version: str | None) -> None:
        self.remote, self.version = remote, version
        folder = tempfile.TemporaryDirectory(prefix="chipgen-")
        self.local = Path(folder.name) / "fetched"
        weakref.finalize(self, folder.cleanup)

    def __str__(self) -> str:
        return str(self.remote)

    def __fspath__(self) -> str:
        return str(self.local)

    @property
    def name(self) -> str:
        """Return the last part of the name."""
        return self.remote.name

    def stat(self) -> os.stat_result:
        """Return what is known of the copy."""
        return self.local.stat()

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the copy for reading."""
        assert mode == "rb"
        return self.local.open("rb")

    def read_bytes(self) -> bytes:
        """Return all of it."""
        return self.local.read_bytes()


_COPIES: dict[RemotePath, Fetched] = {}
"""The last copy of each file: several parts of a command read the same ones."""


def fetched(path: str | os.PathLike[str] | RemotePath | Fetched, most_bytes: int | None = None) -> Path:
    """Return a file on this machine: a path on the disk as it is, of a URL a copy.

    Parameters
    ----------
    path
        As a user gave it.
    most_bytes
        A longer file is refused before it is fetched, and as soon as more comes than was said.

    Returns
    -------
    Path
        Of a copy, what can be read like one; its text is the URL, without what may be a credential.

    Raises
    ------
    OSError
        There is no such file, or nobody may read it.
    DataError
        It is too long.
    StorageError
        The storage does not answer, or the disk has no room for a copy.
    """
    if isinstance(path, Fetched):
        return cast("Path", path)
    place = path_of(path)
    return cast("Path", _copy(place, most_bytes)) if is_remote(place) else place


def _copy(remote: RemotePath, most_bytes: int | None) -> Fetched:
    """Return a copy that is known to be still the same, or a new one."""
    try:
        length, version = remote.state()
        _refuse_long(remote, length, most_bytes)
        before = _COPIES.pop(remote, None)
        if before is not None and version is not None and version == before.version:
            copy = before
        else:
            copy = Fetched(remote, version)
            _fetch(remote, copy.local, length)
            _refuse_long(remote, copy.stat().st_size, most_bytes)
            _refuse_changed(remote, version)
    except StorageError:
        raise
    except OSError as error:
        refuse_silence(remote, error)
        raise
    _COPIES[remote] = copy
    return copy


def _refuse_long(path: object, length: int, most_bytes: int | None) -> None:
    """Refuse a file of unbearable length."""
    if most_bytes is not None and length > most_bytes:
        what = f"{length:,} bytes are more than the {most_bytes:,} allowed"
        raise DataError.one(path, "", what, "raise --max-json-bytes or split the file")


def _refuse_changed(remote: RemotePath, version: str | None) -> None:
    """Refuse a file of which one half may be that of another."""
    if version is not None and remote.state()[1] != version:
        raise DataError.one(remote, "", "has changed while it was read", "run again once it stays as it is")


def _fetch(remote: RemotePath, place: Path, length: int) -> None:
    """Copy an object, a piece at a time.

    Raises
    ------
    OSError
        The storage refuses.
    StorageError
        The disk does.
    """
    if not remote.can_list:  # many servers send all of a file, whatever part of it they are asked for
        remote.copy_to(place)
        return
    pieces = (remote.read_range(start, min(start + PIECE, length)) for start in range(0, length, PIECE))
    try:
        file = place.open("wb")
    except OSError as error:
        raise _no_room(place, error) from error
    with file:
        for piece in pieces:
            _write(file, piece, place)


def _write(file: BinaryIO, piece: bytes, place: Path) -> None:
    """Write a piece."""
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        raise _no_room(place, error) from error


def _no_room(place: Path, error: OSError) -> ChipgenError:
    """Return what a disk refused."""
    todo = "see to the folder of temporary files, or set TMPDIR to another one, then run the same command again"
    return StorageError.one(place, "writing", f"{error.strerror} (errno {error.errno})", todo)

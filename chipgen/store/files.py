"""Files on their way to a final name: written under a temporary one, flushed to disk, checksummed on the way."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from chipgen.errors import OutputError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Written:
    """One finished file.

    Parameters
    ----------
    path
        Relative to the output folder, with ``/``.
    bytes, sha256
        Its length and checksum.
    """

    path: str
    bytes: int
    sha256: str


class HashingFile:
    """A binary file, written from front to back, that knows its length and checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._length = 0

    def write(self, data: Any) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        self._file.write(view)
        self._digest.update(view)
        self._length += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._length

    def flush(self) -> None:
        """Hand buffered bytes to the system."""
        self._file.flush()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    def close(self) -> None:
        """Do nothing: the file is closed, and flushed to disk, by `Staging.create`."""

    def written(self, path: str) -> Written:
        """Return the record of the file."""
        return Written(path, self._length, self._digest.hexdigest())


@dataclass
class Staging:
    """Where files are written before they are published; each worker has its own.

    Parameters
    ----------
    folder
        The staging folder.
    written
        The files finished so far.
    """

    folder: Path
    written: list[Written] = field(default_factory=list)

    @contextlib.contextmanager
    def create(self, path: str) -> Iterator[HashingFile]:
        """Open a new file; when the block ends without an error it is on disk and recorded."""
        target = self.folder / path
        with guarded(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as raw:
                file = HashingFile(raw)
                yield file
                raw.flush()
                os.fsync(raw.fileno())
        self.written.append(file.written(path))

    def write(self, path: str, data: bytes) -> None:
        """Write a whole file."""
        with self.create(path) as file:
            file.write(data)

    def read(self, path: str) -> bytes:
        """Return the content of a staged file."""
        with guarded(self.folder / path):
            return (self.folder / path).read_bytes()


@contextlib.contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into one line.

    Raises
    ------
    StorageError
        For any OSError that is not ours already.
    """
    try:
        yield
    except (StorageError, OutputError):
        raise
    except OSError as error:
        what = f"{error.strerror or error} (errno {error.errno})"
        raise StorageError.one(path, "writing", what, "mend that and run the same command again") from error


def sync(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

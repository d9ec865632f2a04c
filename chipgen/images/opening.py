"""Opening the file of an image so that nothing can make us wait, and nobody but us speaks."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import stat
import warnings
from typing import TYPE_CHECKING

from PIL import Image

from chipgen.digests import sha256_read
from chipgen.errors import StorageError, UnusableError
from chipgen.findings import ImageFile
from chipgen.images.shared import Shared
from chipgen.remote import BLOCK, Ranges, RangesFile, is_remote, refuse_silence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.remote import RemotePath

MOST_READS = 2_000_000
"""Times that a file is read before its pixels: loops in heads end here, within seconds."""

SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})
"""What the system says when it is short of handles or memory."""

PIECE = 16 << 20
"""Bytes of pixels read at a time, however many are asked for: between two strips of a TIFF may lie terabytes."""

logging.getLogger("PIL").addHandler(logging.NullHandler())  # without any handler, errors would be printed


class MeteredFile(io.BufferedReader):
    """A file that is read a limited number of times, and a limited number of bytes, while a limit is set."""

    _reads: int | None = None
    _bytes = _length = 0

    def limit(self, most_bytes: int | None) -> None:
        """Limit how often, and how many bytes (None for any number), the file is read until `unlimited`."""
        self._length = self.length()
        self._reads, self._bytes = MOST_READS, MOST_READS * self._length if most_bytes is None else most_bytes

    def unlimited(self) -> None:
        """Lift the limit."""
        self._reads = None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read bytes, but never make room for more of them than the file has.

        Raises
        ------
        UnusableError
            The limit is reached.
        """
        if self._reads is None:
            return super().read(size if size is None else min(size, PIECE))
        wanted = self._length if size is None or size < 0 else min(size, self._length)
        data = super().read(min(wanted, self._bytes + 1))
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise UnusableError("corrupt", "its head goes on and on, as if made to keep readers busy")
        return data

    def length(self) -> int:
        """Return how many bytes the file has."""
        return os.fstat(self.fileno()).st_size

    @property
    def ranges(self) -> Ranges | None:
        """Return what reads the file where it lies in a storage; None on the disk."""
        return self.raw.ranges if isinstance(self.raw, RangesFile) else None

    @property
    def is_stderr(self) -> bool:
        """Tell whether the file stands where errors are printed: that was closed before."""
        return self.ranges is None and self.fileno() == 2

    def identity(self) -> ImageFile:
        """Return length and checksum of the file, read a piece at a time: it may be larger than memory."""
        self.seek(0)
        sha256 = sha256_read(super().read)
        length = self.tell()
        self.seek(0)
        return ImageFile(length, sha256)


class RemoteFile(MeteredFile):
    """An object of a storage."""

    def length(self) -> int:
        """Return how many bytes it has."""
        assert self.ranges is not None
        return self.ranges.length


def refuse_shortage(path: Path, error: Exception) -> None:
    """Refuse to go on where the system is short of something: the image may be good, and must not be skipped for it.

    Raises
    ------
    StorageError
        It is.
    """
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        what = f"{error.strerror} (errno {error.errno})"
        todo = "run the same command again, with fewer --workers or a higher limit (ulimit -n)"
        raise StorageError.one(path, "reading", what, todo) from error


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[MeteredFile]:
    """Open a regular file; nothing else is opened, so that no pipe or device can make us wait.

    Raises
    ------
    UnusableError
        It is no regular file, or cannot be opened.
    StorageError
        The system is short of something, or a storage does not answer, here or in the block.
    """
    if is_remote(path):
        with _open_remote(path) as remote:
            yield remote
        return
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnusableError("missing", "no such file") from error
    except OSError as error:
        refuse_shortage(path, error)
        raise UnusableError("unreadable", f"cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)  # before FileIO sees it, which raises on folders
        raise UnusableError("not_a_file", "is a folder, pipe or device, not a file")
    with MeteredFile(io.FileIO(handle)) as file:
        yield file


@contextlib.contextmanager
def _open_remote(path: RemotePath) -> Iterator[RemoteFile]:
    """Open an object of a storage, of which the first bytes are there then; see `open_regular`."""
    try:
        ranges = Ranges(path)
    except OSError as error:
        refuse_silence(path, error)
        if isinstance(error, PermissionError):
            raise UnusableError("unreadable", f"cannot be opened ({error.strerror})") from error
        raise UnusableError("missing", "no such file") from error
    try:
        with RemoteFile(RangesFile(ranges), BLOCK) as file:
            yield file
    finally:
        if ranges.failure is not None:  # whatever has become of it in libraries
            refuse_unread(path, ranges.failure)


def refuse_unread(path: object, error: OSError) -> None:
    """Refuse to go on where a part of a file did not come, the first of which did.

    Raises
    ------
    StorageError
        Always.
    """
    what, todo = error.strerror or type(error).__name__, "run the same command again"
    raise StorageError.one(path, "reading", what, todo) from error


@contextlib.contextmanager
def _pixel_limit(max_pixels: int) -> Iterator[None]:
    """Set the limit of Pillow, and keep it from warning."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextlib.contextmanager
def _silent(_: int) -> Iterator[None]:
    """Lead what is written to stderr nowhere."""
    try:
        saved = os.dup(2)
    except OSError:  # stderr is closed: there is nothing to keep silent
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


_LIMIT, _SILENCE = Shared(_pixel_limit), Shared(_silent)


def pixel_limit(max_pixels: int) -> contextlib.AbstractContextManager[None]:
    """Let Pillow stop at our limit instead of warning at its own; all threads read under the highest limit of any."""
    return _LIMIT.at(max_pixels)


def silent() -> contextlib.AbstractContextManager[None]:
    """Keep libtiff, which writes past Python, from writing to stderr: the reason comes as an error as well."""
    return _SILENCE.at(0)

"""The bytes of a raster, read where they are needed, for as long as anybody needs them."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING

from chipgen.errors import StorageError, UnusableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.images.opening import MeteredFile
    from chipgen.remote import Ranges


class Source:
    """A file that stays open after whoever opened it has closed it; two readers of it do not disturb each other.

    Parameters
    ----------
    file
        An open file. Of one on the disk a copy of the handle is kept, and closed with this object.
    """

    def __init__(self, file: MeteredFile) -> None:
        self.length = file.length()
        self._ranges = file.ranges
        if self._ranges is None:
            self._handle = os.dup(file.fileno())
            self._closing = weakref.finalize(self, os.close, self._handle)

    def read(self, at: int, size: int) -> bytes:
        """Return bytes of the file.

        Raises
        ------
        UnusableError
            There are not so many.
        StorageError
            A storage does not answer.
        """
        if at + size > self.length:
            raise UnusableError("corrupt", f"ends before byte {at + size:,}")
        if self._ranges is not None:
            return _asked(self._ranges, [(at, at + size)])[0]
        parts: list[bytes] = []
        while size > 0:
            part = os.pread(self._handle, size, at)
            if not part:
                raise UnusableError("corrupt", f"ends before byte {at + size:,}")
            parts.append(part)
            at, size = at + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_all(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return several parts of the file, given where each begins, ascending, and its length; see `read`.

        From a storage they come with few requests, which do not wait for each other.
        """
        if self._ranges is None:
            return [self.read(at, size) for at, size in spans]
        end = max((at + size for at, size in spans), default=0)
        if end > self.length:
            raise UnusableError("corrupt", f"ends before byte {end:,}")
        return _asked(self._ranges, [(at, at + size) for at, size in spans])


def _asked(ranges: Ranges, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return parts of an object of a storage.

    Raises
    ------
    StorageError
        One of them does not come.
    """
    try:
        return [ranges.read(*spans[0])] if len(spans) == 1 else ranges.read_all(spans)
    except OSError as error:
        what = error.strerror or type(error).__name__
        raise StorageError.one(ranges.path, "reading", what, "run the same command again") from error

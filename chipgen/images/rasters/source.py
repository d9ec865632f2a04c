"""The bytes of a raster, read where they are needed, for as long as anybody needs them."""

from __future__ import annotations

import os
import weakref

from chipgen.errors import UnusableError


class Source:
    """A file that stays open after whoever opened it has closed it; two readers of it do not disturb each other.

    Parameters
    ----------
    handle
        An open file; a copy of the handle is kept, and closed with this object.
    """

    def __init__(self, handle: int) -> None:
        self._handle = os.dup(handle)
        self._closing = weakref.finalize(self, os.close, self._handle)
        self.length = os.fstat(self._handle).st_size

    def read(self, at: int, size: int) -> bytes:
        """Return bytes of the file.

        Raises
        ------
        UnusableError
            There are not so many.
        """
        if at + size > self.length:
            raise UnusableError("corrupt", f"ends before byte {at + size:,}")
        parts: list[bytes] = []
        while size > 0:
            part = os.pread(self._handle, size, at)
            if not part:
                raise UnusableError("corrupt", f"ends before byte {at + size:,}")
            parts.append(part)
            at, size = at + len(part), size - len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

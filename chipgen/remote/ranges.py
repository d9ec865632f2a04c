"""Objects read from any place in them, with few requests: small ones come whole, of large ones only what is asked."""

from __future__ import annotations

import errno
import io
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chipgen.remote.path import RemotePath

WHOLE = 8 << 20
"""Bytes asked for first: most pictures are smaller, and come with this one request."""
BLOCK = 256 << 10
"""Bytes of a larger object that are kept and forgotten together: about a tile of a raster."""
AHEAD = 32
"""Blocks asked for at once, at most, of an object that is read from front to back."""
KEPT = 256
"""Blocks kept of an object, those used last: 64 MB."""
GAP = 64 << 10
"""Bytes between two parts up to which one request for both is quicker than two."""

Span = tuple[int, int]
"""First byte, and the one after the last."""


class Ranges:
    """An object that is read by ranges of bytes.

    Parameters
    ----------
    path
        The object.

    Attributes
    ----------
    length
        Of the object, bytes.
    failure
        What the storage said when a part could not be read; who reads a picture may have passed over it.

    Raises
    ------
    OSError
        There is no such object, or the storage refuses.
    """

    def __init__(self, path: RemotePath) -> None:
        self.path = path
        self.failure: OSError | None = None
        self._head = _head(path)
        # An object of which less than asked for came has ended; a server that knows no ranges sends all of it.
        self.length = len(self._head) if len(self._head) != WHOLE else path.stat().st_size
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._next, self._ahead = -1, 1

    def read(self, start: int, stop: int) -> bytes:
        """Return some bytes; fewer where the object ends before.

        Raises
        ------
        OSError
            The storage refuses, or the object has become shorter.
        """
        stop = min(stop, self.length)
        if stop <= len(self._head):
            return self._head[start:stop]
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        found = self._blocks(blocks)
        first = blocks.start * BLOCK
        return b"".join(found)[start - first : stop - first]

    def read_all(self, spans: Sequence[Span]) -> list[bytes]:
        """Return several parts, in ascending order, with few requests, which are sent at the same time.

        Raises
        ------
        OSError
            The storage refuses, or the object has become shorter.
        """
        joined = list(_joined(spans))
        try:
            parts = self.path.read_ranges(joined)
        except OSError as error:
            raise self._noted(error) from None
        found, number = [], 0
        for start, stop in spans:
            while joined[number][1] < stop:
                number += 1
            first = joined[number][0]
            found.append(parts[number][start - first : stop - first])
        return found

    def _blocks(self, wanted: range) -> list[bytes]:
        """Return blocks that follow each other; those that are not there are asked for."""
        missing = [number for number in wanted if number not in self._kept]
        here: dict[int, bytes] = {}
        if missing:
            first, last = missing[0], missing[-1] + 1
            self._ahead = min(2 * self._ahead, AHEAD) if first == self._next else 1
            end = min(max(last, first + self._ahead), -(-self.length // BLOCK))
            self._next = end
            data = self._part(first * BLOCK, min(end * BLOCK, self.length))
            here = {number: data[(number - first) * BLOCK :][:BLOCK] for number in range(first, end)}
        for number in {*wanted} & self._kept.keys():
            self._kept.move_to_end(number)
            here.setdefault(number, self._kept[number])
        self._kept.update(here)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return [here[number] for number in wanted]

    def _part(self, start: int, stop: int) -> bytes:
        """Ask for a part."""
        try:
            data = self.path.read_range(start, stop)
        except OSError as error:
            raise self._noted(error) from None
        if len(data) != stop - start:
            what = f"gives {len(data):,} bytes of {stop - start:,}"
            raise self._noted(OSError(errno.EIO, what, str(self.path)))
        return data

    def _noted(self, error: OSError) -> OSError:
        """Remember what went wrong."""
        self.failure = error
        return error


def _head(path: RemotePath) -> bytes:
    """Return the first bytes of an object; of an empty one there are none, which some storages take for an error."""
    try:
        return path.read_range(0, WHOLE)
    except OSError as error:
        if error.errno == errno.EINVAL and path.stat().st_size == 0:
            return b""
        raise


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield parts, those that lie close together as one."""
    start, stop = -1, -1
    for first, last in spans:
        if start >= 0 and first <= stop + GAP:
            stop = max(stop, last)
            continue
        if start >= 0:
            yield start, stop
        start, stop = first, last
    if start >= 0:
        yield start, stop


class RangesFile(io.RawIOBase):
    """An object as a file that is read."""

    def __init__(self, ranges: Ranges) -> None:
        self.ranges, self._at = ranges, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.ranges.length}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, "is no place in a file", str(self.ranges.path))
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with what stands next."""
        data = self.ranges.read(self._at, self._at + len(buffer)) if self._at < self.ranges.length else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        """Return the rest."""
        starts = range(self._at, max(self._at, self.ranges.length), WHOLE)
        rest = b"".join(self.ranges.read(start, start + WHOLE) for start in starts)
        self._at += len(rest)
        return rest

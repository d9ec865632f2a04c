"""Reading files that may be anything: only regular ones are opened, and none is read whole without a limit."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from chipgen.digests import sha256_read
from chipgen.errors import UnusableError
from chipgen.images import open_regular
from chipgen.images.rasters import sampled
from chipgen.text import human_bytes
from chipgen.verification.faults import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_JSON_BYTES = 4 * 1024**3
"""A JSON file above this is not read whole."""

READERS = min(4, os.cpu_count() or 1)
"""Files hashed at the same time: hashing waits for the disk, and lets other threads run."""
AT_ONCE = 256
"""Files handed to them at a time."""


def read_whole(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    MalformedError
        It is too large.
    UnusableError
        It is no regular file, or cannot be opened.
    """
    with open_regular(path) as file:
        length = file.length()
        if length > MOST_JSON_BYTES:
            raise MalformedError("", f"{human_bytes(length)} are too large to be read")
        return file.read(MOST_JSON_BYTES)


def checksum(path: Path) -> str:
    """Return the SHA-256 of a regular file, read in pieces.

    Raises
    ------
    UnusableError
        It is no regular file, or cannot be read.
    """
    with open_regular(path) as file:
        try:
            return sha256_read(file.read)
        except OSError as error:
            raise UnusableError("unreadable", f"cannot be read ({error.strerror})") from error


def sampled_checksum(path: Path) -> str | UnusableError:
    """Return the checksum of samples of a large raster, or why there is none."""
    try:
        with open_regular(path) as file:
            return sampled(file)
    except UnusableError as error:
        return error
    except OSError as error:
        return UnusableError("unreadable", f"cannot be read ({error.strerror})")


def checksums(paths: Iterable[Path]) -> Iterator[str | UnusableError]:
    """Yield the SHA-256 of each file in order, or why there is none."""
    waiting, pool = iter(paths), ThreadPoolExecutor(READERS)
    try:
        while some := list(itertools.islice(waiting, AT_ONCE)):
            yield from pool.map(_checksum, some)
    finally:
        pool.shutdown(cancel_futures=True)


def _checksum(path: Path) -> str | UnusableError:
    """Return a checksum, or why there is none."""
    try:
        return checksum(path)
    except UnusableError as error:
        return error

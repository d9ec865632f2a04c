"""Checksums of files of any length, and of nothing but files: a pipe or a device would never end."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from chipgen.remote import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BLOCK = 1 << 20
"""Bytes read at a time."""


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a regular file.

    Raises
    ------
    OSError
        It cannot be read, or is no regular file.
    """
    if is_remote(path):
        with path.open() as file:
            return sha256_read(file.read)
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        return sha256_read(lambda size: os.read(handle, size))
    finally:
        os.close(handle)


def sha256_read(read: Callable[[int], bytes]) -> str:
    """Return the SHA-256 of what a function, given a number of bytes, returns again and again until nothing is left."""
    digest = hashlib.sha256()
    while block := read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def sha256_of_all(sums: Iterable[str]) -> str:
    """Return one checksum for several, in their order."""
    digest = hashlib.sha256()
    for one in sums:
        digest.update(one.encode())
    return digest.hexdigest()

"""What chipgen does to a disk, one small function each: nothing else creates, renames or removes output.

The protocol is made of these calls only, so that a test can let any one of them fail, or let the process die in it.
Of a path in object storage each does what `objects` says; there are no folders to make, and nothing to sync.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from chipgen.remote import is_remote
from chipgen.store import objects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder below one that exists; one that is there already is fine."""
    if not is_remote(path):
        path.mkdir(exist_ok=True)


def create(path: Path) -> BinaryIO:
    """Open a new file for writing; never one that is there."""
    return cast("BinaryIO", objects.Upload(path)) if is_remote(path) else path.open("xb")


def write(file: BinaryIO, data: Any) -> None:
    """Append bytes to an open file."""
    file.write(data)


def flush(file: BinaryIO) -> None:
    """Hand buffered bytes to the system: a full disk often shows only here."""
    file.flush()


def sync(file: BinaryIO) -> None:
    """Have the bytes of a file brought to the disk itself."""
    if isinstance(file, objects.Upload):
        file.send()
    else:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Have the names in a folder brought to the disk itself."""
    if is_remote(path):
        return
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(source: Path, target: Path) -> None:
    """Give a file or folder another name at once; what had that name is gone at the same moment."""
    if is_remote(source) and is_remote(target):
        objects.move(source, target)
    else:
        source.replace(target)


def append(path: Path, data: bytes) -> None:
    """Add bytes to the end of a file, made when it is not there, and bring them to the disk.

    In object storage nothing can be added to: there the file is always a new one.
    """
    if is_remote(path):
        objects.put(path, data)
        return
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file; one that is gone already is fine."""
    if is_remote(path):
        objects.remove(path)
    else:
        path.unlink(missing_ok=True)


def remove_folder(path: Path) -> None:
    """Remove a folder if it is empty; one that is gone, or holds something, stays as it is."""
    if is_remote(path):
        return
    try:
        path.rmdir()
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST}:
            raise


def remove_tree(path: Path) -> None:
    """Remove a folder of temporary files with all that is in it."""
    if is_remote(path):
        objects.remove_below(path)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        if os.path.lexists(path):  # a file in it went at the same moment, not the folder
            raise


def rewrite(file: BinaryIO, data: bytes) -> None:
    """Write other content into an open file of no importance; whether it reaches the disk does not matter."""
    os.pwrite(file.fileno(), data, 0)
    os.ftruncate(file.fileno(), len(data))


def send(folder: Path, target: Path, names: Sequence[str]) -> None:
    """Bring some files of a folder of this machine to object storage, below a path there."""
    assert is_remote(target)
    objects.send(folder, target, names)


def put_new(path: Path, data: bytes) -> None:
    """Make an object of object storage, never one that is there: of several who try, one succeeds.

    Raises
    ------
    FileExistsError
        It is there.
    """
    assert is_remote(path)
    objects.put(path, data, new=True)


def open_lock(path: Path) -> int:
    """Open a lock file, made when it is not there; children do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)


def lock(handle: int) -> None:
    """Take a lock; whoever holds it loses it with his life, however that ends.

    Raises
    ------
    BlockingIOError
        Somebody else has it.
    """
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_lock(handle: int, data: bytes) -> None:
    """Write into a lock file who holds it."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, data, 0)

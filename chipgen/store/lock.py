"""One run at a time: a lock on the output folder that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from chipgen.errors import OutputError, StorageError
from chipgen.remote import is_remote
from chipgen.store import disk
from chipgen.store.lease import Lease, refuse_leased

if TYPE_CHECKING:
    from pathlib import Path

LOCK = ".lock"


class Lock:
    """The lock of an output folder.

    The system takes it away from a process that dies, so a run that was killed blocks nobody.

    Parameters
    ----------
    out
        The output folder.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / LOCK
        self._handle: int | None = None

    @property
    def held(self) -> bool:
        """Whether we took the lock, wherever it is now."""
        return self._handle is not None

    def take(self) -> None:
        """Take the lock.

        Raises
        ------
        OutputError
            Another run has it.
        OSError
            The disk refused.
        """
        while self._handle is None:
            handle = disk.open_lock(self.path)
            try:
                self._try(handle)
            except BaseException:
                os.close(handle)
                raise
            self._handle = handle
            if not self.is_ours():  # its last holder removed the file after we had opened it
                os.close(handle)
                self._handle = None
        disk.write_lock(self._handle, f"{os.getpid()}\n".encode())

    def _try(self, handle: int) -> None:
        """Take the lock of an open file, or say who has it."""
        try:
            disk.lock(handle)
        except BlockingIOError as error:
            raise _taken(self.path, os.pread(handle, 20, 0)) from error

    def is_ours(self) -> bool:
        """Tell whether we hold the lock that is there: the folder may have been removed or replaced."""
        if self._handle is None:
            return False
        try:
            there, held = self.path.lstat(), os.fstat(self._handle)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (held.st_dev, held.st_ino)

    def check(self) -> None:
        """Refuse to go on in a folder that is no longer ours.

        Raises
        ------
        StorageError
            It was removed or replaced.
        """
        if not self.is_ours():
            what = "was removed or replaced while the run was going on"
            raise StorageError.one(self.path.parent, "", what, "run the same command again")

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if self._handle is None:
            return
        try:
            with contextlib.suppress(OSError):
                if self.is_ours():
                    disk.remove(self.path)
        finally:  # whatever interrupts us
            os.close(self._handle)
            self._handle = None


def lock_of(out: Path) -> Lock | Lease:
    """Return the lock of an output folder, wherever it lies."""
    remote: bool = is_remote(out)
    return Lease(out) if remote else Lock(out)


def refuse_running(out: Path) -> None:
    """Refuse a folder in which another run is going on, without leaving a trace.

    Raises
    ------
    OutputError
        There is one.
    """
    remote: bool = is_remote(out)
    if remote:
        refuse_leased(out)
        return
    try:
        handle = os.open(out / LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:  # no lock, or none of ours: whoever takes it will see
        return
    try:
        disk.lock(handle)
    except BlockingIOError as error:
        raise _taken(out / LOCK, os.pread(handle, 20, 0)) from error
    except OSError:
        return
    finally:
        os.close(handle)


def _taken(path: Path, content: bytes) -> OutputError:
    """Return the error of a lock that another run has."""
    pid = content.strip().decode("ascii", "replace") or "unknown"
    error = OutputError.one(path.parent, "", f"is locked by pid {pid}", "wait until that run ends, or stop it")
    assert isinstance(error, OutputError)
    return error

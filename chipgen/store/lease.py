"""One run at a time where nothing can be locked: a lease in object storage, which its holder renews while he lives.

The lock of a run is an object ``.lock.00000001`` that says who holds it, and is written anew every few seconds. One
that is not written any more is nobody's: a next run makes ``.lock.00000002``. Of several who try only one succeeds, for
an object can be made on the condition that it is not there; and who held the lower number sees that it is his no more.
No clocks are compared: whoever finds a lock watches it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from chipgen.errors import OutputError, StorageError
from chipgen.store import disk
from chipgen.store.processes import born, host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = re.compile(r"\.lock\.(\d{8})")
BEAT = 5.0
"""Seconds after which a holder writes that he lives."""
LEASE = 60.0
"""Seconds without a word after which a holder is taken for dead, unless he can be looked at."""

_dead: set[bytes] = set()
"""What stood in locks whose holders were found dead: they need not be watched again."""
_ours: set[str] = set()
"""Words of the runs that go on in this process: a lock that it could not remove is nobody's."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Parameters
    ----------
    host
        His machine, or container, as long as that runs.
    pid, born
        His process, and when that began, in the machine's own count.
    name
        The machine's name, for people.
    token
        A word that tells this run from others.
    beat
        How often he has written.
    """

    host: str
    pid: int
    born: str
    name: str
    token: str
    beat: int = 0

    @classmethod
    def me(cls) -> Holder:
        """Return this process."""
        return cls(host(), os.getpid(), born(os.getpid()), socket.gethostname(), secrets.token_hex(6))

    @property
    def alive(self) -> bool | None:
        """Whether he lives; None where that cannot be seen from here."""
        if self.host != host():
            return None
        if born(self.pid) != self.born:
            return False
        return self.pid != os.getpid() or self.token in _ours


class Lease:
    """The lock of an output folder in object storage; see `chipgen.store.lock.Lock`.

    Parameters
    ----------
    out
        The output folder.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._number: int | None = None
        self._holder = Holder.me()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether we took the lock."""
        return self._number is not None

    def take(self) -> None:
        """Take the lock.

        Raises
        ------
        OutputError
            Another run has it.
        OSError
            The storage refused.
        """
        while self._number is None:
            number = refuse_leased(self.out) + 1
            with contextlib.suppress(FileExistsError):  # somebody was faster: see whether he lives
                disk.put_new(_path(self.out, number), _written(self._holder))
                self._number = number
                if not self.is_ours():  # a storage that heeds no conditions: who wrote last has it
                    self._number = None
        _ours.add(self._holder.token)
        for path in self.out.glob(".lock*"):  # those of the dead, and one of a disk that was copied here
            if path.name < _path(self.out, self._number).name:
                disk.remove(path)
        self._thread = threading.Thread(target=self._live, name="lease", daemon=True)
        self._thread.start()

    def is_ours(self) -> bool:
        """Tell whether we hold the lock: its object may be gone, or another run took us for dead."""
        if self._number is None or max(_numbers(self.out), default=0) != self._number:
            return False
        content = _content(_path(self.out, self._number))
        holder = None if content is None else _holder(content)
        return holder is not None and holder.token == self._holder.token

    def check(self) -> None:
        """Refuse to go on without the lock.

        Raises
        ------
        StorageError
            It is no longer ours.
        """
        if not self.is_ours():
            what = "its lock was removed, or another run took this one for dead, while the run was going on"
            raise StorageError.one(self.out, "", what, "see who did, then run the same command again")

    def release(self) -> None:
        """Give the lock back and remove its object."""
        if self._number is None:
            return
        _ours.discard(self._holder.token)
        self._ended.set()
        if self._thread is not None:
            self._thread.join(LEASE)
        with contextlib.suppress(OSError):
            if self.is_ours():
                disk.remove(_path(self.out, self._number))
        self._number = None

    def _live(self) -> None:
        """Write now and then that we live; when we cannot, others see it."""
        beat = 0
        while not self._ended.wait(BEAT):
            beat += 1
            with contextlib.suppress(OSError):
                if self.is_ours() and self._number is not None:
                    disk.append(_path(self.out, self._number), _written(self._holder, beat))


def refuse_leased(out: Path) -> int:
    """Refuse a folder in which another run is going on, without leaving a trace.

    Where its holder cannot be looked at, his lock is watched until he writes again, for as long as a lease lasts.

    Returns
    -------
    int
        The number of the last lock, which is nobody's; 0 where there is none.

    Raises
    ------
    OutputError
        There is one.
    """
    numbers = sorted(_numbers(out))
    if not numbers:
        return 0
    path = _path(out, numbers[-1])
    first = _content(path)
    if first is None or first in _dead:
        return numbers[-1]
    holder = _holder(first)
    alive = None if holder is None else holder.alive
    if alive or (alive is None and _writes(path, first)):
        who = "another run" if holder is None else f"pid {holder.pid} of {holder.name}"
        raise OutputError.one(out, "", f"is locked by {who}", "wait until that run ends, or stop it")
    _dead.add(first)
    return numbers[-1]


def _writes(path: Path, first: bytes) -> bool:
    """Watch a lock: tell whether its holder writes."""
    end = time.monotonic() + LEASE
    while time.monotonic() < end:
        time.sleep(min(1.0, LEASE))
        now = _content(path)
        if now != first:
            return now is not None
    return False


def _numbers(out: Path) -> Iterator[int]:
    """Yield the numbers of the locks that are there."""
    for path in out.glob(".lock.*"):
        if match := NAME.fullmatch(path.name):
            yield int(match[1])


def _path(out: Path, number: int) -> Path:
    """Return the path of a lock."""
    return out / f".lock.{number:08d}"


def _written(holder: Holder, beat: int = 0) -> bytes:
    """Return what stands in a lock."""
    return json.dumps({**asdict(holder), "beat": beat}, sort_keys=True).encode()


def _holder(content: bytes) -> Holder | None:
    """Return who wrote a lock."""
    try:
        return Holder(**json.loads(content))
    except (ValueError, TypeError):
        return None


def _content(path: Path) -> bytes | None:
    """Return what stands in a lock, None where it is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None

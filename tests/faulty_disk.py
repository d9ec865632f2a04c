"""A disk that fails at its n-th operation: every function of `chipgen.store.disk` is wrapped and counted."""

from __future__ import annotations

import contextlib
import errno
import inspect
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chipgen.store import disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

OPERATIONS = sorted(
    name for name, made in inspect.getmembers(disk, inspect.isfunction) if made.__module__ == disk.__name__
)
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EMFILE": errno.EMFILE}
DEATHS = ("dies before", "dies after")
FAULTS = (*ERRORS, *DEATHS)


def _close(opened: Any) -> None:
    """Close what an operation opened, as the end of a process does."""
    if isinstance(opened, int):
        os.close(opened)
    elif opened is not None:
        opened.close()


class SuddenDeath(BaseException):
    """The process is gone: no operation after it has any effect, cleaning up included."""


@dataclass
class Disk:
    """A disk under observation.

    Parameters
    ----------
    fail_at
        Number of the operation that fails, counted from 1; 0 for none.
    fault
        How: an error of the system, or the end of the process before or after the operation.
    log
        The operations so far, with their arguments. Of the many writes to one file only the first counts.
    """

    fail_at: int = 0
    fault: str = ""
    log: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    dead: bool = False

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return an operation that is counted and may fail."""

        def operation(*arguments: Any) -> Any:
            if self.dead:
                raise SuddenDeath
            if name == "write" and self.log[-1][0] == "write":
                return real(*arguments)
            self.log.append((name, arguments))
            if len(self.log) != self.fail_at:
                return real(*arguments)
            return self.fail(name, real, arguments)

        return operation

    def fail(self, name: str, real: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Fail: a write leaves half of its data behind, as on a full disk."""
        self.dead = self.fault in DEATHS
        if self.fault == "dies after":
            _close(real(*arguments))
        elif name in {"write", "append", "rewrite"}:
            data = memoryview(arguments[1]).cast("B")
            real(arguments[0], data[: len(data) // 2])
        if self.dead:
            raise SuddenDeath
        number = ERRORS[self.fault]
        raise OSError(number, os.strerror(number))

    @contextlib.contextmanager
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
        """Let chipgen use this disk while the block runs."""
        with monkeypatch.context() as patch:
            for name in OPERATIONS:
                patch.setattr(disk, name, self.wrap(name, getattr(disk, name)))
            yield self

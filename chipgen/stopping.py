"""Being asked to stop: what is begun is brought to its end first."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """The user, or the system, asked us to stop: no error, and nothing that catches errors may catch it.

    Parameters
    ----------
    number
        Of the signal.

    Attributes
    ----------
    told
        What had been done by then.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number
        self.told = "nothing was written"


class _State:
    """What the handler knows: how many things must be finished first, and the signal that waits for them."""

    unfinished = 0
    waiting: int | None = None


def _stop(number: int, _: object) -> None:
    """Stop at once, or as soon as what is begun is done; a second signal does not wait."""
    if _State.unfinished and _State.waiting is None:
        _State.waiting = number
        return
    _State.waiting = None
    raise Stopped(number)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Turn the signals that ask us to stop into `Stopped` while the block runs."""
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def to_the_end() -> Iterator[None]:
    """Let a first signal wait until the block is done."""
    _State.unfinished += 1
    try:
        yield
    finally:
        _State.unfinished -= 1
        if not _State.unfinished and _State.waiting is not None:
            number, _State.waiting = _State.waiting, None
            raise Stopped(number)


@contextlib.contextmanager
def deaf_children() -> Iterator[None]:
    """Let the processes started in the block hear none of these signals.

    A terminal sends them to all processes of a program at once; only the parent knows what to do about it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

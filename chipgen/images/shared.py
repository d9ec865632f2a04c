"""What is set for a whole process, while several threads read images in it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Shared:
    """A state of the process that several threads want at once: the first sets it, the last puts it back as it was.

    Parameters
    ----------
    state
        Sets the state to some value, and puts it back; where several are wanted, the largest is set.
    """

    def __init__(self, state: Callable[[int], contextlib.AbstractContextManager[object]]) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._set = contextlib.ExitStack()

    @contextlib.contextmanager
    def at(self, value: int) -> Iterator[None]:
        """Want the state while the block runs."""
        with self._lock:
            if not self._wanted or value > max(self._wanted):
                self._set.close()
                self._set.enter_context(self._state(value))
            self._wanted.append(value)
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(value)
                if not self._wanted:
                    self._set.close()

"""Entries of a file as they stand in it: two numbers for each instead of a copy of its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.boxes import Ints

STEP = 4096
"""Entries made to text at a time when all are asked for."""
SPREAD = 2
"""So many times their own length neighbours may cover in a text for all of it to be read at once."""


class Text(Protocol):
    """Bytes, in memory or in a file."""

    def __len__(self) -> int: ...

    def __getitem__(self, span: slice, /) -> bytes: ...

    def count(self, part: bytes, start: int, stop: int, /) -> int:
        """Count how often something stands between two places."""


@dataclass(frozen=True, eq=False)
class RawEntries:
    """The JSON texts of N entries, read like a sequence: ``raw[row]`` is bytes.

    Parameters
    ----------
    data
        The text that they are parts of: a whole file, in memory or not, or, after `take`, nothing but these entries.
    start, stop
        The first byte of each entry and the one after its last, shape ``(N,)``, int64.
    """

    data: Text
    start: Ints
    stop: Ints

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, row: int) -> bytes:
        return self.data[self.start[row] : self.stop[row]]

    def __iter__(self) -> Iterator[bytes]:
        for first in range(0, len(self), STEP):
            yield from self.texts(first, first + STEP)

    @classmethod
    def of(cls, texts: Iterable[bytes]) -> RawEntries:
        """Return entries that are given one by one."""
        kept = list(texts)
        stop = np.cumsum([len(text) for text in kept], dtype=np.int64)
        return cls(b"".join(kept), np.concatenate(([0], stop[:-1]), dtype=np.int64)[: len(kept)], stop)

    def texts(self, first: int, stop: int) -> list[bytes]:
        """Return some neighbours; rows after the last are left out."""
        starts, stops, text, at = self.start[first:stop], self.stop[first:stop], self.data, 0
        low, high = starts.min(initial=len(text)), stops.max(initial=0)
        if high - low <= SPREAD * int((stops - starts).sum()):
            text, at = text[int(low) : int(high)], int(low)
        return [text[begin:end] for begin, end in zip((starts - at).tolist(), (stops - at).tolist(), strict=True)]

    def at(self, rows: Ints) -> RawEntries:
        """Return some entries, in the given order, as parts of the same text: nothing is copied."""
        return RawEntries(self.data, self.start[rows], self.stop[rows])

    def take(self, rows: Ints) -> RawEntries:
        """Return copies of some entries, in the given order: what travels to another process is theirs alone."""
        return RawEntries.of(self.at(rows))

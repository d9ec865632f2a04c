"""Where lists and objects stand in a long JSON document, found a block of it at a time.

A scan looks for quotes and brackets only, and so proves nothing: of a document that is no JSON it tells places that
mean nothing. Who uses them reads all that stands at them, and between them, as JSON.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from chipgen.boxes import Bools, Ints

    Bytes = npt.NDArray[np.uint8]

QUOTE, BACKSLASH = b'"'[0], b"\\"[0]
STEP = np.zeros(256, dtype=np.int8)
"""How many levels a byte leads down, shape ``(256,)``."""
STEP[list(b"[{")], STEP[list(b"]}")] = 1, -1
MARKS = bytes(value == QUOTE or bool(STEP[value]) for value in range(256))
"""Which bytes are looked at, as a table for `bytes.translate`, twice as fast as one of numpy."""
MEMBER, ENTRY = 2, 3
"""Levels inside a member of the document, and inside an entry of it; what lies deeper is not told."""
COMMA = re.compile(rb"[ \t\n\r]*,[ \t\n\r]*")
"""What stands between two entries of a list."""


class Places(NamedTuple):
    """Lists and objects in a document, each as its first byte and the one after its last.

    Parameters
    ----------
    members
        Those that are values of the document itself, an object, shape ``(M, 2)``, int64.
    entries
        Those that stand in members, shape ``(E, 2)``, int64.
    odd
        Gaps between two neighbours among `entries` of the same member that hold more, or less, than a comma, or were
        not looked at, shape ``(O, 2)``, int64.
    """

    members: Ints
    entries: Ints
    odd: Ints


class Scan:
    """A scan of a document.

    Parameters
    ----------
    start
        Where the document begins in its file: places count from the beginning of the file.
    """

    def __init__(self, start: int = 0) -> None:
        self._at = start
        self._level, self._is_inside, self._is_escaped = 0, False, False
        self._stop: int | None = None  # of an entry, when nothing was told since
        self._brackets: list[tuple[Ints, Bytes]] = []
        self._odd: list[Ints] = []

    def feed(self, block: bytes) -> None:
        """Look at the next bytes; at least one."""
        text = np.frombuffer(block, dtype=np.uint8)
        marks = np.flatnonzero(np.frombuffer(block.translate(MARKS), dtype=np.bool_))
        if self._is_escaped or BACKSLASH in block:
            marks = marks[~self._escaped(text)[marks]]
        is_quote = text[marks] == QUOTE
        is_inside = (np.cumsum(is_quote) + self._is_inside) % 2 == 1
        marks, self._is_inside = marks[~is_quote & ~is_inside], bool([self._is_inside, *is_inside[-1:]][-1])
        step = STEP[text[marks]]
        level = np.cumsum(step, dtype=np.int64) + self._level
        self._level = int([self._level, *level[-1:]][-1])
        # A list or an object lies between the levels on both sides of its brackets: the deeper one is its own.
        told = np.flatnonzero(np.maximum(level, level - step) <= ENTRY)
        self._tell(block, marks[told], step[told], level[told])
        self._at += len(block)

    def places(self) -> Places | None:
        """Return what was found, or None when the document ends inside of something."""
        if self._level or self._is_inside or not self._brackets:
            return None
        at, level = (np.concatenate(column) for column in zip(*self._brackets, strict=True))
        before = np.concatenate(([0], level[:-1]))
        members = at[(before == MEMBER - 1) & (level == MEMBER)], at[(before == MEMBER) & (level == MEMBER - 1)] + 1
        entries = at[(before == MEMBER) & (level == ENTRY)], at[(before == ENTRY) & (level == MEMBER)] + 1
        odd = np.concatenate([np.empty((0, 2), dtype=np.int64), *self._odd])
        return Places(np.stack(members, axis=1), np.stack(entries, axis=1), odd)

    def _escaped(self, text: Bytes) -> Bools:
        """Tell which bytes stand behind a backslash that is not itself behind one, shape ``(B,)``."""
        slashes = np.flatnonzero(text == BACKSLASH)
        if self._is_escaped:
            slashes = slashes[slashes > 0]
        row = np.arange(len(slashes))
        first = np.maximum.accumulate(np.where(np.diff(slashes, prepend=-2) == 1, 0, row))  # of its run
        found = np.zeros(len(text) + 1, dtype=np.bool_)
        found[slashes[(row - first) % 2 == 0] + 1] = True
        found[0] = self._is_escaped
        self._is_escaped = bool(found[-1])
        return found[:-1]

    def _tell(self, block: bytes, at: Ints, step: npt.NDArray[np.int8], level: Ints) -> None:
        """Keep brackets of a block, given with the levels they lead to, and look at the gaps between entries."""
        if not len(at):
            return
        self._brackets.append((at + self._at, level.astype(np.int8)))
        is_stop = (level == MEMBER) & (step < 0)
        gaps = np.flatnonzero(is_stop[:-1] & (level[1:] == ENTRY))
        spans = np.stack((at[gaps] + 1, at[gaps + 1]), axis=1)
        texts = [block[start:stop] for start, stop in spans.tolist()]
        strange = {text for text in set(texts) if not COMMA.fullmatch(text)}
        odd = spans[[text in strange for text in texts]] if strange else spans[:0]
        if self._stop is not None and level[0] == ENTRY:
            odd = np.concatenate(([(self._stop - self._at, at[0])], odd))
        if len(odd):
            self._odd.append(odd + self._at)
        self._stop = int(at[-1]) + 1 + self._at if is_stop[-1] else None

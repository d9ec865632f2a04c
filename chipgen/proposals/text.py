"""COCO results as text: a list of any length, or one object a line, never all of it in memory.

A list is cut between two entries, each piece put between brackets and decoded. Where to cut is guessed at first (the
last ``},{``): if the piece is a complete list of entries, then it was cut at depth one, because JSON is read from
left to right. Where the guess fails, brackets are counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipgen.proposals.files import SPACE, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.proposals.batch import Batch
    from chipgen.proposals.entries import Entries
    from chipgen.proposals.files import Found

LONGEST = 64 << 20
"""Bytes of one entry at most."""

TAIL = 1 << 16
TRIES = 3
"""How far from the end, and how often, a cut is guessed before brackets are counted."""

BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
"""A whole string, the beginning of one that does not end here, or a bracket."""


@dataclass
class _Text:
    """Text that was read but not yet understood.

    Parameters
    ----------
    pending
        The text.
    at
        The byte of the file at which it begins.
    after
        What came last: ``[``, an entry (``}``), a comma, or ``]``.
    """

    pending: bytes
    at: int
    after: str = "["

    def skip(self, count: int, after: str) -> None:
        """Leave some bytes behind, and white space that follows."""
        rest = self.pending[count:].lstrip(SPACE)
        self.at += len(self.pending) - len(rest)
        self.pending = rest
        self.after = after


def read_list(path: Path, found: Found, entries: Entries) -> Iterator[Batch]:
    """Yield the entries of a JSON list.

    Parameters
    ----------
    path, found
        The file, and where in it the list begins.
    entries
        What decodes them.

    Raises
    ------
    DataError
        The text is no such list.
    """
    text, enough = _Text(b"", found.start + 1), 0
    for block in blocks(path, found.start + 1):
        text.pending += block
        if len(text.pending) < enough and text.after != "]":
            continue
        yield from _taken(text, entries)
        if len(text.pending) > LONGEST:
            what = f"has no end within {LONGEST:,} bytes (it begins at byte {text.at:,})"
            raise entries.findings.fatal(entries.name(), what, "is it a list of detections?")
        # What was no whole entry is looked at again when it has doubled: the work stays in proportion to the file.
        enough = 2 * len(text.pending)
    left = -1
    while text.after != "]" and len(text.pending) != left:  # a guess leaves the last entry to the next round
        left = len(text.pending)
        yield from _taken(text, entries)
    if text.after != "]":
        what = f"the file ends in the middle of its list (byte {text.at + len(text.pending):,})"
        raise entries.findings.fatal(entries.name(), what, "copy or write the file again")


def _taken(text: _Text, entries: Entries) -> Iterator[Batch]:
    """Yield the entries that are complete so far."""
    text.skip(0, text.after)
    if text.after == "}" and text.pending.startswith(b","):
        text.skip(1, ",")
    if not text.pending:
        return
    if text.after == "]":
        what = "there is more behind the end of the list"
        raise entries.findings.fatal(f"byte {text.at:,}", what, "leave one list in the file")
    if (text.after, text.pending[:1] == b"]") in {("}", False), (",", True)}:
        what = f"no valid JSON (a comma {'is missing' if text.after == '}' else 'too many'} at byte {text.at:,})"
        raise entries.findings.fatal(entries.name(), what, "write the file again")
    guessed = _guess(text, entries)
    if guessed is None:
        yield from _counted(text, entries)
    else:
        yield guessed


def _guess(text: _Text, entries: Entries) -> Batch | None:
    """Return the entries before the last cut that may be one, or None when none of the likeliest is."""
    tail = max(0, len(text.pending) - TAIL)
    for cut in reversed(list(BETWEEN.finditer(text.pending, tail))[-TRIES:]):
        batch = entries.fast(text.pending[: cut.start() + 1])
        if batch is not None:
            text.skip(cut.end(), ",")
            return batch
    return None


def _counted(text: _Text, entries: Entries) -> Iterator[Batch]:
    """Yield the entries that are complete by counting brackets; leave the rest."""
    end, closed = _complete(text.pending)
    piece = text.pending[: end if closed < 0 else closed]
    if piece:
        batch = entries.fast(piece)
        yield entries.slow(piece, text.at) if batch is None else batch
    elif closed < 0:
        entries.refuse_broken(text.pending, text.at)
    if closed >= 0:
        text.skip(closed + 1, "]")
        yield from _taken(text, entries)  # says so when there is more
    elif end:
        text.skip(end, "}")


def _complete(pending: bytes) -> tuple[int, int]:
    """Return where the last complete entry ends, and where the bracket that closes the list stands, or -1."""
    depth, end = 0, 0
    for token in TOKEN.finditer(pending):
        mark = token.group()
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            if not depth:  # a brace here closes nothing: whoever decodes the text up to it says so
                return (end, token.start()) if mark == b"]" else (token.end(), -1)
            depth -= 1
            end = end if depth else token.end()
        elif len(mark) == 1:
            break
    return end, -1


def read_lines(path: Path, found: Found, entries: Entries) -> Iterator[Batch]:
    """Yield the entries of a file with one JSON object a line; see `read_list`."""
    number, pending = found.line, b""
    for block in blocks(path, found.start):
        whole, newline, rest = block.rpartition(b"\n")
        if newline:
            lines = (pending + whole).split(b"\n")
            yield entries.lines(lines, number)
            number += len(lines)
            pending = b""
        pending += rest
        if len(pending) > LONGEST:
            what = f"has no end within {LONGEST:,} bytes"
            raise entries.findings.fatal(f"line {number}", what, "write one object a line")
    yield entries.lines([pending], number)

"""A long file cut into entries that stay in it: one pass over its bytes, and a proof that what is cut is JSON.

Entries themselves are not looked into; if each of them is JSON, the file is. A file of which more than a few pieces
would be needed at once, or that only the slow pass can read, is left to those who have all of it in memory.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from chipgen.coco import explain
from chipgen.coco.scan import BACKSLASH, Places, Scan
from chipgen.coco.sections import BOM, LETTERS, File, Sections
from chipgen.loose_json import REFUSALS
from chipgen.raw_entries import RawEntries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.boxes import Ints
    from chipgen.coco.stored import StoredText

OUTSIDE = 64 << 20
"""Bytes outside of the three sections, above which a file is not read in this way."""
BETWEEN = 1 << 20
"""Bytes between two entries above which it is not either."""
MEMBERS = 1000
"""Lists and objects in the document above which it is not."""
SPACE = b" \t\n\r"
LEAD = re.compile(rb'"(%b)"[ \t\n\r]*:[ \t\n\r]*\[\Z' % b"|".join(name.encode() for name in explain.SECTIONS))
"""The name of a section and the bracket that opens it, at the end of what stands before its entries."""
LONGEST_LEAD = 200
"""Bytes of it that are looked at."""
VALUES = re.compile(rb'(?:[^",]+|"(?:[^"\\]+|\\.)*")*', re.DOTALL)
"""Anything up to a comma that is not in a string."""


class Scanned(NamedTuple):
    """What one pass over a file finds.

    Parameters
    ----------
    sections
        The entries, where they stand in the file.
    sha256
        Digest of the file.
    """

    sections: Sections
    sha256: str


def scan_file(text: StoredText) -> Scanned | None:
    """Cut a file into entries, or return None for one that must be read as a whole.

    A section named twice may not be noticed: see `chipgen.coco.sections.stands_twice`.

    Raises
    ------
    DataError
        The file cannot be read any more, or has changed meanwhile.
    """
    digest, first = hashlib.sha256(text[: len(BOM)]), len(BOM)
    if text[: len(BOM)] != BOM:
        digest, first = hashlib.sha256(), 0
    decode, scan, tail = codecs.getincrementaldecoder("utf-8")(), Scan(first), b""
    try:
        for block in text.blocks(first):
            digest.update(block)
            if not block.isascii() or decode.getstate()[0]:
                decode.decode(block)
            if (BACKSLASH in block or BACKSLASH in tail) and any(letter in tail + block for letter in LETTERS):
                return None
            tail = (tail + block[-len(LETTERS[0]) :])[-len(LETTERS[0]) + 1 :]
            scan.feed(block)
    except UnicodeDecodeError:
        return None
    # A letter cut short by the end of the file stands outside of all entries: it is refused with what stands there.
    places = scan.places()
    sections = None if places is None else _sections(text, places, first)
    return None if sections is None else Scanned(sections, digest.hexdigest())


def _sections(text: StoredText, places: Places, start: int) -> Sections | None:
    """Return the entries of the three sections if all that stands outside of them is JSON; else None."""
    found: dict[str, RawEntries | None] = {}
    outside, at = [], start
    for first, stop in places.members.tolist() if len(places.members) <= MEMBERS else ():
        lead = LEAD.search(text[max(at, first - LONGEST_LEAD) : first + 1])
        if lead is None:
            continue
        found[lead[1].decode()] = _entries(text, places, first + 1, stop - 1)
        outside.append((at, first + 1))
        at = stop - 1
    outside.append((at, len(text)))
    size = sum(end - begin for begin, end in outside)
    if size > OUTSIDE or not _is_empty(b"".join(text[begin:end] for begin, end in outside)):
        return None
    entries = [found.get(name) for name in explain.SECTIONS]
    return None if None in entries else Sections(*(one for one in entries if one is not None))


def _is_empty(document: bytes) -> bool:
    """Tell whether a document is a COCO file without any entry."""
    try:
        return not any(map(len, msgspec.json.decode(document, type=File).sections))
    except REFUSALS:
        return False


def _entries(text: StoredText, places: Places, start: int, stop: int) -> RawEntries | None:
    """Return the entries of a list, given what stands in its brackets; None where something else is among them.

    Entries that are neither list nor object, wrong as they are, must be found, too: they stand in gaps that are odd.
    """
    spans = _within(places.entries, start, stop)
    edges = np.concatenate(([start], spans[:1, 0], spans[-1:, 1], [stop])).reshape(-1, 2)
    gaps = sorted({*map(tuple, edges.tolist()), *map(tuple, _within(places.odd, start, stop).tolist())})
    more: list[tuple[int, int]] = []
    for begin, end in gaps:
        if end - begin > BETWEEN:
            return None
        found = _between(text[begin:end], begin, behind=begin > start, ahead=end < stop)
        if found is None:
            return None
        more += found
    if more:
        spans = np.concatenate((spans, more))
        spans = spans[np.argsort(spans[:, 0])]
    return RawEntries(text, *spans.T.copy())


def _within(spans: Ints, start: int, stop: int) -> Ints:
    """Return those of some spans, in order, that begin between two places."""
    return spans[slice(*np.searchsorted(spans[:, 0], (start, stop)))]


def _between(gap: bytes, at: int, *, behind: bool, ahead: bool) -> list[tuple[int, int]] | None:
    """Return what stands in a gap of a list, each between commas, or None where commas and values do not take turns.

    Parameters
    ----------
    gap, at
        The gap, and where it begins in its file.
    behind, ahead
        Whether there is an entry before it, and after it.
    """
    parts = _parts(gap)
    if parts is None or (len(parts) == 1 and behind and ahead):
        return None
    blank = [not gap[first:stop].strip(SPACE) for first, stop in parts]
    if blank == [True]:
        return []
    inner = slice(int(behind), len(parts) - int(ahead))
    if any(blank[inner]) or not all([*blank[: inner.start], *blank[inner.stop :]]):
        return None
    return [(at + first, at + stop) for first, stop in _trimmed(gap, parts[inner])]


def _parts(gap: bytes) -> list[tuple[int, int]] | None:
    """Cut a gap at its commas, except those in strings; None where a string does not end."""
    parts, at = [], 0
    while (match := VALUES.match(gap, at)) is not None:
        parts.append(match.span())
        at = match.end() + 1
        if match.end() == len(gap):
            return parts
        if gap[match.end() : at] != b",":
            return None
    return None


def _trimmed(gap: bytes, parts: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield parts of a gap without the space around them."""
    for first, stop in parts:
        part = gap[first:stop]
        yield stop - len(part.lstrip(SPACE)), first + len(part.rstrip(SPACE))

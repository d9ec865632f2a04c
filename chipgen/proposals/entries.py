"""Entries of COCO results: decoded with types and fast, or, where that fails, slowly and with an explanation.

The slow pass forgives NaN and Infinity, which Python's own writer puts into JSON: a box that holds them is a faulty
proposal, not a broken file.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from chipgen.loose_json import ESCAPED, MOST_DIGITS, REFUSALS, Int64, kind
from chipgen.proposals.batch import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.errors import DataError
    from chipgen.proposals.batch import Findings

KEYS = ("image_id", "bbox", "score")
TWICE = "\0twice"
"""Under this key an object remembers which of `KEYS` stood in it twice; no JSON text has it by chance."""

INT64 = range(-(2**63), 2**63)
SPACE = re.compile(r"[ \t\r\n]*")

UNFINISHED = 16
"""Characters at the end of a text that may be half a word: ``-Infinit``."""


class Entry(msgspec.Struct, gc=False):
    """What the program needs of a proposal; whatever else an entry holds is passed over."""

    image_id: Int64
    bbox: tuple[float, float, float, float]
    score: float | None = None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; JSON readers silently keep the last of several equal keys, this one remembers."""
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        value[TWICE] = next((key for key in KEYS if names.count(key) > 1), None)
    return value


def _integer(digits: str) -> int | float:
    """Read an integer; one longer than Python reads is beyond all measure."""
    return int(digits) if len(digits) <= MOST_DIGITS else math.inf


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)
LIST_DECODER = msgspec.json.Decoder(list[Entry])
LINE_DECODER = msgspec.json.Decoder(Entry)


class Entries:
    """The entries of one file, read piece by piece.

    Parameters
    ----------
    findings
        Where problems are noted.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.count = 0
        self._scored: bool | None = None

    def fast(self, piece: bytes) -> Batch | None:
        """Return the entries of a piece of a list, or None when it is not what it should be."""
        try:
            entries = LIST_DECODER.decode(b"[%b]" % piece)
        except REFUSALS:
            return None
        return self._accepted(piece, entries)

    def slow(self, piece: bytes, at: int) -> Batch:
        """Return the sound entries of a piece of a list that begins at some byte of the file.

        Raises
        ------
        DataError
            It is no JSON.
        """
        text = piece.decode()
        values: list[Any] = []
        try:
            values.extend(_values(text))
        except (json.JSONDecodeError, RecursionError) as error:
            raise self._broken(error, text, at, len(values)) from error
        return self._explained(values, [self.name(index) for index in range(len(values))])

    def refuse_broken(self, piece: bytes, at: int) -> None:
        """Refuse a piece that no further text can turn into a list of entries.

        Raises
        ------
        DataError
            It is such a piece.
        """
        text = piece.decode(errors="ignore")  # the last character may be cut in two
        values: list[Any] = []
        try:
            values.extend(_values(text))
        except RecursionError as error:
            raise self._broken(error, text, at, len(values)) from error
        except json.JSONDecodeError as error:
            if error.pos < len(text) - UNFINISHED and not error.msg.startswith("Unterminated"):
                raise self._broken(error, text, at, len(values)) from error

    def _broken(self, error: Exception, text: str, at: int, read: int) -> DataError:
        """Return the error for text that is no JSON."""
        what = "nested too deeply"
        if isinstance(error, json.JSONDecodeError):
            what = f"no valid JSON ({error.msg} at byte {at + len(text[: error.pos].encode()):,})"
        return self.findings.fatal(self.name(read), what, "write the file again")

    def lines(self, lines: Sequence[bytes], first: int) -> Batch:
        """Return the sound entries of some lines, the first of which has some number."""
        try:
            entries = [LINE_DECODER.decode(line) for line in lines if not _is_blank(line)]
        except REFUSALS:
            return self._slow_lines(lines, first)
        return self._accepted(b"\n".join(lines), entries) or self._slow_lines(lines, first)

    def name(self, ahead: int = 0) -> str:
        """Name the next entry of a list, or one ahead of it, for people; the first is 0."""
        return f"entry[{self.count + ahead}]"

    def _accepted(self, text: bytes, entries: list[Entry]) -> Batch | None:
        """Return decoded entries, unless a key may stand twice or some have scores and others have none."""
        scores = sum(entry.score is not None for entry in entries)
        expected = (len(entries), len(entries), scores)
        if ESCAPED in text or any(
            text.count(b'"%b"' % key.encode()) != n for key, n in zip(KEYS, expected, strict=True)
        ):
            return None
        if scores not in {0, len(entries)} or self._scored not in {None, scores > 0}:
            return None
        return self._batch(entries)

    def _slow_lines(self, lines: Sequence[bytes], first: int) -> Batch:
        """Return the sound entries of some lines after saying what is wrong with the others."""
        values, names = [], []
        for number, line in enumerate(lines, start=first):
            if _is_blank(line):
                continue
            try:
                values.append(DECODER.decode(line.decode()))
            except (ValueError, RecursionError) as error:
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
                self.findings.add(f"line {number}", f"no valid JSON ({reason})", "write one object a line")
            else:
                names.append(f"line {number}")
        return self._explained(values, names)

    def _explained(self, values: list[Any], names: list[str]) -> Batch:
        """Return the sound ones of some values after saying what is wrong with the others."""
        entries = []
        for value, where in zip(values, names, strict=True):
            entry = explain(value, where, self.findings)
            if entry is None:
                continue
            if self._scored is None:
                self._scored = entry.score is not None
            if self._scored is (entry.score is not None):
                entries.append(entry)
            else:
                what = (
                    "score is missing, but others have one" if self._scored else "score is there, but others have none"
                )
                self.findings.add(where, what, "give all proposals a score, or none")
        self.count += len(values) - len(entries)
        return self._batch(entries)

    def _batch(self, entries: list[Entry]) -> Batch:
        """Return entries as columns."""
        self.count += len(entries)
        if entries:
            self._scored = entries[0].score is not None
        return Batch(
            np.fromiter((entry.image_id for entry in entries), dtype=np.int64, count=len(entries)),
            np.array([entry.bbox for entry in entries], dtype=np.float64).reshape(-1, 4),
            np.array([entry.score for entry in entries], dtype=np.float64) if self._scored else None,
        )


def _is_blank(line: bytes) -> bool:
    """Tell whether a line is empty; blanks of other alphabets than JSON's do not count as such."""
    return not line.strip(b" \t\r")


def _values(text: str) -> Iterator[Any]:
    """Yield the values of a list without its brackets."""
    at, comma = _behind_space(text, 0), False
    while at < len(text) or comma:
        if at == len(text):
            raise json.JSONDecodeError("a comma too many", text, at)
        value, at = DECODER.raw_decode(text, at)
        yield value
        end = _behind_space(text, at)
        comma = text.startswith(",", end)
        at = _behind_space(text, end + comma)
        if not comma and at < len(text):
            raise json.JSONDecodeError("a comma is missing", text, at)


def _behind_space(text: str, at: int) -> int:
    """Return where the next character stands that is no white space."""
    match = SPACE.match(text, at)
    return match.end() if match else at


def explain(value: Any, where: str, findings: Findings) -> Entry | None:
    """Return a value as an entry, or None after saying everything that is wrong with it."""
    before = len(findings.problems)
    if not isinstance(value, dict):
        findings.add(where, f"is {kind(value)}, not an object", "write image_id, bbox and score")
        return None
    if value.get(TWICE):
        findings.add(where, f"key {value[TWICE]} stands twice", "keep one of them")
    todo = _wrong_id(value)
    if todo:
        findings.add(where, _is(value, "image_id"), todo)
    bbox, score = value.get("bbox"), value.get("score")
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(map(_is_number, bbox))):
        shown = f"bbox is {json.dumps(bbox)[:60]}" if isinstance(bbox, list) else _is(value, "bbox")
        findings.add(where, shown, "write four numbers: left, top, width, height")
    if score is not None and not _is_number(score):
        findings.add(where, _is(value, "score"), "write a number")
    if len(findings.problems) > before:
        return None
    left, top, width, height = map(_float, value["bbox"])
    return Entry(value["image_id"], (left, top, width, height), None if score is None else _float(score))


def _wrong_id(value: dict[str, Any]) -> str:
    """Say what to do about an id that is no 64-bit integer; nothing when it is one."""
    identifier = value.get("image_id")
    if isinstance(identifier, float) and identifier.is_integer():
        return f"ids are integers, write {identifier:.0f}"
    if not isinstance(identifier, int) or isinstance(identifier, bool):
        return "ids are integers, as in the annotation file"
    return "" if identifier in INT64 else "ids have at most 64 bits"


def _is(value: dict[str, Any], key: str) -> str:
    """Say what a field is."""
    return f"{key} is {kind(value[key])}" if key in value else f"{key} is missing"


def _is_number(value: Any) -> bool:
    """Tell numbers, NaN and Infinity among them, from everything else."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _float(value: float) -> float:
    """Return a number as a float, one beyond all measure as infinity."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf

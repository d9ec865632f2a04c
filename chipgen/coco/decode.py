"""The fast pass: typed decoding of the entries of the three sections; whatever it refuses is given to `explain`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec
import numpy as np

from chipgen.coco import explain
from chipgen.coco.sections import BOM, explained_sections, read_sections, stands_twice
from chipgen.coco.suspicion import is_odd, is_suspect, names_section, outline
from chipgen.coco.table import AnnotationTable, Gathering
from chipgen.errors import Problem
from chipgen.flat import pieces
from chipgen.loose_json import MOST_NESTED, REFUSALS, Int64, is_nested_too_deeply, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chipgen.boxes import Ints
    from chipgen.coco.sections import Sections
    from chipgen.coco.stored import StoredText
    from chipgen.raw_entries import RawEntries, Text

Side = Annotated[int, msgspec.Meta(ge=1, le=explain.MAX_IMAGE_SIDE)]

SLICE = 4096
"""Entries that are Python objects at a time."""
AT_ONCE = 8 << 20
"""Bytes of entries that are copied at a time; one entry may have more."""


class ImageEntry(msgspec.Struct, gc=False):
    """What the program needs of an entry of ``images``."""

    id: Int64
    file_name: str
    width: Side
    height: Side


class AnnotationEntry(msgspec.Struct, gc=False):
    """What the program needs at once of an entry of ``annotations``; `bbox` is None when it is not four numbers."""

    id: Int64
    image_id: Int64
    category_id: Int64
    bbox: tuple[float, float, float, float] | None
    iscrowd: Literal[0, 1] = 0
    ignore: bool | int = 0
    difficult: bool | int = 0


class CategoryEntry(msgspec.Struct, gc=False):
    """What the program needs of an entry of ``categories``."""

    id: Int64
    name: str


@dataclass(frozen=True)
class Tables:
    """The entries of a file, in its order; `category_raw` is the JSON of each category, written plainly."""

    images: list[ImageEntry]
    annotations: AnnotationTable
    categories: list[CategoryEntry]
    category_raw: list[bytes]
    notes: tuple[str, ...] = ()


Entry = TypeVar("Entry", ImageEntry, AnnotationEntry, CategoryEntry)


@dataclass(frozen=True)
class _Kind(Generic[Entry]):
    """How the entries of a section are read: by the fast pass, and by the slow one."""

    section: str
    entry: type[Entry]
    explain: Callable[[bytes, str, list[Problem]], dict[str, Any] | None]


IMAGES = _Kind("images", ImageEntry, explain.image)
ANNOTATIONS = _Kind("annotations", AnnotationEntry, explain.annotation)
CATEGORIES = _Kind("categories", CategoryEntry, explain.category)


Decoded = tuple[Tables, list[Problem]]


def decode(data: bytes, path: str) -> Decoded:
    """Decode a COCO file.

    Returns
    -------
    Tables, list of Problem
        The entries that could be read, and what is wrong with the structure of the others.

    Raises
    ------
    DataError
        The file is no JSON, not UTF-8, or its sections are missing or wrong.
    """
    marked = data.startswith(BOM)
    data = data[len(BOM) :] if marked else data
    sections = read_sections(data)
    found = None if sections is None else _read(data, sections, path, is_json=True)
    if found is None:
        reading = _Reading(path, is_json=True)
        found = reading.tables(explained_sections(data, path)), reading.problems
    return _noted(found, marked=marked)


def decode_stored(text: StoredText, sections: Sections, path: str) -> Decoded | None:
    """Decode a COCO file that was cut into entries, or return None for one that only `decode` can read.

    Raises
    ------
    DataError
        The file cannot be read any more, or has changed meanwhile.
    """
    found = _read(text, sections, path, is_json=False)
    return None if found is None else _noted(found, marked=text[: len(BOM)] == BOM)


def decode_entries(sections: Sections, path: str) -> Decoded:
    """Decode entries that were made of another kind of file, each a JSON text."""
    reading = _Reading(path, is_json=True)
    return reading.tables(sections), reading.problems


def _noted(found: Decoded, *, marked: bool) -> Decoded:
    """Add a note when a file begins with a byte-order mark."""
    notes = ("the annotation file begins with a byte-order mark",) if marked else ()
    return replace(found[0], notes=notes), found[1]


def _read(data: Text, sections: Sections, path: str, *, is_json: bool) -> Decoded | None:
    """Decode a file that could be cut into entries, or return None if it names a section twice or is no JSON."""
    reading = _Reading(path, is_json=is_json)
    try:
        tables = reading.tables(sections)
    except _NoJsonError:
        return None
    # Only now it is known whether an entry names a section: to count the names in a long file takes a while.
    twice = stands_twice(data, sections, in_entries=reading.names_sections)
    return None if twice else (tables, reading.problems)


class _NoJsonError(ValueError):
    """An entry, and so the file, may be no JSON."""


class _Reading:
    """One go at the entries of a file.

    Parameters
    ----------
    path
        The file.
    is_json
        Whether all of it is known to be JSON.
    """

    def __init__(self, path: str, *, is_json: bool) -> None:
        self.path = path
        self.is_json = is_json
        self.problems: list[Problem] = []
        self.names_sections = False

    def tables(self, sections: Sections) -> Tables:
        """Decode all entries."""
        images: list[ImageEntry] = []
        for _, some_images in self._parts(sections.images, IMAGES):
            images += some_images
        gathering = Gathering(sections.annotations)
        for rows, some_annotations in self._parts(sections.annotations, ANNOTATIONS):
            gathering.add(rows, some_annotations)
        categories: list[CategoryEntry] = []
        category_raw: list[bytes] = []
        for rows, some_categories in self._parts(sections.categories, CATEGORIES):
            categories += some_categories
            category_raw += map(plain, sections.categories.at(rows))
        return Tables(images, gathering.table(), categories, category_raw)

    def _parts(self, raws: RawEntries, kind: _Kind[Entry]) -> Iterator[tuple[Ints, list[Entry]]]:
        """Decode the entries of a section, some at a time: yield the rows of those that can be read, and them."""
        decoder = msgspec.json.Decoder(kind.entry)
        weights = np.maximum(raws.stop - raws.start, AT_ONCE // SLICE)  # so that both limits are kept
        for part in pieces(weights, AT_ONCE):
            texts = raws.texts(part.start, part.stop)
            outlines = list(map(outline, texts))
            distinct = set(outlines)
            suspects = set(filter(is_suspect, distinct))
            self.names_sections = self.names_sections or any(map(names_section, distinct))
            rows, entries = np.arange(part.start, part.stop), None if suspects else _all(texts, decoder)
            if entries is None:
                where = f"{self.path}: {kind.section}"
                found = [
                    self._one(raw, kind, decoder, f"{where}[{row}]", suspect=one in suspects)
                    for row, raw, one in zip(rows.tolist(), texts, outlines, strict=True)
                ]
                rows = rows[[entry is not None for entry in found]]
                entries = [entry for entry in found if entry is not None]
            yield rows, entries

    def _one(
        self, raw: bytes, kind: _Kind[Entry], decoder: msgspec.json.Decoder[Entry], where: str, *, suspect: bool
    ) -> Entry | None:
        """Decode an entry on its own, so that one bad entry does not hide the others."""
        if suspect and is_nested_too_deeply(raw):
            if not self.is_json:
                raise _NoJsonError  # how deep a reader goes depends on what the entry stands in
            path, _, place = where.rpartition(": ")
            what = f"is nested more than {MOST_NESTED} levels deep"
            self.problems.append(Problem(path, place, what, "write the entry without that"))
            return None
        try:
            if not (suspect and is_odd(raw)):
                return decoder.decode(raw)
        except REFUSALS:
            pass
        if not self.is_json and not _is_json(raw):
            raise _NoJsonError
        found = kind.explain(raw, where, self.problems)
        return None if found is None else kind.entry(**found)


def _is_json(raw: bytes) -> bool:
    """Tell whether a strict reader takes an entry."""
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except REFUSALS:
        return False
    return True


def _all(texts: list[bytes], decoder: msgspec.json.Decoder[Entry]) -> list[Entry] | None:
    """Decode entries, or return None if one of them is refused."""
    try:
        return list(map(decoder.decode, texts))
    except REFUSALS:
        return None

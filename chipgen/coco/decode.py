"""The fast pass: typed decoding of the entries of the three sections; whatever it refuses is given to `explain`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec
import numpy as np

from chipgen.coco import explain
from chipgen.coco.sections import explained_sections, read_sections, stands_twice
from chipgen.coco.suspicion import is_odd, is_suspect, names_section, outline
from chipgen.coco.table import AnnotationTable, Gathering
from chipgen.errors import Problem
from chipgen.loose_json import MOST_NESTED, REFUSALS, Int64, is_nested_too_deeply, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chipgen.boxes import Ints
    from chipgen.coco.sections import Sections
    from chipgen.raw_entries import RawEntries

Side = Annotated[int, msgspec.Meta(ge=1, le=explain.MAX_IMAGE_SIDE)]

BOM = b"\xef\xbb\xbf"
SLICE = 4096
"""Entries that are Python objects at a time."""


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


def decode(data: bytes, path: str) -> tuple[Tables, list[Problem]]:
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
    notes: tuple[str, ...] = ()
    if data.startswith(BOM):
        data, notes = data[len(BOM) :], ("the annotation file begins with a byte-order mark",)
    found = _fast(data, path)
    if found is None:
        reading = _Reading(path)
        found = reading.tables(explained_sections(data, path)), reading.problems
    tables, problems = found
    return replace(tables, notes=notes), problems


def _fast(data: bytes, path: str) -> tuple[Tables, list[Problem]] | None:
    """Decode a file that can be cut into entries at once and names no section twice."""
    sections = read_sections(data)
    if sections is None:
        return None
    reading = _Reading(path)
    tables = reading.tables(sections)
    # Only now it is known whether an entry names a section: to count the names in a long file takes a while.
    twice = stands_twice(data, sections, in_entries=reading.names_sections)
    return None if twice else (tables, reading.problems)


class _Reading:
    """One go at the entries of a file.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
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
        for first in range(0, len(raws), SLICE):
            texts = raws.texts(first, first + SLICE)
            outlines = list(map(outline, texts))
            distinct = set(outlines)
            suspects = set(filter(is_suspect, distinct))
            self.names_sections = self.names_sections or any(map(names_section, distinct))
            rows, entries = np.arange(first, first + len(texts)), None if suspects else _all(texts, decoder)
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
            path, _, place = where.rpartition(": ")
            what = f"is nested more than {MOST_NESTED} levels deep"
            self.problems.append(Problem(path, place, what, "write the entry without that"))
            return None
        try:
            if not (suspect and is_odd(raw)):
                return decoder.decode(raw)
        except REFUSALS:
            pass
        found = kind.explain(raw, where, self.problems)
        return None if found is None else kind.entry(**found)


def _all(texts: list[bytes], decoder: msgspec.json.Decoder[Entry]) -> list[Entry] | None:
    """Decode entries, or return None if one of them is refused."""
    try:
        return list(map(decoder.decode, texts))
    except REFUSALS:
        return None

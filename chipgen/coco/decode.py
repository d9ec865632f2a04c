"""The fast pass: typed decoding of the three sections; whatever it refuses is given to `explain`."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from chipgen.coco import explain
from chipgen.errors import Problem
from chipgen.loose_json import MOST_NESTED, REFUSALS, is_nested_too_deeply, plain

if TYPE_CHECKING:
    from collections.abc import Callable

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Side = Annotated[int, msgspec.Meta(ge=1, le=explain.MAX_IMAGE_SIDE)]

BOM = b"\xef\xbb\xbf"
SECTIONS = tuple(b'"%b"' % name.encode() for name in explain.SECTIONS)
FIELDS = tuple(b'"%b"' % name.encode() for name in explain.FIELDS)
ESCAPED = b"\\u00"
"""How an ASCII letter of a key may be written to look like another key."""
LETTERS = (b"\\u004", b"\\u005", b"\\u006", b"\\u007")
"""How such a letter itself is written, which nobody does."""


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
    raw: bytes = b""


class CategoryEntry(msgspec.Struct, gc=False):
    """What the program needs of an entry of ``categories``."""

    id: Int64
    name: str
    raw: bytes = b""


class _File(msgspec.Struct, gc=False):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: list[msgspec.Raw]


@dataclass
class Tables:
    """The entries of a file, in its order."""

    images: list[ImageEntry] = field(default_factory=list)
    annotations: list[AnnotationEntry] = field(default_factory=list)
    categories: list[CategoryEntry] = field(default_factory=list)
    notes: tuple[str, ...] = ()


Entry = TypeVar("Entry", ImageEntry, AnnotationEntry, CategoryEntry)


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
    has_mark = data.startswith(BOM)
    file = _sections(data[len(BOM) :] if has_mark else data, path)
    problems: list[Problem] = []
    tables = Tables(notes=("the annotation file begins with a byte-order mark",) if has_mark else ())
    tables.images = _entries(file.images, ImageEntry, explain.image, f"{path}: images", problems)
    tables.annotations = _entries(
        file.annotations, AnnotationEntry, explain.annotation, f"{path}: annotations", problems
    )
    tables.categories = _entries(file.categories, CategoryEntry, explain.category, f"{path}: categories", problems)
    return tables, problems


def _sections(data: bytes, path: str) -> _File:
    """Return the raw entries of the three sections."""
    plainly = not any(letter in data for letter in LETTERS) and all(data.count(section) <= 1 for section in SECTIONS)
    if plainly and _is_utf8(data):
        try:
            return msgspec.json.decode(data, type=_File)
        except REFUSALS:
            pass
    sections = explain.sections(data, path)
    return _File(*([msgspec.Raw(entry) for entry in section] for section in sections))


def _is_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8, without holding all of them as text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        if not data.isascii():
            for start in range(0, len(data), 1 << 20):
                decoder.decode(data[start : start + (1 << 20)])
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_odd(raw: bytes) -> bool:
    """Tell whether a key might stand twice in an entry, perhaps written in another way; the slow pass knows."""
    return ESCAPED in raw or any(raw.count(key) > 1 for key in FIELDS)


def _entries(
    raws: list[msgspec.Raw],
    kind: type[Entry],
    explainer: Callable[[bytes, str, list[Problem]], dict[str, Any] | None],
    where: str,
    problems: list[Problem],
) -> list[Entry]:
    """Decode the entries of one section, each on its own, so that one bad entry does not hide the others."""
    decoder = msgspec.json.Decoder(kind)
    entries = []
    for index, view in enumerate(raws):
        raw = bytes(view)
        if is_nested_too_deeply(raw):
            path, _, section = where.rpartition(": ")
            what = f"is nested more than {MOST_NESTED} levels deep"
            problems.append(Problem(path, f"{section}[{index}]", what, "write the entry without that"))
            continue
        try:
            entry = None if _is_odd(raw) else decoder.decode(raw)
        except REFUSALS:
            entry = None
        if entry is None:
            found = explainer(raw, f"{where}[{index}]", problems)
            if found is None:
                continue
            entry = kind(**found)
        if not isinstance(entry, ImageEntry):
            entry.raw = plain(raw) if isinstance(entry, CategoryEntry) else raw
        entries.append(entry)
    return entries

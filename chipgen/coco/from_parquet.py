"""Annotations from a Parquet file, one row an image: the same entries as those of a COCO file, made anew.

Columns: ``image_id``, ``file_name``, ``width``, ``height`` and ``annotations``, a list of structs ``id``,
``category_id``, ``bbox`` (x, y, width, height) and whatever else an annotation of COCO has. Of the structs,
``segmentation`` and ``keypoints`` may be JSON in a text, and ``extra`` is the JSON of an object whose fields the
annotation has, too. Null is not there. The metadata of the file hold the category table, JSON under `CATEGORIES`.

Each entry is written as JSON and goes the way of all others, so that everything odd is refused in the same words.
"""

from __future__ import annotations

import contextlib
import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.coco.decode import decode_entries
from chipgen.coco.sections import Sections
from chipgen.coco.stored import StoredText
from chipgen.digests import sha256_read
from chipgen.errors import ChipgenError, DataError, Problem
from chipgen.loose_json import REFUSALS
from chipgen.parquet_files import open_parquet_file
from chipgen.raw_entries import RawEntries
from chipgen.store import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from chipgen.coco.decode import Decoded

MAGIC = b"PAR1"
"""How a Parquet file begins, and no JSON."""

CATEGORIES = b"chipgen.categories"
"""Key of the metadata under which the category table stands."""

IMAGE = ("image_id", "file_name", "width", "height")
BOX = ("id", "category_id", "bbox")
JSON_TEXTS = ("segmentation", "keypoints")
"""Fields that may be JSON in a text."""
EXTRA = "extra"

ROWS = 256
"""Images that are Python objects at a time."""

TODO = "write it as the README says under 'More annotations than memory'"


def is_parquet(path: Path) -> bool:
    """Tell whether a file begins as Parquet files do.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read_parquet(path: Path, *, streamed_above: int) -> tuple[Decoded, str]:
    """Decode a Parquet file of annotations, some images at a time.

    Parameters
    ----------
    path
        The file.
    streamed_above
        Bytes of entries, as JSON, above which they lie in a temporary file rather than in memory.

    Returns
    -------
    Tables, list of Problem
        As `chipgen.coco.decode.decode` returns them.
    str
        The digest of the file.

    Raises
    ------
    DataError
        It is damaged, or has not the columns.
    StorageError
        The folder for temporary files has no room.
    """
    try:
        with _temporary() as images, _temporary() as annotations, path.open("rb") as file:
            sha256 = sha256_read(file.read)
            file.seek(0)
            sections, problems = _sections(_opened(file), str(path), streamed_above, (images, annotations))
    except (ChipgenError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError) as error:
        what = f"cannot be read as Parquet ({' '.join(str(error).split()):.300})"
        raise DataError.one(path, "", what, "write the file again") from error
    tables, more = decode_entries(sections, str(path))
    return (tables, [*problems, *more]), sha256


def image_values(path: Path, column: str) -> Iterator[tuple[int, Any]]:
    """Yield the id of each image of a Parquet file, and what a column says of it; nothing where there is no such one.

    Raises
    ------
    OSError, ValueError
        It cannot be read.
    """
    with path.open("rb") as file:
        parquet = _opened(file)
        if column in parquet.schema_arrow.names:
            for batch in parquet.iter_batches(ROWS, columns=["image_id", column], use_threads=False):
                yield from zip(batch["image_id"].to_pylist(), batch[column].to_pylist(), strict=True)


@contextlib.contextmanager
def _temporary() -> Iterator[BinaryIO]:
    """Make a file that loses its name at the end of the block; who has opened it by then may read on."""
    folder = Path(tempfile.gettempdir())
    with guarded(folder):
        file = tempfile.NamedTemporaryFile(prefix="chipgen-")  # noqa: SIM115 -- what the block raises is not ours
    with file:
        yield cast("BinaryIO", file)


def _opened(file: BinaryIO) -> pq.ParquetFile:
    """Open a Parquet file; nothing is read ahead, and pages with a checksum are held to it."""
    return open_parquet_file(file, page_checksum_verification=True)


def _sections(
    parquet: pq.ParquetFile, path: str, most: int, files: tuple[BinaryIO, BinaryIO]
) -> tuple[Sections, list[Problem]]:
    """Return the entries of a file as JSON, and what is wrong with those that cannot be written so.

    Parameters
    ----------
    parquet, path
        The file.
    most
        Bytes of entries above which they are not held in memory.
    files
        Two temporary files for them.
    """
    _refuse_schema(parquet.schema_arrow, path)
    categories = _categories(parquet.schema_arrow.metadata or {}, path)
    images, annotations, problems = _Texts(most), _Texts(most), list[Problem]()
    for batch in parquet.iter_batches(ROWS, columns=[*IMAGE, "annotations"], use_threads=False):
        columns = [batch[name].to_pylist() for name in IMAGE]
        rows = (_there(("id", *IMAGE[1:]), values) for values in zip(*columns, strict=True))
        images.add(map(msgspec.json.encode, rows), files[0])
        annotations.add(_entries(batch["annotations"], columns[0], path, problems), files[1])
    return Sections(images.entries(files[0]), annotations.entries(files[1]), categories), problems


class _Texts:
    """Entries that are gathered some images at a time: one text for all, and of each its length.

    Parameters
    ----------
    most
        Bytes above which the text is written to a temporary file, which goes with the last who reads it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._data: list[bytes] = []
        self._sizes = [np.empty(0, dtype=np.int64)]
        self._held = 0

    def add(self, texts: Iterable[bytes], file: BinaryIO) -> None:
        """Add some entries."""
        some = list(texts)
        self._sizes.append(np.fromiter(map(len, some), dtype=np.int64, count=len(some)))
        self._data.append(b"".join(some))
        self._held += int(self._sizes[-1].sum())
        if self._held > self.most or file.tell():
            with guarded(Path(file.name)):
                file.writelines(self._data)
            self._data, self._held = [], 0

    def entries(self, file: BinaryIO) -> RawEntries:
        """Return all entries."""
        size = np.concatenate(self._sizes)
        stop = np.cumsum(size)
        with guarded(Path(file.name)):
            file.flush()
            data = StoredText(file.name) if file.tell() else b"".join(self._data)
        return RawEntries(data, stop - size, stop)


def _refuse_schema(schema: pa.Schema, path: str) -> None:
    """Refuse a file without the columns.

    Raises
    ------
    DataError
        With each that is missing or of another kind.
    """
    problems = [
        Problem(path, f"column {name}", "is missing", TODO)
        for name in (*IMAGE, "annotations")
        if name not in schema.names
    ]
    if not problems:
        kind = schema.field("annotations").type
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        if not lists or not pa.types.is_struct(kind.value_type):
            problems = [Problem(path, "column annotations", f"is {kind!s:.100}, not a list of structs", TODO)]
        else:
            there = {field.name for field in kind.value_type}
            problems = [
                Problem(path, "column annotations", f"has no field {name}", TODO) for name in BOX if name not in there
            ]
    if problems:
        raise DataError(problems)


def _categories(metadata: dict[bytes, bytes], path: str) -> RawEntries:
    """Return the entries of the category table.

    Raises
    ------
    DataError
        There is none.
    """
    value: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(metadata.get(CATEGORIES, b""))
    if not isinstance(value, list):
        key = CATEGORIES.decode()
        raise DataError.one(path, f"metadata {key}", "is no JSON list of categories", TODO)
    return RawEntries.of(json.dumps(entry).encode() for entry in value)


def _entries(lists: pa.Array, image_ids: Sequence[Any], path: str, problems: list[Problem]) -> Iterator[bytes]:
    """Yield the annotations of some images as JSON."""
    counts = [count or 0 for count in lists.value_lengths().to_pylist()]
    structs = lists.flatten()
    names = [field.name for field in structs.type]
    columns = dict(zip(names, (array.to_pylist() for array in structs.flatten()), strict=True))
    columns["image_id"] = [one for one, count in zip(image_ids, counts, strict=True) for _ in range(count)]
    texts = [name for name in JSON_TEXTS if name in names and _is_text(structs.type.field(name).type)]
    order = ["id", "image_id", *(name for name in names if name not in {"id", "image_id", EXTRA, *texts})]
    plain = zip(*(columns[name] for name in order), strict=True)
    parts = zip(*(columns[name] for name in texts), strict=True) if texts else ((),) * len(structs)
    extras = columns.get(EXTRA, [None] * len(structs))
    for values, written, extra in zip(plain, parts, extras, strict=True):
        pieces = [_encoded(_there(order, values))[1:-1]]
        pieces += [_member(name, text) for name, text in zip(texts, written, strict=True) if text is not None]
        if extra is not None:
            pieces.append(_inside(extra, f"{path}: annotation {values[0]} of image {values[1]}", problems))
        yield b"{%b}" % b",".join(filter(None, pieces))


def _is_text(kind: pa.DataType) -> bool:
    """Tell whether a column holds texts."""
    return any(is_kind(kind) for is_kind in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view))


def _there(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return the fields that are not null."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _encoded(entry: dict[str, Any]) -> bytes:
    """Return an entry as JSON; with NaN and Infinity in its box, which the slow pass has a word for."""
    for mark in ("iscrowd", "ignore", "difficult"):
        if isinstance(entry.get(mark), bool):
            entry[mark] = int(entry[mark])
    box = entry.get("bbox")
    if isinstance(box, list) and not all(math.isfinite(side) for side in box if isinstance(side, float)):
        return json.dumps(entry, default=str).encode()
    return msgspec.json.encode(entry)


def _member(name: str, text: str) -> bytes:
    """Return a field that is JSON already; what is none becomes a text, which nobody takes for a mask."""
    return b'"%b":%b' % (name.encode(), text.encode() if _is_json(text) else msgspec.json.encode(text))


def _is_json(text: str) -> bool:
    """Tell whether a text is JSON."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except REFUSALS:
        return False
    return True


def _inside(text: Any, where: str, problems: list[Problem]) -> bytes:
    """Return what stands in the brackets of an object; nothing, and a problem, where there is none."""
    if isinstance(text, str) and _is_json(text) and text.strip().startswith("{"):
        return text.strip()[1:-1].strip().encode()
    path, _, place = where.rpartition(": ")
    problems.append(Problem(path, place, f"{EXTRA} is not the JSON of an object", "write it as {...}, or null"))
    return b""

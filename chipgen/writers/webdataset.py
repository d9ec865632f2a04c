"""WebDataset shards: tar files that hold the picture of each chip and, beside it, all that is known of it as JSON."""

from __future__ import annotations

import io
import tarfile
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from chipgen.writers.dump import dump
from chipgen.writers.facts import facts
from chipgen.writers.format import Format, numbered, the_shard
from chipgen.writers.parquet import FIELDS, TEXTS
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import OBJECT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.rows import ChipRow, Objects
    from chipgen.store import Staging
    from chipgen.writers.format import Labels, Pieces, Written

CATEGORIES = "_categories.json"
"""The category table: position ``category`` of each box counts its lines."""


def shard_path(split: str, index: int, count: int) -> str:
    """Return the path of a shard."""
    return f"data/{split}-{index:05d}-of-{count:05d}.tar"


def write_webdataset(rows: Iterable[ChipRow], labels: Labels, staging: Staging, path: str) -> int:
    """Write one shard; see `chipgen.writers.format.Writer`."""
    del labels
    count = 0
    with staging.create(path) as file, _opened(file) as tar:
        for row in rows:
            with refusals(path, f"chip {row.image_id}"):
                _add(tar, row.file_name, row.encoded)
                _add(tar, str(PurePosixPath(row.file_name).with_suffix(".json")), dump(sample(row)))
            count += 1
    return count


def _opened(file: Any) -> tarfile.TarFile:
    """Open a tar file that is written from front to back: one that seeks could not be checksummed on the way."""
    return tarfile.open(mode="w|", fileobj=file, format=tarfile.USTAR_FORMAT)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file of nobody's and no time."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def sample(row: ChipRow) -> dict[str, Any]:
    """Return what is known of a chip: the columns of a Parquet shard but the picture, under the same names."""
    return {
        "image_id": row.image_id,
        "width": row.size[0],
        "height": row.size[1],
        **facts(row),
        "objects": {name: _column(row.objects, name) for name in OBJECT_FIELDS},
    }


def _column(objects: Objects, name: str) -> list[Any]:
    """Return a column of boxes; what has a shape of its own is JSON in a text, so that all values are of one type."""
    column: list[Any] = getattr(objects, FIELDS.get(name, name))
    if name not in TEXTS:
        return column
    return [None if value is None else _text(TEXTS[name](value)) for value in column]


def _text(value: str | bytes) -> str:
    """Return JSON as text."""
    return value.decode() if isinstance(value, bytes) else value


def _whole(written: Written) -> Iterator[tuple[str, Pieces]]:
    """Yield the category table."""
    yield CATEGORIES, _categories(written.labels)


def _categories(labels: Labels) -> Iterator[bytes]:
    """Yield the category table, one entry a line."""
    for number, raw in enumerate(labels.categories.raw):
        yield b"[\n" if number == 0 else b",\n"
        yield dump(msgspec.json.decode(raw))
    yield b"\n]\n" if labels.categories.raw else b"[]\n"


WEBDATASET = Format(
    write_webdataset, shard_path, partial(numbered, shard_path), the_shard, ("data",), _whole, (CATEGORIES,)
)

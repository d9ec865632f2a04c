"""Parquet shards: one row a chip, laid out so that boxes can be read without touching pixels."""

from __future__ import annotations

import contextlib
import itertools
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.flat import bounds
from chipgen.writers.arrays import array_of, lists_of
from chipgen.writers.format import Format, numbered, the_shard
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import OBJECT_FIELDS, chip_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chipgen.rows import ChipRow, Objects
    from chipgen.store import Staging
    from chipgen.writers.format import Labels

ROWS_A_GROUP = 100
"""A random row costs one group; a hundred 512-px chips are about 15 MB."""
PIXELS = "image.bytes"


def shard_path(split: str, index: int, count: int) -> str:
    """Return the path of a shard."""
    return f"data/{split}-{index:05d}-of-{count:05d}.parquet"


def write_parquet(rows: Iterable[ChipRow], labels: Labels, staging: Staging, path: str) -> int:
    """Write one shard; see `chipgen.writers.format.Writer`."""
    schema = chip_schema(labels.categories)
    count = 0
    with staging.create(path) as file, opened(partial(open_parquet, file, schema), path) as writer:
        for group in _groups(rows):
            with refusals(path, f"chips {group[0].image_id} to {group[-1].image_id}"):
                writer.write_batch(_batch(group, schema), row_group_size=ROWS_A_GROUP)
            count += len(group)
    return count


@contextlib.contextmanager
def opened(opening: Callable[[], pq.ParquetWriter], path: str) -> Iterator[pq.ParquetWriter]:
    """Open a writer and close it, unless something went wrong; Arrow would try again when the writer is forgotten."""
    with refusals(path):
        writer = opening()
    try:
        yield writer
        with refusals(path):
            writer.close()
    finally:
        writer.is_open = False


def open_parquet(file: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet writer; encoded pixels are neither compressed again nor indexed."""
    leaves = [leaf for field in schema for leaf in _leaves(field)]
    small = [leaf for leaf in leaves if leaf != PIXELS]
    return pq.ParquetWriter(
        file,
        schema,
        compression={leaf: "none" if leaf == PIXELS else "zstd" for leaf in leaves},
        use_dictionary=small,
        write_statistics=small,
        write_page_index=True,
        write_page_checksum=True,
    )


def _leaves(field: pa.Field, prefix: str = "") -> Iterator[str]:
    """Yield the dotted paths of a column's leaves, as Parquet names them."""
    path = f"{prefix}{field.name}"
    if pa.types.is_struct(field.type):
        for child in field.type:
            yield from _leaves(child, f"{path}.")
    elif pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type):
        yield from _leaves(pa.field("element", field.type.value_type), f"{path}.list.")
    else:
        yield path


def _groups(rows: Iterable[ChipRow]) -> Iterator[list[ChipRow]]:
    """Yield rows in groups."""
    iterator = iter(rows)
    while group := list(itertools.islice(iterator, ROWS_A_GROUP)):
        yield group


def _batch(rows: list[ChipRow], schema: pa.Schema) -> pa.RecordBatch:
    """Turn rows into Arrow, column by column."""
    columns = {
        "image": [[row.encoded for row in rows], [row.file_name for row in rows]],
        "image_id": [row.image_id for row in rows],
        "width": [row.size[0] for row in rows],
        "height": [row.size[1] for row in rows],
        "kind": [row.kind for row in rows],
        "level": [row.level for row in rows],
        "objects": _objects([row.objects for row in rows]),
        "source": list(zip(*[vars(row.source).values() for row in rows], strict=True)),
        "transform": list(zip(*[(*row.origin_img, *row.factor) for row in rows], strict=True)),
        "content_width": [row.content[0] for row in rows],
        "content_height": [row.content[1] for row in rows],
        "valid_range": list(zip(*[row.valid_range for row in rows], strict=True)),
    }
    arrays = [_column(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    """Return a column; a struct is given by its columns."""
    if not pa.types.is_struct(kind):
        return values if isinstance(values, pa.Array) else array_of(values, kind)
    inner = [_column(column, field.type) for column, field in zip(values, kind, strict=True)]
    return pa.StructArray.from_arrays(inner, fields=list(kind))


def _objects(chips: list[Objects]) -> Iterator[pa.ListArray]:
    """Yield the columns of the boxes of some chips."""
    ends = bounds([len(objects.id) for objects in chips])
    for name, kind in OBJECT_FIELDS.items():
        column = [getattr(objects, FIELDS.get(name, name)) for objects in chips]
        flat = list(itertools.chain.from_iterable(column))
        if name in TEXTS:
            flat = [None if value is None else TEXTS[name](value) for value in flat]
        yield lists_of(ends, array_of(flat, kind), pa.list_(kind))


def _compact(value: Any) -> str:
    """Write a value as JSON; ASCII only, so that no reader's locale matters."""
    return json.dumps(value, separators=(",", ":"))


FIELDS = {"iscrowd": "crowd"}
"""Columns of boxes that have another name here."""

TEXTS: dict[str, Callable[[Any], str | bytes]] = {"segmentation": msgspec.json.encode, "extra": _compact}
"""Columns that hold JSON, and how it is written; masks are numbers and ASCII letters only, and many."""

PARQUET = Format(write_parquet, shard_path, partial(numbered, shard_path), the_shard, ("data",))

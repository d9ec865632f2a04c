"""Parquet shards: one row a chip, laid out so that boxes can be read without touching pixels."""

from __future__ import annotations

import contextlib
import itertools
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.writers.facts import facts
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import OBJECT_FIELDS, chip_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chipgen.dataset import Categories
    from chipgen.rows import ChipRow, ObjectRow
    from chipgen.store import Staging

ROWS_A_GROUP = 100
"""A random row costs one group; a hundred 512-px chips are about 15 MB."""
PIXELS = "image.bytes"


def write_parquet(rows: Iterable[ChipRow], categories: Categories, staging: Staging, path: str) -> int:
    """Write one shard; see `chipgen.writers.Writer`."""
    schema = chip_schema(categories)
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
    """Turn rows into Arrow."""
    return pa.RecordBatch.from_pylist([_record(row) for row in rows], schema=schema)


def _record(row: ChipRow) -> dict[str, Any]:
    """Return a row by the names of its columns."""
    return {
        "image": {"bytes": row.encoded, "path": row.file_name},
        "image_id": row.image_id,
        "width": row.size[0],
        "height": row.size[1],
        "objects": {name: [_value(obj, name) for obj in row.objects] for name in OBJECT_FIELDS},
        **facts(row),
    }


def _value(obj: ObjectRow, name: str) -> Any:
    """Return one field of a box as its column holds it."""
    if name == "iscrowd":
        return obj.crowd
    value = getattr(obj, name)
    if name in {"segmentation", "extra"}:
        return None if value is None else json.dumps(value, separators=(",", ":"))
    return value

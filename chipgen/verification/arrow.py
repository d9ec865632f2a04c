"""Parquet tables read without trusting them: the columns they must have, and nothing null that must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from chipgen.chips import KINDS
from chipgen.images import open_regular
from chipgen.labels import STATES
from chipgen.parquet_files import read_parquet_file
from chipgen.verification.columns import Boxes, Chips
from chipgen.verification.faults import MalformedError
from chipgen.writers.arrays import DTYPES, array_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chipgen.boxes import Ints

NULLABLE = frozenset({"valid_range.hi", "objects.segmentation", "objects.keypoints", "objects.extra"})
"""Columns, besides those a reader names, in which null means something."""


def read_table(path: Path, columns: Mapping[str, pa.DataType], nullable: frozenset[str] = NULLABLE) -> pa.Table:
    """Read a whole Parquet file, checked.

    Parameters
    ----------
    path
        A file whose length and checksum are known to be right.
    columns
        The columns it must have, and their types; others may be there, too.
    nullable
        Those in which null may stand.

    Raises
    ------
    MalformedError, UnusableError, or anything of pyarrow
        It is not such a file.
    """
    with open_regular(path) as file:
        table = read_parquet_file(file)
    check_schema(table.schema, columns)
    check_values(table, nullable)
    return table


def check_schema(schema: pa.Schema, columns: Mapping[str, pa.DataType]) -> None:
    """Refuse a table that lacks a column or has one of another type.

    Raises
    ------
    MalformedError
        Naming the first one.
    """
    for name, kind in columns.items():
        if name not in schema.names:
            raise MalformedError(f"column {name}", "is missing")
        if schema.field(name).type != kind:
            raise MalformedError(f"column {name}", f"is {schema.field(name).type}, not {kind}")


def check_values(table: pa.Table | pa.RecordBatch, nullable: frozenset[str] = NULLABLE) -> None:
    """Refuse values that no reader could make sense of: null, text that is not UTF-8, lists beyond their ends.

    Raises
    ------
    MalformedError, or anything of pyarrow
        Naming the first one.
    """
    table.validate(full=True)
    for name in table.schema.names:
        _refuse_null(one_array(table[name]), name, nullable)


def _refuse_null(array: pa.Array, name: str, nullable: frozenset[str]) -> None:
    """Refuse null, also inside of structs and lists; in a list of lists only the innermost may be null."""
    kind, may_be_null = array.type, name in nullable
    is_list = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    if array.null_count and (is_list or not may_be_null):
        raise MalformedError(f"column {name}", "holds null")
    if pa.types.is_struct(kind):
        for position, field in enumerate(kind):
            _refuse_null(array.field(position), f"{name}.{field.name}", nullable)
    elif is_list and not may_be_null:
        _refuse_null(array.flatten(), name, nullable)


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbers(column: pa.Array | pa.ChunkedArray) -> Any:
    """Return a column without null as an array of numpy; words as objects."""
    array = one_array(column)
    if pa.types.is_string(array.type):
        return np.array(array.to_pylist(), dtype=np.object_)  # to_numpy imports pandas for it
    values = _numpy(array)
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def _numpy(array: pa.Array) -> Any:
    """Return numbers or truth values as an array of numpy.

    `to_numpy` imports pandas where it is installed: half a second, more than verifying most builds takes.
    """
    if array.null_count:
        return array.to_numpy(zero_copy_only=False)
    if pa.types.is_boolean(array.type):
        return np.from_dlpack(pc.cast(array, pa.uint8())).astype(np.bool_)
    return np.from_dlpack(array)


def _filled(array: pa.Array, value: float) -> pa.Array:
    """Put a number in the place of null; `pc.fill_null` imports pandas, too, to make a scalar of it."""
    return pc.coalesce(array, array_of(np.full(len(array), value, dtype=DTYPES[array.type]), array.type))


def codes(column: pa.Array | pa.ChunkedArray, words: tuple[str, ...]) -> Ints:
    """Return the position of each text among some words, -1 for any other, int64."""
    found = pc.index_in(one_array(column), value_set=array_of(words, pa.string()))
    return np.asarray(_numpy(_filled(found, -1)), dtype=np.int64)


def chips_of(table: pa.Table | pa.RecordBatch) -> Chips:
    """Return the chips of a plan or a shard."""
    source, transform = one_array(table["source"]), one_array(table["transform"])
    ends = one_array(table["valid_range"])
    return Chips(
        id=numbers(table["image_id"]),
        kind=codes(table["kind"], KINDS),
        level=numbers(table["level"]),
        image_id=numbers(source.field("image_id")),
        file_name=numbers(source.field("file_name")),
        size_img=_pairs(source.field("width"), source.field("height")),
        origin_img=_pairs(transform.field("x0"), transform.field("y0")),
        factor=_pairs(transform.field("factor_x"), transform.field("factor_y")),
        content=_pairs(table["content_width"], table["content_height"]),
        valid_range=_pairs(ends.field("lo"), _filled(ends.field("hi"), np.inf)).astype(np.float64),
    )


def _pairs(first: Any, second: Any) -> Any:
    """Return two columns as one of pairs, shape ``(C, 2)``."""
    return np.column_stack((numbers(first), numbers(second)))


def boxes_of(objects: pa.StructArray) -> Boxes:
    """Return the boxes of a plan or a shard.

    Raises
    ------
    MalformedError
        The lists of a chip are not of the same length.
    """
    lengths = numbers(objects.field("id").value_lengths())
    for field in objects.type:
        if not np.array_equal(numbers(objects.field(field.name).value_lengths()), lengths):
            raise MalformedError(f"column objects.{field.name}", "is not as long as the list of ids in some chip")

    def flat(name: str) -> Any:
        return numbers(objects.field(name).flatten())

    return Boxes(
        chip=np.repeat(np.arange(len(objects)), lengths),
        id=flat("id"),
        source_id=flat("source_id"),
        bbox=numbers(objects.field("bbox").flatten().flatten()).reshape(-1, 4).astype(np.float64),
        category=flat("category"),
        category_id=flat("category_id"),
        valid=flat("valid").astype(np.bool_),
        reason=codes(objects.field("ignore_reason").flatten(), STATES),
        visibility=flat("visibility").astype(np.float64),
    )

"""Proposals as a Parquet file: its columns, what `chipgen proposals` writes, and reading any such file bit by bit."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.errors import ChipgenError
from chipgen.parquet_files import open_parquet_file
from chipgen.proposals.batch import MOST_ROWS, Batch
from chipgen.proposals.box_formats import SIDE_NAMES
from chipgen.proposals.files import opened
from chipgen.writers.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from chipgen.boxes import Floats, Ints
    from chipgen.proposals.batch import Findings

MARK = b"chipgen"
SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.int64(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in "xywh"),
        pa.field("score", pa.float64()),
    ],
    metadata={MARK: b'{"proposals": 1}'},
)
ROWS_A_GROUP = 100_000
"""Proposals of some 300 images: what is read, at least, to see those of one."""

PAGE = 1 << 20
"""Bytes of a column that Arrow reads at a time; without it, it holds a whole row group."""

TODO = "write columns image_id, x, y, w, h and, if there are any, score"


class TableWriter:
    """Writes proposals, sorted already, as Parquet.

    Parameters
    ----------
    file
        Where to: an open binary file.
    name
        How to name it to a user.

    Raises
    ------
    StorageError
        Arrow refuses, here or in any method.
    """

    def __init__(self, file: Any, name: object) -> None:
        self._name = name
        with refusals(name):
            self._writer = pq.ParquetWriter(
                file,
                SCHEMA,
                compression="zstd",
                use_dictionary=["image_id"],
                write_statistics=["image_id"],
                write_page_checksum=True,
            )

    def write(self, batch: Batch) -> None:
        """Append proposals, in row groups of their own."""
        with refusals(self._name):
            score = pa.nulls(len(batch), pa.float64()) if batch.score is None else pa.array(batch.score)
            columns = [pa.array(batch.image_id), *(pa.array(batch.box[:, side]) for side in range(4)), score]
            self._writer.write_table(pa.table(columns, schema=SCHEMA), row_group_size=ROWS_A_GROUP)

    def __enter__(self) -> TableWriter:  # noqa: PYI034 -- Self is not in Python 3.10
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write the footer, unless something went wrong; Arrow would try again when the writer is forgotten."""
        try:
            if kind is None:
                with refusals(self._name):
                    self._writer.close()
        finally:
            self._writer.is_open = False


def is_ours(path: Path) -> bool:
    """Tell whether `TableWriter` wrote a file."""
    try:
        with opened(path) as file:
            metadata = pq.read_schema(file).metadata or {}
    except Exception:  # noqa: BLE001 -- whatever stops it from being read: it is not ours
        return False
    return MARK in metadata and b'"proposals"' in metadata[MARK]


class Table:
    """A Parquet file of proposals by anybody, open for reading.

    Parameters
    ----------
    path
        The file.
    findings
        Where problems are noted.
    box_format
        How its boxes are written, which decides on the names of their columns.

    Raises
    ------
    DataError
        It is no Parquet file, or lacks a column, or a column holds something other than numbers.
    """

    def __init__(self, path: Path, findings: Findings, box_format: str = "xywh") -> None:
        self.findings = findings
        self._scored: bool | None = None
        with opened(path):  # it is a regular file: Arrow would wait for a pipe
            pass
        with self._guarded():
            self._file = open_parquet_file(pa.OSFile(os.fsencode(path)), buffer_size=PAGE)
            metadata = self._file.metadata
            self.groups = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            self.sides = self._check_columns(box_format)
            width = 8 * (6 if self.has_scores else 5)
            findings.refuse_bomb("", width * sum(self.groups), path.stat().st_size)

    @property
    def has_scores(self) -> bool:
        """Whether there is a column of scores, perhaps an empty one."""
        return "score" in self._file.schema_arrow.names

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)

    def batches(self, group: int) -> Iterator[Batch]:
        """Yield the proposals of a row group in batches; boxes as the file writes them.

        Raises
        ------
        DataError
            The file is damaged, or a value is missing.
        """
        columns = ["image_id", *self.sides, *(["score"] if self.has_scores else [])]
        row = sum(self.groups[:group])
        end = row + self.groups[group]
        with self._guarded():
            for part in self._file.iter_batches(MOST_ROWS, row_groups=[group], columns=columns, use_threads=False):
                yield self._batch(part, row)
                row += part.num_rows
        if row != end:  # Arrow itself does not mind
            what = f"is damaged: {abs(end - row):,} rows {'are missing' if row < end else 'too many'}"
            raise self.findings.fatal(f"row group {group}", what, "copy or write the file again")

    def _batch(self, part: pa.RecordBatch, first: int) -> Batch:
        """Return rows as columns of numpy, the first of which has some number in the file."""
        image_id = self._image_ids(part.column("image_id"), first)
        box = np.stack([self._numbers(part, name, first) for name in self.sides], axis=1)
        scored = self.has_scores and part.column("score").null_count < part.num_rows
        if part.num_rows and self._scored not in {None, scored}:
            what = "score is there, but others have none" if scored else "score is empty, but others have one"
            raise self.findings.fatal(f"row {first}", what, "give all proposals a score, or none")
        self._scored = scored if part.num_rows else self._scored
        return Batch(image_id, box, self._numbers(part, "score", first) if scored else None)

    def _image_ids(self, column: pa.Array, first: int) -> Ints:
        """Return ids."""
        self._refuse_nulls(column, "image_id", first)
        values = column.to_numpy(zero_copy_only=False)
        if values.dtype.kind == "u" and len(values) and int(values.max()) >= 2**63:
            row = first + int(np.argmax(values >= 2**63))
            raise self.findings.fatal(f"row {row}", "image_id does not fit into 64 bits", "ids have at most 63")
        return np.asarray(values, dtype=np.int64)

    def _numbers(self, part: pa.RecordBatch, name: str, first: int) -> Floats:
        """Return a column as float64, which holds all shorter numbers exactly."""
        column = part.column(name)
        self._refuse_nulls(column, name, first)
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)

    def _refuse_nulls(self, column: pa.Array, name: str, first: int) -> None:
        """Refuse a column in which values are missing."""
        if column.null_count:
            row = first + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
            todo = "give all proposals a score, or none" if name == "score" else TODO
            raise self.findings.fatal(f"row {row}", f"{name} is empty", todo)

    def _check_columns(self, box_format: str) -> Sequence[str]:
        """Return the names of the box's columns after checking that all columns are there and hold numbers."""
        schema = self._file.schema_arrow
        choices = SIDE_NAMES[box_format]
        sides = next((names for names in choices if set(names) <= set(schema.names)), choices[-1])
        for name in ("image_id", *sides, "score"):
            indices = schema.get_all_field_indices(name)
            if not indices and name != "score":
                todo = f"{TODO}, or name what is there with --box-format" if "x2" in schema.names else TODO
                self.findings.add(f"column {name}", "is missing", todo)
            elif len(indices) > 1:
                self.findings.add(f"column {name}", "stands twice", "keep one of them")
            elif indices and not _holds_numbers(schema.field(indices[0]).type, name):
                what = f"is of type {schema.field(indices[0]).type}"
                todo = "ids are integers" if name == "image_id" else "write numbers"
                self.findings.add(f"column {name}", what, todo)
        self.findings.raise_any()
        return sides

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what Arrow says about a file into one line."""
        try:
            yield
        except ChipgenError:
            raise
        except Exception as error:  # a lack of memory, too: the file asks for more than there is
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            what = f"is no Parquet file, or a damaged one ({reason})"
            raise self.findings.fatal("", what, "copy or write the file again") from error


def _holds_numbers(kind: pa.DataType, name: str) -> bool:
    """Tell whether a column may be what its name says; scores that are all missing have no type of their own."""
    if pa.types.is_integer(kind):
        return True
    return name != "image_id" and (pa.types.is_floating(kind) or (name == "score" and pa.types.is_null(kind)))

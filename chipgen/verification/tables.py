"""The tables beside the shards, read back as columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from chipgen.ledger import STATUSES
from chipgen.verification.arrow import boxes_of, chips_of, codes, numbers, one_array, read_table
from chipgen.verification.columns import Boxes, Chips, take
from chipgen.verification.faults import MalformedError
from chipgen.writers.schema import OBJECT_FIELDS, SOURCE, TRANSFORM, VALID_RANGE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from chipgen.boxes import Ints

PLANNED = ("id", "bbox", "category", "category_id", "valid", "ignore_reason", "visibility", "source_id")

PLAN_COLUMNS = {
    "image_id": pa.int64(),
    "kind": pa.string(),
    "level": pa.int32(),
    "proposals": pa.int32(),
    "objects": pa.struct({name: pa.list_(OBJECT_FIELDS[name]) for name in PLANNED}),
    "source": SOURCE,
    "transform": TRANSFORM,
    "content_width": pa.int32(),
    "content_height": pa.int32(),
    "valid_range": VALID_RANGE,
    "shard": pa.int32(),
}
LEDGER_COLUMNS = {
    "annotation_id": pa.int64(),
    "image_id": pa.int64(),
    "category_id": pa.int64(),
    "status": pa.string(),
    "reason": pa.string(),
    "n_valid": pa.int32(),
    "n_ignored": pa.int32(),
    "levels": pa.list_(pa.int32()),
}
SOURCES_COLUMNS = {
    "image_id": pa.int64(),
    "file_name": pa.string(),
    "bytes": pa.int64(),
    "sha256": pa.string(),
    "notes": pa.list_(pa.string()),
}
SAMPLED = "sampled_sha256"
"""A further column, which earlier builds have not."""


@dataclass(frozen=True)
class PlanTable:
    """All chips that were written and all their boxes; C chips, B boxes.

    Parameters
    ----------
    chips, boxes
        The chips in plan order, and their boxes, ignored ones too.
    proposals, shard
        Proposals that a negative chip is there for, and the shard each chip lies in, shape ``(C,)``, int64.
    """

    chips: Chips
    boxes: Boxes
    proposals: Ints
    shard: Ints

    @cached_property
    def spans(self) -> Ints:
        """Return the first box of each chip and the end of the last, shape ``(C + 1,)``."""
        return np.searchsorted(self.boxes.chip, np.arange(len(self.chips) + 1))

    def part(self, first: int, stop: int) -> tuple[Chips, Boxes]:
        """Return some chips that follow each other, and their boxes; rows count from the first of them."""
        boxes = take(self.boxes, slice(*self.spans[[first, stop]].tolist()))
        return take(self.chips, slice(first, stop)), Boxes(boxes.chip - first, *list(vars(boxes).values())[1:])


@dataclass(frozen=True)
class LedgerTable:
    """What became of each source annotation; N of them.

    Parameters
    ----------
    annotation_id, image_id, category_id, n_valid, n_ignored
        Shape ``(N,)``, int64.
    status
        Position in `chipgen.ledger.STATUSES`, -1 for any other word, shape ``(N,)``, int64.
    reason
        Texts, shape ``(N,)``.
    row, level
        Where each is valid, one entry a level: its row and the level, both of the same length, int64.
    """

    annotation_id: Ints
    image_id: Ints
    category_id: Ints
    status: Ints
    reason: NDArray[Any]
    n_valid: Ints
    n_ignored: Ints
    row: Ints
    level: Ints

    def __len__(self) -> int:
        return len(self.annotation_id)


@dataclass(frozen=True)
class SourcesTable:
    """The images that chips were to be cut from; M of them.

    Parameters
    ----------
    image_id
        Shape ``(M,)``, int64.
    file_name
        Texts, shape ``(M,)``.
    bytes
        Length of the file, -1 where it was skipped, shape ``(M,)``, int64.
    sha256
        Its checksum, None where it was skipped, or where its checksum is one of samples.
    sampled
        The checksum of samples of it, None where there is none.
    """

    image_id: Ints
    file_name: NDArray[Any]
    bytes: Ints
    sha256: tuple[str | None, ...]
    sampled: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.image_id)

    @property
    def checksum(self) -> tuple[str | None, ...]:
        """Return the checksum of each, of whichever kind; None where it was skipped."""
        return tuple(sha256 or sampled for sha256, sampled in zip(self.sha256, self.sampled, strict=True))


def read_plan(path: Path) -> PlanTable:
    """Read ``_plan.parquet``; see `chipgen.verification.arrow.read_table`."""
    table = read_table(path, PLAN_COLUMNS)
    return PlanTable(
        chips=chips_of(table),
        boxes=boxes_of(one_array(table["objects"])),
        proposals=numbers(table["proposals"]),
        shard=numbers(table["shard"]),
    )


def read_ledger(path: Path) -> LedgerTable:
    """Read ``_ledger.parquet``; see `chipgen.verification.arrow.read_table`."""
    table = read_table(path, LEDGER_COLUMNS)
    levels = one_array(table["levels"])
    names = ("annotation_id", "image_id", "category_id", "n_valid", "n_ignored", "reason")
    return LedgerTable(
        **{name: numbers(table[name]) for name in names},
        status=codes(table["status"], STATUSES),
        row=np.repeat(np.arange(len(table)), numbers(levels.value_lengths())),
        level=numbers(levels.flatten()),
    )


def read_sources(path: Path) -> SourcesTable:
    """Read ``_sources.parquet``; see `chipgen.verification.arrow.read_table`."""
    table = read_table(path, SOURCES_COLUMNS, frozenset({"bytes", "sha256", SAMPLED}))
    sampled = table[SAMPLED].to_pylist() if SAMPLED in table.schema.names else [None] * len(table)
    if not all(isinstance(sum_, (str, type(None))) for sum_ in sampled):
        raise MalformedError(f"column {SAMPLED}", f"is {table.schema.field(SAMPLED).type}, not string")
    return SourcesTable(
        image_id=numbers(table["image_id"]),
        file_name=numbers(table["file_name"]),
        bytes=np.array([-1 if length is None else length for length in table["bytes"].to_pylist()], dtype=np.int64),
        sha256=tuple(table["sha256"].to_pylist()),
        sampled=tuple(sampled),
    )

"""The tables beside the shards: the plan, the ledger and the list of skipped things."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.chips import KINDS
from chipgen.dataset import Skipped
from chipgen.errors import DataError
from chipgen.flat import bounds, pieces, spread
from chipgen.labels import STATES
from chipgen.ledger import STATUSES
from chipgen.rows import bboxes_of
from chipgen.writers.arrays import array_of, lists_of, numbers, table_of
from chipgen.writers.parquet import opened
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import SOURCE, TRANSFORM, VALID_RANGE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from chipgen.boxes import Floats, Ints
    from chipgen.dataset import Dataset
    from chipgen.findings import Findings
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan
    from chipgen.store import Staging

PLAN, LEDGER, SKIPPED, SOURCES = "_plan.parquet", "_ledger.parquet", "_skipped.jsonl", "_sources.parquet"
ROWS = 1 << 17
"""Rows of a table that are in memory at a time; in the plan each box counts as one, too."""
OPTIONS: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}


def write_plan(plan: Plan, skipped_images: Collection[int], staging: Staging) -> None:
    """Write one row for each chip that was made, named as in the shards, without pixels."""
    made = np.flatnonzero(~np.isin(plan.chips.image, list(skipped_images)))
    parts = pieces(1 + np.diff(plan.box_spans)[made], ROWS)
    _write((_plan_rows(plan, made[part]) for part in _at_least_one(parts)), PLAN, staging)


def _plan_rows(plan: Plan, rows: Ints) -> pa.Table:
    """Return some chips of a plan and their boxes, one row a chip."""
    chips, images = plan.chips.take(rows), plan.dataset.images
    factor = plan.levels.factor[chips.image, chips.level]
    origin_img = chips.origin_scaled / factor
    range_chip = plan.levels.range_img[chips.image, chips.level] * np.sqrt(factor.prod(axis=1))[:, None]
    source_size = images.size_img[chips.image]
    shown, image = np.unique(chips.image, return_inverse=True)
    file_names = array_of([_text(images.file_name[row]) for row in shown.tolist()], pa.string())
    shard = np.searchsorted(plan.shards, rows, "right") - 1
    return table_of(
        {
            "image_id": rows + plan.dataset.source.first_id,
            "kind": _words(KINDS, chips.kind),
            "level": chips.level.astype(np.int32),
            "proposals": chips.proposals.astype(np.int32),
            "objects": _objects(plan, rows),
            "source": _struct(SOURCE, images.id[chips.image], file_names.take(numbers(image)), *source_size.T),
            "transform": _struct(TRANSFORM, *origin_img.T, *factor.T),
            "content_width": chips.content[:, 0].astype(np.int32),
            "content_height": chips.content[:, 1].astype(np.int32),
            "valid_range": _struct(VALID_RANGE, range_chip[:, 0], _open_end(range_chip[:, 1])),
            "shard": shard.astype(np.int32),
        }
    )


def _objects(plan: Plan, chips: Ints) -> pa.StructArray:
    """Return the boxes of some chips as a struct of lists."""
    boxes, annotations = plan.boxes, plan.dataset.annotations
    counts = np.diff(plan.box_spans)[chips]
    _, rows = spread(plan.box_spans[chips], counts)
    annotation, state = boxes.annotation[rows], boxes.state[rows]
    bbox = bboxes_of(boxes.xyxy_chip[rows]).astype(np.float32).reshape(-1)
    values = {
        "id": rows + 1 + plan.dataset.source.first_id,
        "bbox": pa.FixedSizeListArray.from_arrays(numbers(bbox), 4),
        "category": annotations.category[annotation],
        "category_id": annotations.category_id[annotation],
        "valid": state == 0,
        "ignore_reason": _words(STATES, state),
        "visibility": boxes.visibility[rows].astype(np.float32),
        "source_id": annotations.id[annotation],
    }
    arrays = [numbers(column) if isinstance(column, np.ndarray) else column for column in values.values()]
    lists = [lists_of(bounds(counts), array) for array in arrays]
    return pa.StructArray.from_arrays(lists, names=list(values))


def _text(name: str) -> str:
    """Return a file name as text; half a character (a lone surrogate) is escaped: Arrow holds UTF-8 only."""
    return name.encode("utf-8", "backslashreplace").decode()


def _words(words: tuple[str, ...], positions: Ints) -> pa.Array:
    """Return the words at some positions."""
    return array_of(words, pa.string()).take(numbers(positions))


def _struct(kind: pa.StructType, *columns: Any) -> pa.StructArray:
    """Return a struct of columns."""
    arrays = [
        array_of(column, field.type) if isinstance(column, np.ndarray) else column
        for field, column in zip(kind, columns, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _open_end(ends: Floats) -> pa.Array:
    """Return upper ends, null where open."""
    return array_of([None if math.isinf(end) else end for end in ends.tolist()], pa.float32())


def write_ledger(dataset: Dataset, ledger: Ledger, staging: Staging) -> None:
    """Write one row for each source annotation."""
    parts = _at_least_one(_slices(len(dataset.annotations)))
    _write((_ledger_rows(dataset, ledger, part) for part in parts), LEDGER, staging)


def _ledger_rows(dataset: Dataset, ledger: Ledger, rows: slice) -> pa.Table:
    """Return what became of some annotations."""
    annotations, in_level = dataset.annotations, ledger.in_level[rows]
    _, level = np.nonzero(in_level)
    ends = bounds(np.count_nonzero(in_level, axis=1))
    return table_of(
        {
            "annotation_id": annotations.id[rows],
            "image_id": annotations.image_id[rows],
            "category_id": annotations.category_id[rows],
            "status": _words(STATUSES, ledger.status[rows]),
            "reason": array_of(ledger.reason[rows], pa.string()),
            "n_valid": ledger.n_valid[rows].astype(np.int32),
            "n_ignored": ledger.n_ignored[rows].astype(np.int32),
            "levels": lists_of(ends, numbers(level.astype(np.int32))),
        }
    )


def write_skipped(skipped: Iterable[Skipped], staging: Staging) -> None:
    """Write one line for each skipped thing."""
    with staging.create(SKIPPED) as file:
        for entry in skipped:
            file.write(json.dumps(asdict(entry)).encode("ascii") + b"\n")


def read_skipped(out: Path) -> list[Skipped]:
    """Return what `write_skipped` wrote to a folder.

    Raises
    ------
    DataError
        It is damaged.
    """
    try:
        return [Skipped(**json.loads(line)) for line in (out / SKIPPED).read_bytes().splitlines()]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        what = f"is damaged ({type(error).__name__}: {error})"
        raise DataError.one(out / SKIPPED, "", what, "delete it and run the same command again") from error


def write_sources(plan: Plan, findings: Findings, staging: Staging) -> None:
    """Write one row for each image that chips were to be cut from: which file it was, null where it was skipped."""
    shown = np.unique(plan.chips.image)
    parts = _at_least_one(_slices(len(shown)))
    _write((_source_rows(plan, findings, shown[part].tolist()) for part in parts), SOURCES, staging)


def _source_rows(plan: Plan, findings: Findings, rows: list[int]) -> pa.Table:
    """Return some images of a plan and their files."""
    images, files = plan.dataset.images, [findings.files.get(row) for row in rows]
    whole = [None if file is None or file.sampled else file.sha256 for file in files]
    sampled = [file.sha256 if file and file.sampled else None for file in files]
    return table_of(
        {
            "image_id": images.id[rows],
            "file_name": array_of([_text(images.file_name[row]) for row in rows], pa.string()),
            "bytes": array_of([file and file.bytes for file in files], pa.int64()),
            "sha256": array_of(whole, pa.string()),
            "sampled_sha256": array_of(sampled, pa.string()),
            "notes": array_of([findings.notes.get(row, ()) for row in rows], pa.list_(pa.string())),
        }
    )


def _slices(count: int) -> Iterator[slice]:
    """Cut rows into parts."""
    return (slice(first, first + ROWS) for first in range(0, count, ROWS))


def _at_least_one(parts: Iterator[slice]) -> Iterator[slice]:
    """Yield parts, and an empty one where there is none: a table without rows has columns all the same."""
    yield next(parts, slice(0, 0))
    yield from parts


def _write(parts: Iterator[pa.Table], path: str, staging: Staging) -> None:
    """Write a table of one part or more, each a row group: no more than one is in memory at a time."""
    with refusals(path):
        part = next(parts)
    opening = partial(pq.ParquetWriter, schema=part.schema, **OPTIONS)
    with staging.create(path) as file, opened(partial(opening, file), path) as writer, refusals(path):
        writer.write_table(part)
        for part in parts:
            writer.write_table(part)

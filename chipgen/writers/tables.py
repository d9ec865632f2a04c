"""The tables beside the shards: the plan, the ledger and the list of skipped things."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.chips import KINDS
from chipgen.dataset import Skipped
from chipgen.errors import DataError
from chipgen.labels import STATES
from chipgen.ledger import STATUSES
from chipgen.rows import bboxes_of
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import SOURCE, TRANSFORM, VALID_RANGE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from chipgen.boxes import Floats, Ints
    from chipgen.dataset import Dataset
    from chipgen.findings import Findings
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan
    from chipgen.store import Staging

PLAN, LEDGER, SKIPPED, SOURCES = "_plan.parquet", "_ledger.parquet", "_skipped.jsonl", "_sources.parquet"


def write_plan(plan: Plan, skipped_images: Collection[int], staging: Staging) -> None:
    """Write one row for each chip that was made, named as in the shards, without pixels."""
    keep = ~np.isin(plan.chips.image, list(skipped_images))
    with refusals(PLAN):
        table = plan_table(plan).filter(pa.array(keep))
    _write(table, PLAN, staging)


def plan_table(plan: Plan) -> pa.Table:
    """Return all chips of a plan and their boxes, one row a chip."""
    chips, images = plan.chips, plan.dataset.images
    factor = plan.levels.factor[chips.image, chips.level]
    origin_img = chips.origin_scaled / factor
    range_chip = plan.levels.range_img[chips.image, chips.level] * np.sqrt(factor.prod(axis=1))[:, None]
    source_size = images.size_img[chips.image]
    file_names = pa.array(map(_text, images.file_name), pa.string()).take(pa.array(chips.image))
    shard = np.searchsorted(plan.shards, np.arange(len(chips)), "right") - 1
    return pa.table(
        {
            "image_id": np.arange(len(chips)),
            "kind": _words(KINDS, chips.kind),
            "level": chips.level.astype(np.int32),
            "proposals": chips.proposals.astype(np.int32),
            "objects": _objects(plan),
            "source": _struct(SOURCE, images.id[chips.image], file_names, *source_size.T),
            "transform": _struct(TRANSFORM, *origin_img.T, *factor.T),
            "content_width": chips.content[:, 0].astype(np.int32),
            "content_height": chips.content[:, 1].astype(np.int32),
            "valid_range": _struct(VALID_RANGE, range_chip[:, 0], _open_end(range_chip[:, 1])),
            "shard": shard.astype(np.int32),
        }
    )


def _objects(plan: Plan) -> pa.StructArray:
    """Return the boxes of each chip as a struct of lists."""
    boxes, annotations = plan.boxes, plan.dataset.annotations
    bbox = bboxes_of(boxes.xyxy_chip).astype(np.float32).reshape(-1)
    values = {
        "id": np.arange(1, len(boxes) + 1),
        "bbox": pa.FixedSizeListArray.from_arrays(pa.array(bbox), 4),
        "category": annotations.category[boxes.annotation],
        "category_id": annotations.category_id[boxes.annotation],
        "valid": boxes.state == 0,
        "ignore_reason": _words(STATES, boxes.state),
        "visibility": boxes.visibility.astype(np.float32),
        "source_id": annotations.id[boxes.annotation],
    }
    offsets = pa.array(plan.box_spans.astype(np.int32))
    lists = [pa.ListArray.from_arrays(offsets, pa.array(column)) for column in values.values()]
    return pa.StructArray.from_arrays(lists, names=list(values))


def _text(name: str) -> str:
    """Return a file name as text; half a character (a lone surrogate) is escaped: Arrow holds UTF-8 only."""
    return name.encode("utf-8", "backslashreplace").decode()


def _words(words: tuple[str, ...], positions: Ints) -> pa.Array:
    """Return the words at some positions."""
    return pa.array(words, pa.string()).take(pa.array(positions))


def _struct(kind: pa.StructType, *columns: Any) -> pa.StructArray:
    """Return a struct of columns."""
    arrays = [pa.array(column).cast(field.type) for field, column in zip(kind, columns, strict=True)]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


def _open_end(ends: Floats) -> pa.Array:
    """Return upper ends, null where open."""
    return pa.array(np.where(np.isinf(ends), 0.0, ends), mask=np.isinf(ends))


def write_ledger(dataset: Dataset, ledger: Ledger, staging: Staging) -> None:
    """Write one row for each source annotation."""
    annotations = dataset.annotations
    row, level = np.nonzero(ledger.in_level)
    offsets = np.searchsorted(row, np.arange(len(annotations) + 1)).astype(np.int32)
    with refusals(LEDGER):
        table = pa.table(
            {
                "annotation_id": annotations.id,
                "image_id": annotations.image_id,
                "category_id": annotations.category_id,
                "status": _words(STATUSES, ledger.status),
                "reason": pa.array(ledger.reason, pa.string()),
                "n_valid": ledger.n_valid.astype(np.int32),
                "n_ignored": ledger.n_ignored.astype(np.int32),
                "levels": pa.ListArray.from_arrays(pa.array(offsets), pa.array(level.astype(np.int32))),
            }
        )
    _write(table, LEDGER, staging)


def write_skipped(skipped: Iterable[Skipped], staging: Staging) -> None:
    """Write one line for each skipped thing."""
    lines = [json.dumps(asdict(entry)).encode("ascii") + b"\n" for entry in skipped]
    staging.write(SKIPPED, b"".join(lines))


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
    rows = np.unique(plan.chips.image).tolist()
    images, files = plan.dataset.images, [findings.files.get(row) for row in rows]
    with refusals(SOURCES):
        table = pa.table(
            {
                "image_id": images.id[rows],
                "file_name": pa.array([_text(images.file_name[row]) for row in rows], pa.string()),
                "bytes": pa.array([file and file.bytes for file in files], pa.int64()),
                "sha256": pa.array(
                    [None if file is None or file.sampled else file.sha256 for file in files], pa.string()
                ),
                "sampled_sha256": pa.array(
                    [file.sha256 if file and file.sampled else None for file in files], pa.string()
                ),
                "notes": pa.array([findings.notes.get(row, ()) for row in rows], pa.list_(pa.string())),
            }
        )
    _write(table, SOURCES, staging)


def _write(table: pa.Table, path: str, staging: Staging) -> None:
    """Write a table."""
    with staging.create(path) as file, refusals(path):
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)

"""The tables beside the shards: written in parts, they hold what they would hold in one piece."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_set import small_coco

import chipgen
from chipgen.dataset import Skipped
from chipgen.findings import Findings, ImageFile
from chipgen.store import Staging
from chipgen.writers.tables import (
    LEDGER,
    PLAN,
    SKIPPED,
    SOURCES,
    read_skipped,
    write_ledger,
    write_plan,
    write_skipped,
    write_sources,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def plan() -> chipgen.Plan:
    """Return a plan with chips of several images."""
    return chipgen.plan(small_coco().read(), "1x,2x,256", "20-120,0-60,60-", chip_size=256, chips_per_shard=4)


def write(plan: chipgen.Plan, folder: Path, rows: int, gone: tuple[int, ...] = ()) -> None:
    """Write all tables, some rows at a time."""
    files = {row: ImageFile(row + 5, f"{row:064x}") for row in range(len(plan.dataset.images)) if row not in gone}
    findings = Findings(files=files, notes={0: ("a", "b")}, images=dict.fromkeys(gone, "broken"))
    folder.mkdir()
    with mock.patch("chipgen.writers.tables.ROWS", rows):
        write_plan(plan, gone, Staging(folder))
        write_ledger(plan.dataset, plan.ledger(findings.images), Staging(folder))
        write_sources(plan, findings, Staging(folder))


@pytest.mark.parametrize("gone", [(), (0,), (0, 1, 2, 3)], ids=["all", "one_gone", "none"])
@pytest.mark.parametrize("rows", [1, 3, 10])
def test_parts_come_to_the_whole(rows: int, gone: tuple[int, ...], plan: chipgen.Plan, tmp_path: Path) -> None:
    write(plan, tmp_path / "whole", 1 << 20, gone)
    write(plan, tmp_path / "parts", rows, gone)
    for name in (PLAN, LEDGER, SOURCES):
        whole, parts = (pq.read_table(tmp_path / folder / name) for folder in ("whole", "parts"))
        assert parts.schema.equals(whole.schema, check_metadata=True)
        assert parts.to_pylist() == whole.to_pylist()
        assert pq.read_metadata(tmp_path / "whole" / name).num_row_groups == 1
        groups = pq.read_metadata(tmp_path / "parts" / name)
        assert all(groups.row_group(number).num_rows <= rows for number in range(groups.num_row_groups))


def test_the_plan_holds_every_chip_and_box(plan: chipgen.Plan, tmp_path: Path) -> None:
    write(plan, tmp_path / "out", 7)
    chips, boxes = pq.read_table(tmp_path / "out" / PLAN).to_pylist(), plan.boxes
    assert [chip["image_id"] for chip in chips] == list(range(len(plan.chips)))
    assert [number for chip in chips for number in chip["objects"]["id"]] == list(range(1, len(boxes) + 1))
    sources = [number for chip in chips for number in chip["objects"]["source_id"]]
    assert sources == plan.dataset.annotations.id[boxes.annotation].tolist()
    assert [len(chip["objects"]["id"]) for chip in chips] == np.bincount(boxes.chip, minlength=len(chips)).tolist()
    assert [chip["source"]["file_name"] for chip in chips] == [
        plan.dataset.images.file_name[row] for row in plan.chips.image.tolist()
    ]


def test_skipped_things_are_read_as_they_were_written(tmp_path: Path) -> None:
    entries = [Skipped("image", 1, None, "\u00e9", "broken", "it is"), Skipped("mask", 2, 3, None, "bad_rle", "x")]
    write_skipped(entries, Staging(tmp_path))
    assert read_skipped(tmp_path) == entries
    assert [json.loads(line) for line in (tmp_path / SKIPPED).read_bytes().splitlines()] == list(map(asdict, entries))

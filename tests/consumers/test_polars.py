"""Polars scans the Parquet files of a build where they lie: boxes, nested columns, joins with plan and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from consumers.tables import WRONG, check_learnt, check_objects, check_pictures, check_plan
from consumers.tampered import passes, tampered_parquet

if TYPE_CHECKING:
    from pathlib import Path

OF_OBJECTS = ("bbox", "category_id", "valid", "ignore_reason", "source_id", "segmentation")


def check_polars(build: Path) -> None:
    """Check what people ask such files for."""
    chips = pl.scan_parquet(build / "data" / "*.parquet").rename({"image_id": "chip"}).sort("chip")
    plan, ledger = (pl.scan_parquet(build / name) for name in ("_plan.parquet", "_ledger.parquet"))
    flat = (
        chips.select("chip", pl.col("objects").struct.unnest())
        .select("chip", *OF_OBJECTS)
        .filter(pl.col("source_id").list.len() > 0)
        .explode(*OF_OBJECTS)
    )
    check_objects(flat.collect().to_dicts(), build)
    learnt = flat.filter("valid").join(ledger, left_on="source_id", right_on="annotation_id").group_by("source_id")
    check_learnt(learnt.agg(pl.len().alias("n")).collect().to_dicts(), ledger.collect().to_dicts())
    joined = chips.join(plan.select("image_id", "proposals", "source"), left_on="chip", right_on="image_id").select(
        "chip",
        pl.col("objects").struct.field("id").list.len().alias("n"),
        "proposals",
        "level",
        "kind",
        pl.col("source_right").struct.field("file_name"),
    )
    check_plan(joined.sort("chip").collect().to_dicts(), build)
    encoded = chips.select("chip", pl.col("image").struct.field("bytes"), "transform").collect()
    check_pictures(encoded.rows(), build)


def test_queries_find_what_the_source_says(builds: dict[str, Path]) -> None:
    check_polars(builds["parquet"])


@pytest.mark.parametrize("change", WRONG)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_polars, tampered_parquet(builds["parquet"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_polars(tampered_parquet(builds["parquet"], tmp_path, "nothing"))

"""DuckDB queries the Parquet files of a build where they lie: boxes, nested columns, joins with plan and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from consumers.tables import WRONG, Rows, check_learnt, check_objects, check_pictures, check_plan
from consumers.tampered import passes, tampered_parquet

if TYPE_CHECKING:
    from pathlib import Path

OBJECTS = """
SELECT image_id AS chip, unnest(objects.bbox) AS bbox, unnest(objects.category_id) AS category_id,
    unnest(objects.valid) AS valid, unnest(objects.ignore_reason) AS ignore_reason,
    unnest(objects.source_id) AS source_id, unnest(objects.segmentation) AS segmentation
FROM 'data/*.parquet' ORDER BY chip, source_id"""

LEARNT = """
WITH seen AS (SELECT unnest(objects.source_id) AS id, unnest(objects.valid) AS valid FROM 'data/*.parquet')
SELECT id AS source_id, count(*) AS n FROM seen JOIN '_ledger.parquet' AS ledger ON id = annotation_id
WHERE valid GROUP BY id"""

PLANNED = """
SELECT chips.image_id AS chip, len(chips.objects.id) AS n, plan.proposals, chips.level, chips.kind,
    plan.source.file_name
FROM 'data/*.parquet' AS chips JOIN '_plan.parquet' AS plan USING (image_id) ORDER BY chip"""


def query(build: Path, text: str) -> Rows:
    """Run a query in which file names are relative to the build."""
    for name in ("data/*.parquet", "_plan.parquet", "_ledger.parquet"):
        text = text.replace(f"'{name}'", f"read_parquet('{build / name}')")
    found = duckdb.sql(text)
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def check_duckdb(build: Path) -> None:
    """Check what people ask such files for."""
    check_objects(query(build, OBJECTS), build)
    check_learnt(query(build, LEARNT), query(build, "FROM '_ledger.parquet'"))
    check_plan(query(build, PLANNED), build)
    rows = query(build, "SELECT image_id, image.bytes AS bytes, transform FROM 'data/*.parquet' ORDER BY image_id")
    check_pictures([(row["image_id"], row["bytes"], row["transform"]) for row in rows], build)


def test_queries_find_what_the_source_says(builds: dict[str, Path]) -> None:
    check_duckdb(builds["parquet"])


@pytest.mark.parametrize("change", WRONG)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_duckdb, tampered_parquet(builds["parquet"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_duckdb(tampered_parquet(builds["parquet"], tmp_path, "nothing"))

"""What engines that read tables must find in the Parquet files of a build, whatever the engine."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from consumers.truth import assert_boxes, assert_picture, assert_written_mask, plan_rows, truth
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Rows = list[dict[str, Any]]

WRONG = [
    "corners_for_sizes",
    "source_class_of_the_next",
    "all_learnt",
    "no_reasons",
    "objects_lost",
    "masks_lost",
    "chip_lost",
    "empty_chips_missing",
    "ids_of_another",
    "level_of_another",
    "transform_of_another",
    "pictures_broken",
    "pictures_moved",
]
"""Changes of a Parquet build that every engine must bring to light."""


def check_objects(rows: Rows, build: Path) -> None:
    """Check rows, one an object: ``chip`` and, under their names in the files, what is checked here."""
    expected = [(chip, one) for chip, seen in truth(build).items() for one in seen]
    assert_boxes([row["bbox"] for row in rows], [one for _, one in expected])
    for row, (chip, one) in zip(rows, expected, strict=True):
        found = tuple(row[key] for key in ("chip", "source_id", "category_id", "valid", "ignore_reason"))
        assert found == (chip, one.source_id, one.category_id, one.valid, one.reason)
        assert_written_mask(row["segmentation"], one.mask)


def check_learnt(rows: Rows, ledger: Rows) -> None:
    """Check the join with the ledger: ``source_id`` and ``n``, chips in which it is learnt, of all that are."""
    expected = {row["annotation_id"]: row["n_valid"] for row in ledger if row["n_valid"]}
    assert {row["source_id"]: row["n"] for row in rows} == expected


def check_plan(rows: Rows, build: Path) -> None:
    """Check the join with the plan: ``chip``, ``n`` objects, ``proposals``, ``level``, ``kind`` and ``file_name``."""
    expected = [
        {
            "chip": row["image_id"],
            "n": len(row["objects"]["id"]),
            "proposals": row["proposals"],
            "level": row["level"],
            "kind": row["kind"],
            "file_name": row["source"]["file_name"],
        }
        for row in plan_rows(build)
    ]
    assert rows == expected


def check_pictures(pictures: Sequence[tuple[int, bytes, dict[str, float]]], build: Path) -> None:
    """Check chip, encoded picture and transform of every chip."""
    plan = plan_rows(build)
    assert [chip for chip, _, _ in pictures] == [row["image_id"] for row in plan]
    for (_, encoded, transform), row in zip(pictures, plan, strict=True):
        assert transform == row["transform"]
        with Image.open(io.BytesIO(encoded)) as picture:
            assert_picture(np.asarray(picture), build, row)

"""Reading a finished build, either format, into the same chips."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from checker.model import Box, Build, Chip, Picture

if TYPE_CHECKING:
    from pathlib import Path

COCO_FIELDS = (
    *("id", "image_id", "bbox", "category_id", "area", "iscrowd", "segmentation", "keypoints", "num_keypoints"),
    *("valid", "ignore_reason", "visibility", "source_id"),
)


def read_build(folder: Path) -> Build:
    """Read an output folder."""
    form = "coco" if (folder / "annotations.json").exists() else "parquet"
    chips, categories, names = _read_coco(folder) if form == "coco" else _read_parquet(folder)
    skipped = (folder / "_skipped.jsonl").read_text(encoding="utf-8").splitlines()
    return Build(
        folder=folder,
        form=form,
        chips=chips,
        categories=categories,
        class_names=names,
        manifest=json.loads((folder / "_manifest.json").read_bytes()),
        plan=pq.read_table(folder / "_plan.parquet").to_pylist(),
        ledger=pq.read_table(folder / "_ledger.parquet").to_pylist(),
        skipped=[json.loads(line) for line in skipped],
    )


def _chip(facts: dict[str, Any], chip_id: int, encoded: bytes, size: tuple[int, int]) -> Chip:
    """Make a chip from the facts that both formats name alike."""
    source, transform, valid_range = facts["source"], facts["transform"], facts["valid_range"]
    return Chip(
        id=chip_id,
        encoded=encoded,
        width=size[0],
        height=size[1],
        kind=facts["kind"],
        level=facts["level"],
        source=Picture(source["image_id"], source["file_name"], source["width"], source["height"]),
        **{name: transform[name] for name in ("x0", "y0", "factor_x", "factor_y")},
        content_width=facts["content_width"],
        content_height=facts["content_height"],
        lo=valid_range["lo"],
        hi=valid_range["hi"],
    )


def _read_parquet(folder: Path) -> tuple[list[Chip], list[dict[str, Any]], list[str]]:
    table = pq.read_table(folder / "data")
    chips = []
    for row in table.to_pylist():
        chip = _chip(row, row["image_id"], row["image"]["bytes"], (row["width"], row["height"]))
        objects = row["objects"]
        assert len({len(column) for column in objects.values()}) == 1, f"{chip}: lists of unequal length"
        chip.boxes = [
            _parquet_box({name: column[position] for name, column in objects.items()})
            for position in range(len(objects["id"]))
        ]
        chips.append(chip)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    return chips, [], features["objects"]["category"]["feature"]["names"]


def _parquet_box(row: dict[str, Any]) -> Box:
    names = (
        "id",
        "bbox",
        "category",
        "category_id",
        "area",
        "iscrowd",
        "valid",
        "visibility",
        "source_id",
        "keypoints",
    )
    return Box(
        **{name: row[name] for name in names},
        reason=row["ignore_reason"],
        segmentation=None if row["segmentation"] is None else json.loads(row["segmentation"]),
        num_keypoints=None,
        extra={} if row["extra"] is None else json.loads(row["extra"]),
    )


def _read_coco(folder: Path) -> tuple[list[Chip], list[dict[str, Any]], list[str]]:
    document = json.loads((folder / "annotations.json").read_bytes())
    chips = {}
    for image in document["images"]:
        encoded = (folder / image["file_name"]).read_bytes()
        chips[image["id"]] = _chip(image["chipgen"], image["id"], encoded, (image["width"], image["height"]))
    assert len(chips) == len(document["images"]), "annotations.json: two images with one id"
    for row in document["annotations"]:
        chips[row["image_id"]].boxes.append(_coco_box(row))
    names = [category["name"] for category in document["categories"]]
    return list(chips.values()), document["categories"], names


def _coco_box(row: dict[str, Any]) -> Box:
    assert "ignore" not in row, f"annotation {row['id']}: carries a key named ignore"
    assert row["iscrowd"] in {0, 1}, f"annotation {row['id']}: iscrowd {row['iscrowd']}"
    names = ("id", "bbox", "category_id", "area", "valid", "visibility", "source_id")
    return Box(
        **{name: row[name] for name in names},
        category=None,
        iscrowd=bool(row["iscrowd"]),
        reason=row["ignore_reason"],
        segmentation=row["segmentation"] or None,
        keypoints=row.get("keypoints"),
        num_keypoints=row.get("num_keypoints"),
        extra={name: value for name, value in row.items() if name not in COCO_FIELDS},
    )

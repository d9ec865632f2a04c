"""The dataset of this suite really has everything that it is said to have, in both formats."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from consumers.made_set import REASONS
from consumers.tampered import OF_COCO, OF_PARQUET
from consumers.truth import truth


def test_parquet_build_has_empty_chips_every_reason_and_all_classes(builds: dict[str, Path]) -> None:
    rows = pq.read_table(builds["parquet"] / "data").to_pylist()
    objects = [row["objects"] for row in rows]
    assert any(row["kind"] == "negative" and not row["objects"]["id"] for row in rows)
    assert {reason for one in objects for reason in one["ignore_reason"]} == {"", *REASONS}
    for learnt in (True, False):
        ids = {
            i for one in objects for i, valid in zip(one["category_id"], one["valid"], strict=True) if valid == learnt
        }
        assert ids == {1, 7, 90}
    assert len(list((builds["parquet"] / "data").iterdir())) > 2


def test_coco_build_has_every_kind_of_mask_and_keypoints(builds: dict[str, Path]) -> None:
    document = json.loads((builds["coco"] / "annotations.json").read_bytes())
    masks = [(a["segmentation"], a["iscrowd"]) for a in document["annotations"]]
    assert any(isinstance(mask, dict) and crowd for mask, crowd in masks)
    assert any(isinstance(mask, dict) and not crowd for mask, crowd in masks)
    assert any(isinstance(mask, list) and len(mask) == 1 for mask, _ in masks)
    assert any(isinstance(mask, list) and len(mask) > 1 for mask, _ in masks)
    assert any(mask == [] for mask, _ in masks)
    assert any(a.get("num_keypoints") for a in document["annotations"])
    shown = {a["image_id"] for a in document["annotations"]}
    assert {image["id"] for image in document["images"]} - shown
    assert [category["id"] for category in document["categories"]] == [7, 1, 90]


def test_some_chip_is_padded_and_some_object_is_cut(builds: dict[str, Path]) -> None:
    table = pq.read_table(builds["parquet"] / "data")
    assert min(table["content_height"].to_pylist()) < 256
    cut = [seen for shown in truth(builds["parquet"]).values() for seen in shown if min(seen.box[:2]) == 0]
    assert any(seen.valid for seen in cut)
    assert any(not seen.valid for seen in cut)


def test_every_way_to_be_wrong_is_tried() -> None:
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py") if path.name != "tampered.py"]
    unused = {change for change in {*OF_COCO, *OF_PARQUET} if not any(f'"{change}"' in text for text in texts)}
    assert not unused  # those of WebDataset and YOLO are all tried, by their table

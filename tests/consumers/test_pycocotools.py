"""pycocotools reads a COCO build, and its evaluation finds the ground truth to be perfect detections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

if TYPE_CHECKING:
    from pathlib import Path


def evaluate(truth: COCO, kind: str) -> float:
    """Return the average precision of the valid boxes taken as detections."""
    detections = [
        {key: annotation[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1.0}
        for annotation in truth.dataset["annotations"]
        if annotation["valid"]
    ]
    if kind == "segm":
        masked = {a["id"]: a for a in truth.dataset["annotations"] if a["valid"] and a["segmentation"]}
        detections = [
            {**{key: a[key] for key in ("image_id", "category_id")}, "score": 1.0, "segmentation": truth.annToRLE(a)}
            for a in masked.values()
        ]
    evaluation = COCOeval(truth, truth.loadRes(detections), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return float(evaluation.stats[0])


def test_ground_truth_as_its_own_detections_scores_one(built: dict[str, Path]) -> None:
    truth = COCO(str(built["coco"] / "annotations.json"))
    assert any(annotation["iscrowd"] for annotation in truth.dataset["annotations"])
    assert evaluate(truth, "bbox") == pytest.approx(1.0)


def test_every_mask_can_be_rasterised(built: dict[str, Path]) -> None:
    truth = COCO(str(built["coco"] / "annotations.json"))
    seen = 0
    for annotation in truth.dataset["annotations"]:
        if annotation["segmentation"]:
            pixels = truth.annToMask(annotation)
            seen += 1
            assert pixels.sum() == pytest.approx(annotation["area"], rel=0.15, abs=30)
    assert seen > 5


@pytest.mark.parametrize("name", ["annotations.json", "shards/00000/annotations.json"])
def test_file_names_lead_to_images_of_the_stated_size(built: dict[str, Path], name: str) -> None:
    path = built["coco"] / name
    document: dict[str, Any] = json.loads(path.read_bytes())
    assert document["images"]
    for image in document["images"]:
        with Image.open(path.parent / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])


def test_what_detectron2_and_mmdetection_trip_over_is_not_there(built: dict[str, Path]) -> None:
    document = json.loads((built["coco"] / "annotations.json").read_bytes())
    annotations = document["annotations"]
    assert not any("ignore" in annotation for annotation in annotations)
    ids = [annotation["id"] for annotation in annotations]
    assert len(set(ids)) == len(ids)
    assert min(ids) > 0
    assert all(annotation["area"] > 0 for annotation in annotations)
    assert np.min([annotation["bbox"][2:] for annotation in annotations]) >= 1
    assert [category["id"] for category in document["categories"]] == [7, 1, 90]
    assert document["categories"][1]["keypoints"] == ["head", "feet"]


def test_shards_and_merged_file_say_the_same(built: dict[str, Path]) -> None:
    merged = json.loads((built["coco"] / "annotations.json").read_bytes())
    shards = [json.loads(path.read_bytes()) for path in sorted(built["coco"].glob("shards/*/annotations.json"))]
    assert merged["annotations"] == [entry for shard in shards for entry in shard["annotations"]]
    assert [i["id"] for i in merged["images"]] == [i["id"] for shard in shards for i in shard["images"]]
    assert all(shard["categories"] == merged["categories"] for shard in shards)


def test_extra_fields_are_kept_and_ours_win(built: dict[str, Path]) -> None:
    annotations = json.loads((built["coco"] / "annotations.json").read_bytes())["annotations"]
    by_source = {annotation["source_id"]: annotation for annotation in annotations}
    assert by_source[1]["occluded"] is True
    assert by_source[3]["attributes"] == {"ignore": 1, "colour": "blue"}
    assert by_source[6]["source_visibility"] == "low"
    assert isinstance(by_source[6]["visibility"], float)
    assert by_source[11]["difficult"] is True

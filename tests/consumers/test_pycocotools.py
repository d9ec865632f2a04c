"""pycocotools reads a COCO build, and its evaluation finds what the source says to be perfect detections."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from consumers.tampered import passes, tampered_coco
from consumers.truth import Seen, assert_mask, to_chip, truth
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt


def check_boxes(build: Path) -> None:
    """Check that boxes worked out from the source are found perfect, with and without those that are to be ignored."""
    truth_coco, shown = COCO(str(build / "annotations.json")), truth(build)
    learnt = [_detection(chip, seen) for chip, seen in _each(shown) if seen.valid]
    ignored = [_detection(chip, seen, 0.99) for chip, seen in _each(shown) if not seen.valid]
    assert sorted(truth_coco.getImgIds()) == sorted(shown)
    # Were ignored boxes ordinary ones, the first would miss them; were they not there, the second would be full of
    # false ones.
    assert average_precision(truth_coco, learnt, "bbox")[0] == pytest.approx(1)
    assert average_precision(truth_coco, learnt + ignored, "bbox")[0] == pytest.approx(1)


def check_masks(build: Path) -> None:
    """Check that masks sampled from those of the source are found good. COCOeval wants a mask in every annotation."""
    truth_coco = _with_all(build, "segmentation")
    masked = [(chip, seen) for chip, seen in _each(truth(build)) if seen.mask is not None]
    learnt = [{**_detection(chip, seen), "segmentation": _encoded(seen)} for chip, seen in masked if seen.valid]
    assert len(learnt) > 10
    assert len(truth_coco.dataset["annotations"]) == len(masked)
    precision, at_half = average_precision(truth_coco, learnt, "segm")
    assert at_half == pytest.approx(1)
    assert precision > 0.8  # outlines are sampled to the pixel
    seen_of = {(chip, seen.source_id): seen for chip, seen in masked}
    for annotation in truth_coco.dataset["annotations"]:
        mask = seen_of[annotation["image_id"], annotation["source_id"]].mask
        assert mask is not None
        assert_mask(truth_coco.annToMask(annotation), mask)


def check_keypoints(build: Path) -> None:
    """Check that points of the source, moved into the chips, are found perfect. COCOeval wants them in all persons."""
    truth_coco = _with_all(build, "keypoints")
    plan = {row["image_id"]: row for row in pq.read_table(build / "_plan.parquet").to_pylist()}
    source = json.loads((build.parent / "set" / "instances.json").read_bytes())
    points = {
        a["id"]: np.array(a["keypoints"], float).reshape(-1, 3) for a in source["annotations"] if "keypoints" in a
    }
    found = []
    for chip, seen in _each(truth(build)):
        if seen.source_id in points:
            moved = points[seen.source_id].copy()
            moved[:, :2] = to_chip(moved[:, :2], plan[chip])
            found.append({**_detection(chip, seen), "keypoints": moved.ravel().tolist()})
    assert len(found) >= 2
    persons = truth_coco.getCatIds(catNms=["person"])
    assert average_precision(truth_coco, found, "keypoints", persons, np.array([0.05, 0.05]))[0] == pytest.approx(1)


def _with_all(build: Path, key: str) -> COCO:
    """Read a build, but for annotations that have nothing under a key."""
    document = json.loads((build / "annotations.json").read_bytes())
    truth_coco = COCO()
    truth_coco.dataset = {**document, "annotations": [a for a in document["annotations"] if a.get(key)]}
    truth_coco.createIndex()
    return truth_coco


def average_precision(
    truth_coco: COCO,
    found: list[dict[str, Any]],
    kind: str,
    categories: list[int] | None = None,
    sigmas: npt.NDArray[np.float64] | None = None,
) -> tuple[float, float]:
    """Return the average precision of detections, over all thresholds and at 0.5."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(truth_coco, truth_coco.loadRes(found), kind)
        if categories is not None:
            evaluation.params.catIds = categories
        if sigmas is not None:
            evaluation.params.kpt_oks_sigmas = sigmas
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])


def _each(shown: dict[int, list[Seen]]) -> list[tuple[int, Seen]]:
    """Return what is seen, with its chip."""
    return [(chip, one) for chip, seen in shown.items() for one in seen]


def _detection(chip: int, seen: Seen, score: float = 0.9) -> dict[str, Any]:
    """Return what is seen as a result of a detector."""
    return {"image_id": chip, "category_id": seen.category_id, "bbox": list(seen.box), "score": score}


def _encoded(seen: Seen) -> dict[str, Any]:
    """Return a mask as runs."""
    runs: dict[str, Any] = coco_mask.encode(np.asfortranarray(seen.mask, dtype=np.uint8))
    return runs


def test_boxes_of_the_source_are_perfect_detections(builds: dict[str, Path]) -> None:
    check_boxes(builds["coco"])


def test_masks_of_the_source_are_good_detections(builds: dict[str, Path]) -> None:
    check_masks(builds["coco"])


def test_keypoints_of_the_source_are_perfect_detections(builds: dict[str, Path]) -> None:
    check_keypoints(builds["coco"])


WRONG = {
    check_boxes: [
        "corners_for_sizes",
        "boxes_moved",
        "boxes_of_the_next",
        "class_of_the_next",
        "id_zero",
        "id_twice",
        "unknown_image",
        "unknown_class",
        "empty_chips_missing",
        "crowds_not_marked",
        "all_marked_as_crowds",
        "ignored_boxes_left_out",
    ],
    check_masks: [
        "masks_moved",
        "parts_lost",
        "masks_lost",
        "polygon_not_nested",
        "runs_of_another_size",
        "runs_broken",
    ],
    check_keypoints: ["keypoints_turned", "keypoints_lost", "no_names"],
}


@pytest.mark.parametrize(("check", "change"), [(check, change) for check, all_ in WRONG.items() for change in all_])
def test_wrong_builds_are_noticed(
    check: Callable[[Path], None], change: str, builds: dict[str, Path], tmp_path: Path
) -> None:
    assert not passes(check, tampered_coco(builds["coco"], tmp_path, change))


@pytest.mark.parametrize("check", WRONG)
def test_rewritten_build_is_right(check: Callable[[Path], None], builds: dict[str, Path], tmp_path: Path) -> None:
    check(tampered_coco(builds["coco"], tmp_path, "nothing"))


def test_area_of_every_mask_is_that_of_its_pixels(built: dict[str, Path]) -> None:
    truth_coco = COCO(str(built["coco"] / "annotations.json"))
    seen = 0
    for annotation in truth_coco.dataset["annotations"]:
        if annotation["segmentation"]:
            pixels = truth_coco.annToMask(annotation)
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

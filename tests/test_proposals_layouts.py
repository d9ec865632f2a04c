"""Pickles of detectors: whatever the layout, the same proposals come out."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from zoo.running import run_here

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = range(6)
IMAGES = [(30, "train/b.jpg"), (10, "train/a.jpg"), (20, "val/c.jpg")]
"""Ids and names, in the order of the annotation file."""

BOXES = [np.array([[1, 2, 11, 22, 0.5], [0, 0, 5, 5, 0.75]]), np.zeros((0, 5)), np.array([[3, 4, 13, 24, 0.25]])]
READ = [[30, 0, 0, 5, 5, 0.75], [30, 1, 2, 10, 20, 0.5], [20, 3, 4, 10, 20, 0.25]]
"""The same as rows of image, left, top, width, height, score."""


def convert(folder: Path, value: Any, *more: str, protocol: int = 2) -> tuple[dict[str, Any], list[list[float]]]:
    """Convert a pickle; return the report and the rows written."""
    (folder / "in").write_bytes(pickle.dumps(value, protocol))
    images = [{"id": i, "file_name": n, "width": 100, "height": 80} for i, n in IMAGES]
    (folder / "ann.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    arguments = ["proposals", str(folder / "in"), str(folder / "out.parquet"), "--trust-pickle", "--json", *more]
    outcome = run_here([*arguments, "--coco", str(folder / "ann.json")])
    assert outcome.code == 0, outcome.stderr
    rows = pq.read_table(folder / "out.parquet").to_pylist()
    (folder / "out.parquet").unlink()
    return json.loads(outcome.stdout), [list(row.values()) for row in rows]


def refused(folder: Path, value: Any, *more: str) -> str:
    """Return what is said about a pickle that is refused."""
    with pytest.raises(AssertionError) as failed:
        convert(folder, value, *more)
    return str(failed.value)


def in_order(rows: list[list[float]]) -> list[list[float]]:
    return sorted(rows, key=lambda row: (row[0], -row[5]))


def of_class(boxes: Any) -> list[Any]:
    """Return the proposals of an image split into three classes, the second of which is empty."""
    return [boxes[:1], boxes[:0], boxes[1:]]


XYXY = [boxes[:, :4] for boxes in BOXES]
SCORES = [boxes[:, 4] for boxes in BOXES]
INCLUSIVE = [boxes - [0, 0, 1, 1, 0] for boxes in BOXES]
XYWH = [np.column_stack((box[:, :2], box[:, 2:] - box[:, :2])) for box in XYXY]
IDS = [30, 10, 20]
LAYOUTS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "detectron2": ({"boxes": XYXY, "ids": IDS, "objectness_logits": SCORES, "bbox_mode": 0}, "Detectron2", ()),
    "detectron2_without_mode": ({"boxes": XYXY, "ids": IDS, "objectness_logits": SCORES}, "Detectron2", ()),
    "detectron2_old_names": ({"boxes": XYXY, "indexes": ["30", "10", "20"], "scores": SCORES}, "Detectron2", ()),
    "detectron2_xywh": ({"boxes": XYWH, "ids": IDS, "objectness_logits": SCORES, "bbox_mode": 1}, "Detectron2", ()),
    "detectron2_told": ({"boxes": XYWH, "ids": IDS, "scores": SCORES}, "Detectron2", ("--box-format", "xywh")),
    "detectron2_arrays": (
        {
            "boxes": np.array([*XYXY, 0], dtype=object)[:3],
            "ids": np.array(IDS),
            "objectness_logits": np.array([*SCORES, 0], dtype=object)[:3],
        },
        "Detectron2",
        (),
    ),
    "detectron2_lists": (
        {"boxes": [box.tolist() for box in XYXY], "ids": tuple(IDS), "scores": [s.tolist() for s in SCORES]},
        "Detectron2",
        (),
    ),
    "detectron2_numpy_ids": ({"boxes": XYXY, "ids": [np.int64(i) for i in IDS], "scores": SCORES}, "Detectron2", ()),
    "detectron2_twice": (
        {
            "boxes": [XYXY[0][:1], XYXY[0][1:], XYXY[2]],
            "ids": [30, 30, 20],
            "scores": [SCORES[0][:1], SCORES[0][1:], SCORES[2]],
        },
        "Detectron2",
        (),
    ),
    "mmdetection": (BOXES, "MMDetection 2", ()),
    "mmdetection_tuple": (tuple(BOXES), "MMDetection 2", ()),
    "mmdetection_objects": (np.array([*BOXES, 0], dtype=object)[:3], "MMDetection 2", ()),
    "mmdetection_lists": ([box.tolist() for box in BOXES], "MMDetection 2", ()),
    "mmdetection_classes": ([of_class(box) for box in BOXES], "MMDetection 2", ()),
    "mmdetection_names": ({name: box for (_, name), box in zip(IMAGES, BOXES, strict=True)}, "MMDetection 3", ()),
    "mmdetection_short_names": ({"b.jpg": BOXES[0], "c.jpg": BOXES[2]}, "MMDetection 3", ()),
    "mmdetection_long_names": ({"/data/coco/train/b.jpg": BOXES[0], "coco/val/c.jpg": BOXES[2]}, "MMDetection 3", ()),
    "mmdetection_dicts": (
        {"b.jpg": {"bboxes": XYXY[0], "scores": SCORES[0]}, "c.jpg": {"bboxes": XYXY[2], "scores": SCORES[2]}},
        "MMDetection 3",
        (),
    ),
    "sniper": ([INCLUSIVE, []], "SNIPER", ()),
    "sniper_with_maps": ([INCLUSIVE, [np.ones((2, 2)), {}, None]], "SNIPER", ()),
    "sniper_tuple": ((INCLUSIVE, None), "SNIPER", ()),
    "sniper_bare": (INCLUSIVE, "MMDetection 2", ("--box-format", "xyxy-inclusive")),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str, protocol: int, tmp_path: Path) -> None:
    value, called_, more = LAYOUTS[layout]
    report, rows = convert(tmp_path, value, *more, protocol=protocol)
    assert called_ in report["form"]
    assert rows == in_order(READ)
    assert (report["proposals"], report["images"], report["notes"]) == (3, 2, [])


def test_layouts_without_scores(tmp_path: Path) -> None:
    report, rows = convert(tmp_path, XYXY)
    assert [row[5] for row in rows] == [None] * 3
    assert [row[1] for row in rows] == [3, 1, 0]  # by image, in the order of the file
    assert not report["scored"]
    assert convert(tmp_path, {"boxes": XYXY, "ids": IDS})[1] == rows


def test_two_images_of_two_classes_are_not_sniper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two images only the number of images, or the user, can tell."""
    monkeypatch.setitem(globals(), "IMAGES", IMAGES[:2])
    one, other = BOXES[0], BOXES[2]
    assert "MMDetection 2" in convert(tmp_path, [[one, other], [other, one]])[0]["form"]
    assert "SNIPER" in convert(tmp_path, [[one, other], []], "--box-format", "xyxy-inclusive")[0]["form"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (BOXES[:2], "holds 2 images"),
        ([BOXES[:2], []], "holds 2 images"),
        ([*BOXES, BOXES[0]], "has 3"),
        ({"b.jpg": BOXES[0], "x.jpg": BOXES[0], "y.jpg": BOXES[0]}, "image 'y.jpg': is not in"),
        ({"b.jpg": BOXES[0], "train/b.jpg": BOXES[0]}, "is the same image as 'b.jpg'"),
        ({"b.jpg": {"bboxes": BOXES[0], "scores": SCORES[0]}}, "save arrays of shape (n, 4)"),
        ({"b.jpg": {"boxes": BOXES[0]}}, "its boxes are nothing"),
        ([BOXES[0], XYXY[0], BOXES[2]], "image[1]: has scores, but others have none"),
        ([BOXES[0], 7, BOXES[2]], "image[1]: its boxes are an integer"),
        ([BOXES[0], [BOXES[0], XYXY[0]], BOXES[2]], "image[1]: its boxes are a list"),
        ([BOXES[0], [[1, 2, 3]], BOXES[2]], "image[1]: its boxes are a list"),
        ([BOXES[0], [[1, 2, 3, "4"]], BOXES[2]], "image[1]: its boxes are a list"),
        ([BOXES[0], [[1, 2, 3, True]], BOXES[2]], "image[1]: its boxes are a list"),
        ([BOXES[0], [[1, 2, 3, 10**400]], BOXES[2]], "image[1]: its boxes are a list"),
    ],
)
def test_layouts_that_do_not_fit(value: Any, says: str, tmp_path: Path) -> None:
    said = refused(tmp_path, value)
    assert says in said or ("has scores" in says and "image[1]: has no scores, but others have" in said)


def test_a_name_that_may_mean_two_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "IMAGES", [(1, "a/x.jpg"), (2, "b/x.jpg")])
    assert "may be any of 2 images" in refused(tmp_path, {"x.jpg": BOXES[0]})
    assert convert(tmp_path, {"z/a/x.jpg": BOXES[0]})[1][0][0] == 1


def test_another_order_of_images_is_suspected(tmp_path: Path) -> None:
    wide = [np.array([[0, 0, 150, 20, 0.5]] * 3), np.zeros((0, 5)), np.array([[0, 0, 10, 10, 0.5]] * 50)]
    report, _ = convert(tmp_path, wide)
    assert "3 of 53 boxes reach over the edge of their image" in report["notes"][0]
    wide[2] = np.array([[0, 0, 10, 10, 0.5]] * 60)
    assert convert(tmp_path, wide)[0]["notes"] == []  # 4.8 % are not 5


def test_the_annotation_file_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(pickle.dumps(BOXES))
    arguments = ["proposals", str(tmp_path / "in"), str(tmp_path / "out"), "--trust-pickle", "--coco"]
    for content, says in {
        "[]": "is a list",
        '{"images": [{"id": 1}], "annotations": [], "categories": []}': "file_name is missing",
        '{"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}, {"id": 1, "file_name": "b", "width": 1, '
        '"height": 1}]}': "stands more than once",
    }.items():
        (tmp_path / "ann.json").write_text(content)
        outcome = run_here([*arguments, str(tmp_path / "ann.json")])
        assert outcome.code == 1
        assert outcome.stderr.startswith(str(tmp_path / "ann.json"))
        assert says in outcome.stderr
    assert run_here([*arguments, str(tmp_path / "missing.json")]).code == 1

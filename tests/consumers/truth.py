"""What each chip must show, worked out from the source annotations by plain arithmetic.

Only where a chip was cut, and which boxes are learnt, is taken from the plan of the build.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from pycocotools import mask as coco_mask

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


@dataclass(frozen=True)
class Seen:
    """An annotation as a chip shows it.

    Attributes
    ----------
    box
        x y width height, chip px.
    mask
        Pixels of the chip that belong to it; None without a mask.
    """

    source_id: int
    category_id: int
    name: str
    box: tuple[float, float, float, float]
    valid: bool
    reason: str
    mask: npt.NDArray[np.bool_] | None


def truth(build: Path) -> dict[int, list[Seen]]:
    """Return what each chip of a build shows, by chip, in the order of the source annotations.

    The source annotations are those of ``set/instances.json`` beside the build.
    """
    source = (build.parent / "set" / "instances.json").read_text(encoding="utf-8")
    return _truth(source, (build / "_plan.parquet").read_bytes())


@lru_cache(maxsize=4)
def _truth(text: str, plan: bytes) -> dict[int, list[Seen]]:
    """Return what each chip shows, of the annotation file and the plan as they were read."""
    source = json.loads(text)
    names = {category["id"]: category["name"] for category in source["categories"]}
    images = {image["id"]: image for image in source["images"]}
    seen = {}
    for row in pq.read_table(pa.BufferReader(plan)).to_pylist():
        states = dict(zip(row["objects"]["source_id"], _states(row["objects"]), strict=True))
        image = images[row["source"]["image_id"]]
        shown = [
            (annotation, box)
            for annotation in source["annotations"]
            if annotation["image_id"] == image["id"] and min((box := _box(annotation, image, row))[2:]) >= 1 - 1e-6
        ]
        assert [annotation["id"] for annotation, _ in shown] == sorted(states)
        seen[row["image_id"]] = [_seen(annotation, box, names, states, image, row) for annotation, box in shown]
    return seen


def _states(objects: dict[str, list[Any]]) -> list[tuple[bool, str]]:
    """Return whether each object is learnt, and why not."""
    return list(zip(objects["valid"], objects["ignore_reason"], strict=True))


def _seen(
    annotation: dict[str, Any],
    box: tuple[float, float, float, float],
    names: dict[int, str],
    states: dict[int, tuple[bool, str]],
    image: dict[str, Any],
    row: dict[str, Any],
) -> Seen:
    """Put together what a chip shows of an annotation."""
    category = annotation["category_id"]
    valid, reason = states[annotation["id"]]
    mask = _mask(annotation.get("segmentation"), image, row)
    return Seen(annotation["id"], category, names[category], box, valid, reason, mask)


def _box(annotation: dict[str, Any], image: dict[str, Any], row: dict[str, Any]) -> tuple[float, float, float, float]:
    """Return the box of an annotation in a chip: clipped to its image, moved, scaled, clipped to the chip."""
    x, y, width, height = annotation["bbox"]
    corners = np.array([[x, y], [x + width, y + height]]).clip(0, [image["width"], image["height"]])
    (left, top), (right, bottom) = to_chip(corners, row).clip(0, [row["content_width"], row["content_height"]])
    return left, top, right - left, bottom - top


def to_chip(points: npt.NDArray[np.float64], row: dict[str, Any]) -> npt.NDArray[np.float64]:
    """Move points (N, 2) of the image into a chip."""
    made = row["transform"]
    moved: npt.NDArray[np.float64] = (points - [made["x0"], made["y0"]]) * [made["factor_x"], made["factor_y"]]
    return moved


def _mask(segmentation: Any, image: dict[str, Any], row: dict[str, Any]) -> npt.NDArray[np.bool_] | None:
    """Return the pixels of a chip whose middle lies in the mask of the image."""
    if not segmentation:
        return None
    size = image["height"], image["width"]
    runs = coco_mask.frPyObjects(segmentation, *size)
    full = coco_mask.decode(coco_mask.merge(runs) if isinstance(runs, list) else runs)
    made = row["transform"]
    x = np.floor((np.arange(row["content_width"]) + 0.5) / made["factor_x"] + made["x0"]).astype(int)
    y = np.floor((np.arange(row["content_height"]) + 0.5) / made["factor_y"] + made["y0"]).astype(int)
    chip = np.zeros((256, 256), dtype=bool)  # the chip size of all builds of this suite
    chip[: len(y), : len(x)] = full[np.ix_(y, x)]
    return chip


def assert_boxes(found: list[Any], expected: list[Seen]) -> None:
    """Check that boxes (x y width height) are those expected, to a hundredth of a pixel, in the same order."""
    assert len(found) == len(expected)
    for box, seen in zip(found, expected, strict=True):
        np.testing.assert_allclose(box, seen.box, atol=0.01)


def assert_mask(found: npt.NDArray[Any], expected: npt.NDArray[np.bool_]) -> None:
    """Check that a mask covers the pixels expected, but for as many as its outline is long."""
    assert found.shape == expected.shape
    padded = np.pad(expected, 1).astype(int)
    outline = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    assert (found.astype(bool) ^ expected).sum() <= outline, "the mask lies elsewhere"


def assert_written_mask(text: str | None, expected: npt.NDArray[np.bool_] | None) -> None:
    """Check a mask that is written as JSON in a text: polygons or a run-length code; None where there is none."""
    assert (text is None) == (expected is None)
    if text is not None and expected is not None:
        segmentation = json.loads(text)
        runs = coco_mask.frPyObjects(segmentation, 256, 256) if isinstance(segmentation, list) else [segmentation]
        assert_mask(coco_mask.decode(coco_mask.merge(runs)), expected)


def assert_picture(found: npt.NDArray[np.uint8], build: Path, row: dict[str, Any]) -> None:
    """Check that a chip (256, 256, 3), RGB, shows its place of the source, which is a PNG.

    Parameters
    ----------
    row
        Where the chip was cut: ``source``, ``transform``, ``content_width`` and ``content_height``, as in the plan.
    """
    made, (width, height) = row["transform"], (row["content_width"], row["content_height"])
    box = made["x0"], made["y0"], made["x0"] + width / made["factor_x"], made["y0"] + height / made["factor_y"]
    with Image.open(build.parent / "set" / "images" / row["source"]["file_name"]) as picture:
        cut = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR, box)
    assert found.shape == (256, 256, 3)
    difference = np.abs(found[:height, :width].astype(float) - np.asarray(cut, dtype=float))
    assert difference.mean() < 4, "the chip shows another place"


def plan_rows(build: Path) -> list[dict[str, Any]]:
    """Return the plan of a build, one row a chip."""
    rows: list[dict[str, Any]] = pq.read_table(build / "_plan.parquet").to_pylist()
    return rows

"""Masks and keypoints against the source's, drawn by pycocotools at the scaled size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pycocotools.mask as coco_mask
from PIL import Image

from checker.laws import View, views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from checker.model import Annotation, Box, Build, Chip, Picture, Settings, Source

SURE_PX, SURE_OVERLAP = 150, 0.9
"""From this area on the boundary hardly weighs."""
FAINT_PX, FAIR_OVERLAP = 20, 0.75
"""Below this area a mask may be nothing but rounding."""
POINT_PX = 0.05


def check_masks(source: Source, build: Build, settings: Settings) -> None:
    """Check every mask of every chip: shape, place, area."""
    by_id = {annotation.id: annotation for annotation in source.annotations}
    broken = {line["annotation_id"] for line in build.skipped if line["kind"] == "mask"}
    for picture in source.pictures.values():
        for view in views(picture, build, settings):
            pairs = [(chip, box) for chip in build.of_level(picture.id, view.level) for box in chip.boxes]
            drawn: dict[int, NDArray[np.bool_] | None] = {}
            for chip, box in pairs:
                annotation = by_id[box.source_id]
                if box.source_id not in drawn:
                    drawn[box.source_id] = None if annotation.id in broken else _scaled_mask(annotation, picture, view)
                _check_mask(chip, box, drawn[box.source_id], annotation)


def _decode(segmentation: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Draw polygons or a run-length code, compressed or not, at the size it is meant for."""
    if isinstance(segmentation, dict):
        assert segmentation["size"] == [height, width], f"run-length code of size {segmentation['size']}"
    code = segmentation
    if isinstance(code, list) or isinstance(code["counts"], list):
        code = coco_mask.frPyObjects(code, height, width)
    code = coco_mask.merge(code) if isinstance(code, list) else code
    return np.asarray(coco_mask.decode(code), dtype=np.bool_)


def _scaled_mask(annotation: Annotation, picture: Picture, view: View) -> NDArray[np.bool_] | None:
    """Draw a source mask at the scaled size, the whole image."""
    segmentation = annotation.raw.get("segmentation")
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        scaled = [[number * view.factor[place % 2] for place, number in enumerate(part)] for part in segmentation]
        return _decode(scaled, view.size[1], view.size[0])
    whole = _decode(segmentation, picture.height, picture.width)
    grey = Image.fromarray(whole.astype(np.uint8) * 255).resize(view.size, Image.Resampling.BILINEAR)
    return np.asarray(grey) >= 128


def _check_mask(chip: Chip, box: Box, whole: NDArray[np.bool_] | None, annotation: Annotation) -> None:
    where = f"{chip}, annotation {box.source_id}"
    assert box.area > 0, f"{where}: area {box.area}"
    box_area = box.bbox[2] * box.bbox[3]
    if whole is None:
        assert box.segmentation is None, f"{where}: a mask from nowhere"
        assert abs(box.area - box_area) <= 0.5 + 0.005 * box_area, f"{where}: area {box.area}, the box's is {box_area}"
        return
    wanted = np.zeros((chip.height, chip.width), dtype=np.bool_)
    left, top = chip.origin
    window = whole[top : top + chip.content_height, left : left + chip.content_width]
    wanted[: window.shape[0], : window.shape[1]] = window
    if box.segmentation is None:
        assert np.count_nonzero(wanted) < FAINT_PX, f"{where}: no mask, should have {np.count_nonzero(wanted)} px"
        return
    same_kind = isinstance(box.segmentation, dict) == isinstance(annotation.raw["segmentation"], dict)
    assert same_kind, f"{where}: polygons and run-length codes were exchanged"
    _compare(where, box, _decode(box.segmentation, chip.height, chip.width), wanted)


def _compare(where: str, box: Box, mask: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> None:
    area, wanted_px, both = (int(np.count_nonzero(pixels)) for pixels in (mask, wanted, mask & wanted))
    if wanted_px > FAINT_PX:
        least = SURE_OVERLAP if wanted_px > SURE_PX else FAIR_OVERLAP
        overlap = both / (area + wanted_px - both)
        fits = overlap > least or (_is_thin(wanted) and _within_a_pixel(mask, wanted))
        assert fits, f"{where}: mask overlaps by {overlap:.3f}, {wanted_px} px"
    # Outlines run through the middle of pixels, drawings do not: half a pixel along the outline either way.
    outline = 3 + box.bbox[2] + box.bbox[3]
    assert abs(box.area - area) <= 0.02 * area + outline, f"{where}: area {box.area}, the mask has {area} px"


def _is_thin(mask: NDArray[np.bool_]) -> bool:
    """Tell whether most of a mask is its own boundary: then a drawing is hardly more than a choice of pixels."""
    return bool(np.count_nonzero(~_grown(~mask)) < np.count_nonzero(mask) / 2)


def _within_a_pixel(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> bool:
    """Tell whether hardly a pixel of either lies further than one from the other."""
    strays = np.count_nonzero(one & ~_grown(other)) + np.count_nonzero(other & ~_grown(one))
    return bool(strays <= 2 + 0.05 * np.count_nonzero(other))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask and all pixels beside it."""
    padded = np.pad(mask, 1)
    height, width = mask.shape
    shifts = [padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3)]
    return np.asarray(np.logical_or.reduce(shifts))


def check_keypoints(source: Source, build: Build, settings: Settings) -> None:
    """Check every keypoint: moved, or 0, 0, 0 outside the chip, or untouched where it was not labelled."""
    by_id = {annotation.id: annotation for annotation in source.annotations}
    broken = {line["annotation_id"] for line in build.skipped if line["kind"] == "mask"}
    levels = {id_: views(picture, build, settings) for id_, picture in source.pictures.items()}
    for chip in build.chips:
        for box in chip.boxes:
            if box.source_id not in broken:
                points = by_id[box.source_id].raw.get("keypoints")
                _check_points(chip, levels[chip.source.id][chip.level], box, points)


def _check_points(chip: Chip, view: View, box: Box, points: list[float] | None) -> None:
    where = f"{chip}, annotation {box.source_id}"
    if not points:
        assert not box.keypoints, f"{where}: keypoints from nowhere"
        return
    assert box.keypoints is not None, f"{where}: no keypoints"
    assert len(box.keypoints) == len(points), f"{where}: {len(box.keypoints)} numbers for keypoints"
    for place in range(0, len(points), 3):
        x, y, v = points[place : place + 3]
        found = box.keypoints[place : place + 3]
        fits = any(_near(found, option) for option in _options(chip, view, x, y, v))
        assert fits, f"{where}: keypoint {place // 3} is {found}, was {[x, y, v]} in the source"
    labelled = sum(v > 0 for v in box.keypoints[2::3])
    assert box.num_keypoints in {None, labelled}, f"{where}: num_keypoints {box.num_keypoints}, {labelled} labelled"


def _options(chip: Chip, view: View, x: float, y: float, v: float) -> list[list[float]]:
    """Return what a keypoint may have become; on the edge of the chip either."""
    if v == 0:
        return [[x, y, 0]]
    moved = [x * view.factor[0] - chip.origin[0], y * view.factor[1] - chip.origin[1], v]
    ends = (chip.content_width, chip.content_height)
    depth = min(min(place, end - place) for place, end in zip(moved, ends, strict=False))
    return [moved] * (depth > -POINT_PX) + [[0, 0, 0]] * (depth < POINT_PX)


def _near(found: list[float], wanted: list[float]) -> bool:
    return all(abs(a - b) <= POINT_PX for a, b in zip(found, wanted, strict=True))

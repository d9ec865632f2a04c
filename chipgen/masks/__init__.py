"""Masks and keypoints in chips: polygons, run-length codes, points.

shapely and pycocotools are used here only, and only behind a guard: given a broken mask, pycocotools may kill the
process, and shapely may raise. The guard says what is wrong with a mask; the box it belongs to is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipgen.errors import UnusableError
from chipgen.masks.keypoints import crop_keypoints, read_keypoints
from chipgen.masks.many import crop_many, read_many
from chipgen.masks.outlines import outlines
from chipgen.masks.polygons import Polygons, crop_polygons, read_polygons
from chipgen.masks.rle import Runs, crop_runs, read_runs

if TYPE_CHECKING:
    from chipgen.chips import Crop

Mask = Polygons | Runs


def read_mask(value: Any, size_img: tuple[int, int]) -> Mask | None:
    """Read a COCO ``segmentation``.

    Parameters
    ----------
    value
        A list of polygons, or a run-length code, compressed or not.
    size_img
        Width and height of the image, px.

    Returns
    -------
    Polygons, Runs or None
        None where there is no mask.

    Raises
    ------
    UnusableError
        The mask is broken.
    """
    if value is None or value == []:
        return None
    if isinstance(value, list):
        return read_polygons(value)
    if isinstance(value, dict):
        return read_runs(value, size_img)
    raise UnusableError("bad_mask", "segmentation is neither a list of polygons nor a run-length code")


def crop_mask(mask: Mask, crop: Crop) -> tuple[Any, float]:
    """Cut a mask to a chip and scale it.

    Returns
    -------
    segmentation, float
        As COCO writes it, chip px, None when nothing of the mask is in the chip; and its area, square chip px.

    Raises
    ------
    UnusableError
        It cannot be cut.
    """
    return crop_polygons(mask, crop) if isinstance(mask, Polygons) else crop_runs(mask, crop)


__all__ = [
    "Mask",
    "Polygons",
    "Runs",
    "crop_keypoints",
    "crop_many",
    "crop_mask",
    "outlines",
    "read_keypoints",
    "read_many",
    "read_mask",
]

"""Keypoints: triples x, y, visibility, moved with their chip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.boxes import TOLERANCE
from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from chipgen.boxes import Floats
    from chipgen.chips import Crop


def read_keypoints(value: Any) -> Floats | None:
    """Read COCO ``keypoints``.

    Returns
    -------
    ndarray or None
        x, y (image px) and v of each point, shape ``(n, 3)``; None where there are none.

    Raises
    ------
    UnusableError
        They are not triples of finite numbers.
    """
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) % 3:
        raise UnusableError("bad_keypoints", "keypoints must be a list of triples x, y, v")
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in value):
        raise UnusableError("bad_keypoints", "keypoints hold something that is no number")
    if not all(-1e9 <= number <= 1e9 for number in value):
        raise UnusableError("bad_keypoints", "keypoints hold numbers that are not finite")
    return np.array(value, dtype=np.float64).reshape(-1, 3)


def crop_keypoints(points: Floats, crop: Crop) -> tuple[list[float], int]:
    """Move keypoints into a chip.

    A point that is labelled (v > 0) and leaves the chip becomes 0, 0, 0; a point with v = 0 stays untouched.

    Returns
    -------
    list of float, int
        As COCO writes them, chip px, to a hundredth; and the number of points still labelled.
    """
    moved = points.copy()
    labelled = points[:, 2] > 0
    moved[labelled, :2] = np.round(points[labelled, :2] * crop.factor - crop.origin_scaled, 2)
    left = ((moved[:, :2] < -TOLERANCE) | (moved[:, :2] >= crop.content)).any(axis=1)
    moved[labelled & left] = 0.0
    flat: list[float] = (moved + 0.0).ravel().tolist()
    return flat, int(np.count_nonzero(moved[:, 2] > 0))

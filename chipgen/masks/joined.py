"""One outline for a mask of several parts or with holes, for label files that have room for one.

Parts are joined by bridges: lines walked there and back, which enclose nothing. Filled even-odd, as programs that draw
outlines fill them, the outline shows what the mask shows.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chipgen.masks.outlines import outlines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.boxes import Floats

HAS_MASK = re.compile(rb'"segmentation"\s*:\s*(?:\[\s*\[\s*[-\d]|\{)')
"""An annotation whose mask is not empty."""

STEPS = 0.75
"""Chip px that an outline may leave the edges of pixels by, so that a slope is a line, not stairs."""


MOST_POINTS = 4000
"""Points of all outlines of a mask, above which they are made smoother, and if that does not help not joined: two of
them are compared point by point, and no object in a chip has so many."""


def some_mask(raws: Iterable[bytes]) -> bool:
    """Tell whether one of some annotations, as JSON, has a mask."""
    return any(HAS_MASK.search(raw) for raw in raws)


def one_outline(segmentation: Any, size_chip: tuple[int, int]) -> Floats | None:
    """Return a mask as one outline.

    Parameters
    ----------
    segmentation
        What `chipgen.masks.crop_mask` returned: polygons or a run-length code, chip px.
    size_chip
        Width and height of the chip, px.

    Returns
    -------
    ndarray or None
        Shape ``(n, 2)``, float64, chip px, its first point not repeated; None where nothing is left, or crumbs.
    """
    rings = [ring for part in outlines(segmentation, size_chip) for ring in part if len(ring) >= 3]
    if isinstance(segmentation, dict) or sum(map(len, rings)) > MOST_POINTS:
        rings = list(map(_smooth, rings))
    if not 0 < sum(map(len, rings)) <= MOST_POINTS:
        return None
    return functools.reduce(_joined, sorted(rings, key=len, reverse=True))


def _smooth(ring: Floats) -> Floats:
    """Return an outline along the edges of pixels with less corners, shape ``(n, 2)``."""
    simple = shapely.simplify(shapely.Polygon(ring), STEPS)
    return np.asarray(shapely.get_coordinates(simple), dtype=np.float64)[:-1]


def _joined(whole: Floats, ring: Floats) -> Floats:
    """Return an outline that goes on to another, round it and back, where the two are closest."""
    distance = ((whole[:, None] - ring[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(np.argmin(distance), distance.shape)
    return np.concatenate((whole[: here + 1], ring[there:], ring[: there + 1], whole[here:]))

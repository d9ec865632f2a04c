"""One outline for a mask of several parts or with holes, for label files that have room for one.

Parts are joined by bridges: lines walked there and back, which enclose nothing. Filled even-odd, as programs that draw
outlines fill them, the outline shows what the mask shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chipgen.masks.rle import read_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.boxes import Floats

HAS_MASK = re.compile(rb'"segmentation"\s*:\s*(?:\[\s*\[\s*[-\d]|\{)')
"""An annotation whose mask is not empty."""

STEPS = 0.75
"""Chip px that an outline may leave the edges of pixels by, so that a slope is a line, not stairs."""


def some_mask(raws: Iterable[bytes]) -> bool:
    """Tell whether one of some annotations, as JSON, has a mask."""
    return any(HAS_MASK.search(raw) for raw in raws)


def one_outline(segmentation: Any) -> Floats | None:
    """Return a mask as one outline.

    Parameters
    ----------
    segmentation
        What `chipgen.masks.crop_mask` returned: polygons or a run-length code, chip px.

    Returns
    -------
    ndarray or None
        Shape ``(n, 2)``, float64, chip px, its first point not repeated; None where nothing is left.
    """
    rings = _of_runs(segmentation) if isinstance(segmentation, dict) else _of_polygons(segmentation)
    rings = sorted((ring for ring in rings if len(ring) >= 3), key=len, reverse=True)
    if not rings:
        return None
    whole = rings[0]
    for ring in rings[1:]:
        whole = _joined(whole, ring)
    return whole


def _of_polygons(polygons: list[list[float]]) -> list[Floats]:
    """Return the outlines of polygons."""
    return [np.array(flat, dtype=np.float64).reshape(-1, 2) for flat in polygons]


def _of_runs(code: dict[str, Any]) -> list[Floats]:
    """Return the outlines of a run-length code, those of holes among them."""
    height, width = code["size"]
    runs = read_runs(code, (width, height))
    first, stop = runs.ends[0:-1:2], runs.ends[1::2]
    # A run may go on in the next column: cut it there.
    column = [np.arange(a // height, (b - 1) // height + 1) for a, b in zip(first.tolist(), stop.tolist(), strict=True)]
    owner = np.repeat(np.arange(len(column)), [len(some) for some in column])
    x = np.concatenate([*column, np.zeros(0, dtype=np.int64)])
    top = np.maximum(first[owner] - x * height, 0)
    bottom = np.minimum(stop[owner] - x * height, height)
    whole = shapely.union_all(shapely.box(x, top, x + 1, bottom))
    parts = shapely.get_parts(shapely.simplify(whole, STEPS))
    polygons = [part for part in parts if part.geom_type == "Polygon" and not part.is_empty]
    return [np.asarray(ring.coords)[:-1] for part in polygons for ring in (part.exterior, *part.interiors)]


def _joined(whole: Floats, ring: Floats) -> Floats:
    """Return an outline that goes on to another, round it and back, where the two are closest."""
    distance = ((whole[:, None] - ring[None]) ** 2).sum(axis=2)
    here, there = np.unravel_index(np.argmin(distance), distance.shape)
    return np.concatenate((whole[: here + 1], ring[there:], ring[: there + 1], whole[here:]))

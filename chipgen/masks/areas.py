"""Areas of masks of several parts, many at a time: what parts cover together counts once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from chipgen.flat import bounds, spread
from chipgen.masks.polygons import GRID

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints

    Geometries = np.ndarray[tuple[int], np.dtype[np.object_]]

DIGITS = 6
"""Decimals of a coordinate that lies on `GRID`."""
NEAR = 10 * GRID
"""Image px: parts that keep this distance have the same area together as one by one."""
MOST_APART = 16
"""Parts of a mask that are compared with each other; more are united."""
TIE = 0.01
"""Thousandths of a square chip px: areas are written to a thousandth, and nearer to a tie it matters how they were
added."""


def areas_of(box: Ints, shapes: Geometries, factor: Floats) -> Floats:
    """Return the area of all masks, shape ``(K,)``, square chip px: what several parts cover counts once.

    Parameters
    ----------
    box
        Which mask each visible shape belongs to, sorted.
    shapes
        Polygons and groups of polygons, image px.
    factor
        Shape ``(K, 2)``.
    """
    count = np.bincount(box, minlength=len(factor))
    area = np.zeros(len(factor))
    area[box] = shapely.area(shapes)
    several = np.flatnonzero(count > 1)
    if len(several):
        mine = count[box] > 1
        groups = bounds(count[several])
        area[several] = _united(shapes[mine], groups, factor[several])
    return area * factor[:, 0] * factor[:, 1]


def _united(shapes: Geometries, groups: Ints, factor: Floats) -> Floats:
    """Return the area of each group of shapes, image px; where they keep apart it is the sum of theirs."""
    snapped = shapely.transform(shapes, lambda points: np.round(points, DIGITS))
    area = np.add.reduceat(shapely.area(snapped), groups[:-1])
    thousandths = area * factor[:, 0] * factor[:, 1] * 1000
    sure = _apart(snapped, groups) & (np.abs(thousandths % 1 - 0.5) > TIE)
    for group in np.flatnonzero(~sure).tolist():
        own = shapes[groups[group] : groups[group + 1]]
        area[group] = shapely.union_all(own, grid_size=GRID).area
    return area


def _apart(shapes: Geometries, groups: Ints) -> Bools:
    """Tell in which groups no shape comes near another."""
    counts = np.diff(groups)
    few = counts <= MOST_APART
    later = np.repeat(groups[1:], counts) - np.arange(1, len(shapes) + 1)
    first, second = spread(np.arange(1, len(shapes) + 1), np.where(np.repeat(few, counts), later, 0))
    box = shapely.bounds(shapes)
    low, high = box[:, :2], box[:, 2:] + NEAR
    close = ((low[first] <= high[second]) & (low[second] <= high[first])).all(axis=1)
    first, second = first[close], second[close]
    touch = shapely.dwithin(shapes[first], shapes[second], NEAR)
    apart: Bools = few
    apart[np.searchsorted(groups, first[touch], "right") - 1] = False
    return apart

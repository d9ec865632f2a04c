"""Polygon masks: checked, mended where they cross themselves, cut to chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely import Polygon

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.boxes import Floats
    from chipgen.chips import Crop

LARGEST = 1e7
"""Image px: no coordinate of a real mask is beyond."""
MOST_VERTICES = 200_000
"""In one mask."""
MOST_MENDED, MOST_UNITED = 2000, 20_000
"""Places where outlines to be mended meet, and those of any mask: a second each, and minutes for ten times as many."""
EDGES_AT_ONCE = 16
"""Edges compared with all others at a time: bounds the memory of outlines in which each crosses each."""
SMALLEST_AREA = 0.01
"""Square chip px: smaller parts are rests of a cut."""


@dataclass(frozen=True)
class Polygons:
    """A mask of one or more outlines, image px.

    Parameters
    ----------
    rings
        The outlines as they came, each of shape ``(n, 2)``.
    parts
        What each outline encloses (even-odd where it crosses itself): a shapely geometry of polygons only.
    """

    rings: tuple[Floats, ...]
    parts: tuple[Any, ...]


def read_polygons(value: list[Any]) -> Polygons:
    """Read a list of flat coordinate lists.

    Raises
    ------
    UnusableError
        A part is no outline, holds numbers that are not finite, or encloses nothing.
    """
    if sum(len(flat) for flat in value if isinstance(flat, list)) > 2 * MOST_VERTICES:
        raise UnusableError("bad_polygon", f"the mask has more than {MOST_VERTICES:,} vertices")
    rings = tuple(_ring(flat) for flat in value)
    outlines = [Polygon(ring) for ring in rings]
    valid = [outline.is_valid for outline in outlines]
    if crossing := [ring for ring, ok in zip(rings, valid, strict=True) if not ok]:
        _refuse_tangles(crossing, MOST_MENDED)
    if len(rings) > 1:
        _refuse_tangles(rings, MOST_UNITED)
    return Polygons(rings, tuple(_enclosed(o if ok else _mended(o)) for o, ok in zip(outlines, valid, strict=True)))


def _ring(flat: Any) -> Floats:
    """Read one outline."""
    if not isinstance(flat, list):
        raise UnusableError("bad_polygon", "segmentation must be a list of lists of numbers: [[x1, y1, x2, ...]]")
    if len(flat) < 6 or len(flat) % 2:
        raise UnusableError("bad_polygon", f"a polygon has {len(flat)} numbers: it needs pairs, three or more")
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in flat):
        raise UnusableError("bad_polygon", "a polygon holds something that is no number")
    if not all(-LARGEST <= number <= LARGEST for number in flat):
        raise UnusableError("bad_polygon", "a polygon holds numbers that are not finite or far outside any image")
    ring = np.array(flat, dtype=np.float64).reshape(-1, 2)
    if len(np.unique(ring, axis=0)) < 3:
        raise UnusableError("bad_polygon", "a polygon has fewer than three different points")
    return ring


def _refuse_tangles(rings: Sequence[Floats], most: int) -> None:
    """Refuse outlines that meet themselves and each other more often than `most` times.

    Where one runs through points that were visited before, each loop so closed counts (edges less points); elsewhere
    each pair of edges that meet. An outline that goes the same way back, as traced thin things do, closes no loop.
    """
    ends = np.concatenate([np.stack((ring, np.roll(ring, -1, axis=0)), axis=1) for ring in rings])
    points, at = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    edges = np.unique(np.sort(at.reshape(-1, 2), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    lines = shapely.linestrings(points[edges])
    tree, knots = shapely.STRtree(lines), len(edges) - len(points)
    for start in range(0, len(edges), EDGES_AT_ONCE):
        if knots > most:
            break
        one, other = tree.query(lines[start : start + EDGES_AT_ONCE], predicate="intersects")
        one += start
        apart = (edges[one][:, :, None] != edges[other][:, None]).all(axis=(1, 2))
        knots += int(np.count_nonzero(apart & (one < other)))
    if knots > most:
        raise UnusableError("bad_polygon", f"its outlines meet more than {most:,} times")


def _mended(outline: Polygon) -> Any:
    """Return a valid geometry for an outline that crosses itself: even-odd."""
    try:
        return shapely.make_valid(outline)
    except shapely.errors.ShapelyError as error:
        raise UnusableError("bad_polygon", f"a polygon cannot be mended ({error})") from error


def _enclosed(whole: Any) -> Any:
    """Return the polygons of a valid geometry as one."""
    parts = list(_polygons(whole))
    if not parts:
        raise UnusableError("bad_polygon", "a polygon encloses nothing: all its points lie on a line")
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _polygons(geometry: Any) -> Iterator[Any]:
    """Yield the polygons of any geometry; points and lines, which a cut leaves where it only touches, are dropped."""
    for part in getattr(geometry, "geoms", [geometry]):
        if hasattr(part, "geoms"):
            yield from _polygons(part)
        elif part.geom_type == "Polygon" and part.area > 0:
            yield part


def crop_polygons(mask: Polygons, crop: Crop) -> tuple[list[list[float]] | None, float]:
    """Cut polygons to a chip and scale them; see `chipgen.masks.crop_mask`."""
    window = shapely.box(*crop.window_img)
    rings: list[Floats] = []
    visible = []
    for ring, part in zip(mask.rings, mask.parts, strict=True):
        if window.covers(part):
            rings.append(ring)
            visible.append(part)
            continue
        pieces = [piece for piece in _polygons(part.intersection(window)) if _is_seen(piece, crop)]
        rings.extend(_outline(simple) for piece in pieces for simple in _without_holes(piece))
        visible.extend(pieces)
    if not rings:
        return None, 0.0
    area_img = visible[0].area if len(visible) == 1 else shapely.union_all(visible).area
    return [_flat_chip(ring, crop) for ring in rings], float(area_img * crop.factor[0] * crop.factor[1])


def _is_seen(piece: Any, crop: Crop) -> bool:
    """Tell whether a piece is more than the rest of a cut."""
    return bool(piece.area * crop.factor[0] * crop.factor[1] >= SMALLEST_AREA)


def _without_holes(polygon: Any) -> Iterator[Any]:
    """Yield polygons without holes that make up a polygon: COCO's outlines cannot have any.

    A polygon with a hole is cut in two through the middle of its first hole, and so on.
    """
    if not polygon.interiors:
        yield polygon
        return
    left, top, right, bottom = polygon.bounds
    middle = polygon.interiors[0].centroid.x
    for half in (shapely.box(left, top, middle, bottom), shapely.box(middle, top, right, bottom)):
        for piece in _polygons(polygon.intersection(half)):
            yield from _without_holes(piece)


def _outline(polygon: Any) -> Floats:
    """Return the outline of a polygon without repeating its first point, shape ``(n, 2)``."""
    return np.asarray(polygon.exterior.coords, dtype=np.float64)[:-1]


def _flat_chip(ring: Floats, crop: Crop) -> list[float]:
    """Return an outline as COCO writes it, chip px, to a hundredth."""
    points: list[float] = np.round(ring * crop.factor - crop.origin_scaled, 2).ravel().tolist()
    return points

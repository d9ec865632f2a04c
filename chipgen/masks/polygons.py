"""Polygon masks: checked, mended where they cross themselves, cut to chips."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely import Polygon

from chipgen.errors import UnusableError
from chipgen.masks.tangles import Patience, refuse_tangles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Floats
    from chipgen.chips import Crop

LARGEST = 1e7
"""Image px: no coordinate of a real mask is beyond."""
MOST_VERTICES = 200_000
"""In one mask; mending a self-crossing outline takes more than linear time."""
SMALLEST_AREA = 0.01
"""Square chip px: smaller parts are rests of a cut."""
GRID = 1e-6
"""Image px to which points are moved when areas are united. Without it, where edges all but coincide, GEOS has been
seen to leave out a whole outline and say nothing."""


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
    patience = Patience()
    with _geometry():
        refuse_tangles(rings)
        return Polygons(rings, tuple(_enclosed(ring, patience) for ring in rings))


@contextlib.contextmanager
def _geometry() -> Iterator[None]:
    """Turn whatever shapely raises into a reason; over odd outlines, that is no closed list. It warns of nothing.

    Raises
    ------
    UnusableError
        For anything but a lack of memory.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except (UnusableError, MemoryError):
        raise
    except Exception as error:
        what = f"a polygon cannot be mended or cut ({type(error).__name__}: {error})"
        raise UnusableError("bad_polygon", what) from error


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
    return np.array(flat, dtype=np.float64).reshape(-1, 2)


def _enclosed(ring: Floats, patience: Patience) -> Any:
    """Return what an outline encloses."""
    if len(np.unique(ring, axis=0)) < 3:
        raise UnusableError("bad_polygon", "a polygon has fewer than three different points")
    whole = Polygon(ring)
    if not whole.is_valid:
        patience.mend(ring)
        whole = shapely.make_valid(whole)
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
    with _geometry():
        return _cropped(mask, crop)


def _cropped(mask: Polygons, crop: Crop) -> tuple[list[list[float]] | None, float]:
    """Cut polygons to a chip and scale them."""
    window = shapely.box(*crop.window_img)
    rings: list[Floats] = []
    visible = []
    for ring, part in zip(mask.rings, mask.parts, strict=True):
        # Of all points: a spike that encloses nothing may reach farther than what the outline encloses.
        if (ring.min(axis=0) >= window.bounds[:2]).all() and (ring.max(axis=0) <= window.bounds[2:]).all():
            rings.append(ring)
            visible.append(part)
            continue
        pieces = [piece for piece in _polygons(part.intersection(window)) if _is_seen(piece, crop)]
        rings.extend(_outline(simple) for piece in pieces for simple in without_holes(piece))
        visible.extend(pieces)
    if not rings:
        return None, 0.0
    area_img = visible[0].area if len(visible) == 1 else shapely.union_all(visible, grid_size=GRID).area
    return [_flat_chip(ring, crop) for ring in rings], float(area_img * crop.factor[0] * crop.factor[1])


def _is_seen(piece: Any, crop: Crop) -> bool:
    """Tell whether a piece is more than the rest of a cut."""
    return bool(piece.area * crop.factor[0] * crop.factor[1] >= SMALLEST_AREA)


def without_holes(polygon: Any) -> Iterator[Any]:
    """Yield polygons without holes that make up a polygon: COCO's outlines cannot have any.

    A polygon with a hole is cut in two through the middle of the hole in its middle, and so on.
    """
    if not polygon.interiors:
        yield polygon
        return
    left, top, right, bottom = polygon.bounds
    middle = sorted(hole.centroid.x for hole in polygon.interiors)[len(polygon.interiors) // 2]
    for half in (shapely.box(left, top, middle, bottom), shapely.box(middle, top, right, bottom)):
        for piece in _polygons(polygon.intersection(half)):
            yield from without_holes(piece)


def _outline(polygon: Any) -> Floats:
    """Return the outline of a polygon without repeating its first point, shape ``(n, 2)``."""
    return np.asarray(polygon.exterior.coords, dtype=np.float64)[:-1]


def _flat_chip(ring: Floats, crop: Crop) -> list[float]:
    """Return an outline as COCO writes it, chip px, to a hundredth."""
    points: list[float] = np.round(ring * crop.factor - crop.origin_scaled, 2).ravel().tolist()
    return points

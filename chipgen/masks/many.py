"""Polygon masks of an image all at once: what `chipgen.masks.polygons` does to one, with the same results.

A build cuts a hundred outlines an image, most of which lie wholly in their chip; calling the libraries for each of
them would take as long as drawing the chips. Whatever is out of the ordinary is left to the functions for one mask.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from chipgen.flat import bounds, spread
from chipgen.masks.areas import areas_of
from chipgen.masks.polygons import LARGEST, SMALLEST_AREA, Polygons, without_holes
from chipgen.masks.tangles import PAIRS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.boxes import Floats, Ints
    from chipgen.chips import Places

    Geometries = np.ndarray[tuple[int], np.dtype[np.object_]]

FEW = int((2 * PAIRS) ** 0.5)
"""Points of a mask that cannot have too many pairs of edges; see `chipgen.masks.tangles`."""

Cut = tuple[list[list[float]] | None, float]
"""Outlines as COCO writes them, chip px, None when nothing is in the chip; and their area, square chip px."""


# -- reading -------------------------------------------------------------------------------------------------------


def read_many(values: Sequence[list[list[float]]]) -> list[Polygons | None]:
    """Read masks of polygons.

    Parameters
    ----------
    values
        Lists of flat coordinate lists, at least one in each.

    Returns
    -------
    list of Polygons or None
        None where `read_polygons` must look closer: at outlines that must be mended or refused.
    """
    try:
        with np.errstate(all="ignore"):
            return _read(values)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- over odd outlines that is no closed list; which it was is found one by one
        return [None] * len(values)


def _read(values: Sequence[list[list[float]]]) -> list[Polygons | None]:
    """Read masks of polygons; see `read_many`."""
    read: list[Polygons | None] = [None] * len(values)
    plain = [number for number, rings in enumerate(values) if _is_plain(rings)]
    flats = [flat for number in plain for flat in values[number]]
    if not flats:
        return read
    count = np.array([len(flat) // 2 for flat in flats])
    points = np.fromiter(itertools.chain.from_iterable(flats), np.float64).reshape(-1, 2)
    sound, parts = _enclosed(points, np.repeat(np.arange(len(flats)), count))
    ends = bounds(count).tolist()
    rings = [points[first:stop] for first, stop in itertools.pairwise(ends)]
    at = 0
    for number in plain:
        own = slice(at, at + len(values[number]))
        at = own.stop
        if all(sound[own]):
            read[number] = Polygons(tuple(rings[own]), tuple(parts[own]))
    return read


def _is_plain(rings: list[list[float]]) -> bool:
    """Tell whether all outlines are pairs, three or more, and not so many that they could be tangled."""
    return all(len(flat) >= 6 and not len(flat) % 2 for flat in rings) and sum(map(len, rings)) <= 2 * FEW


def _enclosed(points: Floats, ring: Ints) -> tuple[list[bool], Geometries]:
    """Return which outlines enclose something without being mended, and what."""
    near = np.abs(points).max(axis=1) <= LARGEST
    parts: Geometries = shapely.polygons(shapely.linearrings(np.where(near[:, None], points, 0.0), indices=ring))
    sound = shapely.is_valid(parts) & (shapely.area(parts) > 0)
    sound[ring[~near]] = False
    return sound.tolist(), parts


# -- cutting -------------------------------------------------------------------------------------------------------


def crop_many(masks: Sequence[Polygons], mask: Ints, places: Places) -> list[Cut | None]:
    """Cut masks to chips and scale them.

    Parameters
    ----------
    masks
        The masks.
    mask
        Which of them is cut, shape ``(K,)``, int64.
    places
        To which chip.

    Returns
    -------
    list of tuple or None
        One for each; None where `crop_polygons` must do it, because the library refuses one of them.
    """
    if not len(mask):
        return []
    try:
        with np.errstate(all="ignore"):
            return list(_cropped(masks, mask, places))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- see `read_many`
        return [None] * len(mask)


@dataclass(frozen=True)
class _Pieces:
    """What is visible of outlines.

    Parameters
    ----------
    pair
        Which outline in which chip each belongs to, shape ``(N,)``, int64, sorted.
    shapes
        Polygons, shape ``(N,)``.
    """

    pair: Ints
    shapes: Geometries


def _cropped(masks: Sequence[Polygons], mask: Ints, places: Places) -> list[Cut]:
    """Cut masks; see `crop_many`."""
    counts = np.array([len(one.rings) for one in masks])
    cut, part = spread(bounds(counts)[mask], counts[mask])  # one pair for each outline of each mask that is cut
    rings = [ring for one in masks for ring in one.rings]
    parts = _array([part for one in masks for part in one.parts])
    whole, met = _met(_boxes(rings)[part], shapely.bounds(parts)[part], places.window_img[cut])
    broken = _broken(_Pieces(met, parts[part[met]]), cut, places)
    visible = _joined(_Pieces(whole, parts[part[whole]]), broken)
    areas = areas_of(cut[visible.pair], visible.shapes, places.factor)
    written = _written(rings, whole, part[whole], _opened(broken), cut, places)
    return list(zip(written, areas.tolist(), strict=True))


def _array(shapes: list[Any]) -> Geometries:
    """Return shapes as an array, groups of them unopened."""
    array: Geometries = np.empty(len(shapes), dtype=np.object_)
    array[:] = shapes
    return array


def _boxes(rings: list[Floats]) -> Floats:
    """Return boxes around all points of outlines, shape ``(N, 4)``: spikes may reach farther than what they enclose."""
    points, first = np.concatenate(rings), bounds(list(map(len, rings)))[:-1]
    return np.concatenate((np.minimum.reduceat(points, first), np.maximum.reduceat(points, first)), axis=1)


def _met(outline: Floats, part: Floats, window: Floats) -> tuple[Ints, Ints]:
    """Return which outlines lie wholly in their windows, and of which others something may be seen there, by boxes."""
    inside = (outline[:, :2] >= window[:, :2]).all(axis=1) & (outline[:, 2:] <= window[:, 2:]).all(axis=1)
    met = (part[:, :2] < window[:, 2:]).all(axis=1) & (part[:, 2:] > window[:, :2]).all(axis=1)
    return np.flatnonzero(inside), np.flatnonzero(met & ~inside)


def _broken(whole: _Pieces, cut: Ints, places: Places) -> _Pieces:
    """Return the pieces of shapes that lie across the borders of their windows; rests of the cut are left out."""
    windows = shapely.box(*places.window_img[cut[whole.pair]].T)
    shapes, pair = shapely.intersection(whole.shapes, windows), whole.pair
    for _ in range(2):  # collections of polygons, lines and groups of polygons
        shapes, inner = shapely.get_parts(shapes, return_index=True)
        pair = pair[inner]
    factor, area = places.factor[cut[pair]], shapely.area(shapes)
    seen = (area > 0) & (area * factor[:, 0] * factor[:, 1] >= SMALLEST_AREA)
    seen &= shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    return _Pieces(pair[seen], shapes[seen])


def _joined(first: _Pieces, second: _Pieces) -> _Pieces:
    """Return both in order."""
    pair = np.concatenate((first.pair, second.pair))
    order = np.argsort(pair, kind="stable")
    return _Pieces(pair[order], np.concatenate((first.shapes, second.shapes))[order])


def _opened(broken: _Pieces) -> _Pieces:
    """Return pieces without holes that make up all pieces."""
    if not shapely.get_num_interior_rings(broken.shapes).any():
        return broken
    simple = [list(without_holes(shape)) for shape in broken.shapes]
    shapes = _array([shape for group in simple for shape in group])
    return _Pieces(np.repeat(broken.pair, [len(group) for group in simple]), shapes)


def _written(
    rings: list[Floats], whole: Ints, ring: Ints, broken: _Pieces, cut: Ints, places: Places
) -> list[list[list[float]] | None]:
    """Return the outlines of all masks as COCO writes them, chip px, to a hundredth.

    Parameters
    ----------
    rings
        All outlines, image px.
    whole, ring
        Pairs that lie wholly in their chip, and their outlines.
    broken
        Pieces of the others.
    cut
        Which of the masks that are cut each pair belongs to.
    places
        Where their chips lie.
    """
    points, owner = shapely.get_coordinates(shapely.get_exterior_ring(broken.shapes), return_index=True)
    again = np.append(owner[1:] != owner[:-1], True)[: len(owner)]  # the last point of each is its first
    count = np.concatenate((list(map(len, rings)), np.bincount(owner[~again], minlength=len(broken.pair)))).astype(int)
    pair = np.concatenate((whole, broken.pair))
    order = np.argsort(pair, kind="stable")
    shown = np.concatenate((ring, np.arange(len(rings), len(count))))[order]
    own, number = spread(bounds(count)[shown], count[shown])
    box = cut[pair[order]]
    image_px = np.concatenate((*rings, points[~again]))[number]
    flat = np.round(image_px * places.factor[box][own] - places.origin_scaled[box][own], 2).ravel().tolist()
    written: list[list[list[float]] | None] = [None] * len(places.factor)
    for at, (first, stop) in zip(box.tolist(), itertools.pairwise((2 * bounds(count[shown])).tolist()), strict=True):
        outlines = written[at]
        if outlines is None:
            written[at] = outlines = []
        outlines.append(flat[first:stop])
    return written

"""The outlines of a mask of a chip, to draw it: as they are, or along the pixels of a run-length code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.errors import UnusableError
from chipgen.masks.rle import read_runs

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints


def outlines(segmentation: Any, size_chip: tuple[int, int]) -> tuple[tuple[Floats, ...], ...]:
    """Return the outlines of a COCO ``segmentation``.

    Parameters
    ----------
    segmentation
        A list of polygons, or a run-length code; None for no mask.
    size_chip
        Width and height of the picture, px.

    Returns
    -------
    tuple of tuple of ndarray
        The parts of the mask, which may overlap. Each is bounded by outlines of shape ``(n, 2)``, px, that are filled
        even-odd together.

    Raises
    ------
    UnusableError
        It is none of these.
    """
    if segmentation is None:
        return ()
    if isinstance(segmentation, dict):
        runs = read_runs(segmentation, size_chip)
        filled = np.arange(len(runs.ends)) % 2 == 1
        rings = trace(np.repeat(filled, np.diff(runs.ends, prepend=0)).reshape(size_chip))
        return (rings,) if rings else ()
    try:
        rings = tuple(np.array(flat, dtype=np.float64).reshape(-1, 2) for flat in segmentation)
    except (TypeError, ValueError) as error:
        raise UnusableError("bad_polygon", f"an outline is no list of points ({error})") from error
    if not all(np.isfinite(ring).all() for ring in rings):
        raise UnusableError("bad_polygon", "an outline holds numbers that are not finite")
    return tuple((ring,) for ring in rings)


def trace(pixels: Bools) -> tuple[Floats, ...]:
    """Return the borders of a region along the edges of its pixels.

    At every corner a border turns. Along each line of the grid corners follow each other in pairs, with a stretch of
    border between the two of a pair; so each corner has one partner along x and one along y.

    Parameters
    ----------
    pixels
        Shape ``(width, height)``, bool.

    Returns
    -------
    tuple of ndarray
        Closed outlines of shape ``(n, 2)``, float64: corners only, the first not repeated. Filled even-odd together
        they give the region.
    """
    x, y = _corners(pixels)
    by_column, by_row = np.lexsort((y, x)), np.lexsort((x, y))
    partners = _partners(by_column), _partners(by_row)
    left, found = np.ones(len(x), dtype=np.bool_), []
    for start in range(len(x)):
        corner, axis, ring = start, 0, []
        while left[corner]:
            left[corner] = False
            ring.append(corner)
            corner, axis = int(partners[axis][corner]), 1 - axis
        if ring:
            found.append(np.column_stack((x[ring], y[ring])).astype(np.float64))
    return tuple(found)


def _corners(pixels: Bools) -> tuple[Ints, Ints]:
    """Return where the border of a region turns; twice where two of its pixels touch by a corner only."""
    whole = np.pad(pixels, 1)
    here, right, below, across = whole[:-1, :-1], whole[1:, :-1], whole[:-1, 1:], whole[1:, 1:]
    turns = here ^ right ^ below ^ across
    touching = (here == across) & (right == below) & (here != right)
    x, y = np.nonzero(turns | touching)
    times = 1 + touching[x, y]
    return np.repeat(x, times), np.repeat(y, times)


def _partners(order: Ints) -> Ints:
    """Return for each corner the other one of its pair, in some order of the corners."""
    partner = np.empty_like(order)
    partner[order[0::2]], partner[order[1::2]] = order[1::2], order[0::2]
    return partner

"""The positions that windows may take along one axis, of many images at once; see `chipgen.cover`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import bounds

if TYPE_CHECKING:
    from chipgen.boxes import Ints
    from chipgen.cover import Origins

POSITION_BITS = 40
"""Bits for a position in a number that also holds the image."""


@dataclass(frozen=True)
class Places:
    """All positions that windows may take along one axis, by image; behind the last of each image is one too many.

    Parameters
    ----------
    spans
        First place of each image and the end of the last, shape ``(M + 1,)``, int64.
    position
        Of each place, shape ``(Q,)``, int64, scaled px.
    start, stop
        Which places enclose each box, half-open, counted from the first of its image, shape ``(N,)``, int64.
    """

    spans: Ints
    position: Ints
    start: Ints
    stop: Ints


def places_along(axis: int, origins: Origins, image: Ints, room: Ints, stride: int) -> Places:
    """Lay out the grid of every image along one axis, and the middles that boxes need which the grid misses.

    Parameters
    ----------
    axis
        0 along x, 1 along y.
    origins
        Where windows enclose each box; somewhere they do.
    image
        Row of the image of each box, sorted, shape ``(N,)``, int64.
    room
        The last position inside each image, shape ``(M,)``, int64, scaled px.
    stride
        Distance of the grid, scaled px.
    """
    first, last = origins.first[:, axis], origins.last[:, axis]
    count = -(-room // stride) + 1
    start = np.minimum(-(-first // stride), count[image] - 1)
    stop = np.where(last >= room[image], count[image], last // stride + 1)
    spans = bounds(count + 1)
    number = np.arange(spans[-1]) - np.repeat(spans[:-1], count + 1)
    position = np.minimum(number * stride, np.repeat(room, count + 1))
    missed = np.flatnonzero(start >= stop)
    if len(missed):
        extra = np.unique((image[missed] << POSITION_BITS) + (first[missed] + last[missed]) // 2)
        before = np.searchsorted(extra, np.arange(len(spans)) << POSITION_BITS)
        at = np.searchsorted((np.repeat(np.arange(len(room)), count + 1) << POSITION_BITS) + position, extra)
        at = np.minimum(at, spans[(extra >> POSITION_BITS) + 1] - 1)
        position = np.insert(position, at, extra & ((1 << POSITION_BITS) - 1))
        spans = spans + before
        rows = np.flatnonzero(np.diff(before)[image])  # boxes of images that have such middles
        own, skipped = image[rows] << POSITION_BITS, before[image[rows]]
        start[rows] += np.searchsorted(extra, own + first[rows], "left") - skipped
        stop[rows] += np.searchsorted(extra, own + last[rows], "right") - skipped
    return Places(spans, position, start, stop)

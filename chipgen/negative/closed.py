"""Where no negative chip may stand: where an object to learn shows, or ignored ones take up too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, area, clip
from chipgen.chips import windows_at
from chipgen.flat import bounds, pieces, spread
from chipgen.positive import THINNEST
from chipgen.windows import taken_up

if TYPE_CHECKING:
    from chipgen.config import PlanConfig

MOST_EXACT = 1000
"""Boxes of an image above which common areas are no longer told apart: the work grows with their square."""

PAIRS_AT_ONCE = 65_536
"""Pairs of window and box measured together."""


@dataclass(frozen=True)
class Boxes:
    """The annotated boxes of some images at one level, by image; N of them.

    Parameters
    ----------
    image
        Row of the image of each, sorted, shape ``(N,)``, int64.
    xyxy_scaled
        Shape ``(N, 4)``, float64, scaled px.
    valid
        Which are to be learnt at this level, shape ``(N,)``, bool.
    """

    image: Ints
    xyxy_scaled: Floats
    valid: Bools


def closed(image: Ints, origin: Ints, content: Ints, boxes: Boxes, config: PlanConfig) -> Bools:
    """Tell which windows show so much of an object to learn that it would be valid there, or too much of all objects.

    Parameters
    ----------
    image, origin
        Row of the image, sorted, and left upper corner of each window, shapes ``(W,)`` and ``(W, 2)``, int64.
    content
        Width and height of the windows of each image, shape ``(M, 2)``, int64, scaled px.
    boxes
        Annotated boxes; what of them shows in a negative chip is ignored there.
    config
        Holds ``min_visibility``, ``min_box`` and ``max_ignored_area``.

    Returns
    -------
    ndarray
        Shape ``(W,)``, bool; by a hair too many.
    """
    first = bounds(np.bincount(boxes.image, minlength=len(content)))
    counts = np.diff(first)[image]
    windows = windows_at(origin, content[image])
    limit = config.negative.max_ignored_area * area(windows) + TOLERANCE
    least = max(config.min_box, THINNEST) - 2 * TOLERANCE
    least_area = (config.min_visibility - TOLERANCE) * area(boxes.xyxy_scaled) - TOLERANCE
    shut, added = np.zeros(len(image), dtype=np.bool_), np.zeros(len(image))
    for piece in pieces(counts, PAIRS_AT_ONCE):
        window, box = spread(first[image[piece]], counts[piece])
        window, box, shared = _shared(windows[piece], window, boxes.xyxy_scaled, box)
        seen = shared[0] * shared[1]
        learnt = boxes.valid[box] & (shared >= least).all(axis=0) & (seen >= least_area[box])
        shut[piece][window[learnt | (seen > limit[piece][window])]] = True
        added[piece] = np.bincount(window, weights=seen, minlength=len(counts[piece]))
    doubtful = np.flatnonzero(~shut & (added > limit))  # some of their boxes may lie on others
    shut[doubtful] = (
        _taken_up(windows[doubtful], first[image[doubtful]], counts[doubtful], boxes.xyxy_scaled) > limit[doubtful]
    )
    return shut


def _shared(windows: Floats, window: Ints, xyxy_scaled: Floats, box: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of window and box that share something, and how much along x and y, shape ``(2, pairs)``."""
    shared = np.empty((0, len(window)))
    for axis in (0, 1):
        low = np.maximum(windows[:, axis][window], xyxy_scaled[:, axis][box])
        side = np.minimum(windows[:, axis + 2][window], xyxy_scaled[:, axis + 2][box]) - low
        meet = np.flatnonzero(side > 0)
        window, box = window[meet], box[meet]
        shared = np.concatenate((np.take(shared, meet, axis=1), side[None, meet]))
    return window, box, shared


def _taken_up(windows: Floats, first: Ints, counts: Ints, xyxy_scaled: Floats) -> Floats:
    """Return the area of each window that boxes take up together; `first` and `counts` tell which boxes."""
    found = np.full(len(windows), np.inf)
    exact = np.flatnonzero(counts <= MOST_EXACT)
    for piece in pieces(counts[exact] ** 2, PAIRS_AT_ONCE):
        own = exact[piece]
        window, box = spread(first[own], counts[own])
        window, box, _ = _shared(windows[own], window, xyxy_scaled, box)
        found[own] = taken_up(window, clip(np.take(xyxy_scaled, box, axis=0), windows[own][window]), len(own))
    return found

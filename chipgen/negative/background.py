"""Negative chips without proposals: background drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import Ints, sides
from chipgen.cover import candidate_positions
from chipgen.positive import THINNEST
from chipgen.windows import showing

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.samplers import View


def background(view: View, count: int | None, rng: Generator) -> Ints:
    """Choose windows of the candidate grid at random that show no annotated box at all and do not overlap.

    Parameters
    ----------
    view
        The image at the level.
    count
        At most so many; None for as many as find room.
    rng
        Decides where.

    Returns
    -------
    ndarray
        Origins, shape ``(K, 2)``, int64, scaled px.
    """
    nothing = np.empty(0, dtype=np.int64)
    room = (view.size_scaled - view.content).tolist()
    x, y = (candidate_positions(nothing, nothing, last, view.stride) for last in room)
    boxes = np.concatenate((view.valid_scaled, view.ignored_scaled))
    free = ~showing(x, y, view.content, (boxes, np.minimum(sides(boxes), THINNEST), np.zeros(len(boxes))))
    chosen: list[tuple[int, int]] = []
    for cell in rng.permutation(np.flatnonzero(free)).tolist():
        if count is not None and len(chosen) >= count:
            break
        column, row = divmod(cell, len(y))
        if free[column, row]:
            chosen.append((int(x[column]), int(y[row])))
            beside_x, beside_y = np.abs(x - x[column]) < view.content[0], np.abs(y - y[row]) < view.content[1]
            free[np.ix_(beside_x, beside_y)] = False
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)

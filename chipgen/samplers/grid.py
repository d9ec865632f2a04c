"""The sampler of plain tiling: all windows, whatever they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.limits import at_least
from chipgen.positive import THINNEST
from chipgen.samplers.options import OPTION, refuse
from chipgen.windows import showing

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Bools, Ints
    from chipgen.samplers.protocol import View


def grid(view: View, rng: Generator, *, overlap: float = 0.2, empty: float = 1.0) -> Ints:
    """Choose all windows of a grid, as tiling tools do. Objects that no window encloses stay uncovered.

    Parameters
    ----------
    view
        One image at one level.
    rng
        Decides which of the empty windows are kept.
    overlap
        Share of the chip side that neighbours have in common, 0 or more and less than 1; those at the right and bottom
        edge end with the image and have more in common.
    empty
        Share of the windows showing no annotated box that are kept: 1 all, 0 none. Valid and ignored boxes both
        count when a chip would be written with them, that is when it shows a pixel of them along both axes.

    Returns
    -------
    ndarray
        Origins row by row, shape ``(K, 2)``, int64, scaled px.

    Raises
    ------
    UsageError
        An option outside its limits.
    """
    at_least(f"{OPTION} empty", empty, 0, 1)
    if not 0 <= overlap < 1:
        raise refuse("overlap", overlap, "use a share from 0 to less than 1, such as 0.2")
    step = view.chip_size - int(view.chip_size * overlap)
    x, y = (_positions(int(room), step) for room in view.size_scaled - view.content)
    kept = _shown(view, x, y) | (rng.random((len(x), len(y))) < empty)
    rows, columns = np.nonzero(kept.T)
    return np.stack((x[columns], y[rows]), axis=1)


def _positions(room: int, step: int) -> Ints:
    """Return the positions along one axis: a step apart, the last one at the edge."""
    return np.append(np.arange(0, room, step, dtype=np.int64), room)


def _shown(view: View, x: Ints, y: Ints) -> Bools:
    """Tell which windows show an annotated box, shape ``(X, Y)``."""
    boxes_scaled = np.concatenate((view.valid_scaled, view.ignored_scaled))
    least = np.full((len(boxes_scaled), 2), THINNEST)
    return showing(x, y, view.content, (boxes_scaled, least, np.zeros(len(boxes_scaled))))

"""The sampler of random crops: windows around some of the objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.cover import enclosing_origins
from chipgen.limits import at_least
from chipgen.samplers.options import OPTION

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Ints
    from chipgen.samplers.protocol import View


MOST = 10_000
"""Windows at most: the limit keeps a slip of the keyboard from filling the memory."""


def random_object(view: View, rng: Generator, *, chips: int = 2) -> Ints:
    """Choose windows around objects drawn at random, each anywhere around its object: random crops, but around objects.

    Parameters
    ----------
    view
        One image at one level.
    rng
        Decides around which objects, and where.
    chips
        Windows in each image at each level, from 1 to `MOST`. None is around an object drawn before while there are
        others; windows that come out the same are one. There are none where there is no valid box.

    Returns
    -------
    ndarray
        Origins in the order drawn, shape ``(K, 2)``, int64, scaled px.

    Raises
    ------
    UsageError
        An option outside its limits.
    """
    at_least(f"{OPTION} chips", chips, 1, MOST)
    objects = len(view.valid_scaled)
    if not objects:
        return np.empty((0, 2), dtype=np.int64)
    rounds = -(-chips // objects)
    drawn = np.concatenate([rng.permutation(objects) for _ in range(rounds)])[:chips]
    places = enclosing_origins(view.valid_scaled[drawn], view.size_scaled, view.chip_size)
    origins = rng.integers(places.first, places.last, endpoint=True)
    _, first = np.unique(origins, axis=0, return_index=True)
    return np.asarray(origins[np.sort(first)])

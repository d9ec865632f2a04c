"""The sampler of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.cover import greedy_cover

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Ints
    from chipgen.samplers.protocol import View


def sniper(view: View, rng: Generator) -> Ints:
    """Choose chips as SNIPER does: the greedy cover of the valid boxes."""
    return greedy_cover(view.valid_scaled, view.size_scaled, view.chip_size, view.stride, rng)

"""The sampler of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.cover import greedy_cover
from chipgen.cover_many import cover_many

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Ints
    from chipgen.samplers.protocol import View, Views


def sniper(view: View, rng: Generator) -> Ints:
    """Choose chips as SNIPER does: the greedy cover of the valid boxes."""
    return greedy_cover(view.valid_scaled, view.size_scaled, view.chip_size, view.stride, rng)


def sniper_many(views: Views) -> tuple[Ints, Ints]:
    """Choose the chips that `sniper` chooses, for many images at once."""
    chip = views.chip_size, views.stride
    return cover_many(views.valid_scaled, views.image, views.size_scaled, chip, views.words)

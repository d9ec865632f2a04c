"""The account of negative chips: packed pools against plain sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.flat import bounds
from chipgen.mining import Found, Pool

IMAGES = st.lists(st.integers(0, 12), min_size=1, max_size=6)
"""How many proposals each image has."""


@settings(deadline=None)
@given(IMAGES, st.integers(0, 2**32), st.integers(1, 3), st.integers(0, 5), st.sampled_from([0.0, 0.3, 1.0]))
def test_pools_count_what_drawn_chips_enclose(
    counts: list[int], seed: int, levels: int, chips: int, drawn_share: float
) -> None:
    rng, spans, made = np.random.default_rng(seed), bounds(counts), []
    for _ in range(levels):
        image = np.sort(rng.integers(0, len(counts), chips))
        own = [spans[one] + np.flatnonzero(rng.random(counts[one]) < 0.4) for one in image.tolist()]
        chip = np.repeat(np.arange(chips), [len(held) for held in own])
        held = np.concatenate([np.empty(0, dtype=np.int64), *own])
        made.append(Found(image, np.zeros((chips, 2), dtype=np.int64), chip, held))
    shown = rng.random(sum(counts)) < 0.5
    pool = Pool.of(100, made, spans, shown)
    drawn = rng.random(levels * chips) < drawn_share
    assert pool.proposals.tolist() == [int(np.sum(found.chip == chip)) for found in made for chip in range(chips)]
    assert pool.image.tolist() == [100 + image for found in made for image in found.image.tolist()]
    at_level, used, both = pool.used(drawn)
    sets = [
        set(found.proposal[own[found.chip]].tolist())
        for found, own in zip(made, drawn.reshape(levels, -1), strict=True)
    ]
    assert at_level.tolist() == [len(own) for own in sets[: len(at_level)]]
    assert all(not own for own in sets[len(at_level) :])
    assert used == len(set[int]().union(*sets))
    assert both == sum(shown[proposal] for proposal in set[int]().union(*sets))

"""Mining many images at once: the same chips as a cover by plain loops, where there are many proposals."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import ranks
from thorough import times

from chipgen.config import PlanConfig
from chipgen.cover import Origins
from chipgen.negative import Ground, mine
from chipgen.negative import finding as module
from chipgen.negative.closed import Boxes

if TYPE_CHECKING:
    from chipgen.boxes import Ints

CHIP = 64


def one_by_one(room: Ints, origins: Origins, least: int, word: int, stride: int) -> list[list[int]]:
    """Take the best window again and again; `origins` are those of one image."""
    grids = []
    for axis in (0, 1):
        grid = {*range(0, int(room[axis]), stride), int(room[axis])}
        runs = zip(origins.first[:, axis].tolist(), origins.last[:, axis].tolist(), strict=True)
        middles = {(first + last) // 2 for first, last in runs if not any(first <= at <= last for at in grid)}
        grids.append(sorted(grid | middles))
    rank_x, rank_y = (ranks(word, axis, grid) for axis, grid in enumerate(grids))
    open_, chosen = np.ones(len(origins.first), dtype=bool), []
    while len(open_) >= least:
        inside = {
            at: open_ & ((origins.first <= at) & (at <= origins.last)).all(axis=1) for at in itertools.product(*grids)
        }
        best = min(inside, key=lambda at: (-inside[at].sum(), rank_x[at[0]], rank_y[at[1]]))
        if inside[best].sum() < least:
            break
        open_ &= ~inside[best]
        chosen.append(list(best))
    return chosen


@settings(deadline=None, max_examples=times(100))
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200), st.integers(0, 25)), min_size=1, max_size=5),
    st.sampled_from([7, 20, 32, 64, 90]),
    st.sampled_from([1, 500, 100_000]),
)
def test_the_same_chips_as_one_by_one(seed: int, images: list[tuple[int, int, int]], stride: int, at_once: int) -> None:
    rng, made = np.random.default_rng(seed), np.array(images)
    size, image = made[:, :2], np.repeat(np.arange(len(images)), made[:, 2])
    room = np.maximum(size - CHIP, 0)
    first = (rng.random((len(image), 2)) * (room[image] + 1)).astype(np.int64)
    last = np.minimum(first + rng.choice([0, 3, 20, 60], first.shape), room[image])
    words, least = rng.integers(0, 2**63, len(images)).astype(np.uint64), rng.integers(1, 5, len(images))
    boxes = Boxes(np.empty(0, dtype=np.int64), np.empty((0, 4)), np.empty(0, dtype=np.bool_))
    config = PlanConfig.parse("1x", "-", chip_size=CHIP, stride=stride)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CELLS_AT_ONCE", at_once)
        at, origin = mine(Ground(size, least, words, boxes, config), image, Origins(first, last))
    for row in range(len(images)):
        own = Origins(first[image == row], last[image == row])
        expected = one_by_one(room[row], own, int(least[row]), int(words[row]), stride)
        assert origin[at == row].tolist() == expected
    assert np.all(np.diff(at) >= 0)

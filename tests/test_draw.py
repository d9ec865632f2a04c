"""Drawing negative chips: budgets, rings, and independence of everything but seed and image."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.draw import draw, share_of

if TYPE_CHECKING:
    from chipgen.boxes import Ints

POOLS = st.lists(st.tuples(st.integers(-5, 10**12), st.integers(1, 6)), max_size=8, unique_by=lambda pool: pool[0])
LIMIT = st.none() | st.integers(0, 7)


def ids_of(pools: list[tuple[int, int]]) -> Ints:
    """Return the image id of every chip."""
    return np.repeat(np.array([i for i, _ in sorted(pools)], dtype=np.int64), [n for _, n in sorted(pools)])


@settings(deadline=None)
@given(POOLS, LIMIT, st.none() | st.integers(0, 30), st.integers(0, 3), st.integers(0, 9))
def test_budgets_are_used_up_and_never_passed(
    pools: list[tuple[int, int]], limit: int | None, total: int | None, seed: int, epoch: int
) -> None:
    drawn = draw(ids_of(pools), limit, total, seed, epoch)
    possible = sum(count if limit is None else min(count, limit) for _, count in pools)
    assert drawn.sum() == (possible if total is None else min(possible, total))
    for image, count in Counter(ids_of(pools)[drawn].tolist()).items():
        assert count <= min(dict(pools)[image], 10 if limit is None else limit)


@settings(deadline=None)
@given(POOLS, st.integers(1, 7), st.integers(0, 3))
def test_no_chip_comes_back_before_the_others_of_its_image_were_shown(
    pools: list[tuple[int, int]], limit: int, seed: int
) -> None:
    ids = ids_of(pools)
    shown = np.array([draw(ids, limit, None, seed, epoch) for epoch in range(6)], dtype=np.int64).cumsum(axis=0)
    for image, _ in pools:
        often = shown[:, ids == image]
        assert np.all(often.max(axis=1) - often.min(axis=1) <= 1)


@settings(deadline=None)
@given(POOLS, st.integers(1, 30), st.integers(0, 3))
def test_a_total_goes_round_all_images_and_all_chips(pools: list[tuple[int, int]], total: int, seed: int) -> None:
    ids = ids_of(pools)
    drawn = np.array([draw(ids, None, total, seed, epoch) for epoch in range(6)], dtype=np.int64)
    often = drawn.cumsum(axis=0)
    assert len(ids) == 0 or np.all(often.max(axis=1) - often.min(axis=1) <= 1)
    first = Counter(ids[drawn[0] > 0].tolist())
    most = max(first.values(), default=0)
    assert all(first[image] >= min(count, most - 1) for image, count in pools)  # nobody's second before all firsts


@pytest.mark.row("K109")
@settings(deadline=None)
@given(POOLS, st.integers(1, 7), st.integers(0, 3), st.integers(0, 5))
def test_an_image_draws_the_same_whatever_others_there_are(
    pools: list[tuple[int, int]], limit: int, seed: int, epoch: int
) -> None:
    ids = ids_of(pools)
    drawn = draw(ids, limit, None, seed, epoch)
    for image, _ in pools:
        assert np.array_equal(drawn[ids == image], draw(ids[ids == image], limit, None, seed, epoch))


@pytest.mark.row("K109")
def test_seed_and_epoch_change_the_draw() -> None:
    ids = np.repeat(np.arange(20), 5)
    assert not np.array_equal(draw(ids, 2, None, 0), draw(ids, 2, None, 1))
    assert not (draw(ids, 2, None, 0, 0) & draw(ids, 2, None, 0, 1)).any()  # five chips, two an epoch: all others


@pytest.mark.parametrize(
    ("ratio", "positives", "share"), [(None, 9, None), (0.5, 9, 5), (0.3, 10, 3), (0, 5, 0), (2, 4, 8)]
)
def test_share_of(ratio: float | None, positives: int, share: int | None) -> None:
    assert share_of(ratio, positives) == share

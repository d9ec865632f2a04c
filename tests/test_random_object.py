"""Random windows around objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen import View, random_object
from chipgen.boxes import Floats, Ints, inside
from chipgen.chips import windows_at
from chipgen.errors import UsageError

NONE = np.empty((0, 4))


def view(width: int, height: int, valid: Any, chip_size: int = 100) -> View:
    boxes: Floats = np.array(valid, dtype=np.float64).reshape(-1, 4)
    return View(1, 0, np.array([width, height]), chip_size, 32, boxes, NONE)


def draw(seen: View, seed: int = 0, **options: Any) -> Ints:
    return random_object(seen, np.random.default_rng(seed), **options)


def held_by(seen: View, origins: Ints) -> list[set[int]]:
    """Return which boxes each window encloses."""
    windows = windows_at(origins, seen.content)
    return [set(np.flatnonzero(inside(seen.valid_scaled, window)).tolist()) for window in windows]


FAR_APART = [[x, 300, x + 50, 350] for x in range(60, 900, 180)]


@settings(deadline=None)
@given(seed=st.integers(0, 1000), chips=st.integers(1, 5))
def test_each_window_is_around_another_object_while_there_are_some(seed: int, chips: int) -> None:
    seen = view(1000, 800, FAR_APART)
    held = held_by(seen, draw(seen, seed, chips=chips))
    assert [len(objects) for objects in held] == [1] * chips
    assert len(set.union(*held)) == chips


def test_windows_stand_in_the_order_drawn() -> None:
    seen = view(1000, 800, FAR_APART)
    first = {next(iter(held_by(seen, draw(seen, seed, chips=5))[0])) for seed in range(50)}
    assert first == set(range(5))


def test_more_windows_than_objects_go_around_all_of_them_again() -> None:
    seen = view(1000, 800, FAR_APART)
    held = held_by(seen, draw(seen, chips=12))
    counts = [sum(number in objects for objects in held) for number in range(5)]
    assert sorted(counts) == [2, 2, 2, 3, 3]


def test_every_place_around_the_object_comes_up() -> None:
    """A box of 97 px in a chip of 100 leaves four places along x; at the edge of the image there is one along y."""
    seen = view(300, 300, [[50, 0, 147, 100]])
    found = {tuple(draw(seen, seed, chips=1)[0].tolist()) for seed in range(100)}
    assert found == {(x, 0) for x in (47, 48, 49, 50)}
    edge = view(300, 300, [[200.5, 203.5, 299.5, 300]])
    assert {tuple(draw(edge, seed, chips=1)[0].tolist()) for seed in range(50)} == {(200, 200)}


def test_windows_that_come_out_the_same_are_one() -> None:
    seen = view(60, 40, [[0, 0, 10, 10], [30, 20, 40, 30]])
    assert draw(seen, chips=7).tolist() == [[0, 0]]


def test_without_an_object_there_is_no_window() -> None:
    origins = draw(view(500, 500, []))
    assert origins.shape == (0, 2)
    assert origins.dtype == np.int64


def test_two_windows_unless_told_otherwise() -> None:
    assert len(draw(view(1000, 800, FAR_APART))) == 2


@pytest.mark.parametrize("chips", [0, -1, 10_001])
def test_number_of_windows_has_limits(chips: int) -> None:
    with pytest.raises(UsageError, match=f"--sampler-option chips: {chips}: is not possible"):
        draw(view(10, 10, []), chips=chips)

"""The grid: what a tiling tool would cut, and which of it is empty."""

from __future__ import annotations

import functools
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cocos, plan_settings
from thorough import times

import chipgen
from chipgen import View
from chipgen.errors import UsageError

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints

NONE = np.empty((0, 4))


def view(width: int, height: int, chip_size: int = 100, valid: Floats = NONE, ignored: Floats = NONE) -> View:
    return View(1, 0, np.array([width, height]), chip_size, 32, valid, ignored)


def grid(seen: View, seed: int = 0, **options: Any) -> Ints:
    return chipgen.grid(seen, np.random.default_rng(seed), **options)


@pytest.mark.parametrize(
    ("size", "overlap", "x", "y"),
    [
        ((300, 100), 0.0, [0, 100, 200], [0]),
        ((301, 100), 0.0, [0, 100, 200, 201], [0]),
        ((260, 190), 0.2, [0, 80, 160], [0, 80, 90]),
        ((100, 100), 0.5, [0], [0]),
        ((40, 150), 0.5, [0], [0, 50]),
        ((40, 30), 0.0, [0], [0]),
        ((103, 100), 0.999, [0, 1, 2, 3], [0]),
    ],
)
def test_windows_of_a_grid_by_hand(size: tuple[int, int], overlap: float, x: list[int], y: list[int]) -> None:
    assert grid(view(*size), overlap=overlap).tolist() == [[left, top] for top in y for left in x]


@settings(deadline=None)
@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    chip=st.integers(1, 120),
    overlap=st.floats(0, 0.99, exclude_max=True),
)
def test_windows_cover_the_image_and_share_what_was_asked_for(
    width: int, height: int, chip: int, overlap: float
) -> None:
    seen = view(width, height, chip)
    origins = grid(seen, overlap=overlap)
    for axis, side in enumerate((width, height)):
        at = sorted(set(origins[:, axis].tolist()))
        assert at[0] == 0
        assert at[-1] + min(chip, side) == side
        for one, other in pairwise(at):
            assert one < other
            assert one + chip - other >= int(chip * overlap), "neighbours share at least so much"
        assert all(two - one == at[1] - at[0] for one, two in pairwise(at[:-1])), "all but the last are evenly spaced"
    assert len(origins) == len(np.unique(origins, axis=0))


@settings(deadline=None, max_examples=times(60))
@given(coco=cocos(), config=plan_settings(), overlap=st.sampled_from((0.0, 0.2, 0.7)))
def test_empty_windows_are_those_whose_chips_hold_no_box(coco: Coco, config: dict[str, Any], overlap: float) -> None:
    dataset = coco.read()
    plans = [
        chipgen.plan(dataset, **config, sampler="grid", sampler_options={"overlap": overlap, "empty": empty})
        for empty in (0, 1)
    ]
    held = [np.bincount(plan.boxes.chip, minlength=len(plan.chips)) > 0 for plan in plans]
    assert held[0].all()
    kept = plans[1].chips.take(np.flatnonzero(held[1]))
    for column in ("image", "level", "origin_scaled"):
        assert np.array_equal(getattr(kept, column), getattr(plans[0].chips, column))


def test_overlap_a_hair_below_one_still_steps_on() -> None:
    for chip in (1, 2, 3, 7, 64, 511, 512, 513, 16384):
        assert len(grid(view(chip + 2, chip, chip), overlap=float(np.nextafter(1, 0)))) == 3


def test_share_of_empty_windows_is_drawn_from_the_stream() -> None:
    boxes = np.array([[0.0, 0.0, 50.0, 50.0]])
    seen = view(10_000, 1000, valid=boxes)
    everything = grid(seen, overlap=0, empty=1)
    assert len(everything) == 1000
    some = [grid(seen, seed, overlap=0, empty=0.3) for seed in (1, 1, 2)]
    assert 250 < len(some[0]) < 350
    assert np.array_equal(some[0], some[1])
    assert len(some[0]) != len(some[2]) or not np.array_equal(some[0], some[2])
    assert all(origins[0].tolist() == [0, 0] for origins in some), "what shows a box is never left out"
    assert len(grid(view(10_000, 1000, ignored=boxes), overlap=0, empty=0)) == 1, "an ignored box counts, too"


def test_objects_on_the_seams_are_uncovered_and_told() -> None:
    coco = Coco()
    image = coco.image(200, 100)
    coco.box(image, [90, 10, 20, 20])
    coco.box(image, [10, 10, 20, 20])
    part = functools.partial(chipgen.grid, overlap=0.0)
    plan = chipgen.plan(coco.read(), "1x", chip_size=100, sampler=part)
    assert plan.ledger().counts() == {"covered": 1, "uncovered": 1} | dict.fromkeys(
        ("invalid", "image_skipped", "crowd", "too_large", "too_small", "out_of_range"), 0
    )
    assert "1 object uncovered, that is enclosed by no chip of grid: see the ledger" in plan.notes


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"overlap": 1.0}, "--sampler-option overlap: 1.0: is not possible: use a share from 0 to less than 1"),
        ({"overlap": -0.1}, "--sampler-option overlap: -0.1"),
        ({"overlap": float("nan")}, "--sampler-option overlap: nan"),
        ({"empty": 1.1}, "--sampler-option empty: 1.1"),
        ({"empty": -1.0}, "--sampler-option empty: -1"),
    ],
)
def test_options_outside_their_limits(options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        grid(view(10, 10), **options)

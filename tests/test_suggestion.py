"""Suggested scales: few, and serving the sizes they were made for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.scales import parse_ranges, parse_scales
from chipgen.suggestion import suggest


def test_no_objects_no_suggestion() -> None:
    assert suggest(np.empty(0)) is None


def test_one_scale_serves_sizes_of_one_kind() -> None:
    found = suggest(np.full(10, 20.0))
    assert found is not None
    (scale,) = parse_scales(found.scales)
    assert 50 <= 20 * scale.factor <= 250
    assert found.valid_ranges == "0-"


@pytest.mark.parametrize(("largest", "count"), [(100.0, 1), (101.0, 2), (400.0, 2), (401.0, 3), (1600.0, 3)])
def test_each_further_scale_adds_a_ratio_of_four(largest: float, count: int) -> None:
    found = suggest(np.concatenate((np.full(50, 20.0), np.full(50, largest))))
    assert found is not None
    assert len(found.scales.split(",")) == count


@given(st.lists(st.floats(13, 5000), min_size=1, max_size=50))
def test_small_and_large_arrive_at_a_good_size(sizes: list[float]) -> None:
    found = suggest(np.array(sizes))
    assert found is not None
    factors = [scale.factor for scale in parse_scales(found.scales)]
    ranges = parse_ranges(found.valid_ranges, len(factors))
    assert ranges is not None
    for size in (found.small_img, found.large_img):
        arrivals = [size * f for f, valid in zip(factors, ranges, strict=True) if valid.lo <= size < valid.hi]
        assert any(49 <= arrival <= 253 for arrival in arrivals)


def test_tiny_objects_are_not_enlarged_beyond_reason() -> None:
    found = suggest(np.full(10, 2.0))
    assert found is not None
    assert found.scales == "4x"

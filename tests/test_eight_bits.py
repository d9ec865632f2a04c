"""Values spread over 8 bits, against the formula."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.bands import Stretch
from chipgen.eight_bits import AT_ONCE, ends, to_eight_bits, usable


@given(st.integers(-(2**31), 2**32 - 1), st.integers(-1000, 1000), st.integers(1, 5000))
def test_values_are_spread_by_the_formula(value: int, lo: int, width: int) -> None:
    exact = Fraction(value - lo, width) * 255 + Fraction(1, 2)
    found = int(to_eight_bits(np.array([value], dtype=np.int64), lo, lo + width)[0])
    near = {math.floor(exact), round(exact)} if abs(exact - round(exact)) < 1e-6 else {math.floor(exact)}
    assert found in {min(max(level, 0), 255) for level in near}  # division rounds: a half may fall to either side


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8", ">u2", ">f4"])
def test_every_type_of_values_is_spread_alike(dtype: str) -> None:
    values = np.arange(0, 120, 10).reshape(3, 4).astype(dtype)
    assert to_eight_bits(values, 10, 70).tolist() == [[0, 0, 43, 85], [128, 170, 213, 255], [255] * 4]
    assert to_eight_bits(np.arange(256, dtype=np.uint8), 0, 255).tolist() == list(range(256))


def test_what_means_nothing_is_black() -> None:
    values = np.array([np.nan, -np.inf, np.inf, -9999, 5], dtype=np.float64)
    assert to_eight_bits(values, -20_000, 5, -9999).tolist() == [0, 0, 255, 0, 255]
    assert usable(values, -9999).tolist() == [False, False, False, False, True]
    assert usable(np.array([1, 2], dtype=np.uint8), 2).tolist() == [True, False]
    assert usable(np.array([1, 2], dtype=np.uint8), None).tolist() == [True, True]


def test_many_values_are_spread_as_few_are() -> None:
    values = (np.arange(2 * AT_ONCE + 3) % 1000).astype(np.uint16)
    found = to_eight_bits(values, 0, 999)
    assert all(np.array_equal(found[start : start + 1000], found[:1000]) for start in (1000, AT_ONCE // 1000 * 1000))
    assert np.array_equal(np.unique(found), np.arange(256))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(0, 99), st.integers(1, 100))
def test_percentiles_are_values_at_ranks(values: list[int], lo: int, width: int) -> None:
    hi = min(100, lo + width)
    ordered = sorted(values)
    expected = [ordered[math.floor(Fraction(p * (len(values) - 1), 100) + Fraction(1, 2))] for p in (lo, hi)]
    found = ends(np.array(values, dtype=np.uint16), Stretch(lo, hi, percent=True))
    assert found[0] == expected[0]
    assert found[1] == expected[1] or expected[0] == expected[1]
    assert found[0] < found[1]


def test_a_band_of_one_value_is_black() -> None:
    for value in (0, 7, -3e30):
        values: Any = np.full(5, value, dtype=np.float64)
        assert not to_eight_bits(values, *ends(values, Stretch(2, 98, percent=True))).any()


def test_a_band_without_values_has_ends_all_the_same() -> None:
    assert ends(np.zeros(0), Stretch(2, 98, percent=True)) == (0.0, 1.0)

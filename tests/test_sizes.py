"""Histograms of sizes: each size in its bin, and all of them in some."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chipgen.sizes import fine_histogram, histogram

sizes = arrays(np.float64, st.integers(0, 40), elements=st.floats(1e-3, 1e6))


@given(sizes)
def test_fine_bins_hold_all_sizes_each_where_it_belongs(values: np.ndarray) -> None:
    bins = fine_histogram(values)
    assert sum(count for _, _, count in bins) == len(values)
    for lo, hi, count in bins:
        upper = np.inf if hi is None else hi
        assert np.count_nonzero((values >= lo) & (values < upper * (1 - 2e-6))) <= count
        assert count <= np.count_nonzero((values >= lo * (1 - 2e-6)) & (values < upper))
    assert all(first[1] == second[0] for first, second in itertools.pairwise(bins))
    if bins:
        assert bins[0][2] > 0
        assert bins[-1][2] > 0


@given(arrays(np.float64, st.integers(0, 40), elements=st.floats(9, 900)))
def test_fine_bins_add_up_to_coarse_ones(values: np.ndarray) -> None:
    values = values[np.abs(np.log2(values) - np.round(np.log2(values))) > 1e-5]
    fine = fine_histogram(values)
    for lo, hi, count in histogram(values):
        inside = [n for low, high, n in fine if lo <= low and hi is not None and high is not None and high <= hi]
        assert sum(inside) == count or hi is None


def test_four_bins_make_an_octave() -> None:
    bins = fine_histogram(np.array([16.0, 31.9]))
    assert [lo for lo, _, _ in bins] == pytest.approx([16 * 2 ** (step / 4) for step in range(4)])
    assert bins[-1][1] == 32


@pytest.mark.parametrize("size", [1.0, 16.0, 32.0, 512.0, 16 * 2**0.25])
def test_size_at_an_end_belongs_to_the_bin_above_it_also_when_rounded(size: float) -> None:
    for value in (size, float(np.nextafter(size, 0)), size * (1 - 1e-7)):
        ((lo, _, count),) = fine_histogram(np.array([value]))
        assert lo == pytest.approx(size)
        assert count == 1


def test_what_lies_beyond_is_counted_at_the_ends() -> None:
    bins = fine_histogram(np.array([0.01, 0.5, 70_000, 10**9]))
    assert bins[0] == (0.0, 1.0, 2)
    assert bins[-1] == (65536.0, None, 2)


def test_no_sizes_no_bins() -> None:
    assert fine_histogram(np.empty(0)) == ()
    assert sum(count for _, _, count in histogram(np.empty(0))) == 0

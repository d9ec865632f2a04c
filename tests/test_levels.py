"""Scaled sizes and automatic ranges of images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.levels import Levels, auto_ranges, make_levels, scaled_sizes
from chipgen.scales import ValidRange, gaps, parse_scales


def sized(token: str, width: int, height: int) -> list[int]:
    (scale,) = parse_scales(token)
    result: list[int] = scaled_sizes(scale, np.array([[width, height]]))[0].tolist()
    return result


@pytest.mark.parametrize(
    ("token", "size_img", "size_scaled"),
    [
        ("512", (640, 428), [512, 342]),
        ("512", (427, 640), [342, 512]),
        ("512", (500, 375), [512, 384]),
        ("800x1333", (640, 480), [1067, 800]),
        ("800x1333", (1000, 400), [1333, 533]),
        ("1400x2000", (640, 428), [2000, 1338]),
        ("3x", (640, 427), [1920, 1281]),
        ("1.667x", (100, 100), [167, 167]),
        (".5x", (7, 9), [4, 5]),  # 3.5 and 4.5 round up, not to even
        ("512", (1024, 683), [512, 342]),  # 341.5 rounds up
        ("16", (1000, 10), [16, 1]),  # never below one pixel
    ],
)
def test_scaled_size(token: str, size_img: tuple[int, int], size_scaled: list[int]) -> None:
    assert sized(token, *size_img) == size_scaled


def photograph(scales: str) -> Levels:
    return make_levels(parse_scales(scales), None, np.array([[640, 480]]), 512)


def test_automatic_ranges_are_close_to_the_papers_at_its_scales() -> None:
    ranges = photograph("3x,1.667x,512").range_img[0]
    paper = np.array([[0, 80], [32, 150], [120, math.inf]])
    np.testing.assert_allclose(ranges, paper, rtol=0.1)


@pytest.mark.row("H74")
def test_automatic_ranges_follow_the_order_of_the_scales() -> None:
    fine_first, coarse_first = photograph("3x,1.667x,512"), photograph("512,1.667x,3x")
    np.testing.assert_array_equal(fine_first.range_img[0], coarse_first.range_img[0, ::-1])


@given(st.lists(st.floats(0.01, 50), min_size=1, max_size=6), st.sampled_from((64, 512, 1024)))
def test_automatic_ranges_leave_no_gap_and_never_promise_too_much(factors: list[float], chip_size: int) -> None:
    factor = np.array([factors])
    ranges = auto_ranges(factor, chip_size)[0]
    order = np.argsort(-factor[0], kind="stable")
    lo, hi = ranges[order].T
    assert lo[0] == 0
    assert math.isinf(hi[-1])
    assert np.all(lo < hi)
    assert np.all(lo[1:] < hi[:-1])
    assert np.all(hi[:-1] <= chip_size / factor[0][order][:-1])
    assert gaps(tuple(ValidRange(*ends) for ends in ranges.tolist())) == ()


def test_far_apart_scales_reach_up_to_the_next() -> None:
    (fine, coarse) = auto_ranges(np.array([[1.0, 0.15]]), 512)[0].tolist()
    assert fine[1] > 250
    assert coarse[0] * 0.15 == pytest.approx(50)

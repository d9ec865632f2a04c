"""The greedy cover: laws, and its corner cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.cover import candidate_positions, enclosing_origins, greedy_cover

if TYPE_CHECKING:
    from chipgen.boxes import Floats

SIZE = np.array([700, 450])


@st.composite
def scaled_boxes(draw: st.DrawFn) -> Floats:
    count = draw(st.integers(0, 12))
    boxes = [
        [draw(st.floats(0, 690)), draw(st.floats(0, 440)), draw(st.floats(0, 127)), draw(st.floats(0, 127))]
        for _ in range(count)
    ]
    xywh = np.array(boxes).reshape(-1, 4)
    xyxy = np.concatenate((xywh[:, :2], np.minimum(xywh[:, :2] + xywh[:, 2:], SIZE)), axis=1)
    return xyxy[enclosing_origins(xyxy, SIZE, 128).exist]


@settings(deadline=None)
@given(scaled_boxes(), st.integers(1, 200), st.integers(0, 5))
def test_every_box_is_enclosed_by_a_window_inside_the_image(boxes: Floats, stride: int, seed: int) -> None:
    origins = greedy_cover(boxes, SIZE, 128, stride, np.random.default_rng(seed))
    assert np.all(origins >= 0)
    assert np.all(origins <= SIZE - 128)
    low, high = boxes[:, None, :2] >= origins - 1e-6, boxes[:, None, 2:] <= origins + 128 + 1e-6
    assert np.all(np.any(np.all(low & high, axis=2), axis=1))
    assert len(origins) <= len(boxes)


def test_no_boxes_no_windows() -> None:
    assert greedy_cover(np.empty((0, 4)), SIZE, 128, 32, np.random.default_rng(0)).shape == (0, 2)


@pytest.mark.parametrize(
    ("box", "first", "last"),
    [
        ([100.0, 100.0, 150.0, 150.0], [22, 22], [100, 100]),
        ([100.5, 100.0, 150.2, 150.0], [23, 22], [100, 100]),
        ([10.0, 10.0, 138.0, 138.0], [10, 10], [10, 10]),  # exactly as large as a chip, on whole pixels
        ([10.0 - 4e-7, 10.0, 138.0 + 4e-7, 138.0], [10, 10], [10, 10]),  # a rounding error larger
        ([690.0, 440.0, 700.0, 450.0], [572, 322], [572, 322]),  # only the last window reaches the corner
        ([0.0, 0.0, 5.0, 5.0], [0, 0], [0, 0]),
    ],
)
def test_enclosing_origins(box: list[float], first: list[int], last: list[int]) -> None:
    origins = enclosing_origins(np.array([box]), SIZE, 128)
    assert origins.exist.tolist() == [True]
    assert (origins.first[0].tolist(), origins.last[0].tolist()) == (first, last)


@pytest.mark.parametrize("box", [[10.0, 10.0, 138.1, 20.0], [10.5, 10.0, 138.4, 20.0]])
def test_box_that_no_whole_pixel_window_holds(box: list[float]) -> None:
    assert enclosing_origins(np.array([box]), SIZE, 128).exist.tolist() == [False]


def test_positions_are_grid_edge_and_middles_of_what_they_miss() -> None:
    first, last = np.array([10, 65]), np.array([20, 75])
    assert candidate_positions(first, last, 100, 30).tolist() == [0, 15, 30, 60, 70, 90, 100]


def test_small_image_has_one_position() -> None:
    assert candidate_positions(np.array([0]), np.array([0]), 0, 32).tolist() == [0]


def test_one_window_where_one_is_enough() -> None:
    boxes = np.array([[float(x), 10.0, float(x) + 5, 15.0] for x in range(0, 120, 10)])
    assert len(greedy_cover(boxes, SIZE, 128, 32, np.random.default_rng(3))) == 1

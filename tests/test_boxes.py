"""Boxes as arrays, empty ones included."""

from __future__ import annotations

import numpy as np
import pytest

from chipgen.boxes import area, clip, inside, scale, sides, size

EMPTY = np.empty((0, 4))


def test_clip_cuts_to_one_window_or_to_many() -> None:
    boxes = np.array([[-5.0, 2.0, 5.0, 20.0], [30.0, 30.0, 40.0, 40.0]])
    window = np.array([0.0, 0.0, 10.0, 10.0])
    assert clip(boxes, window).tolist() == [[0, 2, 5, 10], [10, 10, 10, 10]]
    assert clip(boxes, np.stack([window, window + 30])).tolist() == [[0, 2, 5, 10], [30, 30, 40, 40]]


def test_measures() -> None:
    boxes = np.array([[1.0, 2.0, 4.0, 14.0]])
    assert sides(boxes).tolist() == [[3, 12]]
    assert area(boxes).tolist() == [36]
    assert size(boxes).tolist() == [6]


def test_scale_moves_both_corners() -> None:
    boxes = np.array([[1.0, 2.0, 4.0, 14.0]])
    assert scale(boxes, np.array([2.0, 0.5])).tolist() == [[2, 1, 8, 7]]


@pytest.mark.parametrize(("overhang", "expected"), [(0.0, True), (5e-7, True), (2e-6, False)])
def test_inside_forgives_rounding_only(overhang: float, expected: bool) -> None:
    box = np.array([[0.0 - overhang, 0.0, 10.0, 10.0 + overhang]])
    assert inside(box, np.array([0.0, 0.0, 10.0, 10.0])).tolist() == [expected]


def test_empty_boxes_stay_empty() -> None:
    window = np.array([0.0, 0.0, 1.0, 1.0])
    assert clip(EMPTY, window).shape == (0, 4)
    assert sides(EMPTY).shape == (0, 2)
    assert [len(found) for found in (area(EMPTY), size(EMPTY), inside(EMPTY, window))] == [0, 0, 0]

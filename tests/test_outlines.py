"""The outlines of masks, as they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from chipgen.errors import UnusableError
from chipgen.masks import outlines
from chipgen.masks.outlines import trace

REGIONS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans())


def filled(rings: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Fill outlines along the grid even-odd."""
    pixels = np.zeros(shape, dtype=np.bool_)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            assert (x1 == x2) != (y1 == y2), "sides run along the grid, and turn at each corner"
            if x1 == x2:
                low, high = sorted((int(y1), int(y2)))
                pixels[int(x1) :, low:high] ^= True
    return pixels


@given(REGIONS)
def test_borders_of_pixels_enclose_just_these(region: np.ndarray) -> None:
    assert np.array_equal(filled(trace(region), region.shape), region)


@given(REGIONS)
def test_run_length_codes_are_traced_the_right_way_round(region: np.ndarray) -> None:
    code = pycocotools.mask.encode(np.asfortranarray(region.T.astype(np.uint8)))
    value = {"size": code["size"], "counts": code["counts"].decode()}
    parts = outlines(value, (region.shape[0], region.shape[1]))
    assert len(parts) == int(region.any())
    assert np.array_equal(filled(parts[0] if parts else (), region.shape), region)


def test_polygons_stay_what_they_are_each_a_part() -> None:
    parts = outlines([[0, 0, 4, 0, 4, 4], [1.5, 1, 2, 1, 2, 2]], (10, 10))
    assert [[ring.tolist() for ring in part] for part in parts] == [
        [[[0, 0], [4, 0], [4, 4]]],
        [[[1.5, 1], [2, 1], [2, 2]]],
    ]
    assert outlines(None, (10, 10)) == ()
    assert outlines([], (10, 10)) == ()


@pytest.mark.parametrize(
    "value",
    [7, [7], [[1, 2, 3]], [["x", "y"]], [[1, float("nan")]], {"size": [9, 9], "counts": [81]}, {"counts": "!"}, "text"],
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(UnusableError):
        outlines(value, (10, 10))

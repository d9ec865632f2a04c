"""Masks and keypoints in chips: what is kept, what is refused, how much of it is seen."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.chips import Crop
from chipgen.errors import UnusableError
from chipgen.masks import crop_keypoints, crop_mask, read_keypoints, read_mask, rle
from chipgen.masks.rle import read_runs

SIZE = (100, 80)
WINDOW = Crop(factor=(1.0, 1.0), origin_scaled=(0, 0), content=(50, 50), size=(50, 50))
U_SHAPE = [40, 10, 90, 10, 90, 20, 45, 20, 45, 30, 90, 30, 90, 40, 40, 40]
H_SHAPE = [10, 10, 40, 10, 40, 20, 50, 20, 50, 15, 70, 15, 70, 40, 50, 40, 50, 30, 40, 30, 40, 40, 10, 40]
BOW_TIE = [10, 10, 30, 30, 30, 10, 10, 30]


def at(x: int, y: int, width: int = 50, height: int = 50, factor: float = 1.0) -> Crop:
    return Crop((factor, factor), (x, y), (width, height), (width, height))


def crop(value: Any, window: Crop = WINDOW) -> tuple[Any, float]:
    mask = read_mask(value, SIZE)
    assert mask is not None
    return crop_mask(mask, window)


def raster(segmentation: Any, window: Crop = WINDOW) -> Any:
    """Return a cropped mask as pixels, by a reader that is not ours."""
    width, height = window.size
    if isinstance(segmentation, dict):
        return pycocotools.mask.decode(segmentation)
    codes = pycocotools.mask.frPyObjects(segmentation, height, width)
    return pycocotools.mask.decode(pycocotools.mask.merge(codes))


def uncompressed(pixels: Any) -> dict[str, Any]:
    """Return a mask as COCO's uncompressed code."""
    flat = pixels.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    counts = np.diff(np.concatenate(([0], edges, [len(flat)])))
    return {"size": list(pixels.shape), "counts": counts.tolist()}


def test_polygon_inside_is_kept_as_it_came() -> None:
    segmentation, area = crop([[10.25, 10, 40, 10, 40, 30.5]])
    assert segmentation == [[10.25, 10, 40, 10, 40, 30.5]]
    assert area == pytest.approx(304.9375)


def test_polygon_moves_and_scales_with_its_box() -> None:
    segmentation, area = crop([[10, 10, 40, 10, 40, 30]], Crop((2.0, 0.5), (10, 2), (80, 30), (80, 30)))
    assert segmentation == [[10, 3, 70, 3, 70, 13]]
    assert area == pytest.approx(300)


@pytest.mark.row("D36")
def test_concave_polygon_cut_in_two_keeps_both_rings() -> None:
    segmentation, area = crop([U_SHAPE], at(60, 0, 40, 50))
    assert len(segmentation) == 2
    assert area == pytest.approx(30 * 10 * 2)


@pytest.mark.row("D36", "D37")
def test_mixed_result_of_a_cut_keeps_its_polygons() -> None:
    # The cut leaves a polygon and a line along the window's edge: a geometry collection.
    segmentation, area = crop([H_SHAPE])
    assert area == pytest.approx(1000)
    assert raster(segmentation).sum() == pytest.approx(1000, rel=0.1)


@pytest.mark.row("D37")
def test_polygon_that_only_touches_leaves_nothing() -> None:
    assert crop([[50, 10, 70, 10, 70, 30]]) == (None, 0.0)


@pytest.mark.row("D34")
def test_spike_that_encloses_nothing_is_not_written_beyond_the_chip() -> None:
    spike = [10, 10, 10, 20, 20, 10, 10, 10, 10, -30]
    assert crop([spike]) == ([[20, 10, 10, 10, 10, 20]], 50)
    assert crop([spike], at(5, 5)) == ([[15, 5, 5, 5, 5, 15]], 50)


@pytest.mark.row("D33")
def test_numbers_next_to_nothing_raise_no_warning() -> None:
    segmentation, area = crop([[1e-300, 0, 0, 1, 0, 0], [0, 0, 0, 10, 10, 0]])
    assert segmentation is not None
    assert area == pytest.approx(50)


@pytest.mark.row("D34")
def test_bow_tie_counts_both_wings() -> None:
    segmentation, area = crop([BOW_TIE])
    assert area == pytest.approx(200)
    assert segmentation == [BOW_TIE]
    cut_segmentation, cut_area = crop([BOW_TIE], at(0, 0, 28, 28))
    assert 0 < cut_area < 200
    assert raster(cut_segmentation, at(0, 0, 28, 28)).sum() == pytest.approx(cut_area, rel=0.2)


@pytest.mark.row("D35")
def test_overlapping_parts_are_not_counted_twice() -> None:
    square = [10, 10, 30, 10, 30, 30, 10, 30]
    segmentation, area = crop([square, square])
    assert len(segmentation) == 2
    assert area == pytest.approx(400)


def test_outlines_that_all_but_coincide_are_all_counted() -> None:
    """GEOS 3.14 leaves the largest of these parts out when it unites them as they are."""
    near = [(-0.1, -0.026), (-0.006, -0.04), (0.074, -0.068), (-0.062, 0.092), (-0.01, 0.036)]
    first = [*near, (113.028, 98.966), (9.052, 35.084)]
    second = [*first, (49.062, 102.986), (109.058, 77.076)]
    rings = [[float(number) for point in ring for number in point] for ring in (first, second)]
    mask = read_mask(rings, (120, 120))
    assert mask is not None
    _, area = crop_mask(mask, at(0, 0, 120, 120))
    assert area == pytest.approx(4172, abs=1)


def test_hole_stays_open_when_cut() -> None:
    # One outline that walks around a square ring: valid after mending, a polygon with a hole.
    ring = [0, 0, 40, 0, 40, 40, 0, 40, 0, 0, 10, 10, 10, 30, 30, 30, 30, 10, 10, 10]
    segmentation, area = crop([ring], at(0, 0, 39, 40))
    assert area == pytest.approx(39 * 40 - 400)
    pixels = raster(segmentation, at(0, 0, 39, 40))
    assert pixels[20, 20] == 0
    assert pixels.sum() == pytest.approx(area, rel=0.1)


@pytest.mark.row("D32", "D33", "D34", "D43")
@pytest.mark.parametrize(
    "value",
    [
        [[10, 10, 20, 20]],
        [[10, 10, 20, 20, 30]],
        [[]],
        [10, 10, 20, 20, 30, 30],
        [[10, 10, 20, 20, math.nan, 5]],
        [[10, 10, 20, 20, 1e9, 5]],
        [[10, 10, 20, 20, "3", 5]],
        [[10, 10, 20, 20, True, 5]],
        [[10, 10, 20, 20, 30, 30]],
        [[10, 10, 10, 10, 10, 10]],
        [[10, 10, 40, 10, 40, 30], [1, 2]],
        "polygon",
        7,
        [[0.0, 1.0] * 200_001],
    ],
)
def test_broken_polygons_are_refused(value: Any) -> None:
    with pytest.raises(UnusableError):
        read_mask(value, SIZE)


@pytest.mark.row("D38", "D39", "D40")
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"size": [80, 100]},
        {"size": [100, 80], "counts": [8000]},
        {"size": [0, 100], "counts": [0]},
        {"size": [80], "counts": [8000]},
        {"size": ["80", "100"], "counts": [8000]},
        {"size": [80, 100], "counts": []},
        {"size": [80, 100], "counts": [7999]},
        {"size": [80, 100], "counts": [8001]},
        {"size": [80, 100], "counts": [-1, 8001]},
        {"size": [80, 100], "counts": [8000.0]},
        {"size": [80, 100], "counts": ""},
        {"size": [80, 100], "counts": "\x00"},
        {"size": [80, 100], "counts": "o" * 40},
        {"size": [80, 100], "counts": "\xff\xff"},
        {"size": [80, 100], "counts": "P"},
    ],
)
def test_broken_runs_are_refused(value: Any) -> None:
    with pytest.raises(UnusableError) as refused:
        read_mask(value, SIZE)
    assert refused.value.reason == "bad_rle"


@pytest.mark.row("D38", "D39")
@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0), st.booleans())
def test_runs_are_read_as_pycocotools_reads_them(seed: int, density: float, compress: bool) -> None:
    pixels = np.asfortranarray(np.random.default_rng(seed).random((13, 17)) < density).astype(np.uint8, order="F")
    code = pycocotools.mask.encode(pixels)
    value = {"size": [13, 17], "counts": code["counts"].decode()} if compress else uncompressed(pixels)
    ends = read_runs(value, (17, 13)).ends
    ours = np.repeat(np.arange(len(ends)) % 2, np.diff(ends, prepend=0)).reshape(17, 13).T
    assert np.array_equal(ours, pixels)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 20), st.integers(1, 40), st.integers(1, 40))
def test_runs_are_cut_exactly_at_factor_one(x: int, y: int, width: int, height: int) -> None:
    pixels = (np.random.default_rng(5).random((80, 100)) < 0.5).astype(np.uint8)
    segmentation, area = crop(uncompressed(pixels), at(x, y, width, height))
    expected = pixels[y : y + height, x : x + width]
    assert area == expected.sum()
    assert expected.sum() == 0 or np.array_equal(raster(segmentation), expected)


@pytest.mark.parametrize("factor", [0.37, 0.5, 1.3, 3.0])
def test_runs_are_scaled_by_area(factor: float) -> None:
    rows, columns = np.mgrid[:80, :100]
    disc = ((rows - 40) ** 2 + (columns - 50) ** 2 < 30**2).astype(np.uint8)
    width, height = math.floor(100 * factor), math.floor(80 * factor)
    segmentation, area = crop(uncompressed(disc), at(0, 0, width, height, factor))
    assert area == pytest.approx(disc.sum() * factor**2, rel=0.03)
    assert raster(segmentation).shape == (height, width)


@pytest.mark.parametrize("factor", [0.11, 0.5, 1.0, 1.7])
@pytest.mark.parametrize("at_a_time", [1, 200, 1000])
def test_runs_are_cut_the_same_however_few_are_unpacked_at_a_time(
    at_a_time: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = (np.random.default_rng(7).random((80, 100)) < 0.5).astype(np.uint8)
    x, y = math.floor(20 * factor), math.floor(10 * factor)
    window = at(x, y, math.floor(70 * factor), math.floor(60 * factor), factor)
    whole = crop(uncompressed(pixels), window)
    monkeypatch.setattr(rle, "AT_A_TIME", at_a_time)
    assert crop(uncompressed(pixels), window) == whole


def test_mask_of_a_large_image_is_never_unpacked_whole() -> None:
    """As floats, the 80 million pixels of this one took two gigabytes."""
    side = 9000
    mask = read_mask({"size": [side, side], "counts": [1000, side * side // 2, side * side // 2 - 1000]}, (side, side))
    assert mask is not None
    factor = 512 / side
    tracemalloc.start()
    try:
        _, area = crop_mask(mask, Crop((factor, factor), (0, 0), (512, 512), (512, 512)))
        assert tracemalloc.get_traced_memory()[1] < 150e6
    finally:
        tracemalloc.stop()
    assert area == 512 * 512 / 2


def test_runs_fill_the_padded_chip() -> None:
    window = Crop((1.0, 1.0), (0, 0), (100, 80), (128, 128))
    segmentation, area = crop({"size": [80, 100], "counts": [0, 8000]}, window)
    assert segmentation["size"] == [128, 128]
    assert raster(segmentation)[:80, :100].all()
    assert raster(segmentation).sum() == area == 8000


@pytest.mark.row("D32")
def test_empty_mask_is_none() -> None:
    assert read_mask(None, SIZE) is None
    assert read_mask([], SIZE) is None
    assert crop({"size": [80, 100], "counts": [8000]}) == (None, 0.0)


def test_keypoints_that_leave_the_chip_are_erased_and_unlabelled_ones_untouched() -> None:
    points = read_keypoints([10, 10, 2, 70, 10, 1, 99, 99, 0, 49.996, 0, 2])
    assert points is not None
    flat, labelled = crop_keypoints(points, at(5, 0))
    assert flat == [5, 10, 2, 0, 0, 0, 99, 99, 0, 45, 0, 2]
    assert labelled == 2


def test_keypoint_on_the_far_edge_is_outside() -> None:
    points = read_keypoints([50, 10, 2])
    assert points is not None
    assert crop_keypoints(points, WINDOW) == ([0, 0, 0], 0)


@pytest.mark.row("D32")
@pytest.mark.parametrize("value", [[1, 2], ["a", 1, 2], [math.inf, 1, 2], {"x": 1}, [1, 2, True]])
def test_broken_keypoints_are_refused(value: Any) -> None:
    with pytest.raises(UnusableError):
        read_keypoints(value)


def test_no_keypoints_are_none() -> None:
    assert read_keypoints(None) is None
    assert read_keypoints([]) is None

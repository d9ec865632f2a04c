"""One outline for a mask of many parts: filled even-odd it shows what the mask shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pycocotools.mask
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from chipgen.masks.joined import one_outline, some_mask

SIDE = 48


def even_odd(outline: np.ndarray, scale: int = 8) -> np.ndarray:
    """Return which pixels' centres an outline encloses, shape ``(SIDE, SIDE)``, by another program's filling."""
    picture = Image.new("1", (SIDE * scale, SIDE * scale))
    ImageDraw.Draw(picture).polygon([(x * scale, y * scale) for x, y in outline.tolist()], fill=1)
    return np.asarray(picture)[scale // 2 :: scale, scale // 2 :: scale]


def ring_area(outline: np.ndarray) -> float:
    """Return what a closed line encloses, counted with its sign, so that a bridge walked there and back counts zero."""
    x, y = outline.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


squares = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(2, 8))


@given(st.lists(squares, min_size=1, max_size=5))
def test_outline_of_parts_passes_every_corner_and_encloses_their_area(parts: list[tuple[int, int, int]]) -> None:
    polygons = [[x, y, x + s, y, x + s, y + s, x, y + s] for x, y, s in parts]
    outline = one_outline([list(map(float, flat)) for flat in polygons], (SIDE, SIDE))
    assert outline is not None
    assert {tuple(p) for p in outline.tolist()} == {
        (float(x), float(y)) for flat in polygons for x, y in zip(flat[::2], flat[1::2], strict=True)
    }
    assert abs(ring_area(outline)) == pytest.approx(sum(s * s for _, _, s in parts))  # all run the same way round


def test_bridge_goes_where_two_parts_are_closest() -> None:
    outline = one_outline([[0, 0, 4, 0, 4, 4, 0, 4], [10, 3, 14, 3, 14, 7, 10, 7]], (SIDE, SIDE))
    assert outline is not None
    pairs = {tuple(map(tuple, pair)) for pair in np.stack((outline, np.roll(outline, -1, axis=0)), axis=1).tolist()}
    assert {((4.0, 4.0), (10.0, 3.0)), ((10.0, 3.0), (4.0, 4.0))} <= pairs


def code_of(pixels: np.ndarray) -> dict[str, Any]:
    """Return pixels, shape ``(height, width)``, as COCO's compressed code."""
    code: dict[str, Any] = pycocotools.mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
    return {"size": list(pixels.shape), "counts": code["counts"].decode()}


@settings(deadline=None)
@given(st.lists(st.tuples(squares, st.booleans()), min_size=1, max_size=6))
def test_outline_of_runs_shows_the_region_with_its_holes(parts: list[tuple[tuple[int, int, int], bool]]) -> None:
    pixels = np.zeros((SIDE, SIDE), dtype=np.bool_)
    for (x, y, side), filled in parts:
        pixels[2 * y // 3 : 2 * y // 3 + 2 * side, 2 * x // 3 : 2 * x // 3 + 2 * side] = filled
    outline = one_outline(code_of(pixels), (SIDE, SIDE))
    if outline is None:
        assert not pixels.any()
        return
    edges = shapely.MultiPolygon([shapely.box(x, y, x + 1, y + 1) for y, x in np.argwhere(pixels).tolist()]).buffer(0)
    # A slope may leave the edges of pixels by less than one; corners of bridges lie on edges.
    assert max(shapely.distance(shapely.points(outline), edges.boundary)) <= 1
    assert np.count_nonzero(even_odd(outline) != pixels) <= max(4, 0.15 * pixels.sum())


def test_hole_stays_open() -> None:
    pixels = np.zeros((SIDE, SIDE), dtype=np.bool_)
    pixels[4:40, 4:40] = True
    pixels[12:30, 12:30] = False
    outline = one_outline(code_of(pixels), (SIDE, SIDE))
    assert outline is not None
    shown = even_odd(outline)
    assert not shown[14:28, 14:28].any()
    assert shown[6:10, 6:38].all()
    assert len(outline) < 16


def test_stairs_of_a_slope_become_a_line() -> None:
    pixels = np.tri(SIDE, dtype=np.bool_)
    outline = one_outline(code_of(pixels), (SIDE, SIDE))
    assert outline is not None
    assert len(outline) <= 6


def test_crumbs_are_no_outline() -> None:
    crumbs = np.zeros((256, 256), dtype=np.bool_)
    crumbs[::2, ::2] = True  # 16,384 squares, none beside another
    assert one_outline(code_of(crumbs), (256, 256)) is None


def test_more_points_than_an_object_has_are_made_fewer() -> None:
    turn = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    circle = np.stack((np.cos(turn), np.sin(turn)), axis=1)
    polygons = [(centre + 20 * circle).ravel().tolist() for centre in (30, 80)]
    outline = one_outline(polygons, (128, 128))
    assert outline is not None
    assert len(outline) < 100
    assert abs(ring_area(outline)) == pytest.approx(2 * np.pi * 20**2, rel=0.05)


@pytest.mark.parametrize("empty", [[], code_of(np.zeros((SIDE, SIDE), dtype=np.bool_))])
def test_nothing_has_no_outline(empty: Any) -> None:
    assert one_outline(empty, (SIDE, SIDE)) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"segmentation": [[1, 2, 3, 4, 5, 6]]}', True),
        (b'{"segmentation":[ [-1.5,2,3,4,5,6]]}', True),
        (b'{"segmentation": {"size": [1, 1], "counts": "01"}}', True),
        (b'{"segmentation": []}', False),
        (b'{"segmentation": [[]]}', False),
        (b'{"segmentation": null}', False),
        (b'{"bbox": [1, 2, 3, 4]}', False),
    ],
)
def test_whether_an_annotation_has_a_mask_is_told_by_its_text(text: bytes, told: bool) -> None:
    assert some_mask([b"{}", text]) is told

"""Where things go on a contact sheet."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.sheet import Grid, colour_of, ink_on, place_labels, shortened

SIDE = st.floats(0, 300)
BOXES = st.lists(st.tuples(SIDE, SIDE, st.floats(1, 200), st.floats(1, 200), st.integers(10, 90)), max_size=30)


@given(BOXES)
def test_words_meet_no_other_word_and_stay_in_the_picture(boxes: list[tuple[float, float, float, float, int]]) -> None:
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in boxes], dtype=np.float64).reshape(-1, 4)
    sizes = [(width, 15) for *_, width in boxes]
    places = place_labels(corners, sizes, (300, 300))
    found = [(x, y, x + w, y + h) for (x, y), (w, h) in ((p, s) for p, s in zip(places, sizes, strict=True) if p)]
    assert all(x1 >= 0 and y1 >= 0 and x2 <= 300 and y2 <= 300 for x1, y1, x2, y2 in found)
    for one, other in itertools.combinations(found, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_word_stands_above_its_box_or_else_below_or_inside() -> None:
    boxes = np.array([[10.0, 100, 60, 150], [100, 4, 160, 60], [200, 0, 300, 300]])
    assert place_labels(boxes, [(40, 15)] * 3, (300, 300)) == [(10, 85), (100, 60), (200, 0)]


def test_a_word_hides_no_small_box() -> None:
    column = np.array([[100.0, y, 108, y + 12] for y in range(10, 290, 14)])
    places = place_labels(column, [(30, 15)] * 20, (300, 300))
    assert sum(place is not None for place in places) >= 10
    for x, y in filter(None, places):
        assert x + 30 <= 104 or x >= 104 or not any(y < top + 6 < y + 15 for top in range(10, 290, 14))


def test_of_two_boxes_at_one_place_the_larger_is_named() -> None:
    boxes = np.array([[0.0, 20, 20, 30], [0, 20, 299, 290]])
    places = place_labels(boxes, [(290, 15), (290, 15)], (300, 34))
    assert places[1] == (0, 5)
    assert places[0] is None


@given(st.integers(1, 40))
def test_tiles_lie_in_the_sheet_and_beside_each_other(count: int) -> None:
    grid = Grid()
    width, height = grid.size(count)
    places = grid.places(count)
    assert len(set(places)) == count
    assert all(x + grid.tile < width and y + grid.tile + grid.lines * grid.line < height for x, y in places)
    assert all(y >= grid.title for _, y in places)


def test_colours_of_many_classes_are_all_different() -> None:
    colours = [colour_of(number) for number in range(80)]
    assert len(set(colours)) == 80
    near = [np.abs(np.subtract(a, b)).sum() for a, b in itertools.pairwise(colours)]
    assert min(near) > 100


@pytest.mark.parametrize(("colour", "ink"), [((255, 255, 0), (0, 0, 0)), ((20, 20, 120), (255, 255, 255))])
def test_ink_can_be_read(colour: tuple[int, int, int], ink: tuple[int, int, int]) -> None:
    assert ink_on(colour) == ink


def test_names_are_cut_in_the_middle_and_made_printable() -> None:
    assert shortened("a" * 60 + "end.jpg", 20) == "a" * 9 + "…" + "aaaend.jpg"
    assert shortened("short", 20) == "short"
    assert shortened("a\n\u202eb", 20) == "a??b"

"""Counting on many grids at once, against one window and one box at a time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen.cover import Origins
from chipgen.negative import counting as module
from chipgen.negative.counting import Grids, enclosed_by

if TYPE_CHECKING:
    from chipgen.boxes import Ints

SIZES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), max_size=7)
"""Columns and rows of grids, without those to spare."""


def rectangles(rng: np.random.Generator, grid: Ints, sizes: Ints) -> Ints:
    """Return rectangles of cells, none of them empty: left, right, top, bottom."""
    low = (rng.random((len(grid), 2)) * sizes[grid]).astype(np.int64)
    high = low + 1 + (rng.random((len(grid), 2)) * (sizes[grid] - low)).astype(np.int64)
    return np.stack((low[:, 0], high[:, 0], low[:, 1], high[:, 1]))


@settings(deadline=None, max_examples=times(150))
@given(SIZES, st.integers(0, 2**32), st.integers(0, 40))
def test_every_cell_counts_the_rectangles_over_it(listed: list[tuple[int, int]], seed: int, count: int) -> None:
    rng, sizes = np.random.default_rng(seed), np.array(listed, dtype=np.int64).reshape(-1, 2)
    grid = np.sort(rng.integers(0, len(sizes), count if len(sizes) else 0))
    boxes = rectangles(rng, grid, sizes)
    grids, least = Grids.of(*(sizes.T + 1)), rng.integers(1, 4, len(sizes))
    counts = grids.enclosed(grid, boxes)
    assert len(counts) == (sizes + 1).prod(axis=1).sum()
    enough = []
    for one, (columns, rows) in enumerate(listed):
        for column, row in itertools.product(range(columns), range(rows)):
            left, right, top, bottom = boxes[:, grid == one]
            expected = np.count_nonzero((left <= column) & (column < right) & (top <= row) & (row < bottom))
            assert counts[grids.cell(*np.array([[one], [column], [row]]))] == [expected]
            if expected >= least[one]:
                enough.append((one, column, row))
    assert list(zip(*(part.tolist() for part in grids.at_least(counts, least)), strict=True)) == enough


@settings(deadline=None, max_examples=times(100))
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 60))
def test_pairs_of_chips_and_what_they_enclose(seed: int, images: int, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    image, own = np.sort(rng.integers(0, images, 30)), np.sort(rng.integers(0, images, 12))
    first = rng.integers(0, 9, (30, 2))
    last, origin = first + rng.integers(0, 5, (30, 2)), rng.integers(0, 12, (12, 2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAIRS_AT_ONCE", at_once)
        pairs = [
            pair
            for some in enclosed_by((own, origin), image, Origins(first, last), images)
            for pair in zip(*(rows.tolist() for rows in some), strict=True)
        ]
    assert pairs == [
        (chip, box)
        for chip, box in itertools.product(range(12), range(30))
        if own[chip] == image[box] and np.all((first[box] <= origin[chip]) & (origin[chip] <= last[box]))
    ]

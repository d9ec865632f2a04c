"""Groups of boxes that a window can enclose together: all of them, and nothing else."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.cover import Origins
from chipgen.grouping import cliques
from chipgen.grouping.cliques import Layout

if TYPE_CHECKING:
    import pytest

WHOLE = 0
"""No tiles."""


@st.composite
def rectangles(draw: st.DrawFn, most: int = 9) -> tuple[Origins, np.ndarray]:
    """Draw rectangles of origins of some images, on few places so that sides coincide."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count, span = draw(st.integers(1, most)), draw(st.sampled_from([3, 12, 100]))
    first = rng.integers(0, span, (count, 2))
    last = first + rng.integers(0, draw(st.sampled_from([1, 5, 60])), (count, 2))
    image = np.unique(np.sort(rng.integers(0, draw(st.sampled_from([1, 3])), count)), return_inverse=True)[1]
    return Origins(first, last), image


def meet(origins: Origins, boxes: tuple[int, ...] | set[int]) -> bool:
    """Tell whether a window encloses all of some boxes."""
    own = list(boxes)
    return bool(np.all(origins.first[own].max(axis=0) <= origins.last[own].min(axis=0)))


def naive(origins: Origins, image: np.ndarray) -> set[frozenset[int]]:
    """Return all maximal groups by looking at every subset."""
    found: set[frozenset[int]] = set()
    for own in (np.flatnonzero(image == one).tolist() for one in np.unique(image)):
        for size in range(len(own), 0, -1):
            for subset in itertools.combinations(own, size):
                if meet(origins, subset) and not any(set(subset) < one for one in found):
                    found.add(frozenset(subset))
    return found


def found_in(origins: Origins, image: np.ndarray, tile: int) -> list[frozenset[int]]:
    """Return the groups of the table."""
    table = Layout.of(origins, image, tile).groups()
    return [frozenset(part.tolist()) for part in np.split(table.box, table.starts[1:])]


@settings(deadline=None)
@given(rectangles())
def test_every_maximal_group_is_there_and_every_group_has_a_window(made: tuple[Origins, np.ndarray]) -> None:
    found = found_in(*made, WHOLE)
    assert naive(*made) <= set(found)
    for group in found:
        assert meet(made[0], set(group))
        assert len({int(made[1][box]) for box in group}) == 1
    assert len(found) == len(set(found))


@settings(deadline=None)
@given(rectangles(), st.sampled_from([1, 4, 7, 30]))
def test_tiles_lose_no_group(made: tuple[Origins, np.ndarray], tile: int) -> None:
    found = found_in(*made, tile)
    assert naive(*made) <= set(found)
    assert all(meet(made[0], set(group)) for group in found)


@settings(deadline=None)
@given(rectangles(60), st.integers(1, 5))
def test_of_many_cliques_some_are_kept_and_every_box_stays(made: tuple[Origins, np.ndarray], most: int) -> None:
    with mock.patch.object(cliques, "MOST_OF_IMAGE", most):
        found = found_in(*made, WHOLE)
    assert set().union(*found) == set(range(len(made[1])))
    assert all(meet(made[0], set(group)) for group in found)


def test_pairs_are_looked_at_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 50, (60, 2))
    made = Origins(first, first + rng.integers(0, 30, (60, 2))), np.arange(60) // 12
    whole = found_in(*made, WHOLE)
    monkeypatch.setattr(cliques, "PAIRS_AT_ONCE", 3)
    assert found_in(*made, WHOLE) == whole


def test_nothing() -> None:
    nothing = np.empty((0, 2), dtype=np.int64)
    assert len(Layout.of(Origins(nothing, nothing), nothing[:, 0], WHOLE).groups().starts) == 0

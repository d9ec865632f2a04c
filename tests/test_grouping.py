"""Few groups: boxes that others speak for, and what the chosen groups take in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_cliques import WHOLE, found_in, meet, rectangles
from thorough import times

from chipgen.cover import Origins
from chipgen.grouping import cliques, few, few_groups
from chipgen.grouping.cliques import Layout
from chipgen.grouping.dominance import leading
from chipgen.grouping.set_cover import Cover, small_cover

if TYPE_CHECKING:
    from chipgen.grouping.incidence import Incidence


@settings(deadline=None, max_examples=times(200))
@given(rectangles(90))
def test_every_group_that_holds_a_leader_holds_those_it_speaks_for(made: tuple[Origins, np.ndarray]) -> None:
    origins, image = made
    layout = Layout.of(origins, image)
    leads = leading(layout.x, layout.y, image)
    spans = np.stack((layout.x.start, layout.y.start, -layout.x.stop, -layout.y.stop), axis=1)
    for box in range(len(image)):
        inner = (image == image[box]) & (spans >= spans[box]).all(axis=1)
        same = inner & (spans == spans[box]).all(axis=1)
        spoken_for = bool((inner & ~same).any() or same[:box].any())
        assert leads[box] == (not spoken_for)
    held = found_in(origins, image, WHOLE)
    for box in np.flatnonzero(~leads).tolist():
        assert any(all(box in group for group in held if leader in group) for leader in np.flatnonzero(leads).tolist())


@settings(deadline=None, max_examples=times(200))
@given(rectangles(40), st.sampled_from([0, 12, 192]))
def test_groups_hold_every_box_and_can_be_enclosed(made: tuple[Origins, np.ndarray], crowded: int) -> None:
    origins, image = made
    with mock.patch.object(few, "CROWDED", crowded):
        found = few_groups(origins, image, 30)
    assert set(found.box.tolist()) == set(range(len(image)))
    groups = [found.box[found.group == one] for one in range(int(found.group[-1]) + 1)]
    assert np.all(np.diff(found.group) >= 0)
    assert np.all(np.diff([image[group[0]] for group in groups]) >= 0)
    for group in groups:
        assert len(group)
        assert len(set(image[group].tolist())) == 1
        assert meet(origins, set(group.tolist()))


@pytest.mark.parametrize("count", [64, 65, 129])
def test_words_end_where_they_should(count: int) -> None:
    """Boxes in a row, each speaking for none but the last, which is the same as the first."""
    first = np.stack((np.arange(count) * 10, np.zeros(count, dtype=np.int64)), axis=1)
    first[-1] = first[0]
    layout = Layout.of(Origins(first, first + 1), np.zeros(count, dtype=np.int64))
    leads = leading(layout.x, layout.y, np.zeros(count, dtype=np.int64))
    assert leads.tolist() == [True] * (count - 1) + [False]


def test_nothing_is_proven_where_not_all_groups_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three boxes in a row of which a window encloses two: two groups, and one is too few."""
    first = np.array([[0, 0], [5, 0], [10, 0], [0, 0]])
    origins, image = Origins(first, first + np.array([5, 0])), np.array([0, 0, 0, 1])
    assert few_groups(origins, image, 30).proven.tolist() == [True, True]
    monkeypatch.setattr(cliques, "MOST_OF_IMAGE", 1)
    assert few_groups(origins, image, 30).proven.tolist() == [False, True]
    monkeypatch.setattr(few, "CROWDED", 2)
    assert few_groups(origins, image, 30).proven.tolist() == [False, True]


def test_what_is_not_proven_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def doubtful(table: Incidence, image: np.ndarray) -> Cover:
        return Cover(small_cover(table, image).chosen, image != 1)

    monkeypatch.setattr("chipgen.grouping.few.small_cover", doubtful)
    first = np.array([[0, 0], [0, 0], [9, 9], [0, 0]])
    found = few_groups(Origins(first, first + 1), np.array([0, 1, 1, 2]), 30)
    assert found.proven.tolist() == [True, False, True]


def test_what_is_looked_at_in_an_image_does_not_depend_on_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first image lies in a single tile, the second reaches into several."""
    monkeypatch.setattr(cliques, "MOST_OF_TILE", 2)
    along = np.arange(7) * 4
    first = np.stack((along, along[::-1]), axis=1)
    wide = np.array([[0, 0], [100, 100]])
    alone = found_in(Origins(first, first + 5), np.zeros(7, dtype=np.int64), 40)
    both = Origins(np.concatenate((first, wide)), np.concatenate((first + 5, wide + 90)))
    together = found_in(both, np.repeat([0, 1], [7, 2]), 40)
    assert [group for group in together if max(group) < 7] == alone

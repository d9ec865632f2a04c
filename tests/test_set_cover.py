"""Few groups that hold every box, against every choice there is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen.grouping import set_cover
from chipgen.grouping.incidence import Incidence
from chipgen.grouping.set_cover import ONE, greedy, parts, small_cover

if TYPE_CHECKING:
    import pytest


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[set[int]], np.ndarray]:
    """Draw groups of boxes of some images; every box is in one."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    boxes, size = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    image = np.sort(rng.integers(0, draw(st.sampled_from([1, 2])), boxes))
    made = [set(rng.integers(0, boxes, size).tolist()) for _ in range(draw(st.integers(0, 9)))]
    made = [part for group in made for one in (0, 1) if (part := {box for box in group if image[box] == one})]
    made += [{box} for box in range(boxes) if not any(box in group for group in made)]
    return made, image


def table_of(groups: list[set[int]], boxes: int) -> Incidence:
    """Return the table of some groups."""
    entries = [(number, box) for number, group in enumerate(groups) for box in sorted(group)]
    group, box = np.array(entries, dtype=np.int64).T
    return Incidence.of(group, box, boxes)


def fewest(groups: list[set[int]], boxes: set[int]) -> int:
    """Return how many groups hold all of some boxes, at least."""
    return next(
        size
        for size in range(len(groups) + 1)
        if any(boxes <= set().union(*choice) for choice in itertools.combinations(groups, size))
    )


def holds_all(groups: list[set[int]], chosen: np.ndarray, boxes: int) -> bool:
    """Tell whether the chosen groups hold all boxes."""
    return set().union(*(groups[number] for number in np.flatnonzero(chosen))) == set(range(boxes))


@settings(deadline=None, max_examples=times(300))
@given(tables())
def test_a_cover_and_the_proofs_are_true(made: tuple[list[set[int]], np.ndarray]) -> None:
    groups, image = made
    cover = small_cover(table_of(groups, len(image)), image)
    assert holds_all(groups, cover.chosen, len(image))
    part = parts(table_of(groups, len(image)), image)
    for one in np.unique(part):
        own = set(np.flatnonzero(part == one).tolist())
        needed = fewest([group & own for group in groups if group & own], own)
        taken = sum(bool(groups[number] & own) for number in np.flatnonzero(cover.chosen))
        assert taken >= needed
        if cover.proven[list(own)].any():
            assert cover.proven[list(own)].all()
            assert taken == needed


def test_hardly_ever_more_than_the_fewest() -> None:
    rng = np.random.default_rng(1)
    taken = needed = plain = 0
    for _ in range(150):
        groups = [set(rng.integers(0, 12, 3).tolist()) for _ in range(11)] + [{box} for box in range(12)]
        table = table_of(groups, 12)
        taken += int(small_cover(table, np.zeros(12, dtype=np.int64)).chosen.sum())
        plain += int(greedy(table, np.ones(12, dtype=np.int64)).sum())
        needed += fewest(groups, set(range(12)))
    assert taken <= 1.01 * needed
    assert plain > 1.03 * needed


def test_the_choice_of_an_image_does_not_depend_on_others() -> None:
    rng = np.random.default_rng(2)
    alone, together, boxes = [], list[set[int]](), 0
    for _ in range(12):
        count = int(rng.integers(5, 30))
        groups = [set(rng.integers(0, count, 4).tolist()) for _ in range(count)] + [{box} for box in range(count)]
        alone += small_cover(table_of(groups, count), np.zeros(count, dtype=np.int64)).chosen.tolist()
        together += [{boxes + box for box in group} for group in groups]
        boxes += count
    image = np.zeros(boxes, dtype=np.int64)  # one image of many parts, or many images: the same
    assert small_cover(table_of(together, boxes), image).chosen.tolist() == alone


def test_superfluous_groups_are_dropped() -> None:
    groups = [{0, 1}, {1, 2}, {2, 3}]  # by these weights the middle one comes first
    chosen = greedy(table_of(groups, 4), np.array([ONE, 5 * ONE, 5 * ONE, ONE]))
    assert chosen.tolist() == [True, False, True]


def test_parts_share_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = [{box, box + 1} for box in range(40)] + [{41}, {42, 43}]
    image = np.repeat([0, 1], [42, 2])
    table = table_of(chain, 44)
    assert len(set(parts(table, image).tolist())) == 3
    monkeypatch.setattr(set_cover, "SPREADS", 1)
    assert parts(table, image).tolist() == [0] * 42 + [1] * 2  # not known whole: all of the image


def many_tables() -> list[list[set[int]]]:
    """Return tables of 40 boxes in which five groups or so are needed."""
    rng = np.random.default_rng(3)
    singles = [{box} for box in range(40)]
    return [[set(rng.integers(0, 40, 9).tolist()) for _ in range(40)] + singles for _ in range(40)]


def test_the_search_only_makes_choices_smaller() -> None:
    first, last = [], []
    for groups in many_tables():
        table = table_of(groups, 40)
        first.append(int(greedy(table, ONE // table.degrees).sum()))
        last.append(int(small_cover(table, np.zeros(40, dtype=np.int64)).chosen.sum()))
    assert all(one <= other for one, other in zip(last, first, strict=True))
    assert sum(last) < 0.985 * sum(first)


def test_good_prices_prove_what_intervals_need() -> None:
    """Of boxes in a row and groups of neighbours the bound meets the answer: so much must be proven."""
    rng = np.random.default_rng(4)
    proven = []
    for _ in range(60):
        begins = rng.integers(0, 40, 60)
        groups = [set(range(first, min(40, first + int(rng.integers(2, 9))))) for first in begins.tolist()]
        groups += [{box, min(39, box + 1)} for box in range(40)]
        proven.append(small_cover(table_of(groups, 40), np.zeros(40, dtype=np.int64)).proven.all())
    assert np.mean(proven) > 0.5

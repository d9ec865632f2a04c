"""The sparse table of groups and boxes, against plain dictionaries."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipgen.grouping.incidence import Incidence

Groups = list[set[int]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[Groups, Incidence]:
    """Draw groups that hold all boxes, and their table, from entries in any order."""
    boxes = draw(st.integers(1, 9))
    groups = draw(st.lists(st.sets(st.integers(0, boxes - 1), min_size=1), max_size=7))
    groups += [{box} for box in range(boxes) if not any(box in group for group in groups)]
    entries = draw(st.permutations([(number, box) for number, group in enumerate(groups) for box in group]))
    group, box = np.array(entries, dtype=np.int64).T
    return groups, Incidence.of(group, box, boxes)


def read(table: Incidence) -> tuple[Groups, Groups]:
    """Return the boxes of each group and the groups of each box."""
    ends = np.append(table.starts, len(table.group)), np.append(table.box_starts, len(table.group))
    along = [
        [set(values[first:stop].tolist()) for first, stop in itertools.pairwise(end)]
        for values, end in ((table.box, ends[0]), (table.groups_of_boxes, ends[1]))
    ]
    return along[0], along[1]


def turned(groups: Groups, boxes: int) -> Groups:
    """Return the groups of each box."""
    return [{number for number, group in enumerate(groups) if box in group} for box in range(boxes)]


@given(tables())
def test_both_sides_say_the_same(made: tuple[Groups, Incidence]) -> None:
    groups, table = made
    boxes = len(table.box_starts)
    assert read(table) == (groups, turned(groups, boxes))
    assert table.sizes.tolist() == [len(group) for group in groups]
    assert table.degrees.tolist() == [len(own) for own in turned(groups, boxes)]
    assert all(box in group for box, group in zip(table.any_box.tolist(), groups, strict=True))


@given(tables(), st.integers(0, 2**30))
def test_reductions(made: tuple[Groups, Incidence], seed: int) -> None:
    groups, table = made
    rng = np.random.default_rng(seed)
    of_box, of_group = rng.integers(0, 100, len(table.box_starts)), rng.integers(0, 100, len(groups))
    assert table.over_groups(np.add, of_box).tolist() == [sum(int(of_box[b]) for b in group) for group in groups]
    expected = [max(int(of_group[g]) for g in own) for own in turned(groups, len(of_box))]
    assert table.over_boxes(np.maximum, of_group).tolist() == expected


@given(tables(), st.integers(0, 2**30))
def test_some_boxes(made: tuple[Groups, Incidence], seed: int) -> None:
    groups, table = made
    keep = np.random.default_rng(seed).random(len(table.box_starts)) < 0.5
    part, old_groups, old_boxes = table.of_boxes(keep)
    assert old_boxes.tolist() == np.flatnonzero(keep).tolist()
    left = [{box for box in group if keep[box]} for group in groups]
    assert old_groups.tolist() == [number for number, group in enumerate(left) if group]
    new = {int(box): number for number, box in enumerate(old_boxes)}
    expected = [{new[box] for box in group} for group in left if group]
    assert read(part) == (expected, turned(expected, len(new)))


@given(tables())
def test_some_groups(made: tuple[Groups, Incidence]) -> None:
    groups, table = made
    keep = np.zeros(len(groups), dtype=np.bool_)
    keep[table.over_boxes(np.minimum, np.arange(len(groups)))] = True
    part, old = table.of_groups(keep)
    expected = [group for number, group in enumerate(groups) if keep[number]]
    assert old.tolist() == np.flatnonzero(keep).tolist()
    assert read(part) == (expected, turned(expected, len(table.box_starts)))

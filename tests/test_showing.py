"""Which chips are shown: never too many, an even share of each group, whole images where that goes."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipgen.showing import choose, even, of_classes, turns

CHIPS = st.lists(st.tuples(st.integers(-3, 12), st.integers(0, 4)), max_size=120)


def columns(chips: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(chips, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(CHIPS, st.integers(1, 150), st.integers(0, 3))
def test_as_many_as_there_is_room_for_and_each_once(chips: list[tuple[int, int]], limit: int, seed: int) -> None:
    image_id, group = columns(chips)
    rows = choose(image_id, group, limit, seed)
    assert len(set(rows.tolist())) == len(rows) == min(limit, len(chips))
    assert set(rows.tolist()) <= set(range(len(chips)))
    assert np.array_equal(rows, choose(image_id, group, limit, seed))


@given(CHIPS, st.integers(2, 150))
def test_each_group_has_an_even_share_of_half_the_room(chips: list[tuple[int, int]], limit: int) -> None:
    image_id, group = columns(chips)
    there, shown = Counter(group.tolist()), Counter(group[choose(image_id, group, limit, 0)].tolist())
    share = limit // 2 // max(1, len(there))
    assert all(shown[one] >= min(count, share) for one, count in there.items())


def test_many_small_images_are_shown_whole() -> None:
    image_id, group = np.repeat(np.arange(400), 5), np.tile([0, 0, 0, 1, 2], 400)
    rows = choose(image_id, group, 200, 0)
    counts = Counter(image_id[rows].tolist())
    assert sum(count == 5 for count in counts.values()) >= 30
    assert set(Counter(group[rows].tolist())) == {0, 1, 2}


def test_whole_images_take_no_room_from_what_is_found_in_huge_ones_only() -> None:
    image_id = np.concatenate((np.repeat(np.arange(200), 5), np.repeat([900, 901, 902], 320)))
    group = np.concatenate((np.zeros(1000, dtype=np.int64), np.tile(np.repeat([0, 1], [300, 20]), 3)))
    assert np.count_nonzero(group[choose(image_id, group, 200, 0)]) == 50


def test_one_huge_image_shows_all_its_levels_evenly() -> None:
    group = np.repeat([0, 1, 2], [2000, 100, 30])
    rows = choose(np.full(len(group), 7), group, 120, 0)
    assert sorted(Counter(group[rows].tolist()).values()) == [30, 45, 45]


def test_chips_without_whole_images_are_of_many_images() -> None:
    image_id, group = np.repeat(np.arange(20), 100), np.zeros(2000, dtype=np.int64)
    assert Counter(image_id[choose(image_id, group, 40, 0)].tolist()) == dict.fromkeys(range(20), 2)


def test_the_seed_decides() -> None:
    image_id, group = np.repeat(np.arange(400), 5), np.tile([0, 0, 0, 1, 2], 400)
    assert set(choose(image_id, group, 50, 0).tolist()) != set(choose(image_id, group, 50, 1).tolist())


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 200))
def test_even_shares_fill_the_room(counts: list[int], limit: int) -> None:
    taken = even(np.array(counts), np.zeros(len(counts), dtype=np.int64), limit)
    assert taken.sum() == min(limit, sum(counts))
    short = [got for got, count in zip(taken.tolist(), counts, strict=True) if got < count]
    assert not short or max(taken.tolist()) - min(short) <= 1


def test_chips_of_a_class_are_those_shown_anyway_then_of_other_images() -> None:
    category, image = np.array([0] * 6 + [3] * 2), np.array([1, 1, 1, 1, 2, 3, 1, 1])
    first = np.array([False, False, False, True, False, False, False, False])
    found = of_classes(category, image, first, 3, 0)
    assert sorted(found.tolist()) == [3, 4, 5, 6, 7]


def test_turns_count_within_their_group() -> None:
    word = np.array([5, 1, 9, 2], dtype=np.uint64)
    assert turns(np.array([0, 0, 1, 0]), word).tolist() == [2, 0, 0, 1]

"""Which images train and which validate: whole groups, the same draw wherever they stand, about the share asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.errors import UsageError
from chipgen.splitting import Splitting, draw_groups, one_table, split_dataset

if TYPE_CHECKING:
    from random import Random

keys = st.lists(st.sampled_from([f"group {n}" for n in range(12)] + ["ä", "\ud800", "a" * 40]), min_size=2, max_size=60)
fractions = st.floats(0.01, 0.99)


def is_split(names: list[str]) -> bool:
    """Tell whether there is anything to split."""
    return len(set(names)) > 1


@given(keys.filter(is_split), fractions, st.integers(0, 2**63 - 1))
def test_groups_stay_together_and_both_sides_have_one(names: list[str], fraction: float, seed: int) -> None:
    drawn = draw_groups(names, fraction, seed)
    sides = {name: {bool(side) for other, side in zip(names, drawn, strict=True) if other == name} for name in names}
    assert all(len(side) == 1 for side in sides.values())
    assert {True, False} == set(drawn.tolist())


@given(keys.filter(is_split), fractions, st.randoms(use_true_random=False))
def test_order_of_the_images_does_not_matter(names: list[str], fraction: float, random: Random) -> None:
    order = list(range(len(names)))
    random.shuffle(order)
    drawn = draw_groups(names, fraction, 0)
    again = draw_groups([names[place] for place in order], fraction, 0)
    assert [bool(drawn[place]) for place in order] == again.tolist()


@settings(deadline=None)  # it draws again and again
@given(keys.filter(is_split), fractions)
def test_no_other_prefix_of_the_order_comes_closer(names: list[str], fraction: float) -> None:
    drawn = draw_groups(names, fraction, 3)
    # A lower share draws a part of what a higher one draws: that is the order, one group after the other.
    prefixes = {tuple(draw_groups(names, share, 3).tolist()) for share in np.linspace(0.001, 0.999, 130)}
    wanted = fraction * len(names)
    assert abs(drawn.sum() - wanted) <= min(abs(sum(prefix) - wanted) for prefix in prefixes) + 1e-9


def test_single_images_come_as_close_as_one_image() -> None:
    for count in (2, 3, 10, 1000):
        for fraction in (0.1, 0.5, 0.9):
            drawn = draw_groups([f"image {n}" for n in range(count)], fraction, 0)
            assert abs(drawn.sum() - np.clip(fraction * count, 1, count - 1)) <= 0.5


def test_images_added_later_move_few_to_the_other_side() -> None:
    names = [f"image {n}" for n in range(2000)]
    before = draw_groups(names[:1000], 0.2, 0)
    after = draw_groups(names, 0.2, 0)[:1000]
    assert np.count_nonzero(before != after) < 40
    assert np.count_nonzero(before != draw_groups(names[:1000], 0.2, 1)) > 200  # another seed is another draw


@pytest.mark.parametrize("later", ["image 100", "group " + "x" * 500, "ä" * 9])
def test_a_longer_name_added_later_moves_few_to_the_other_side(later: str) -> None:
    """The place of a group in the order depends on no other group, not even on how long the names of others are."""
    names = [f"image {n}" for n in range(100)]
    before, after = draw_groups(names, 0.2, 0), draw_groups([*names, later], 0.2, 0)
    assert np.count_nonzero(before != after[:-1]) <= 1


def test_the_draw_is_the_same_on_any_machine() -> None:
    drawn = draw_groups([f"image {n}" for n in range(20)], 0.25, 7)
    assert np.flatnonzero(drawn).tolist() == [4, 7, 13, 16, 17]


def made() -> Coco:
    """Return six images of three flights, of which one has no name like the others."""
    coco = Coco()
    for image_id, name in enumerate(["a_1.png", "a_2.png", "b_1.png", "b_2.png", "c_1.png", "other.png"], 1):
        coco.image(100, 100, image_id)
        coco.images[-1]["file_name"] = name
        coco.box(image_id, [10, 10, 20, 20])
    coco.box(99, [10, 10, 20, 20])  # of no image
    coco.box(2, [10, 10, 0, 20])  # cannot be used
    return coco


def test_sides_add_up_to_the_dataset_and_each_is_sorted() -> None:
    whole = made().read()
    sides = split_dataset(whole, Splitting(0.4))
    assert list(sides) == ["train", "val"]
    for side in sides.values():
        images, annotations = side.images, side.annotations
        assert (np.diff(images.id) > 0).all()
        known = annotations.image >= 0
        assert (images.id[annotations.image[known]] == annotations.image_id[known]).all()
        assert [len(images.file_name), len(images.size_img)] == [len(images)] * 2
        for (first, stop), image_id in zip(side.spans.tolist(), images.id.tolist(), strict=True):
            assert set(annotations.image_id[first:stop].tolist()) <= {image_id}
    assert sorted(i for side in sides.values() for i in side.images.id.tolist()) == whole.images.id.tolist()
    assert sorted(i for side in sides.values() for i in side.annotations.id.tolist()) == sorted(
        whole.annotations.id.tolist()
    )
    assert sorted(map(repr, (e for side in sides.values() for e in side.skipped))) == sorted(map(repr, whole.skipped))
    assert 99 in sides["train"].annotations.image_id  # accounted for once


def test_pattern_keeps_what_its_brackets_match_together() -> None:
    sides = split_dataset(made().read(), Splitting(0.5, r"^(\w)_\d"))
    flights = {name: {file[0] for file in side.images.file_name if file != "other.png"} for name, side in sides.items()}
    assert not flights["train"] & flights["val"]
    assert any("1 image without" in note for note in sides["train"].notes)


def test_field_keeps_images_of_one_value_together() -> None:
    fields = {1: "x", 2: "y", 3: "x", 4: "y", 5: "x", 6: "y"}
    sides = split_dataset(made().read(), Splitting(0.5, "flight"), fields)
    assert {frozenset(side.images.id.tolist()) for side in sides.values()} == {
        frozenset({1, 3, 5}),
        frozenset({2, 4, 6}),
    }


@pytest.mark.parametrize(
    ("fraction", "group_by", "said"),
    [
        (0.0, None, "--val-fraction: 0: is not possible"),
        (1.0, None, "--val-fraction: 1: is not possible"),
        (float("nan"), None, "--val-fraction: nan: is not possible"),
        (0.1, "(", "is no regular expression"),
        (0.1, r"a\(b", "has no group"),
        (0.1, "(?:a)", "has no group"),
        (0.1, r"(z)", "matches no file name"),
        (0.1, "flight", "is a field of no image"),
        (0.1, r"(png)", "6 images in 1 group cannot be split"),
    ],
)
def test_split_that_cannot_be_meant_is_refused(fraction: float, group_by: str | None, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        split_dataset(made().read(), Splitting(fraction, group_by))
    assert said in str(refused.value)


def test_one_table_has_all_categories_and_moves_no_annotation() -> None:
    train = Coco(categories=[{"id": 3, "name": "c"}, {"id": 1, "name": "a"}])
    train.image(100, 100, 1)
    train.box(1, [10, 10, 20, 20], category_id=1)
    val = Coco(categories=[{"id": 2, "name": "b"}, {"id": 1, "name": "a"}])
    val.image(100, 100, 1)
    val.box(1, [10, 10, 20, 20], category_id=2)
    val.box(1, [40, 10, 20, 20], category_id=1)
    val.box(1, [60, 10, 20, 20], category_id=77)
    tables = one_table({"train": train.read(), "val": val.read()})
    assert {tuple(one.categories.id.tolist()) for one in tables.values()} == {(3, 1, 2)}
    assert tables["train"].annotations.category.tolist() == [1]
    assert tables["val"].annotations.category.tolist() == [2, 1, -1]
    assert len({one.categories.raw for one in tables.values()}) == 1


def test_one_id_of_two_names_is_refused() -> None:
    tables = {name: Coco(categories=[{"id": 1, "name": name}]).read() for name in ("a", "b")}
    with pytest.raises(UsageError, match="category 1 is 'b' here and 'a' in the splits before"):
        one_table(tables)

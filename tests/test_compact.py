"""The sampler of few chips: everything enclosed, never more chips than `sniper`, and room around the boxes."""

from __future__ import annotations

import importlib
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cocos, plan_settings
from thorough import times

import chipgen
from chipgen.boxes import inside
from chipgen.chips import windows_at
from chipgen.grouping import Grouping, few
from chipgen.samplers import Sampler, View, Views
from chipgen.samplers.compact import compact, compact_many
from chipgen.samplers.sniper import sniper, sniper_many
from chipgen.streams import first_words, random_stream

if TYPE_CHECKING:
    import pytest

    from chipgen import Plan
    from chipgen.cover import Origins

CHIP = 64
module = importlib.import_module("chipgen.samplers.compact")  # not the function of the same name


def views(seed: int, images: int = 8, most: int = 40, side: int = 400) -> Views:
    """Return some images full of boxes."""
    rng = np.random.default_rng(seed)
    size = rng.integers(20, side, (images, 2))
    boxes, image = [], []
    for row in range(images):
        sides = rng.choice([2.0, 10.0, 30.5, 63.5], (int(rng.integers(0, most)), 2))
        corner = rng.random(sides.shape) * size[row]
        own = np.concatenate((corner, np.minimum(corner + sides, size[row])), axis=1)
        own = own[chipgen.cover.enclosing_origins(own, size[row], CHIP).exist]
        boxes.append(own)
        image += [row] * len(own)
    words = first_words(seed, np.arange(images), 0)
    return Views(np.arange(images), 0, size, CHIP, 32, np.array(image, dtype=np.int64), np.concatenate(boxes), words)


def enclosed(made: Views, at: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Tell which boxes a chip encloses."""
    found = np.zeros(len(made.image), dtype=np.bool_)
    for row, window in zip(at, windows_at(origin, np.minimum(made.size_scaled[at], CHIP)), strict=True):
        found |= (made.image == row) & inside(made.valid_scaled, window)
    return found


@settings(deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([3, 12, 40, 250]), st.sampled_from(["random", "center"]))
def test_every_box_is_enclosed_by_no_more_chips_than_snipers(seed: int, most: int, placement: Any) -> None:
    made = views(seed, most=most)
    at, origin = compact_many(made, placement=placement)
    assert np.all(np.diff(at) >= 0)
    assert np.all((origin >= 0) & (origin <= made.size_scaled[at] - np.minimum(made.size_scaled[at], CHIP)))
    assert enclosed(made, at, origin).all()
    theirs, _ = sniper_many(made)
    assert np.all(np.bincount(at, minlength=8) <= np.bincount(theirs, minlength=8))


@given(st.integers(0, 2**20), st.sampled_from([0, 10, 2000]))
@settings(deadline=None, max_examples=times(60))
def test_many_images_at_once_are_planned_like_one(seed: int, crowded: int) -> None:
    """Also images that are looked at tile by tile: what others there are in a run must not matter."""
    made = views(seed, images=5, side=200)
    with mock.patch.object(few, "CROWDED", crowded):
        check_like_one(seed, made)


def check_like_one(seed: int, made: Views) -> None:
    at, origin = compact_many(made)
    for row in range(5):
        view = View(row, 0, made.size_scaled[row], CHIP, 32, made.valid_scaled[made.image == row], np.empty((0, 4)))
        assert compact(view, random_stream(seed, row, 0)).tolist() == origin[at == row].tolist()


def test_stretches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    made = views(7, images=20)
    whole = compact_many(made)
    monkeypatch.setattr(module, "BOXES_AT_ONCE", 50)
    for one, other in zip(whole, compact_many(made), strict=True):
        assert one.tolist() == other.tolist()


def test_snipers_choice_is_taken_where_it_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    def each_alone(origins: Origins, image: np.ndarray, tile: int) -> Grouping:
        del origins, tile
        every = np.arange(len(image))
        return Grouping(every, every, np.zeros(int(image[-1]) + 1, dtype=np.bool_))

    made = views(3, most=30)
    monkeypatch.setattr(module, "few_groups", each_alone)
    at, origin = compact_many(made)
    theirs, _ = sniper_many(made)
    assert enclosed(made, at, origin).all()
    assert np.all(np.bincount(at, minlength=8) <= np.bincount(theirs, minlength=8))
    assert len(at) < len(made.image)


def test_placement() -> None:
    view = View(1, 0, np.array([500, 500]), 100, 32, np.array([[200.0, 240.0, 210.0, 260.0]]), np.empty((0, 4)))
    middle = compact(view, random_stream(0, 1, 0), placement="center")
    assert middle.tolist() == [[155, 200]]
    drawn = np.concatenate([compact(view, random_stream(seed, 1, 0)) for seed in range(300)])
    room = np.array([[110, 160], [200, 240]])  # origins that enclose the box; a quarter at each end stays free
    assert (drawn.min(axis=0) - room[0]).tolist() == [22, 20]
    assert (room[1] - drawn.max(axis=0)).tolist() == [22, 20]
    assert np.all(np.abs(drawn.mean(axis=0) - middle) < 3)


def test_a_box_of_several_chips_leaves_both_room() -> None:
    """The middle one fits both chips; counted for both it would leave each a single place."""
    boxes = np.array([[0.0, 0, 10, 10], [90, 0, 100, 10], [180, 0, 190, 10]])
    view = View(1, 0, np.array([400, 100]), 100, 32, boxes, np.empty((0, 4)))
    origins = compact(view, random_stream(0, 1, 0), placement="center")
    assert sorted(origins[:, 0].tolist()) == [0, 135]


@settings(deadline=None, max_examples=times(30))
@given(cocos(), plan_settings())
def test_whole_plans_are_covered(coco: Coco, settings_: dict[str, Any]) -> None:
    dataset = coco.read(on_error="skip")
    plan, reference = (chipgen.plan(dataset, sampler=name, **settings_) for name in ("compact", "sniper"))
    assert plan.summary().coverage == 1.0
    assert np.count_nonzero(plan.chips.kind == 0) <= np.count_nonzero(reference.chips.kind == 0)


def margins(plan: Plan) -> np.ndarray:
    """Return how far each enclosed valid box stays from the borders of its chip, chip px."""
    boxes, chips = plan.boxes, plan.chips
    own = boxes.enclosed & (boxes.state == 0)
    size = chips.content[boxes.chip[own]]
    sides = np.concatenate((boxes.xyxy_chip[own, :2], size - boxes.xyxy_chip[own, 2:]), axis=1)
    return np.asarray(sides.min(axis=1))


def test_boxes_do_not_stick_to_the_borders() -> None:
    rng = np.random.default_rng(0)
    coco = Coco()
    for _ in range(20):
        image = coco.image(1000, 800)
        for _ in range(30):
            coco.box(image, [*(rng.random(2) * (960, 760)).round(2).tolist(), 40, 40])
    dataset = coco.read()
    samplers: dict[str, Sampler] = {
        "sniper": sniper,
        "compact": compact,
        "center": partial(compact, placement="center"),
    }
    plans = {name: chipgen.plan(dataset, "1x", "0-", sampler=one, chip_size=256) for name, one in samplers.items()}
    assert len(plans["compact"].chips) < 0.93 * len(plans["sniper"].chips)
    least = {name: np.percentile(margins(plan), [10, 50]) for name, plan in plans.items()}
    assert np.all(least["compact"] > 0.75 * least["sniper"])
    assert np.all(least["center"] >= 0.95 * least["compact"])

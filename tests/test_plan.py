"""The whole planner against a naive one, and the laws a plan must keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import NaivePlanner
from strategies import cocos, plan_settings
from thorough import times

import chipgen
from chipgen.labels import STATES
from chipgen.ledger import STATUSES
from chipgen.plan import shard_bounds

if TYPE_CHECKING:
    import random
from dataclasses import replace

BUSY = settings(deadline=None, max_examples=times(150))


@BUSY
@given(cocos(), plan_settings())
def test_plan_equals_the_naive_one(coco: Coco, arguments: dict[str, Any]) -> None:
    plan = chipgen.plan(coco.read(), **arguments)
    naive = NaivePlanner(plan).chips()
    chips, boxes = plan.chips, plan.boxes
    assert [(c.image, c.level, c.origin, c.content) for c in naive] == [
        (int(chips.image[i]), int(chips.level[i]), tuple(chips.origin_scaled[i]), tuple(chips.content[i]))
        for i in range(len(chips))
    ]
    flat = [(index, box) for index, chip in enumerate(naive) for box in chip.boxes]
    assert [(index, box.annotation, box.reason) for index, box in flat] == [
        (int(boxes.chip[i]), int(boxes.annotation[i]), STATES[boxes.state[i]]) for i in range(len(boxes))
    ]
    np.testing.assert_allclose(boxes.xyxy_chip, np.array([b.xyxy_chip for _, b in flat]).reshape(-1, 4), atol=1e-9)
    np.testing.assert_allclose(boxes.visibility, [b.visibility for _, b in flat], atol=1e-9)


@BUSY
@given(cocos(), plan_settings())
def test_every_counting_pair_is_enclosed_and_every_chip_lies_inside(coco: Coco, arguments: dict[str, Any]) -> None:
    plan = chipgen.plan(coco.read(), **arguments)
    ledger = plan.ledger()
    assert np.array_equal(ledger.covered, plan.fits.counts)
    assert plan.summary().coverage == 1.0
    assert "uncovered" not in ledger.counts()
    room = plan.levels.size_scaled[plan.chips.image, plan.chips.level] - plan.chips.content
    assert np.all(plan.chips.origin_scaled >= 0)
    assert np.all(plan.chips.origin_scaled <= room)


@BUSY
@given(cocos(), plan_settings())
def test_ledger_adds_up_to_the_input(coco: Coco, arguments: dict[str, Any]) -> None:
    plan = chipgen.plan(coco.read(), **arguments)
    ledger = plan.ledger()
    assert sum(ledger.counts().values()) == len(coco.annotations)
    assert ledger.n_valid.sum() + ledger.n_ignored.sum() == len(plan.boxes)
    covered = ledger.status == STATUSES.index("covered")
    assert np.array_equal(ledger.in_level.any(axis=1), covered)
    assert np.array_equal(ledger.n_valid > 0, covered)


@pytest.mark.row("K107")
@settings(deadline=None, max_examples=times(40))
@given(cocos(), plan_settings(), st.randoms(use_true_random=False))
def test_order_of_the_source_does_not_matter(coco: Coco, arguments: dict[str, Any], rng: random.Random) -> None:
    plan = chipgen.plan(coco.read(), **arguments)
    for entries in (coco.images, coco.annotations):
        rng.shuffle(entries)
    again = chipgen.plan(coco.read(), **arguments)
    assert np.array_equal(plan.chips.origin_scaled, again.chips.origin_scaled)
    assert np.array_equal(plan.boxes.xyxy_chip, again.boxes.xyxy_chip)
    assert plan.ledger().reason == again.ledger().reason


@pytest.mark.row("K109")
@settings(deadline=None, max_examples=times(40))
@given(cocos(), plan_settings())
def test_an_image_is_planned_the_same_alone(coco: Coco, arguments: dict[str, Any]) -> None:
    plan = chipgen.plan(coco.read(), **arguments)
    smallest = min(image["id"] for image in coco.images)
    alone = chipgen.plan(coco.read().first(1), **arguments)
    first = plan.chips.image == 0
    assert plan.dataset.images.id[0] == smallest
    assert np.array_equal(plan.chips.origin_scaled[first], alone.chips.origin_scaled)


@pytest.mark.row("K109")
def test_seed_decides_ties_only() -> None:
    coco = Coco()
    image = coco.image(2000, 2000)
    coco.box(image, [900, 900, 20, 20])
    dataset = coco.read()
    origins = {tuple(chipgen.plan(dataset, "1x", seed=seed).chips.origin_scaled[0]) for seed in range(8)}
    assert len(origins) > 1
    assert all(len(chipgen.plan(dataset, "1x", seed=seed).chips) == 1 for seed in range(8))


def test_last_column_and_row_are_reached() -> None:
    # Width 1015 with chip and stride 500: a grid of 0, 500 alone never shows x > 1000.
    coco = Coco()
    image = coco.image(1015, 700)
    coco.box(image, [1001, 100, 13, 100])
    coco.box(image, [990, 690, 25, 10])
    plan = chipgen.plan(coco.read(), "1x", chip_size=500, stride=500)
    assert plan.ledger().counts()["covered"] == 2


def test_a_box_that_no_grid_window_holds_brings_its_own() -> None:
    coco = Coco()
    coco.box(coco.image(1000, 500), [380, 0, 240, 100])
    plan = chipgen.plan(coco.read(), "1x", chip_size=500, stride=400)
    assert plan.chips.origin_scaled.tolist() == [[(120 + 380) // 2, 0]]


def test_chip_holds_exactly_its_pixels() -> None:
    # 500 * (512 / 500) is a little over 512: the tolerance lets the box fit, the window stays 512 wide.
    coco = Coco()
    coco.box(coco.image(500, 500), [0, 0, 500, 500])
    plan = chipgen.plan(coco.read(), "512")
    assert plan.chips.content.tolist() == [[512, 512]]
    assert plan.ledger().counts()["covered"] == 1


@pytest.mark.row("C26", "C27")
@pytest.mark.parametrize(
    ("bbox", "status"),
    [
        ([100, 100, 600, 20], "too_large"),
        ([100, 100, 0.5, 3], "too_small"),
        ([100, 100, 900, 900], "out_of_range"),
        ([100, 100, 50, 50], "covered"),
        ([1500, 100, 50, 50], "invalid"),
    ],
)
def test_ledger_names_what_became_of_a_box(bbox: list[float], status: str) -> None:
    coco = Coco()
    coco.box(coco.image(1000, 1000), bbox)
    ledger = chipgen.plan(coco.read(), "1x", "0-500").ledger()
    assert STATUSES[ledger.status[0]] == status
    assert bool(ledger.reason[0]) == (status != "covered")


@pytest.mark.row("C27")
def test_box_holdable_at_one_of_its_levels_is_not_too_large() -> None:
    coco = Coco()
    coco.box(coco.image(1000, 1000), [100, 100, 600, 1.5])
    ledger = chipgen.plan(coco.read(), "1x,0.5x", "0-500,0-500").ledger()
    assert STATUSES[ledger.status[0]] == "too_small"


@pytest.mark.row("C28")
@pytest.mark.parametrize("x", [0, 48.2, 33.3])
@pytest.mark.parametrize(("side", "levels"), [(80, [1]), (79.9999, [0]), (80.0001, [1])])
def test_ranges_hold_their_lower_end_and_not_their_upper(x: float, side: float, levels: list[int]) -> None:
    # 48.2 + 80 - 48.2 is a little under 80: rounding must not move a box into another range.
    coco = Coco()
    coco.box(coco.image(1000, 1000), [x, x, side, side])
    ledger = chipgen.plan(coco.read(), "1x,2x", "0-80,80-").ledger()
    assert np.flatnonzero(ledger.in_level[0]).tolist() == levels


def test_out_of_range_object_inside_a_chip_is_written_as_ignored() -> None:
    coco = Coco()
    image = coco.image(1000, 1000)
    coco.box(image, [100, 100, 300, 300])
    coco.box(image, [200, 200, 20, 20])
    boxes = chipgen.plan(coco.read(), "1x", "0-100").boxes
    assert {(int(a), STATES[s]) for a, s in zip(boxes.annotation, boxes.state, strict=True)} >= {
        (0, "out_of_range"),
        (1, ""),
    }


@given(st.lists(st.integers(1, 30), max_size=30), st.integers(1, 40))
def test_shards_hold_whole_images_unless_one_is_too_large(chips_per_image: list[int], target: int) -> None:
    image = np.repeat(np.arange(len(chips_per_image)), chips_per_image)
    bounds = shard_bounds(image, target)
    assert bounds[0] == 0
    assert bounds[-1] == len(image)
    assert np.all(np.diff(bounds) <= target)
    assert np.all(np.diff(bounds) > 0) or len(image) == 0
    for cut in bounds[1:-1].tolist():
        if image[cut - 1] == image[cut]:
            assert chips_per_image[image[cut]] > target


def test_shard_target_bounds_the_size_of_a_shard() -> None:
    config = chipgen.plan(Coco().read(), "512").config
    assert [config.shard_target(chips) for chips in (0, 400, 4000, 10**6)] == [50, 50, 250, 500]
    large = chipgen.plan(Coco().read(), "512", chip_size=4096).config
    assert large.shard_target(10**6) * 3 * 4096**2 <= 500_000_000


@pytest.mark.row("A10")
def test_empty_dataset_is_planned() -> None:
    plan = chipgen.plan(Coco().read(), "512,1x")
    assert len(plan.chips) == 0
    assert plan.shards.tolist() == [0, 0]
    assert "coverage     100.00%" in str(plan.summary())


def test_only_positive_chips_cover() -> None:
    coco = Coco()
    coco.box(coco.image(1000, 1000), [0, 0, 150, 150])
    plan = chipgen.plan(coco.read(), "1x")
    negative = replace(plan.chips, kind=np.ones_like(plan.chips.kind))
    assert replace(plan, chips=negative).ledger().counts()["covered"] == 0


@pytest.mark.row("H76")
def test_gap_between_ranges_is_noted_with_its_cost() -> None:
    coco = Coco()
    coco.box(coco.image(1000, 1000), [0, 0, 150, 150])
    notes = chipgen.plan(coco.read(), "1x,0.5x", "0-100,200-").notes
    assert any("100-200" in note and "1 annotation there" in note for note in notes)

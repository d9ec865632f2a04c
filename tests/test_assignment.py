"""``--assign one``: each object is learnt in the one chip of a level that shows it best, and nothing else changes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import NaivePlanner, best
from strategies import cocos, plan_settings
from thorough import times

import chipgen
from chipgen.assignment import learnt_in_one, margins
from chipgen.labels import STATES, label

if TYPE_CHECKING:
    from chipgen.labels import ChipBoxes

ELSEWHERE = STATES.index("assigned_elsewhere")
NEAR = 5e-7
FAR = 2e-6
"""Below the tolerance, and above it."""

values = st.sampled_from((0.0, NEAR, FAR, 0.5, 0.5 + NEAR, 0.5 + FAR, 1.0 - FAR, 1.0 - NEAR, 1.0))


@settings(max_examples=times(400))
@given(st.lists(st.tuples(st.sampled_from((0, 1, 5)), values, values)))
def test_choice_equals_the_naive_one(boxes: list[tuple[int, float, float]]) -> None:
    pair, visibility, margin = (np.array(column) for column in zip(*boxes, strict=True)) if boxes else ([], [], [])
    found = learnt_in_one(np.asarray(pair, dtype=np.int64), np.asarray(visibility), np.asarray(margin))
    groups: dict[int, list[tuple[float, float] | None]] = defaultdict(lambda: [None] * len(boxes))
    for row, (number, *shown) in enumerate(boxes):
        groups[number][row] = (shown[0], shown[1])
    assert np.flatnonzero(found).tolist() == sorted(map(best, groups.values()))


@st.composite
def crowds(draw: st.DrawFn) -> Coco:
    """Return images with so many small objects that chips of 64 px overlap and share some."""
    coco = Coco()
    for _ in range(draw(st.integers(1, 2))):
        width, height = draw(st.integers(90, 200)), draw(st.integers(60, 120))
        image = coco.image(width, height)
        for _ in range(draw(st.integers(5, 14))):
            x, y = draw(st.integers(0, width - 8)), draw(st.integers(0, height - 8))
            coco.box(image, [x, y, draw(st.integers(4, 30)), draw(st.integers(4, 30))])
    return coco


@settings(deadline=None, max_examples=times(60))
@given(crowds(), st.sampled_from((1, 7, 32)), st.sampled_from((0.3, 0.5, 1.0)), st.sampled_from(("all", "one")))
def test_states_in_crowds_equal_the_naive_ones(coco: Coco, stride: int, min_visibility: float, assign: str) -> None:
    arguments: dict[str, Any] = {"chip_size": 64, "stride": stride, "min_visibility": min_visibility, "assign": assign}
    plan = chipgen.plan(coco.read(), "1x,1.5x", "0-25,5-", **arguments)
    naive = [box for chip in NaivePlanner(plan).chips() for box in chip.boxes]
    assert [box.annotation for box in naive] == plan.boxes.annotation.tolist()
    assert [box.reason for box in naive] == [STATES[state] for state in plan.boxes.state.tolist()]


def test_margin_is_the_distance_to_the_nearest_side_of_the_content() -> None:
    boxes = np.array([[3.0, 9, 50, 50], [9, 2, 50, 50], [50, 50, 99, 60], [50, 50, 60, 76], [0, 5, 100, 80]])
    assert margins(boxes, np.tile([100, 80], (5, 1))).tolist() == [3, 2, 1, 4, 0]
    assert margins(np.empty((0, 4)), np.empty((0, 2), dtype=np.int64)).shape == (0,)


@settings(deadline=None, max_examples=times(150))
@given(cocos(), plan_settings())
def test_one_takes_validity_from_all_but_one_chip_of_a_level(coco: Coco, arguments: dict[str, Any]) -> None:
    dataset = coco.read()
    everywhere = chipgen.plan(dataset, **{**arguments, "assign": "all"})
    once = chipgen.plan(dataset, **{**arguments, "assign": "one"})
    assert ELSEWHERE not in everywhere.boxes.state
    assert np.array_equal(everywhere.chips.origin_scaled, once.chips.origin_scaled)
    state = np.where(once.boxes.state == ELSEWHERE, 0, once.boxes.state)
    assert _same(replace(once.boxes, state=state), everywhere.boxes)
    valid = np.zeros(once.fits.counts.shape, dtype=np.int64)
    here = once.boxes.state == 0
    np.add.at(valid, (once.boxes.annotation[here], once.chips.level[once.boxes.chip[here]]), 1)
    assert np.array_equal(valid, once.fits.counts)  # every counting pair exactly once, no other at all
    ledgers = once.ledger(), everywhere.ledger()
    assert np.array_equal(ledgers[0].covered, ledgers[1].covered)
    assert np.array_equal(ledgers[0].status, ledgers[1].status)
    assert np.array_equal(ledgers[0].in_level, ledgers[1].in_level)
    assert np.array_equal(ledgers[0].n_valid, ledgers[0].in_level.sum(axis=1))
    seen = [ledger.n_valid + ledger.n_ignored for ledger in ledgers]
    assert np.array_equal(seen[0], seen[1])


def _same(boxes: ChipBoxes, others: ChipBoxes) -> bool:
    return all(np.array_equal(column, getattr(others, name)) for name, column in vars(boxes).items())


def states_of(coco: Coco, origins: list[tuple[int, int]], **arguments: Any) -> list[list[str]]:
    """Return the states of each annotation, by chip, where chips stand at some places of the only image."""
    plan = chipgen.plan(coco.read(), sampler=lambda *_: np.array(origins), chip_size=100, assign="one", **arguments)
    seen = zip(plan.boxes.annotation.tolist(), plan.boxes.chip.tolist(), plan.boxes.state.tolist(), strict=True)
    rows = [["-"] * len(plan.chips) for _ in coco.annotations]
    for annotation, chip, state in seen:
        rows[annotation][chip] = STATES[state]
    return rows


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([60, 35, 30, 30], ["assigned_elsewhere", "", "-"]),  # 10 px from the border here, 20 there
        ([55, 35, 30, 30], ["", "assigned_elsewhere", "-"]),  # 15 px in both: the first
        ([65, 5, 30, 20], ["", "assigned_elsewhere", "-"]),  # 5 px in both, from the upper border there
        ([80, 35, 30, 30], ["assigned_elsewhere", "", "-"]),  # two thirds of it here, all there
        ([93, 35, 30, 30], ["truncated", "", "-"]),  # where it is not valid it keeps its reason
        ([100, 35, 100, 30], ["-", "assigned_elsewhere", ""]),  # 40 % of it here, 45 % there
        ([100, 35, 88, 30], ["-", "", "truncated"]),
    ],
)
def test_best_chip_of_some_that_show_an_object(bbox: list[float], expected: list[str]) -> None:
    coco = Coco()
    coco.box(coco.image(300, 100), bbox)
    assert states_of(coco, [(0, 0), (40, 0), (155, 0)], scales="1x", min_visibility=0.39) == [expected]


def test_levels_do_not_share_and_images_do_not() -> None:
    coco = Coco()
    for image in (coco.image(150, 100), coco.image(150, 100)):
        coco.box(image, [60, 40, 30, 30])
    plan = chipgen.plan(
        coco.read(), "1x,0.9x", "-,-", sampler=lambda *_: np.array([(0, 0), (30, 0)]), chip_size=100, assign="one"
    )
    here = plan.boxes.state == 0
    assert plan.boxes.annotation[here].tolist() == [0, 0, 1, 1]
    assert plan.chips.level[plan.boxes.chip[here]].tolist() == [0, 1, 0, 1]


def test_nothing_valid_is_nothing_to_assign() -> None:
    coco = Coco()
    coco.box(coco.image(150, 100), [60, 40, 30, 30], iscrowd=1)
    states = states_of(coco, [(0, 0), (50, 0)], scales="1x")
    assert states == [["crowd", "crowd"]]
    plan = chipgen.plan(Coco().read(), "1x", assign="one")
    assert len(label(plan.dataset, plan.levels, plan.fits, plan.chips, plan.config)) == 0


def test_report_counts_what_is_learnt_elsewhere() -> None:
    coco = Coco()
    image = coco.image(1200, 400)
    for x in range(0, 1150, 45):
        coco.box(image, [x, 200, 40, 40])
    summary = chipgen.plan(coco.read(), "1x", assign="one").summary()
    assert summary.valid_boxes == summary.pairs == len(coco.annotations)
    assert summary.coverage == 1.0
    assert f" {summary.ignored_boxes['assigned_elsewhere']} assigned_elsewhere\n" in str(summary)
    assert "assigned_elsewhere" not in str(chipgen.plan(coco.read(), "1x").summary())


@pytest.mark.parametrize("assign", ["", "One", "some", None, 1])
def test_other_words_are_refused(assign: Any) -> None:
    with pytest.raises(chipgen.UsageError, match=r"--assign.*is unknown: use all or one"):
        chipgen.plan(Coco().read(), "1x", assign=assign)

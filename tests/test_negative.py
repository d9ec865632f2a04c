"""Negative chips: the miner against a naive one, and the laws they must keep."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from given_proposals import Given, Row
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_negatives import negatives, statuses
from strategies import cocos, plan_settings, proposals
from thorough import times

import chipgen
from chipgen.errors import DataError, UsageError
from chipgen.labels import STATES
from chipgen.mining import STATUSES
from chipgen.negative import Minimum
from chipgen.negative_config import NegativeConfig

if TYPE_CHECKING:
    from chipgen import Plan

BUSY = settings(deadline=None, max_examples=times(150))
SOME = settings(deadline=None, max_examples=times(60))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Coco, list[Row], dict[str, Any]]:
    """Return a dataset, proposals for it, and settings under which some negative chips are found."""
    coco, settings_ = draw(cocos(most=5)), draw(plan_settings())
    levels = str(settings_["scales"]).count(",") + 1
    wanted = {
        "negatives_per_image": "all",
        "min_proposals": draw(st.lists(st.sampled_from((1, 1, 2, 3)), min_size=levels, max_size=levels)),
        "max_ignored_area": draw(st.sampled_from((0.0, 0.1, 0.5, 1.0))),
    }
    return coco, draw(proposals(coco)), {**settings_, **wanted}


def in_small_pieces(patch: pytest.MonkeyPatch, at_once: int) -> None:
    """Make everything that is done for many images at once be done for a few."""
    patch.setattr("chipgen.selection.PROPOSALS_AT_ONCE", at_once)
    patch.setattr("chipgen.stretch.AT_ONCE", at_once)
    for name in ("finding.CELLS", "closed.PAIRS", "counting.PAIRS", "on_object.PAIRS"):
        patch.setattr(f"chipgen.negative.{name}_AT_ONCE", at_once)
    patch.setattr("chipgen.negative.on_object.AT_ONCE", at_once)


def chips_of(plan: Plan, kind: int) -> list[tuple[int, int, tuple[int, ...], int]]:
    """Return the chips of a kind: image, level, origin, proposals."""
    chips = plan.chips.take(np.flatnonzero(plan.chips.kind == kind))
    columns = (chips.image, chips.level, chips.origin_scaled, chips.proposals)
    return [(int(i), int(n), tuple(o.tolist()), int(p)) for i, n, o, p in zip(*columns, strict=True)]


@BUSY
@given(cases())
def test_mining_equals_the_naive_one(case: tuple[Coco, list[Row], dict[str, Any]]) -> None:
    coco, rows, arguments = case
    plan = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    assert chips_of(plan, 1) == negatives(plan, rows, arguments["min_proposals"])


@BUSY
@given(cases(), st.sampled_from((0, 1, "all")))
def test_what_becomes_of_each_proposal_equals_the_naive_account(
    case: tuple[Coco, list[Row], dict[str, Any]], budget: int | str
) -> None:
    coco, rows, arguments = case
    arguments["negatives_per_image"] = budget
    plan = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    told = plan.mining.proposals()
    naive = statuses(plan, rows)
    assert {name: told[name] for name in naive} == naive
    assert sum(naive.values()) == len(rows) - told["invalid"]


@BUSY
@given(cases(), st.sampled_from(("proposals", "random")), st.sampled_from((0, 1, 2, "all")))
def test_no_negative_chip_holds_a_valid_object(
    case: tuple[Coco, list[Row], dict[str, Any]], mode: str, budget: int | str
) -> None:
    coco, rows, arguments = case
    arguments.update(negatives=mode, negatives_per_image=budget)
    plan = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    negative = plan.chips.kind == 1
    states = plan.boxes.state[negative[plan.boxes.chip]]
    assert "" not in {STATES[state] for state in states.tolist()}
    if mode == "random":
        assert len(states) == 0
    room = plan.levels.size_scaled[plan.chips.image, plan.chips.level] - plan.chips.content
    assert np.all((plan.chips.origin_scaled >= 0) & (plan.chips.origin_scaled <= room))
    if budget != "all":
        assert np.all(np.bincount(plan.chips.image[negative], minlength=1) <= int(budget))


@SOME
@given(cases())
def test_positive_chips_and_the_ledgers_verdict_do_not_depend_on_negatives(
    case: tuple[Coco, list[Row], dict[str, Any]],
) -> None:
    coco, rows, arguments = case
    with_, without = (chipgen.plan(coco.read(), proposals=p, **arguments) for p in (Given(rows), None))
    assert chips_of(with_, 0) == chips_of(without, 0)
    assert np.array_equal(with_.ledger().status, without.ledger().status)
    assert np.array_equal(with_.ledger().n_valid, without.ledger().n_valid)
    key = (with_.chips.kind, with_.chips.level, with_.chips.image)
    assert np.array_equal(np.lexsort(key), np.arange(len(with_.chips)))


@pytest.mark.row("K107")
@SOME
@given(cases(), st.randoms(use_true_random=False), st.integers(1, 40))
def test_order_of_files_and_pieces_read_do_not_matter(
    case: tuple[Coco, list[Row], dict[str, Any]], rng: Any, at_once: int
) -> None:
    coco, rows, arguments = case
    rows = [(image, box, float(index)) for index, (image, box, _) in enumerate(rows)]  # no ties: the file decides those
    plan = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    for entries in (coco.images, coco.annotations, rows):
        rng.shuffle(entries)
    with pytest.MonkeyPatch.context() as patch:
        in_small_pieces(patch, at_once)
        again = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    assert chips_of(plan, 1) == chips_of(again, 1)
    assert plan.summary().negatives == again.summary().negatives


@pytest.mark.row("K109")
@SOME
@given(cases())
def test_an_image_is_mined_the_same_alone(case: tuple[Coco, list[Row], dict[str, Any]]) -> None:
    coco, rows, arguments = case
    arguments["negatives_per_image"] = 1
    plan, alone = (
        chipgen.plan(data, proposals=Given(rows), **arguments) for data in (coco.read(), coco.read().first(1))
    )
    assert [row for row in chips_of(plan, 1) if row[0] == 0] == chips_of(alone, 1)


@BUSY
@given(cases(), st.sampled_from((1, 2, "all")), st.sampled_from((None, 0.2, 2)), st.sampled_from((None, 2)))
def test_proposals_add_up(
    case: tuple[Coco, list[Row], dict[str, Any]], budget: int | str, min_score: float | None, most: int | None
) -> None:
    coco, rows, arguments = case
    rows += [(10**13, (0.0, 0.0, 5.0, 5.0), 1.0), (coco.images[0]["id"], (0.0, 0.0, float("nan"), 5.0), 1.0)]
    arguments.update(negatives_per_image=budget, min_score=min_score, max_proposals=most)
    plan = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    told = plan.summary().negatives
    assert list(told.proposals) == list(STATUSES)
    assert sum(told.proposals.values()) == len(rows)
    assert (told.proposals["other_image"], min(told.proposals.values())) == (1, 0)
    assert told.proposals["invalid"] == len(plan.skipped) - len(plan.dataset.skipped) >= 1
    for level in told.levels:
        assert level.in_range == level.on_object + level.covered + level.used + level.left_over
        assert min(level.left_over, level.used) >= 0
    assert told.chips == len(chips_of(plan, 1)) <= told.found
    single = [level for level in told.levels if level.chips]
    assert (told.proposals["used"] > 0) == bool(single)
    if len(told.levels) == 1:
        only = told.levels[0]
        assert (told.proposals["used"], told.proposals["left_over"]) == (only.used, only.left_over)
        assert told.proposals["covered"] == only.covered


@SOME
@given(cases(), st.sampled_from((0.0, 0.3, 1.0, 2.5)))
def test_ratio_is_met_within_one_chip_or_all_are_taken(
    case: tuple[Coco, list[Row], dict[str, Any]], ratio: float
) -> None:
    coco, rows, arguments = case
    all_ = chipgen.plan(coco.read(), proposals=Given(rows), **arguments)
    del arguments["negatives_per_image"]
    plan = chipgen.plan(coco.read(), proposals=Given(rows), negative_ratio=ratio, **arguments)
    wanted, found = ratio * len(chips_of(plan, 0)), len(chips_of(all_, 1))
    assert abs(len(chips_of(plan, 1)) - wanted) <= 0.5 or len(chips_of(plan, 1)) == found < wanted
    assert set(chips_of(plan, 1)) <= set(chips_of(all_, 1))
    assert any("the ratio asks for" in note for note in plan.notes) == (len(chips_of(plan, 1)) < int(wanted + 0.5))


def crowd_of(x: float, y: float, count: int = 5, side: float = 20.0) -> list[Row]:
    """Return a cluster of proposals of image 1 about a place."""
    return [(1, (x + 2 * n, y, side, side), 1.0) for n in range(count)]


def one_image(*boxes: tuple[list[float], dict[str, Any]], size: int = 1000) -> Coco:
    """Return a dataset of one square image."""
    coco = Coco()
    coco.image(size, size, 1)
    for bbox, fields in boxes:
        coco.box(1, bbox, **fields)
    return coco


def negatives_of(coco: Coco, rows: list[Row], **arguments: Any) -> list[tuple[int, int]]:
    """Return the origins of all negative chips at scale 1, chips of 200 px."""
    fixed: dict[str, Any] = {
        "chip_size": 200,
        "min_proposals": 5,
        "negatives_per_image": "all",
        "valid_ranges": "10-100",
    }
    plan = chipgen.plan(coco.read(), "1x", proposals=Given(rows), **{**fixed, **arguments})
    return [(x, y) for _, _, (x, y), _ in chips_of(plan, 1)]


def test_background_with_enough_proposals_becomes_a_chip() -> None:
    (origin,) = negatives_of(one_image(), crowd_of(500, 500))
    assert all(start <= 500 and start + 200 >= 528 for start in origin)
    assert negatives_of(one_image(), crowd_of(500, 500, count=4)) == []


@pytest.mark.parametrize(
    ("bbox", "fields", "found"),
    [
        ([500, 500, 24, 20], {}, 0),  # an object there: the proposals show it
        ([500, 500, 24, 20], {"iscrowd": 1}, 0),
        ([400, 400, 300, 300], {"iscrowd": 1}, 0),  # inside a crowd region: small beside it, but half inside
        ([505, 400, 300, 300], {"difficult": True}, 0),
        ([100, 100, 24, 20], {}, 1),  # far away
    ],
)
def test_proposals_on_objects_and_in_crowds_are_no_background(
    bbox: list[float], fields: dict[str, Any], found: int
) -> None:
    assert len(negatives_of(one_image((bbox, fields)), crowd_of(500, 500), max_ignored_area=1.0)) == found


def test_share_of_a_proposal_inside_an_object_counts_when_asked() -> None:
    coco = one_image(([480, 480, 300, 300], {}))  # out of range, so it closes no place
    assert len(negatives_of(coco, crowd_of(500, 500), max_ignored_area=1.0)) == 1
    assert negatives_of(coco, crowd_of(500, 500), max_ignored_area=1.0, object_share=0.9) == []


def test_ignored_objects_take_up_no_more_of_a_chip_than_allowed() -> None:
    coco = one_image(([0, 560, 1000, 400], {}))  # below the proposals, out of range
    for limit in (0.0, 0.3, 0.6):
        (origin,) = negatives_of(coco, crowd_of(500, 500), max_ignored_area=limit, stride=5)
        assert max(0, origin[1] + 200 - 560) / 200 <= limit
    assert negatives_of(one_image(([0, 521, 1000, 400], {}), ([0, 100, 1000, 399], {})), crowd_of(500, 500)) == []


def test_what_a_positive_chip_shows_is_not_mined_again() -> None:
    coco = one_image(([100, 100, 60, 60], {}), size=250)  # wherever its chip stands, it shows them too
    made = Given(crowd_of(60, 100))
    plan = chipgen.plan(coco.read(), "1x", "10-100", proposals=made, chip_size=200, min_proposals=1)
    assert plan.chips.kind.tolist() == [0]
    assert plan.mining.proposals()["covered"] == 5


def test_no_window_where_an_object_to_learn_would_be_valid() -> None:
    coco = one_image(([530, 500, 40, 40], {}))
    chosen = negatives_of(coco, crowd_of(480, 500, count=9), stride=1, min_proposals=9)
    assert chosen == []  # the last ends at 516, and a positive chip shows it
    coco = one_image(([530, 500, 40, 40], {}), ([800, 500, 190, 40], {}))
    for x, _ in negatives_of(coco, crowd_of(600, 500), stride=1):
        assert x >= 550 + 1 or x + 200 < 530
        assert x + 200 < 800 + 95


def test_window_with_an_object_to_learn_is_passed_over_for_one_without() -> None:
    # Elsewhere the "negative" chip from 250 to 750 was cut, with the object in it and no box.
    coco = Coco()
    coco.box(coco.image(1000, 500), [300, 100, 40, 40])
    rows: list[Row] = [(1, (600.0 + 5 * n, 100.0, 30.0, 30.0), 1.0) for n in range(6)]
    for seed in range(5):
        made = {"chip_size": 500, "stride": 250, "seed": seed, "min_proposals": 6}
        plan = chipgen.plan(coco.read(), "1x", "10-100", proposals=Given(rows), **made)  # type: ignore[arg-type]
        shown = [origin for _, _, origin, _ in chips_of(plan, 0)]
        assert [origin for _, _, origin, _ in chips_of(plan, 1)] == ([] if shown == [(250, 0)] else [(500, 0)])


@pytest.mark.row("B20", "G68")
def test_images_without_annotations_take_part() -> None:
    coco = Coco()
    coco.image(300, 300, 1)
    coco.image(300, 300, 2)
    coco.box(2, [10, 10, 50, 50])
    plan = chipgen.plan(coco.read(), "1x", proposals=Given(crowd_of(100, 100)), chip_size=200, min_proposals=5)
    assert chips_of(plan, 1)[0][0] == 0
    assert any("1 image without a usable proposal" in note for note in plan.notes)


def test_random_background_shows_no_object_and_does_not_overlap_itself() -> None:
    coco = one_image(([0, 0, 500, 1000], {"iscrowd": 1}))
    plan = chipgen.plan(coco.read(), "1x", chip_size=200, negatives="random", negatives_per_image="all", stride=10)
    origins = np.array([origin for _, _, origin, _ in chips_of(plan, 1)])
    assert np.all(origins[:, 0] >= 500)
    gaps = np.abs(origins[:, None] - origins[None]).max(axis=2)
    assert np.all(gaps[~np.eye(len(origins), dtype=bool)] >= 200)
    assert len(origins) > 3
    plan = chipgen.plan(coco.read(), "1x,0.5x", chip_size=200, negatives="random")
    assert len(chips_of(plan, 1)) == 2


@pytest.mark.parametrize(
    ("an_image", "expected"), [(300, [26, 11]), (200, [26, 11]), (100, [13, 6]), (10, [2, 1]), (0, [1, 1])]
)
def test_minimum_shrinks_with_the_proposals_of_a_file(an_image: float, expected: list[int]) -> None:
    assert Minimum.of(NegativeConfig(), an_image).at_levels(np.array([3.0, 1.0])).tolist() == expected


def test_minimum_of_the_finest_level_wherever_it_stands() -> None:
    least = Minimum.of(NegativeConfig(), 300)
    assert least.at_levels(np.array([0.5, 2.0, 1.0])).tolist() == [11, 26, 11]
    assert replace(least, given=(4,)).at_levels(np.array([0.5, 2.0])).tolist() == [4, 4]
    assert replace(least, given=(4, 9)).at_levels(np.array([0.5, 2.0])).tolist() == [4, 9]


@pytest.mark.row("G69")
@pytest.mark.parametrize(("fault", "reason"), [
    ((float("nan"), 1.0, 5.0, 5.0), "not_finite"),
    ((1.0, 1.0, 0.0, 5.0), "zero_area"),
    ((1.0, 1.0, 5.0, -5.0), "negative_size"),
    ((2000.0, 1.0, 5.0, 5.0), "outside"),
    ((1e300, 1.0, 1e300, 5.0), "outside"),
    ((1.7e308, 1.0, 1.7e308, 5.0), "not_finite"),
])  # fmt: skip
def test_faulty_proposals_are_listed_or_refused(fault: tuple[float, float, float, float], reason: str) -> None:
    rows: list[Row] = [*crowd_of(500, 500), (1, fault, 0.5)]
    plan = chipgen.plan(one_image().read(), "1x", proposals=Given(rows))
    assert [(line.kind, line.image_id, line.reason) for line in plan.skipped] == [("proposal", 1, reason)]
    with pytest.raises(DataError, match=rf"given.json: image 1: .*\({reason}\)"):
        chipgen.plan(one_image().read(), "1x", proposals=Given(rows, on_error="fail"))


@pytest.mark.row("G71")
def test_scores_that_are_no_numbers_are_faults() -> None:
    rows: list[Row] = [(1, (1.0, 1.0, 5.0, 5.0), float("nan"))]
    assert [line.reason for line in chipgen.plan(one_image().read(), "1x", proposals=Given(rows)).skipped] == [
        "bad_score"
    ]


@pytest.mark.row("G71")
def test_best_proposals_come_first_and_equal_ones_in_the_order_of_the_file() -> None:
    rows: list[Row] = [(1, (float(n), 0.0, 5.0, 5.0), score) for n, score in enumerate((0.5, 0.9, 0.5, 0.9))]
    seen: list[chipgen.View] = []

    def spy(view: chipgen.View, rng: np.random.Generator) -> Any:
        del rng
        seen.append(view)
        return []

    chipgen.plan(one_image().read(), "2x", sampler=spy, proposals=Given(rows))
    assert seen[0].proposals_scaled[:, 0].tolist() == [2.0, 6.0, 0.0, 4.0]
    assert seen[0].scores.tolist() == [0.9, 0.9, 0.5, 0.5]
    chipgen.plan(one_image().read(), "2x", sampler=spy, proposals=Given(rows), max_proposals=3, min_score=0.6)
    assert seen[1].proposals_scaled[:, 0].tolist() == [2.0, 6.0]
    chipgen.plan(one_image().read(), "2x", sampler=spy, proposals=Given(rows), max_proposals=3)
    assert seen[2].proposals_scaled[:, 0].tolist() == [2.0, 6.0, 0.0]


@pytest.mark.row("G73")
def test_proposals_that_leave_their_image_are_suspected() -> None:
    rows: list[Row] = [(1, (600.0, 600.0, 640.0, 640.0), 1.0)]
    notes = chipgen.plan(one_image().read(), "1x", proposals=Given(rows)).notes
    assert any("--box-format xyxy" in note for note in notes)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"negatives": "proposals"}, "there are no proposals"),
        ({"negatives": "some"}, "is unknown"),
        ({"negatives_per_image": "many"}, "--negatives-per-image"),
        ({"negatives_per_image": -1}, "--negatives-per-image"),
        ({"negative_ratio": -0.5}, "--negative-ratio"),
        ({"min_proposals": "3,x"}, "--min-proposals"),
        ({"min_proposals": 0}, "--min-proposals"),
        ({"min_proposals": "1,2,3"}, "3 numbers for 2 scales"),
        ({"max_proposals": 0}, "--max-proposals"),
        ({"object_iou": 0}, "--object-iou"),
        ({"object_share": 1.5}, "--object-share"),
        ({"crowd_share": float("nan")}, "--crowd-share"),
        ({"max_ignored_area": 2}, "--max-ignored-area"),
        ({"min_score": float("nan")}, "--min-score"),
    ],
)
def test_settings_that_cannot_be_meant(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        chipgen.plan(one_image().read(), "1x,2x", **arguments)


def test_lowest_score_needs_scores() -> None:
    with pytest.raises(UsageError, match="holds no scores"):
        chipgen.plan(one_image().read(), "1x", proposals=Given(crowd_of(1, 1), scored=False), min_score=0.5)


def test_no_proposals_have_no_scores_to_miss() -> None:
    assert len(chipgen.plan(one_image().read(), "1x", proposals=Given([], scored=False), min_score=0.5).chips) == 0


def test_auto_is_said_in_the_report() -> None:
    assert "negatives    none: no proposals were given" in str(chipgen.plan(one_image().read(), "1x").summary())
    told = str(chipgen.plan(one_image().read(), "1x", proposals=Given(crowd_of(500, 500))).summary())
    assert "negatives    1 of 1 found, from proposals: at least 1 in each" in told
    assert "proposals    5: 5 used" in told
    assert "none: as asked" in str(chipgen.plan(one_image().read(), "1x", negatives="none").summary())

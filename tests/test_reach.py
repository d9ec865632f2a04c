"""Which annotations may show in which chips: none that does is left out, however crowded an image is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small_set import small_coco

import chipgen
from chipgen import reach as module
from chipgen.reach import Reach

if TYPE_CHECKING:
    import pytest


@settings(deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0, 5, 1000]), st.sampled_from([1, 7, 1000]))
def test_every_box_that_meets_a_chip_is_paired_with_it_once(seed: int, crowded: int, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 30, 4)
    sides = rng.choice([3.0, 40.0, 900.0], (counts.sum(), 2))
    corner = rng.random(sides.shape) * 1000
    boxes = np.concatenate((corner, corner + sides), axis=1)
    ends = np.cumsum(counts)
    chips = np.sort(rng.integers(0, 4, 20))
    spans = np.stack((ends - counts, ends), axis=1)[chips]
    at = rng.integers(0, 1000, (20, 2)).astype(np.float64)
    windows = np.concatenate((at, at + rng.integers(1, 300, (20, 2))), axis=1)
    before = module.CROWDED, module.PAIRS_AT_ONCE
    module.CROWDED, module.PAIRS_AT_ONCE = crowded, at_once
    try:
        reach = Reach.of(boxes, spans, windows)
        pairs = [pair for part in reach.pairs() for pair in zip(*(side.tolist() for side in part), strict=True)]
    finally:
        module.CROWDED, module.PAIRS_AT_ONCE = before
    assert len(set(pairs)) == len(pairs)
    assert all(spans[chip, 0] <= box < spans[chip, 1] for chip, box in pairs)
    if reach.in_order:
        assert pairs == sorted(pairs)
    for chip, (first, stop) in enumerate(spans.tolist()):
        own, window = boxes[first:stop], windows[chip]
        meets = ((own[:, :2] <= window[2:]) & (own[:, 2:] >= window[:2])).all(axis=1)
        assert {(chip, first + int(box)) for box in np.flatnonzero(meets)} <= set(pairs)


def test_plans_of_crowded_images_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def boxes() -> list[object]:
        plan = chipgen.plan(small_coco().read(), "1x,2x,256", chip_size=200, negatives="random")
        columns = plan.boxes.chip, plan.boxes.annotation, plan.boxes.state, plan.boxes.visibility
        return [*(column.tolist() for column in columns), plan.boxes.xyxy_chip.tolist()]

    whole = boxes()
    monkeypatch.setattr(module, "CROWDED", 1)
    assert boxes() == whole


def test_few_pairs_where_many_boxes_are_far_apart() -> None:
    left = np.arange(20_000.0)
    boxes = np.stack((left, left * 0, left + 5, left * 0 + 5), axis=1)
    windows = np.array([[x, 0.0, x + 100, 100.0] for x in range(0, 19_000, 500)])
    reach = Reach.of(boxes, np.tile((0, 20_000), (len(windows), 1)), windows)
    assert sum(len(chip) for chip, _ in reach.pairs()) < 220 * len(windows)

"""Where no negative chip may stand: many windows at once against one at a time, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen.config import PlanConfig
from chipgen.negative import closed as module
from chipgen.negative.closed import Boxes, closed

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints

CONTENT = np.array([[20, 20], [20, 11], [7, 20]])


def some(seed: int, count: int) -> tuple[Ints, Floats, Bools]:
    """Return image, box on whole pixels, and whether it is to be learnt."""
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 30, (count, 2))
    boxes = np.concatenate((low, low + rng.choice([1, 3, 12, 30], (count, 2))), axis=1)
    return np.sort(rng.integers(0, 3, count)), boxes.astype(np.float64), rng.random(count) < 0.3


def one_by_one(image: int, at: Ints, boxes: Boxes, config: PlanConfig) -> bool:
    """Count pixels."""
    taken = np.zeros(CONTENT[image], dtype=bool)
    for own, box, valid in zip(boxes.image.tolist(), boxes.xyxy_scaled.astype(int), boxes.valid.tolist(), strict=True):
        if own == image:
            x1, y1, x2, y2 = np.maximum(box - np.tile(at, 2), 0)
            seen = np.zeros_like(taken)
            seen[x1:x2, y1:y2] = True
            wide, high = seen.any(axis=1).sum(), seen.any(axis=0).sum()
            if valid and min(wide, high) >= max(config.min_box, 1.0):
                whole = (box[2] - box[0]) * (box[3] - box[1])
                if seen.sum() >= config.min_visibility * whole:
                    return True
            taken |= seen
    return bool(taken.sum() > config.negative.max_ignored_area * taken.size)


@settings(deadline=None, max_examples=times(200))
@given(
    st.integers(0, 2**32),
    st.integers(0, 12),
    st.sampled_from([(0.0, 0.0), (0.0, 4.0), (0.5, 2.0), (1.0, 2.0)]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([2, 9, 100_000]),
)
def test_the_same_as_one_by_one(seed: int, count: int, least: tuple[float, float], limit: float, at_once: int) -> None:
    config = PlanConfig.parse(
        "1x", "-", chip_size=20, min_visibility=least[0], min_box=least[1], max_ignored_area=limit
    )
    boxes = Boxes(*some(seed, count))
    image, corners, _ = some(seed + 1, 15)
    origin = corners[:, :2].astype(np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PAIRS_AT_ONCE", at_once)
        found = closed(image, origin, CONTENT, boxes, config).tolist()
    assert found == [one_by_one(own, at, boxes, config) for own, at in zip(image.tolist(), origin, strict=True)]


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_of_very_many_boxes_areas_are_added_and_never_too_little(seed: int, count: int) -> None:
    config = PlanConfig.parse("1x", "-", chip_size=20, max_ignored_area=0.3)
    boxes = Boxes(*some(seed, count))
    image, corners, _ = some(seed + 1, 15)
    given_ = image, corners[:, :2].astype(np.int64), CONTENT, boxes, config
    exact = closed(*given_)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_EXACT", -1)
        assert np.all(closed(*given_) >= exact)

"""Proposals on objects: the tables of words against every pair."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen.negative import on_object as module
from chipgen.negative.on_object import Objects, on_object
from chipgen.negative_config import NegativeConfig

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats

SIZE = np.array([[300, 200]])


def one_by_one(proposals: Floats, boxes: Floats, crowd: Bools, config: NegativeConfig) -> list[bool]:
    """Compare every proposal with every box."""
    share = 2.0 if config.object_share is None else config.object_share
    found = []
    for x1, y1, x2, y2 in proposals.tolist():
        own, on = (x2 - x1) * (y2 - y1), False
        for (a1, b1, a2, b2), ignored in zip(boxes.tolist(), crowd.tolist(), strict=True):
            common = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
            on |= common / (own + (a2 - a1) * (b2 - b1) - common) >= config.object_iou
            on |= common >= (config.crowd_share if ignored else share) * own
        found.append(on)
    return found


def some(rng: np.random.Generator, count: int) -> Floats:
    """Return boxes, many of them alike, some on whole pixels, some as large as the image."""
    sides = rng.choice([2.0, 10.5, 40.0, 41.0, 300.0], (count, 2))
    corner = rng.choice([0.0, 0.3, 1.0], (count, 1)) * rng.integers(0, 250, (count, 2))
    boxes = np.concatenate((corner, corner + sides), axis=1).clip(0, np.tile(SIZE, 2))
    return np.asarray(boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)])


@settings(deadline=None, max_examples=times(150))
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from([0, 1, 5, 20, 63, 64, 65, 200])), min_size=1, max_size=5),
    st.sampled_from([1e-9, 0.1, 0.3, 0.5, 1.0]),
    st.sampled_from([None, 0.2, 1.0]),
    st.booleans(),
)
def test_the_same_as_every_pair(
    seed: int, images: list[tuple[int, int]], iou: float, share: float | None, in_pieces: bool
) -> None:
    rng = np.random.default_rng(seed)
    config = NegativeConfig(object_iou=iou, object_share=share, crowd_share=float(rng.choice([0.1, 0.5, 1.0])))
    proposals, boxes = [some(rng, count) for count, _ in images], [some(rng, count) for _, count in images]
    for own, there in zip(proposals, boxes, strict=True):  # some are the same box
        both = min(len(own), len(there)) // 3
        own[:both] = there[:both]
    crowds = [rng.random(len(own)) < 0.3 for own in boxes]
    image, box_image = (np.repeat(np.arange(len(own)), [len(x) for x in own]) for own in (proposals, boxes))
    objects = Objects(box_image, np.concatenate(boxes), np.concatenate(crowds))
    with pytest.MonkeyPatch.context() as patch:
        if in_pieces:
            patch.setattr(module, "AT_ONCE", 7)
            patch.setattr(module, "PAIRS_AT_ONCE", 3)
        found = on_object(np.concatenate(proposals), image, objects, np.repeat(SIZE, len(images), axis=0), config)
    expected = [one_by_one(*own, config) for own in zip(proposals, boxes, crowds, strict=True)]
    assert found.tolist() == list(itertools.chain(*expected))


@pytest.mark.parametrize(
    ("box", "on"),
    [
        ((0, 0, 10, 3), True),  # IoU 0.3 exactly
        ((0, 0, 10, 2.99), False),
        ((0, 0, 10, 10), True),
        ((20, 20, 30, 30), False),
        ((95, 0, 105, 10), True),  # exactly half inside the crowd
        ((94.9, 0, 104.9, 10), False),
    ],
)
def test_where_it_begins(box: tuple[float, ...], on: bool) -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [100.0, 0.0, 300.0, 200.0]])
    objects = Objects(np.array([0, 0]), boxes, np.array([False, True]))
    assert on_object(np.array([box], dtype=float), np.array([0]), objects, SIZE, NegativeConfig()).tolist() == [on]

"""Many images at once: the same windows as one by one, whatever the images are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

from chipgen import cover_many as module
from chipgen.cover import cover_one, enclosing_origins
from chipgen.cover_many import cover_many
from chipgen.streams import first_words
from chipgen.words import BITS, ones

if TYPE_CHECKING:
    import pytest

CHIP = 64


def some_boxes(rng: np.random.Generator, size: list[int], count: int) -> np.ndarray:
    """Return boxes that a window holds: tiny ones, ones as large as a window, crowded ones."""
    sides = rng.choice([1.0, 3.5, 20.0, 40.25, 63.0, 64.0], (count, 2))
    corner = rng.choice([0.0, 0.5, 1.0], (count, 1)) * rng.random((count, 2)) * size
    boxes = np.concatenate((corner, corner + sides), axis=1).clip(0, np.tile(size, 2))
    return boxes[enclosing_origins(boxes, np.array(size), CHIP).exist]


@st.composite
def images(draw: st.DrawFn) -> tuple[list[list[int]], list[np.ndarray]]:
    """Draw the sizes of some images and the boxes in them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = draw(st.lists(st.lists(st.integers(1, 400), min_size=2, max_size=2), min_size=1, max_size=6))
    counts = st.integers(0, 12) | st.sampled_from([BITS - 1, BITS, BITS + 1, 90, 2 * BITS + 1, 4 * BITS, 4 * BITS + 1])
    return sizes, [some_boxes(rng, size, draw(counts)) for size in sizes]


@settings(deadline=None, max_examples=times(200))
@given(images(), st.sampled_from([1, 3, 13, 32, 64, 65, 300]), st.integers(0, 3))
def test_the_same_windows_as_one_by_one(made: tuple[list[list[int]], list[np.ndarray]], stride: int, seed: int) -> None:
    sizes, boxes = np.array(made[0]), made[1]
    words = first_words(seed, np.arange(len(sizes)), 0)
    image = np.repeat(np.arange(len(sizes)), [len(own) for own in boxes])
    at, origin = cover_many(np.concatenate(boxes), image, sizes, (CHIP, stride), words)
    assert np.all(np.diff(at) >= 0)
    for row, own in enumerate(boxes):
        alone = cover_one(own, sizes[row], CHIP, stride, words[row : row + 1])
        assert origin[at == row].tolist() == alone.tolist()


def test_stretches_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(65, 400, (30, 2))
    boxes = [some_boxes(rng, size, int(rng.integers(0, 9))) for size in sizes.tolist()]
    image = np.repeat(np.arange(30), [len(own) for own in boxes])
    given_ = np.concatenate(boxes), image, sizes, (CHIP, 32), first_words(0, np.arange(30), 1)
    whole = cover_many(*given_)
    monkeypatch.setattr(module, "AT_ONCE", 4)
    for one, other in zip(whole, cover_many(*given_), strict=True):
        assert one.tolist() == other.tolist()


def test_nothing_to_cover() -> None:
    nothing = np.empty(0, dtype=np.int64)
    at, origin = cover_many(np.empty((0, 4)), nothing, np.array([[9, 9]]), (CHIP, 32), first_words(0, nothing, 0))
    assert (at.shape, origin.shape) == ((0,), (0, 2))


def test_ones_without_help_from_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.random.default_rng(0).integers(0, 2**64, 1000, dtype=np.uint64)
    words[:2] = 0, 2**64 - 1
    expected = [int(word).bit_count() for word in words]
    assert ones(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert ones(words).tolist() == expected

"""Random streams: the words that are had at once are those of the generators."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipgen.streams import DRAW, MINE, SAMPLE, first_word, first_words, hashes, random_stream

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.integers(0, 2**63 - 1), st.lists(INT64, min_size=1, max_size=5), st.integers(0, 9), st.integers(0, 2))
def test_first_words_are_those_of_the_generators(seed: int, ids: list[int], level: int, purpose: int) -> None:
    words = first_words(seed, np.array(ids), level, purpose)
    assert words.tolist() == [int(first_word(random_stream(seed, one, level, purpose))[0]) for one in ids]


def test_purposes_have_streams_of_their_own() -> None:
    assert len({int(first_words(0, np.array([1]), 0, purpose)[0]) for purpose in (SAMPLE, MINE, DRAW)}) == 3


@pytest.mark.parametrize("bit", [0, 13, 31, 63])
def test_every_bit_of_a_hash_is_even_odds(bit: int) -> None:
    words = hashes(np.array([5], dtype=np.uint64), np.arange(20_000, dtype=np.uint64))
    assert abs(np.mean(words >> np.uint64(bit) & np.uint64(1)) - 0.5) < 0.02


def test_neighbouring_images_share_nothing() -> None:
    words = first_words(0, np.arange(100_000), 0)
    assert len(np.unique(words)) == 100_000
    low, high = (np.bincount((words >> np.uint64(shift) & np.uint64(255)).astype(np.int64)) for shift in (0, 56))
    assert 300 < min(low.min(), high.min()) <= max(low.max(), high.max()) < 480

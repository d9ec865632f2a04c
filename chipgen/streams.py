"""Random streams: one for each image, level and purpose, the same wherever and in whatever order they are asked for.

A stream is numpy's SFC64, begun from seed, image id, level and purpose and nothing else. Making a generator takes
longer than planning an image, so the first words of many streams can also be had at once, as arrays, without one; what
needs more than one random number there takes `hashes` of that word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.random import SFC64, Generator
from numpy.random.bit_generator import ISeedSequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chipgen.boxes import Ints

    Words = NDArray[np.uint64]

SAMPLE, MINE, DRAW, SHOW = range(4)
"""What a stream is for: choosing positive chips, finding negative ones, drawing among those found, showing some."""

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio: its multiples spread evenly."""
MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
STATE = 3
"""Words in the state of SFC64, besides its counter."""
WARM_UP = 12
"""Words that numpy's SFC64 throws away before its first."""


def hashes(words: Words, numbers: Words) -> Words:
    """Return a random-looking word for each pair of a word and a number; both broadcast.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), their mixing function.
    """
    mixed = np.asarray(words + (numbers + np.uint64(1)) * GOLDEN)
    for shift, multiplier in zip(SHIFTS, MULTIPLIERS, strict=False):
        mixed ^= mixed >> shift
        mixed *= multiplier
    mixed ^= mixed >> SHIFTS[2]
    return mixed


def _states(seed: int, image_id: Ints, level: int, purpose: int) -> Words:
    """Return what the stream of each image begins from, shape ``(STATE, M)``, uint64."""
    words = np.full(len(image_id), purpose, dtype=np.uint64)
    for part in ([seed], image_id, [level]):
        words = hashes(words, np.asarray(part, dtype=np.int64).view(np.uint64))
    return hashes(words, np.arange(STATE, dtype=np.uint64)[:, None])


def first_words(seed: int, image_id: Ints, level: int, purpose: int = SAMPLE) -> Words:
    """Return the first word of the stream of each image, shape ``(M,)``, uint64.

    It is what ``random_stream(...).bit_generator.random_raw()`` returns.
    """
    first, second, third = _states(seed, image_id, level, purpose)
    word = first
    for counter in range(1, WARM_UP + 2):
        word = first + second + np.uint64(counter)
        first = second ^ (second >> np.uint64(11))
        second = third + (third << np.uint64(3))
        third = ((third << np.uint64(24)) | (third >> np.uint64(40))) + word
    return np.asarray(word)


class _Start(ISeedSequence):
    """What one stream begins from, in the form in which numpy asks for it."""

    def __init__(self, state: Words) -> None:
        self.state = state

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Words:
        """Return the state; SFC64 asks for just these words."""
        assert n_words == STATE
        assert np.dtype(dtype) == np.uint64
        return self.state


def random_stream(seed: int, image_id: int, level: int, purpose: int = SAMPLE) -> Generator:
    """Return the random stream of one image at one level.

    It depends on nothing else, so results do not depend on worker count, order of the source, or which other images
    are in the run. Each purpose has its own, so that positive chips stay where they are when negatives are asked for.
    """
    start: Any = _Start(_states(seed, np.array([image_id]), level, purpose)[:, 0])
    return Generator(SFC64(start))


def first_word(rng: Generator) -> Words:
    """Take the next word of a stream, shape ``(1,)``, uint64."""
    return np.array([rng.bit_generator.random_raw()], dtype=np.uint64)

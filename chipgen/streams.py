"""Random streams: one for each image, level and purpose, the same wherever and in whatever order they are asked for."""

from __future__ import annotations

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

SAMPLE, MINE, DRAW = range(3)
"""What a stream is for: choosing positive chips, finding negative ones, drawing among those found."""


def random_stream(seed: int, image_id: int, level: int, purpose: int = SAMPLE) -> Generator:
    """Return the random stream of one image at one level.

    It depends on nothing else, so results do not depend on worker count, order of the source, or which other images
    are in the run. Each purpose has its own, so that positive chips stay where they are when negatives are asked for.
    """
    words = np.array([seed, image_id, level], dtype=np.int64).view(np.uint32).tolist()
    return Generator(PCG64(SeedSequence(words + [purpose] * (purpose != SAMPLE))))

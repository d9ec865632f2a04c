"""Words of 64 bits, a bit for each of some boxes: what many boxes have in common is one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Ints
    from chipgen.streams import Words

BITS = 64
"""Things that a word can tell apart."""


def bit(number: Ints) -> Words:
    """Return the words in which only the bit of that number is set, 0 to 63."""
    return np.asarray(np.uint64(1) << number.astype(np.uint64))


def ones(words: Words) -> Ints:
    """Count the bits that are set in each word."""
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words))
    pairs = words - (words >> np.uint64(1) & np.uint64(0x5555555555555555))  # numpy 1
    fours = (pairs & np.uint64(0x3333333333333333)) + (pairs >> np.uint64(2) & np.uint64(0x3333333333333333))
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.asarray(eights * np.uint64(0x0101010101010101) >> np.uint64(56))

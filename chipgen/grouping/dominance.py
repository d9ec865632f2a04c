"""Boxes that need no attention of their own: whatever group holds some other box holds them as well.

Most boxes are like that where objects are dense: small ones can be enclosed from more places than large ones beside
them. Few groups that hold all other boxes are found sooner, and hold these, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import bounds
from chipgen.words import BITS, bit

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints
    from chipgen.grouping.cliques import Spans
    from chipgen.streams import Words


def leading(x: Spans, y: Spans, image: Ints) -> Bools:
    """Tell which boxes no other box speaks for.

    A box speaks for another one when the cliques that hold it, along either axis, all hold the other. Of boxes that
    speak for each other the first leads.

    Parameters
    ----------
    x, y
        The cliques of each image along both axes.
    image
        Image of each box, sorted and without a gap, shape ``(N,)``, int64.

    Returns
    -------
    ndarray
        Shape ``(N,)``, bool.
    """
    found = np.ones(len(image), dtype=np.bool_)
    count = np.bincount(image)
    for fewest, most in ((1, BITS), (BITS + 1, int(count.max(initial=0)))):  # one word, and more than one
        rows = np.flatnonzero(((fewest <= count) & (count <= most))[image])
        if len(rows):
            found[rows] = _Marks(image[rows], -(-most // BITS)).leading((x.of(rows), y.of(rows)))
    return found


class _Marks:
    """Boxes of some images, a bit for each."""

    def __init__(self, image: Ints, wide: int) -> None:
        self.image = image
        number = np.arange(len(image)) - np.searchsorted(image, image)
        column, self.bit = number // BITS, bit(number % BITS)
        self.own = [np.flatnonzero(column == word) for word in range(wide)]

    def leading(self, axes: tuple[Spans, Spans]) -> Bools:
        """Tell which boxes no other one speaks for."""
        led = np.zeros(len(self.image), dtype=np.bool_)
        marked = [self._along(spans) for spans in axes]
        for word, own in enumerate(self.own):
            every = np.zeros(int(self.image[-1]) + 1, dtype=np.uint64)
            np.add.at(every, self.image[own], self.bit[own])
            held = every[self.image] & marked[0][word][0] & marked[1][word][0]
            same = held & marked[0][word][1] & marked[1][word][1]
            led |= ((held ^ same) | (same & self._earlier(word))) != 0
        return ~led

    def _along(self, spans: Spans) -> list[tuple[Words, Words]]:
        """Return, a word at a time, whose cliques along an axis each box holds all of, and who holds all of its own."""
        base = bounds(spans.count + 2)
        start, stop = base[self.image] + spans.start, base[self.image] + spans.stop
        found = []
        for own in self.own:
            begins, ends = (self._below(place, own, base) for place in (start, stop))
            found.append((~begins[start] & ends[stop + 1], begins[start + 1] & ~ends[stop]))
        return found

    def _below(self, place: Ints, own: Ints, base: Ints) -> Words:
        """Return for each place the boxes of its image, among some, whose own place lies below it."""
        marks = np.zeros(int(base[-1]) + 1, dtype=np.uint64)
        np.add.at(marks, place[own] + 1, self.bit[own])
        np.subtract.at(marks, base[self.image[own] + 1], self.bit[own])
        return np.cumsum(marks)

    def _earlier(self, word: int) -> Words:
        """Return the word of the boxes that stand before each box."""
        before = np.zeros(len(self.image), dtype=np.uint64)
        before[self.own[word]] = self.bit[self.own[word]] - np.uint64(1)
        for later in self.own[word + 1 :]:
            before[later] = np.uint64(2**64 - 1)
        return before

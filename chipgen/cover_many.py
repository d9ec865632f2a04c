"""The greedy cover of many images at once: the same windows as `cover`, tens of times faster.

One image is too small a problem for numpy: most of the time goes into calling it. Here all images of a stretch are
laid behind each other in flat arrays, and every step is taken for all of them together:

1. Along each axis the positions that enclose the same boxes are merged into runs. Which boxes a run encloses is one
   64-bit word, a bit for each box of the image, or several; a running sum over the first and last positions of the
   boxes gives the words of all runs in one pass.
2. A candidate is a pair of runs, and encloses the boxes in the words of both.
3. In each round every image that still has open boxes takes its best candidate: most open bits first, then priority.

Images with very many boxes go through `cover` one by one.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.chips import content_of
from chipgen.cover import HASH_BITS, INDEX_BITS, cover_one, enclosing_origins, priorities
from chipgen.flat import bounds, pieces, spread
from chipgen.places import places_along
from chipgen.words import BITS, bit, ones

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.cover import Origins
    from chipgen.streams import Words

    Sets = list[Words]

AT_ONCE = 400_000
"""Images laid behind each other, by the candidates and places that they have at most: enough to forget what a call of
numpy costs, few enough for the caches."""
WIDTHS = 1, 2, 4
"""Words for the boxes of an image: as many as it needs. Images that need more are planned one by one."""
RANK_BITS = 10
"""Bits for the rank of a run along one axis: of 256 boxes there are at most 513."""
RANKS = (1 << RANK_BITS) - 1


def cover_many(
    xyxy_scaled: Floats, image: Ints, size_scaled: Ints, chip: tuple[int, int], words: Words
) -> tuple[Ints, Ints]:
    """Choose windows for many images until every box lies completely inside one.

    Parameters
    ----------
    xyxy_scaled
        Boxes that a window can hold, shape ``(N, 4)``, float64.
    image
        Row of the image of each box, sorted, shape ``(N,)``, int64.
    size_scaled
        Scaled width and height of each image, shape ``(M, 2)``, int64.
    chip
        Side of a chip and distance of the grid, scaled px.
    words
        What decides between equals in each image, shape ``(M,)``, uint64.

    Returns
    -------
    image, origin
        Of each window, by image and then in the order chosen, shapes ``(K,)`` and ``(K, 2)``, int64, scaled px.
    """
    rows, problem, count = np.unique(image, return_inverse=True, return_counts=True)
    ends = bounds(count)
    found = [(np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    places = (size_scaled[rows] // chip[1]).sum(axis=1)
    for part in pieces(count * count + places, AT_ONCE):
        own = rows[part]
        boxes = slice(ends[part.start], ends[part.stop])
        at, origin = _stretch(xyxy_scaled[boxes], problem[boxes] - part.start, size_scaled[own], chip, words[own])
        found.append((own[at], origin))
    images, origins = (np.concatenate(column) for column in zip(*found, strict=True))
    return images, origins


def _stretch(
    xyxy_scaled: Floats, image: Ints, size_scaled: Ints, chip: tuple[int, int], words: Words
) -> tuple[Ints, Ints]:
    """Choose the windows of some images, each of which has a box; see `cover_many`."""
    count = np.bincount(image)
    room = size_scaled - content_of(size_scaled, chip[0])
    width = np.searchsorted(np.array(WIDTHS) * BITS, count)
    found = [(np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    for number, wide in enumerate(WIDTHS):
        own = np.flatnonzero(width == number)
        if len(own):
            rows = np.flatnonzero((width == number)[image])
            part = np.searchsorted(own, image[rows])
            boxes = _Boxes.of(xyxy_scaled[rows], part, size_scaled[own], chip[0], wide)
            at, origin = _choose(boxes, room[own], chip[1], words[own])
            found.append((own[at], origin))
    ends = np.cumsum(count)
    for one in np.flatnonzero(width == len(WIDTHS)).tolist():
        windows = cover_one(xyxy_scaled[ends[one] - count[one] : ends[one]], size_scaled[one], *chip, words[[one]])
        found.append((np.full(len(windows), one), windows))
    images, origins = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(images, kind="stable")
    return images[order], origins[order]


@dataclass(frozen=True)
class _Boxes:
    """Boxes of many images, by image.

    `bit` stands for each of them in the words of its image, of which there are `wide`; `column` tells in which of
    them. `origins` tells where windows enclose it.
    """

    image: Ints
    column: Ints
    bit: Words
    wide: int
    origins: Origins

    @classmethod
    def of(cls, xyxy_scaled: Floats, image: Ints, size_scaled: Ints, chip_size: int, wide: int) -> _Boxes:
        """Give each box its bit."""
        number = np.arange(len(image)) - np.searchsorted(image, image)
        origins = enclosing_origins(xyxy_scaled, size_scaled[image], chip_size)
        return cls(image, number // BITS, bit(number % BITS), wide, origins)

    def marked(self, plus: Ints, minus: Ints | None, places: int) -> Sets:
        """Return words for some places, with the bit of each box added in one place and taken off in another."""
        found = [np.zeros(places, dtype=np.uint64) for _ in range(self.wide)]
        for column, one in enumerate(found):
            own = np.flatnonzero(self.column == column) if self.wide > 1 else slice(None)
            np.add.at(one, plus[own], self.bit[own])
            if minus is not None:
                np.subtract.at(one, minus[own], self.bit[own])
        return found


@dataclass(frozen=True)
class _Runs:
    """Neighbouring positions along one axis that enclose the same boxes, merged; by image and then by position.

    `spans` holds the first run of each image and the end of the last, `word` the boxes that a run encloses,
    `position` its best position, `rank` its place among the runs of its image, best first, and `ranked` the runs in
    that order.
    """

    spans: Ints
    word: Sets
    position: Ints
    rank: Ints
    ranked: Ints


def _runs(boxes: _Boxes, room: Ints, stride: int, words: Words, axis: int) -> _Runs:
    """Lay out one axis of all images; see `_Runs`."""
    places = places_along(axis, boxes.origins, boxes.image, room[:, axis], stride)
    first = places.spans[boxes.image]
    marks = boxes.marked(first + places.start, first + places.stop, len(places.position))
    word = [np.cumsum(one) for one in marks]
    empty = ~_any(word)
    begins = np.flatnonzero(_any(marks) & ~empty)
    image = np.repeat(np.arange(len(room)), np.diff(places.spans))
    priority = priorities(words[image], axis, np.arange(len(image)) - places.spans[image])
    priority[empty] = np.iinfo(np.int64).max
    best, image = np.minimum.reduceat(priority, begins), image[begins]
    ranked = np.argsort((image << HASH_BITS + INDEX_BITS) | best)
    spans = np.searchsorted(image, np.arange(len(room) + 1))
    rank = np.empty_like(ranked)
    rank[ranked] = np.arange(len(ranked)) - spans[image]
    position = places.position[places.spans[image] + (best & ((1 << INDEX_BITS) - 1))]
    return _Runs(spans, _taken(word, begins), position, rank, ranked)


def _choose(boxes: _Boxes, room: Ints, stride: int, words: Words) -> tuple[Ints, Ints]:
    """Choose the windows of images that need as many words as each other, round by round."""
    x, y = (_runs(boxes, room, stride, words, axis) for axis in (0, 1))
    image, word, lead = _candidates(x, y)
    open_ = boxes.marked(boxes.image, None, len(room))
    left = np.arange(len(room))
    found: list[tuple[Ints, Ints, Ints]] = []
    while len(left):
        score = (_count(word) << 2 * RANK_BITS) + lead
        best = np.maximum.reduceat(score, np.searchsorted(image, left))
        at_x = x.ranked[x.spans[left] + (~best >> RANK_BITS & RANKS)]
        at_y = y.ranked[y.spans[left] + (~best & RANKS)]
        found.append((left, x.position[at_x], y.position[at_y]))
        for one, in_x, in_y in zip(open_, x.word, y.word, strict=True):
            one[left] &= ~(in_x[at_x] & in_y[at_y])
        word = [one & rest[image] for one, rest in zip(word, open_, strict=True)]
        keep = np.flatnonzero(_any(word))
        image, word, lead = image[keep], _taken(word, keep), lead[keep]
        left = left[_any(_taken(open_, left))]
    at, column, row = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(at, kind="stable")
    return at[order], np.stack((column, row), axis=1)[order]


def _candidates(x: _Runs, y: _Runs) -> tuple[Ints, Sets, Ints]:
    """Return image, word and lead of every pair of runs that encloses a box; the lead decides between equals."""
    image = np.repeat(np.arange(len(x.spans) - 1), np.diff(x.spans))
    many = np.diff(y.spans)[image]
    at_x, at_y = spread(y.spans[image], many)
    word = [in_x[at_x] & in_y[at_y] for in_x, in_y in zip(x.word, y.word, strict=True)]
    keep = np.flatnonzero(_any(word))
    at_x, at_y = at_x[keep], at_y[keep]
    lead = (~x.rank[at_x] & RANKS) << RANK_BITS | (~y.rank[at_y] & RANKS)
    return image[at_x], _taken(word, keep), lead.astype(np.int32)


def _any(sets: Sets) -> Bools:
    """Tell which sets hold a box."""
    return np.asarray(functools.reduce(np.bitwise_or, sets) != 0)


def _count(sets: Sets) -> Ints:
    """Count the boxes of each set, int32."""
    return functools.reduce(np.add, (ones(one).astype(np.int32) for one in sets))


def _taken(sets: Sets, rows: Ints) -> Sets:
    """Return some sets."""
    return [one[rows] for one in sets]

"""The greedy cover of many images at once: the same windows as `cover`, tens of times faster.

One image is too small a problem for numpy: most of the time goes into calling it. Here all images of a stretch are
laid behind each other in flat arrays, and every step is taken for all of them together:

1. Along each axis the positions that enclose the same boxes are merged into runs. Which boxes a run encloses is one
   64-bit word, a bit for each box of the image; a running sum over the first and last positions of the boxes gives the
   words of all runs in one pass.
2. A candidate is a pair of runs, and encloses the boxes of both words.
3. In each round every image that still has open boxes takes its best candidate: most open bits first, then priority.

Images with more boxes than a word has bits go through `cover` one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.chips import content_of
from chipgen.cover import HASH_BITS, INDEX_BITS, cover_one, enclosing_origins, priorities
from chipgen.places import places_along
from chipgen.words import BITS, bit, ones

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.cover import Origins
    from chipgen.streams import Words

AT_ONCE = 4096
"""Images laid behind each other: enough to forget what a call of numpy costs, few enough for the caches."""
RANK_BITS = 8
"""Bits for the rank of a run along one axis: of 64 boxes there are at most 129."""
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
    ends = np.concatenate(([0], np.cumsum(count)))
    found = [(np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    for first in range(0, len(rows), AT_ONCE):
        own = rows[first : first + AT_ONCE]
        boxes = slice(ends[first], ends[first + len(own)])
        at, origin = _stretch(xyxy_scaled[boxes], problem[boxes] - first, size_scaled[own], chip, words[own])
        found.append((own[at], origin))
    images, origins = (np.concatenate(column) for column in zip(*found, strict=True))
    return images, origins


def _stretch(
    xyxy_scaled: Floats, image: Ints, size_scaled: Ints, chip: tuple[int, int], words: Words
) -> tuple[Ints, Ints]:
    """Choose the windows of some images, each of which has a box; see `cover_many`."""
    count = np.bincount(image)
    large = count > BITS
    small, row = np.flatnonzero(~large), np.cumsum(~large) - 1
    fits = ~large[image]
    boxes = _Boxes.of(xyxy_scaled[fits], row[image[fits]], size_scaled[small], chip[0])
    at, origin = _choose(boxes, size_scaled[small] - content_of(size_scaled[small], chip[0]), chip[1], words[small])
    found = [(small[at], origin)]
    ends = np.cumsum(count)
    for one in np.flatnonzero(large).tolist():
        own = slice(ends[one] - count[one], ends[one])
        windows = cover_one(xyxy_scaled[own], size_scaled[one], *chip, words[one : one + 1])
        found.append((np.full(len(windows), one), windows))
    images, origins = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(images, kind="stable")
    return images[order], origins[order]


@dataclass(frozen=True)
class _Boxes:
    """Boxes of many images, by image.

    `bit` stands for each of them in the words of its image, `origins` tells where windows enclose it.
    """

    image: Ints
    bit: Words
    origins: Origins

    @classmethod
    def of(cls, xyxy_scaled: Floats, image: Ints, size_scaled: Ints, chip_size: int) -> _Boxes:
        """Give each box its bit."""
        count = np.bincount(image)
        number = np.arange(len(image)) - np.repeat(np.cumsum(count) - count, count)
        return cls(image, bit(number), enclosing_origins(xyxy_scaled, size_scaled[image], chip_size))


@dataclass(frozen=True)
class _Runs:
    """Neighbouring positions along one axis that enclose the same boxes, merged; by image and then by position.

    `spans` holds the first run of each image and the end of the last, `word` the boxes that a run encloses,
    `position` its best position, `rank` its place among the runs of its image, best first, and `ranked` the runs in
    that order.
    """

    spans: Ints
    word: Words
    position: Ints
    rank: Ints
    ranked: Ints


def _runs(boxes: _Boxes, room: Ints, stride: int, words: Words, axis: int) -> _Runs:
    """Lay out one axis of all images; see `_Runs`."""
    places = places_along(axis, boxes.origins, boxes.image, room[:, axis], stride)
    marks = np.zeros(len(places.position), dtype=np.uint64)
    first = places.spans[boxes.image]
    np.add.at(marks, first + places.start, boxes.bit)
    np.subtract.at(marks, first + places.stop, boxes.bit)
    word = np.cumsum(marks)
    begins = np.flatnonzero((marks != 0) & (word != 0))
    image = np.repeat(np.arange(len(room)), np.diff(places.spans))
    priority = priorities(words[image], axis, np.arange(len(image)) - places.spans[image])
    priority[word == 0] = np.iinfo(np.int64).max
    best, image = np.minimum.reduceat(priority, begins), image[begins]
    ranked = np.argsort((image << HASH_BITS + INDEX_BITS) | best)
    spans = np.searchsorted(image, np.arange(len(room) + 1))
    rank = np.empty_like(ranked)
    rank[ranked] = np.arange(len(ranked)) - spans[image]
    position = places.position[places.spans[image] + (best & ((1 << INDEX_BITS) - 1))]
    return _Runs(spans, word[begins], position, rank, ranked)


def _choose(boxes: _Boxes, room: Ints, stride: int, words: Words) -> tuple[Ints, Ints]:
    """Choose the windows of images whose boxes fit a word, round by round."""
    if not len(room):
        return np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64)
    x, y = (_runs(boxes, room, stride, words, axis) for axis in (0, 1))
    image, word, lead = _candidates(x, y)
    open_ = np.bitwise_or.reduceat(boxes.bit, np.searchsorted(boxes.image, np.arange(len(room))))
    left = np.arange(len(room))
    found: list[tuple[Ints, Ints, Ints]] = []
    while len(left):
        score = (ones(word).astype(np.int32) << 2 * RANK_BITS) + lead
        best = np.maximum.reduceat(score, np.searchsorted(image, left))
        at_x = x.ranked[x.spans[left] + (~best >> RANK_BITS & RANKS)]
        at_y = y.ranked[y.spans[left] + (~best & RANKS)]
        found.append((left, x.position[at_x], y.position[at_y]))
        open_[left] &= ~(x.word[at_x] & y.word[at_y])
        word &= open_[image]
        keep = np.flatnonzero(word != 0)
        image, word, lead = image[keep], word[keep], lead[keep]
        left = left[open_[left] != 0]
    at, column, row = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(at, kind="stable")
    return at[order], np.stack((column, row), axis=1)[order]


def _candidates(x: _Runs, y: _Runs) -> tuple[Ints, Words, Ints]:
    """Return image, word and lead of every pair of runs that encloses a box; the lead decides between equals."""
    image = np.repeat(np.arange(len(x.spans) - 1), np.diff(x.spans))
    many = np.diff(y.spans)[image]
    at_x = np.repeat(np.arange(len(image)), many)
    at_y = np.arange(len(at_x)) + np.repeat(y.spans[image] - (np.cumsum(many) - many), many)
    word = x.word[at_x] & y.word[at_y]
    keep = np.flatnonzero(word != 0)
    at_x, at_y = at_x[keep], at_y[keep]
    lead = (~x.rank[at_x] & RANKS) << RANK_BITS | (~y.rank[at_y] & RANKS)
    return image[at_x], word[keep], lead.astype(np.int32)

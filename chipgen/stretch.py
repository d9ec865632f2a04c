"""Finding the negative chips of many images at once, and telling what becomes of their proposals.

Everything that belongs to some images lies behind each other in flat arrays: their proposals, the boxes annotated in
them, their chips. At each level the proposals in its valid range are taken, less those on an object, less those that
a positive chip shows; from the rest `chipgen.negative` makes chips.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, scale, size
from chipgen.cover import enclosing_origins
from chipgen.flat import bounds, pieces
from chipgen.mining import Found, Pool
from chipgen.negative import Ground, Minimum, mine
from chipgen.negative.background import background
from chipgen.negative.closed import Boxes
from chipgen.negative.counting import enclosed_by
from chipgen.negative.on_object import Objects, on_object
from chipgen.streams import MINE, first_words

if TYPE_CHECKING:
    from chipgen.candidates import Candidates
    from chipgen.mining import Account
    from chipgen.sampling import Chosen, Sampling

AT_ONCE = 131_072
"""Proposals mined together, unless one image has more: enough to forget what a call of numpy costs."""


@dataclass(frozen=True)
class Finder:
    """Finds negative chips and enters them into the account.

    Parameters
    ----------
    sampling
        Dataset, levels and settings.
    mode
        ``proposals``, ``random`` or ``none``.
    least
        How many proposals a chip needs.
    account
        Where to enter what was found.
    """

    sampling: Sampling
    mode: str
    least: Minimum
    account: Account

    def find(self, images: range, candidates: Candidates, positive: list[Chosen]) -> None:
        """Find the negative chips of successive images, beside their positive chips at each level."""
        counts = candidates.spans[:, 1] - candidates.spans[:, 0]
        self.account.without += int(np.count_nonzero(counts == 0))
        if self.mode == "proposals":
            ends = bounds(counts)
            for piece in pieces(counts, AT_ONCE):
                own = candidates.xyxy_img[ends[piece.start] : ends[piece.stop]]
                self._mine(_Images(self.sampling, images[piece], own, counts[piece]), positive)
            return
        pool = self._background(images, counts) if self.mode == "random" else None
        nothing = np.zeros((len(positive), 3), dtype=np.int64)
        self.account.images(pool, nothing, out_of_range=len(candidates.score))

    def _background(self, images: range, counts: Ints) -> Pool:
        """Draw negative chips that enclose no proposal."""
        sampling, none, found = self.sampling, np.empty(0, dtype=np.int64), []
        for level in range(len(sampling.levels.scales)):
            views = [sampling.view(image, level, np.empty((0, 4)), np.empty(0)) for image in images]
            limit = sampling.config.negative.per_image
            origins = [background(view, limit, sampling.stream(view, MINE)) for view in views]
            image = np.repeat(np.arange(len(images)), [len(own) for own in origins])
            found.append(Found(image, np.concatenate([none.reshape(0, 2), *origins]), none, none))
        return Pool.of(images.start, found, bounds(counts), np.zeros(counts.sum(), dtype=np.bool_))

    def _mine(self, some: _Images, positive: list[Chosen]) -> None:
        """Mine the negative chips of some images at every level."""
        object_ = some.on_object
        shown, left = np.zeros((2, len(object_)), dtype=np.bool_)
        at_level, found = np.zeros((len(positive), 3), dtype=np.int64), []
        for level, chips in enumerate(positive):
            in_range = some.in_range(level)
            rows = np.flatnonzero(in_range & ~object_)
            chips_found, seen = self._mine_level(some, level, rows, chips)
            found.append(chips_found)
            shown[rows], left[rows] = shown[rows] | seen, left[rows] | ~seen
            at_level[level] = np.count_nonzero(in_range), np.count_nonzero(in_range & object_), np.count_nonzero(seen)
        on_object_, covered, left_over = (int(flags.sum()) for flags in (object_, shown, left & ~shown))
        self.account.images(
            Pool.of(some.images.start, found, bounds(some.counts), shown),
            at_level,
            on_object=on_object_,
            covered=covered,
            left_over=left_over,
            out_of_range=len(object_) - on_object_ - covered - left_over,
        )

    def _mine_level(self, some: _Images, level: int, rows: Ints, chips: Chosen) -> tuple[Found, Bools]:
        """Mine one level with the proposals in some rows; also tell which of these a positive chip encloses."""
        config, images = self.sampling.config, len(some.images)
        size_scaled, image = some.size_scaled(level), some.image[rows]
        xyxy_scaled = scale(np.take(some.xyxy_img, rows, axis=0), np.take(some.factor(level), image, axis=0))
        origins = enclosing_origins(xyxy_scaled, np.take(size_scaled, image, axis=0), config.chip_size)
        seen = np.zeros(len(rows), dtype=np.bool_)
        for _, shown in enclosed_by(some.chips(chips), image, origins, images):
            seen[shown] = True
        counting = np.flatnonzero(~seen & origins.exist)
        image, origins, rows = image[counting], origins.take(counting), rows[counting]
        least = self.least.at_levels(some.mean_factor)[:, level]
        words = first_words(config.seed, some.image_id, level, MINE)
        at = mine(Ground(size_scaled, least, words, some.boxes(level), config), image, origins)
        pairs = [np.empty((2, 0), dtype=np.int64), *enclosed_by(at, image, origins, images)]
        chip, held = np.concatenate([np.asarray(pair) for pair in pairs], axis=1)
        return Found(*at, chip, rows[held]), seen


@dataclass(frozen=True)
class _Images:
    """Some successive images, with their proposals and how many of these each has."""

    sampling: Sampling
    images: range
    xyxy_img: Floats
    counts: Ints

    @property
    def own(self) -> slice:
        """Return the rows of the images in the image table."""
        return slice(self.images.start, self.images.stop)

    @property
    def image_id(self) -> Ints:
        """Return the ids of the images."""
        return self.sampling.dataset.images.id[self.own]

    @cached_property
    def mean_factor(self) -> Floats:
        """Return one factor for both axes of each image at each level, shape ``(I, L)``."""
        return np.asarray(np.sqrt(self.sampling.levels.factor[self.own].prod(axis=2)))

    @cached_property
    def image(self) -> Ints:
        """Return the row of the image of each proposal among these images."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    @cached_property
    def sizes_img(self) -> Floats:
        """Return the size of each proposal."""
        return size(self.xyxy_img)

    @cached_property
    def annotations(self) -> Ints:
        """Return the rows of the annotations of these images that can be used."""
        spans = self.sampling.dataset.spans[self.own]
        first = int(spans[0, 0])
        return first + np.flatnonzero(self.sampling.dataset.annotations.invalid[first : int(spans[-1, 1])] == 0)

    @cached_property
    def annotated(self) -> Ints:
        """Return the row of the image of each of these annotations."""
        return self.sampling.dataset.annotations.image[self.annotations] - self.images.start

    @property
    def on_object(self) -> Bools:
        """Tell which proposals show an object, or lie in a region that the source ignores."""
        dataset, rows = self.sampling.dataset, self.annotations
        boxes_img, crowd = dataset.annotations.xyxy_img[rows], dataset.annotations.ignored_by[rows] > 0
        objects = Objects(self.annotated, boxes_img, crowd)
        size_img, config = dataset.images.size_img[self.own], self.sampling.config.negative
        return on_object(self.xyxy_img, self.image, objects, size_img, config)

    def in_range(self, level: int) -> Bools:
        """Tell which proposals lie in the valid range of a level."""
        low, high = (
            np.repeat(end - TOLERANCE, self.counts) for end in self.sampling.levels.range_img[self.own, level].T
        )
        return np.asarray((self.sizes_img >= low) & (self.sizes_img < high))

    def size_scaled(self, level: int) -> Ints:
        """Return width and height of each image at a level, scaled px."""
        return self.sampling.levels.size_scaled[self.own, level]

    def factor(self, level: int) -> Floats:
        """Return the factors of each image at a level."""
        return self.sampling.levels.factor[self.own, level]

    def boxes(self, level: int) -> Boxes:
        """Return the annotated boxes at a level."""
        rows, image = self.annotations, self.annotated
        boxes_img = self.sampling.dataset.annotations.xyxy_img[rows]
        return Boxes(image, scale(boxes_img, self.factor(level)[image]), self.sampling.fits.counts[rows, level])

    def chips(self, chosen: Chosen) -> tuple[Ints, Ints]:
        """Return image and origin of the chips in these images."""
        first, stop = np.searchsorted(chosen.image, (self.images.start, self.images.stop))
        return chosen.image[first:stop] - self.images.start, chosen.origin[first:stop]

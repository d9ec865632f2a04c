"""Close to the fewest chips there can be, each placed where its objects have room around them.

Chips need not stand on a grid. Which boxes a chip shall enclose is chosen first: the groups of boxes that one window
can enclose, and few of them that hold every box. Then each chip is placed: a box that several chips could take counts
for the one it hinders least, and what room its boxes leave a chip is its own to stand in.

Where the choice is not proven to be the smallest, it is compared with that of `sniper`, so that no image ever gets more
chips than there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.cover import Origins, enclosing_origins
from chipgen.cover_many import cover_many
from chipgen.flat import bounds, pieces, spread
from chipgen.grouping import few_groups
from chipgen.samplers.options import refuse
from chipgen.samplers.protocol import Views
from chipgen.streams import hashes

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.boxes import Bools, Ints
    from chipgen.samplers.protocol import View
    from chipgen.streams import Words

PLACEMENTS = ("random", "center")
"""Where chips may stand in the room that their boxes leave them."""
KEPT_FREE = 4
"""A chip placed at random stays away from the ends of its room by this fraction: context belongs to an object, and with
fewer chips boxes would stand closer to the borders than in those of `sniper`."""
IMAGE_BITS = 40
"""Bits for the number of a chip in a number that also holds its image."""
PLACES = np.uint64(1 << 40)
"""Numbers from here on are hashed for places; those below decide between equals in `sniper`."""
BOXES_AT_ONCE = 20_000
"""Boxes whose groups are in memory at once, unless a single image has more."""


def compact(view: View, rng: Generator, *, placement: str = "random") -> Ints:
    """Choose close to the fewest chips that enclose every valid box.

    Parameters
    ----------
    view, rng
        See `chipgen.samplers`.
    placement
        Where a chip stands in the room that its boxes leave it: ``random``, anywhere in the middle half, or
        ``center``, in the middle.

    Returns
    -------
    ndarray
        Origins, shape ``(K, 2)``, int64, scaled px.

    Raises
    ------
    UsageError
        Another placement.
    """
    return compact_many(Views.of(view, rng), placement=placement)[1]


def compact_many(views: Views, *, placement: str = "random") -> tuple[Ints, Ints]:
    """Choose the chips that `compact` chooses, for many images at once."""
    if placement not in PLACEMENTS:
        raise refuse("placement", placement, f"use {' or '.join(PLACEMENTS)}")
    found = [(np.empty(0, dtype=np.int64), np.empty((0, 2), dtype=np.int64))]
    rows, count = np.unique(views.image, return_counts=True)
    ends = bounds(count)
    for piece in pieces(count, BOXES_AT_ONCE):
        own = rows[piece]
        part = _Images.of(views, own, slice(ends[piece.start], ends[piece.stop]))
        at, origin = part.chips(placement)
        found.append((own[at], origin))
    image, origin = (np.concatenate(column) for column in zip(*found, strict=True))
    return image, origin


@dataclass(frozen=True)
class _Images:
    """Some images, each of which has a box; `image` tells whose each box is, `origins` where windows enclose it."""

    views: Views
    image: Ints
    origins: Origins

    @classmethod
    def of(cls, views: Views, rows: Ints, boxes: slice) -> _Images:
        """Take some of many images."""
        image = np.searchsorted(rows, views.image[boxes])
        size = views.size_scaled[rows]
        part = Views(
            image_id=views.image_id[rows],
            level=views.level,
            size_scaled=size,
            chip_size=views.chip_size,
            stride=views.stride,
            image=image,
            valid_scaled=views.valid_scaled[boxes],
            words=views.words[rows],
        )
        return cls(part, image, enclosing_origins(part.valid_scaled, size[image], views.chip_size))

    def chips(self, placement: str) -> tuple[Ints, Ints]:
        """Return image and origin of each chip, by image."""
        chip, box = self._shared_out(*self._chosen())
        starts = np.flatnonzero(np.diff(chip, prepend=-1))
        low = np.maximum.reduceat(self.origins.first[box], starts)
        high = np.minimum.reduceat(self.origins.last[box], starts)
        image = self.image[box[starts]]
        if placement == "center":
            return image, (low + high) // 2
        number = np.arange(len(image)) - np.searchsorted(image, image)
        aside = (high - low) // KEPT_FREE
        return image, low + aside + _draws(self.views.words[image], number, high - low - 2 * aside + 1)

    def _chosen(self) -> tuple[Ints, Ints]:
        """Return every pair of a chip and a box that it shall enclose: number of the chip, by image, and box."""
        found = few_groups(self.origins, self.image, self.views.chip_size)
        if found.proven.all():
            return found.group, found.box
        image, origin = self._sniper(~found.proven)
        ours = self.image[found.box[np.flatnonzero(np.diff(found.group, prepend=-1))]]
        count, theirs = (np.bincount(rows, minlength=len(found.proven)) for rows in (ours, image))
        return self._replaced(found.group, found.box, ~found.proven & (theirs < count), (image, origin))

    def _sniper(self, images: Bools) -> tuple[Ints, Ints]:
        """Return what `sniper` would choose in some images: image and origin of each chip."""
        own, views = images[self.image], self.views
        chip = views.chip_size, views.stride
        return cover_many(views.valid_scaled[own], self.image[own], views.size_scaled, chip, views.words)

    def _replaced(self, chip: Ints, box: Ints, images: Bools, windows: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
        """Put given windows, image and origin, in the place of the chips of some images."""
        if not images.any():
            return chip, box
        taken = images[windows[0]]
        image, origin = windows[0][taken], windows[1][taken]
        starts = np.searchsorted(self.image, np.arange(len(images) + 1))
        window, member = spread(starts[image], np.diff(starts)[image])
        first, last = self.origins.first[member], self.origins.last[member]
        inside = ((first <= origin[window]) & (origin[window] <= last)).all(axis=1)
        stays = ~images[self.image[box]]
        chips = np.concatenate((chip[stays], len(chip) + window[inside]))
        boxes = np.concatenate((box[stays], member[inside]))
        order = np.lexsort((boxes, chips, self.image[boxes]))
        return np.unique(chips[order] + (self.image[boxes[order]] << IMAGE_BITS), return_inverse=True)[1], boxes[order]

    def _shared_out(self, chip: Ints, box: Ints) -> tuple[Ints, Ints]:
        """Leave every box to one chip only: to the one whose room it takes least of; chips without a box go."""
        times = np.bincount(box)
        alone = np.flatnonzero(times[box] == 1)
        low = np.zeros((int(chip.max()) + 1, 2), dtype=np.int64)
        high = self.views.size_scaled[self.image[box[np.searchsorted(chip, np.arange(len(low)))]]]
        np.maximum.at(low, chip[alone], self.origins.first[box[alone]])
        np.minimum.at(high, chip[alone], self.origins.last[box[alone]])
        several = np.flatnonzero(times[box] > 1)
        at, own = chip[several], box[several]
        left = np.minimum(high[at], self.origins.last[own]) - np.maximum(low[at], self.origins.first[own]) + 1
        lost = (high[at] - low[at] + 1).prod(axis=1) - left.prod(axis=1)
        order = np.lexsort((at, lost, own))
        best = order[np.flatnonzero(np.diff(own[order], prepend=-1))]
        pairs = np.sort(np.concatenate((alone, several[best])))
        return chip[pairs], box[pairs]


def _draws(words: Words, number: Ints, many: Ints) -> Ints:
    """Draw a number below `many` for each chip and axis, shape ``(K, 2)``."""
    places = (2 * number[:, None] + np.arange(2)).astype(np.uint64) + PLACES
    halves = hashes(words[:, None], places) >> np.uint64(32)
    return np.asarray((halves * many.astype(np.uint64) >> np.uint64(32)).astype(np.int64))

"""Asking the sampler for the positive chips of every image at every level.

A sampler sees one image at one level. Those built in can also be asked for many images at once, which gives the same
chips tens of times faster; see `chipgen.samplers.find.MANY`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import Floats, Ints, scale
from chipgen.samplers import Sampler, View, Views, many_of, sample
from chipgen.streams import first_words, random_stream

if TYPE_CHECKING:
    from chipgen.candidates import Candidates
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.levels import Levels
    from chipgen.positive import Fit
    from chipgen.samplers import ManySampler


@dataclass(frozen=True)
class Chosen:
    """The positive chips of some images at one level, by image; K of them.

    Parameters
    ----------
    image
        Row in the image table, shape ``(K,)``, int64.
    origin
        Left upper corner, shape ``(K, 2)``, int64, scaled px.
    """

    image: Ints
    origin: Ints


@dataclass(frozen=True)
class Sampling:
    """Everything a sampler is asked with."""

    dataset: Dataset
    levels: Levels
    fits: Fit
    config: PlanConfig
    sampler: Sampler

    def chips(self, images: range, candidates: Candidates) -> list[Chosen]:
        """Return the positive chips of successive images, one value for each level."""
        levels, many = range(len(self.levels.scales)), many_of(self.sampler)
        if many is not None:
            return [self._many(many, images, level) for level in levels]
        return [self._each(images, level, candidates) for level in levels]

    def view(self, image: int, level: int, xyxy_img: Floats, score: Floats) -> View:
        """Return one image at one level, with its proposals, best first."""
        annotations, (start, stop) = self.dataset.annotations, self.dataset.spans[image].tolist()
        factor = self.levels.factor[image, level]
        boxes_scaled = scale(annotations.xyxy_img[start:stop], factor)
        counts = self.fits.counts[start:stop, level]
        return View(
            image_id=int(self.dataset.images.id[image]),
            level=level,
            size_scaled=self.levels.size_scaled[image, level],
            chip_size=self.config.chip_size,
            stride=self.config.stride,
            valid_scaled=boxes_scaled[counts],
            ignored_scaled=boxes_scaled[(annotations.invalid[start:stop] == 0) & ~counts],
            proposals_scaled=scale(xyxy_img, factor),
            scores=score,
            valid_category=annotations.category[start:stop][counts],
        )

    def stream(self, view: View, *purpose: int) -> np.random.Generator:
        """Return the random stream of a view."""
        return random_stream(self.config.seed, view.image_id, view.level, *purpose)

    def _each(self, images: range, level: int, candidates: Candidates) -> Chosen:
        """Ask for one image after the other."""
        found = [np.empty((0, 2), dtype=np.int64)]
        for image, (first, end) in zip(images, candidates.spans.tolist(), strict=True):
            best_first = first + np.argsort(-candidates.score[first:end], kind="stable")
            view = self.view(image, level, candidates.xyxy_img[best_first], candidates.score[best_first])
            found.append(sample(self.sampler, view, self.stream(view)))
        counts = [len(origins) for origins in found[1:]]
        return Chosen(np.repeat(np.array(images, dtype=np.int64), counts), np.concatenate(found))

    def _many(self, many: ManySampler, images: range, level: int) -> Chosen:
        """Ask for all images at once; only boxes are looked at."""
        annotations, own = self.dataset.annotations, slice(images.start, images.stop)
        spans = self.dataset.spans[own]
        first, stop = (int(spans[0, 0]), int(spans[-1, 1])) if len(spans) else (0, 0)
        rows = first + np.flatnonzero(self.fits.counts[first:stop, level])
        image = annotations.image[rows]
        views = Views(
            image_id=self.dataset.images.id[own],
            level=level,
            size_scaled=self.levels.size_scaled[own, level],
            chip_size=self.config.chip_size,
            stride=self.config.stride,
            image=image - images.start,
            valid_scaled=scale(annotations.xyxy_img[rows], self.levels.factor[image, level]),
            words=first_words(self.config.seed, self.dataset.images.id[own], level),
        )
        at, origin = many(views)
        return Chosen(at + images.start, origin)

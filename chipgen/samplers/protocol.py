"""What a sampler sees and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Generator

from chipgen.boxes import Floats, Ints
from chipgen.chips import content_of
from chipgen.streams import first_word

if TYPE_CHECKING:
    from chipgen.streams import Words


@dataclass(frozen=True)
class View:
    """One image at one level.

    Parameters
    ----------
    image_id
        Id of the image in the source.
    level
        Number of the level.
    size_scaled
        Scaled width and height, shape ``(2,)``, int64.
    chip_size, stride
        Side of a chip and distance of the candidate grid, scaled px.
    valid_scaled
        Boxes to learn at this level, shape ``(V, 4)``, float64, scaled px; each fits a chip.
    ignored_scaled
        All other boxes of the image, shape ``(I, 4)``, float64, scaled px.
    proposals_scaled, scores
        Proposals of the image inside it, whatever their size, best first, shape ``(P, 4)``, float64, scaled px, and
        their scores, shape ``(P,)``, float64; none when the run has none, all scores 0 when they have none.
    valid_category
        Row of each valid box in the category table, shape ``(V,)``, int64: the 0-based class, ``category`` in the
        output. Empty in a view made by hand that does not care.
    """

    image_id: int
    level: int
    size_scaled: Ints
    chip_size: int
    stride: int
    valid_scaled: Floats
    ignored_scaled: Floats
    proposals_scaled: Floats = field(default_factory=lambda: np.empty((0, 4)))
    scores: Floats = field(default_factory=lambda: np.empty(0))
    valid_category: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def content(self) -> Ints:
        """Return width and height of a chip without padding, shape ``(2,)``, int64, scaled px."""
        return content_of(self.size_scaled, self.chip_size)


@dataclass(frozen=True)
class Views:
    """Many images at one level, for samplers that can choose the chips of all of them at once; M images, V boxes.

    Parameters
    ----------
    image_id
        Id of each image in the source, shape ``(M,)``, int64.
    level
        Number of the level.
    size_scaled
        Scaled width and height, shape ``(M, 2)``, int64.
    chip_size, stride
        Side of a chip and distance of the candidate grid, scaled px.
    image
        Row of the image of each box, sorted, shape ``(V,)``, int64.
    valid_scaled
        Boxes to learn at this level, shape ``(V, 4)``, float64, scaled px; each fits a chip.
    words
        First word of the random stream of each image, shape ``(M,)``, uint64.
    """

    image_id: Ints
    level: int
    size_scaled: Ints
    chip_size: int
    stride: int
    image: Ints
    valid_scaled: Floats
    words: Words

    @classmethod
    def of(cls, view: View, rng: Generator) -> Views:
        """Return a single view as many; its word is taken from its stream."""
        return cls(
            np.array([view.image_id]),
            view.level,
            view.size_scaled[None],
            view.chip_size,
            view.stride,
            np.zeros(len(view.valid_scaled), dtype=np.int64),
            view.valid_scaled,
            first_word(rng),
        )


Sampler = Callable[[View, Generator], Ints]
ManySampler = Callable[[Views], tuple[Ints, Ints]]
"""Returns the row of the image and the origin of each chip, by image, shapes ``(K,)`` and ``(K, 2)``."""

"""Which annotations may show in which chips: pairs to be looked at closely.

In most images every chip is paired with every annotation. Where an image is crowded that would be millions of pairs
of which few meet: there annotations are sorted by their left edge, and a chip is paired with those that begin near
enough. Annotations wider than a chip are few, and are paired with every chip all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import pieces, spread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Floats, Ints

CROWDED = 400
"""Annotations of an image above which its chips are not paired with all of them."""
PAIRS_AT_ONCE = 50_000
"""Pairs that are looked at together: few enough to stay in the caches."""
SLACK = 1.0
"""Image px by which a chip reaches further than it does: no rounding can cost a pair."""


@dataclass(frozen=True)
class Reach:
    """Spans of annotations for each chip.

    Parameters
    ----------
    order
        The annotations in the order that spans count in, shape ``(N,)``, int64.
    spans
        For each chip the first and the one after the last of `order`, shape ``(C, 2)``, int64; a chip reaches what
        any of these arrays tells.
    """

    order: Ints
    spans: tuple[Ints, ...]

    @classmethod
    def of(cls, xyxy_img: Floats, spans: Ints, window_img: Floats) -> Reach:
        """Find what each chip may show.

        Parameters
        ----------
        xyxy_img
            All annotations, those of an image together, shape ``(N, 4)``.
        spans
            First annotation of the image of each chip and the one after its last, shape ``(C, 2)``; chips of an image
            together.
        window_img
            What each chip shows, shape ``(C, 4)``.
        """
        order, near, wide = np.arange(len(xyxy_img)), spans.copy(), np.zeros_like(spans)
        crowded = np.flatnonzero(spans[:, 1] - spans[:, 0] > CROWDED)
        if not len(crowded):
            return cls(order, (spans,))
        for chips in np.split(crowded, np.flatnonzero(np.diff(spans[crowded, 0])) + 1):
            first, stop = spans[chips[0]].tolist()
            _sort(order[first:stop], xyxy_img, (near, wide), window_img, chips)
        return cls(order, (near, wide))

    def pairs(self) -> Iterator[tuple[Ints, Ints]]:
        """Yield every pair of a chip and an annotation it may show, in pieces of bounded size."""
        for spans in self.spans:
            counts = spans[:, 1] - spans[:, 0]
            for piece in pieces(counts, PAIRS_AT_ONCE):
                row, place = spread(spans[piece, 0], counts[piece])
                yield piece.start + row, self.order[place]

    @property
    def in_order(self) -> bool:
        """Tell whether pairs come by chip and then by annotation."""
        return len(self.spans) == 1


def _sort(own: Ints, xyxy_img: Floats, spans: tuple[Ints, Ints], window_img: Floats, chips: Ints) -> None:
    """Sort the annotations of one image, in place: narrow ones by their left edge, then wide ones; set the spans."""
    first = int(own[0])
    boxes, windows = xyxy_img[own], window_img[chips]
    width = boxes[:, 2] - boxes[:, 0]
    widest = float((windows[:, 2] - windows[:, 0]).max())
    narrow = np.flatnonzero(width <= widest)
    narrow = narrow[np.argsort(boxes[narrow, 0], kind="stable")]
    left = boxes[narrow, 0]
    near, wide = spans
    near[chips, 0] = first + np.searchsorted(left, windows[:, 0] - widest - SLACK)
    near[chips, 1] = first + np.searchsorted(left, windows[:, 2] + SLACK)
    wide[chips] = first + len(narrow), first + len(own)
    own[:] = first + np.concatenate((narrow, np.flatnonzero(width > widest)))

"""Which boxes a chip holds, and whether they are to be learnt there or ignored, and why.

Every annotation that meets a chip by at least one chip pixel on both axes is written: leaving a visible object out
teaches a detector that it is background.

Source: SNIPER, section 3.4 (all cropped boxes, valid and invalid, take part in label assignment).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, area, clip, inside, scale, shift, sides
from chipgen.positive import THINNEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.chips import Chips
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.positive import Fit
    from chipgen.scales import Levels

STATES = ("", "crowd", "out_of_range", "too_large", "truncated", "too_small")
"""Why a box in a chip is ignored; position 0: it is valid. The first that applies."""

PAIRS_AT_ONCE = 1_000_000
"""Pairs of chip and annotation compared at once: bounds the memory of crowded images."""


@dataclass(frozen=True)
class ChipBoxes:
    """The boxes of all chips, by chip and then by annotation; B of them.

    Parameters
    ----------
    chip, annotation
        Rows in the chip and annotation tables, shape ``(B,)``, int64.
    xyxy_chip
        Boxes clipped to their chip, shape ``(B, 4)``, float64, chip px.
    visibility
        Visible area / area inside the image, shape ``(B,)``, float64, 0..1.
    enclosed
        Whether the chip holds the whole box, shape ``(B,)``, bool.
    state
        Position in `STATES`, shape ``(B,)``, int64.
    """

    chip: Ints
    annotation: Ints
    xyxy_chip: Floats
    visibility: Floats
    enclosed: Bools
    state: Ints

    def __len__(self) -> int:
        return len(self.chip)


def label(dataset: Dataset, levels: Levels, fits: Fit, chips: Chips, config: PlanConfig) -> ChipBoxes:
    """Find the boxes of every chip, cut them, and say which are valid.

    Parameters
    ----------
    dataset, levels, fits
        The annotations and how they fit the levels.
    chips
        The chips to fill.
    config
        Holds ``min_visibility`` and ``min_box``.
    """
    parts = [_label_pairs(dataset, levels, fits, chips, config, pairs) for pairs in _pairs(dataset.spans[chips.image])]
    columns = zip(*((p.chip, p.annotation, p.xyxy_chip, p.visibility, p.enclosed, p.state) for p in parts), strict=True)
    return ChipBoxes(*(np.concatenate(column) for column in columns))


def _pairs(spans: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield every (chip, annotation) of the same image, at least once and in pieces of bounded size.

    `spans` holds the first annotation of each chip's image and the one after its last, shape ``(C, 2)``.
    """
    counts = spans[:, 1] - spans[:, 0]
    ends = np.cumsum(counts)
    start = 0
    while True:
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + PAIRS_AT_ONCE, "right")))
        piece = slice(start, stop)
        chip = np.repeat(np.arange(len(counts))[piece], counts[piece])
        first = np.repeat(spans[piece, 0] - (ends[piece] - counts[piece] - done), counts[piece])
        yield chip, first + np.arange(len(chip))
        start = stop
        if start >= len(counts):
            return


def _label_pairs(
    dataset: Dataset, levels: Levels, fits: Fit, chips: Chips, config: PlanConfig, pairs: tuple[Ints, Ints]
) -> ChipBoxes:
    """Label some pairs of chip and annotation."""
    chip, annotation = pairs
    annotations = dataset.annotations
    usable = annotations.invalid[annotation] == 0
    chip, annotation = chip[usable], annotation[usable]
    factor = levels.factor[chips.image[chip], chips.level[chip]]
    whole = scale(annotations.xyxy_img[annotation], factor)
    window = chips.window_scaled[chip]
    cut = clip(whole, window)
    seen = np.flatnonzero(np.all(sides(cut) >= THINNEST - TOLERANCE, axis=1))
    chip, annotation = chip[seen], annotation[seen]
    whole, window, cut = whole[seen], window[seen], cut[seen]
    visibility = np.minimum(area(cut) / area(whole), 1.0)
    thin = np.any(sides(cut) < config.min_box - TOLERANCE, axis=1)
    level = chips.level[chip]
    state = np.select(
        [
            annotations.ignored_by[annotation] > 0,
            ~fits.in_range[annotation, level],
            ~fits.holdable[annotation, level],
            visibility < config.min_visibility - TOLERANCE,
            thin,
        ],
        range(1, len(STATES)),
        default=0,
    ).astype(np.int64)
    return ChipBoxes(chip, annotation, shift(cut, window[:, :2]), visibility, inside(whole, window), state)

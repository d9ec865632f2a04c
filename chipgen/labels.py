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
    parts = [_nothing()]
    for level in range(len(levels.scales)):
        rows = np.flatnonzero(chips.level == level)
        boxes_scaled = _scaled(dataset, levels, level)
        windows = chips.window_scaled[rows]
        for chip, annotation in _pairs(dataset.spans[chips.image[rows]]):
            seen = _meet(windows, chip, boxes_scaled, annotation)
            pairs = rows[chip[seen]], annotation[seen]
            parts.append(_cut(pairs, boxes_scaled[pairs[1]], windows[chip[seen]]))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    chip, annotation, xyxy_chip, visibility, enclosed = (column[order] for column in columns)
    at = (annotation, chips.level[chip])
    state = _state(dataset, fits, at, sides(xyxy_chip), visibility, config)
    return ChipBoxes(chip, annotation, xyxy_chip, visibility, enclosed, state)


def _scaled(dataset: Dataset, levels: Levels, level: int) -> Floats:
    """Return all boxes at one level, shape ``(N, 4)``; NaN, which meets nothing, where less than a pixel could show."""
    if not len(dataset.images):
        return np.full((len(dataset.annotations), 4), np.nan)
    image = np.maximum(dataset.annotations.image, 0)
    boxes_scaled = scale(dataset.annotations.xyxy_img, levels.factor[image, level])
    boxes_scaled[np.any(sides(boxes_scaled) < THINNEST - TOLERANCE, axis=1)] = np.nan
    return boxes_scaled


def _pairs(spans: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield every (chip, annotation) of the same image, in pieces of bounded size.

    `spans` holds the first annotation of each chip's image and the one after its last, shape ``(C, 2)``.
    """
    counts = spans[:, 1] - spans[:, 0]
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + PAIRS_AT_ONCE, "right")))
        piece = slice(start, stop)
        chip = np.repeat(np.arange(len(counts))[piece], counts[piece])
        first = np.repeat(spans[piece, 0] - (ends[piece] - counts[piece] - done), counts[piece])
        yield chip, first + np.arange(len(chip))
        start = stop


def _meet(windows: Floats, chip: Ints, boxes_scaled: Floats, annotation: Ints) -> Bools:
    """Tell which pairs of chip and annotation share at least one chip pixel on both axes."""
    thinnest = THINNEST - TOLERANCE
    meets: Bools = np.ones(len(chip), dtype=np.bool_)
    for axis in (0, 1):
        meets &= boxes_scaled[annotation, axis + 2] - windows[chip, axis] >= thinnest
        meets &= windows[chip, axis + 2] - boxes_scaled[annotation, axis] >= thinnest
    return meets


_Columns = tuple[Ints, Ints, Floats, Floats, Bools]


def _cut(pairs: tuple[Ints, Ints], whole: Floats, window: Floats) -> _Columns:
    """Cut boxes to the windows they meet; return the columns of `ChipBoxes` but the last."""
    cut = clip(whole, window)
    visibility = np.minimum(area(cut) / area(whole), 1.0)
    return (*pairs, shift(cut, window[:, :2]), visibility, inside(whole, window))


def _nothing() -> _Columns:
    """Return columns without rows."""
    nothing = np.empty(0, dtype=np.int64)
    return nothing, nothing, np.empty((0, 4)), np.empty(0), np.empty(0, dtype=np.bool_)


def _state(
    dataset: Dataset, fits: Fit, at: tuple[Ints, Ints], sides_chip: Floats, visibility: Floats, config: PlanConfig
) -> Ints:
    """Return the first state that applies to each box, a position in `STATES`; `at` is its annotation and level."""
    conditions = [
        dataset.annotations.ignored_by[at[0]] > 0,
        ~fits.in_range[at],
        ~fits.holdable[at],
        visibility < config.min_visibility - TOLERANCE,
        np.any(sides_chip < config.min_box - TOLERANCE, axis=1),
    ]
    return np.select(conditions, range(1, len(STATES)), default=0).astype(np.int64)

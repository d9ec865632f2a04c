"""Which boxes a chip holds, and whether they are to be learnt there or ignored, and why.

Every annotation that meets a chip by at least one chip pixel on both axes is written: leaving a visible object out
teaches a detector that it is background.

Source: SNIPER, section 3.4 (all cropped boxes, valid and invalid, take part in label assignment).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.assignment import learnt_in_one, margins
from chipgen.boxes import TOLERANCE, Bools, Floats, Ints
from chipgen.flat import Growing
from chipgen.positive import THINNEST
from chipgen.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from chipgen.chips import Chips
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.levels import Levels
    from chipgen.positive import Fit

STATES = ("", "crowd", "out_of_range", "too_large", "truncated", "too_small", "assigned_elsewhere")
"""Why a box in a chip is ignored; position 0: it is valid. The first that applies.

``assigned_elsewhere``: it would be valid here, but is learnt in another chip of the level only.
"""


ANNOTATION_BITS = 32
"""Bits for an annotation in a number that also holds its chip."""


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
        Holds ``min_visibility``, ``min_box`` and ``assign``.
    """
    boxes = ChipBoxes(*_cut_all(dataset, levels, fits, chips, config))
    if config.assign == "one":
        boxes.state[_elsewhere(boxes, chips, len(levels.scales))] = STATES.index("assigned_elsewhere")
    return boxes


def _cut_all(dataset: Dataset, levels: Levels, fits: Fit, chips: Chips, config: PlanConfig) -> Iterator[Any]:
    """Yield the columns of the boxes of all chips."""
    state_anywhere = _state_anywhere(dataset, fits)
    factor, window = levels.factor[chips.image, chips.level], chips.window_scaled
    reach = Reach.of(dataset.annotations.xyxy_img, dataset.spans[chips.image], _seen(window, factor))
    cut = Growing(*_nothing())
    for chip, annotation in reach.pairs():
        x, y = _along_axes(dataset.annotations.xyxy_img[annotation], factor[chip], window[chip])
        seen = np.flatnonzero(x.meet() & y.meet())
        x, y = x.take(seen), y.take(seen)
        pairs = chip[seen], annotation[seen]
        cut.add(*_cut(pairs, (x, y), state_anywhere[pairs[1], chips.level[pairs[0]]], config))
    in_order = reach.in_order
    del state_anywhere, factor, window, reach
    yield from cut.columns() if in_order else _in_order(cut.columns())


def _elsewhere(boxes: ChipBoxes, chips: Chips, levels: int) -> Ints:
    """Return the rows of valid boxes that another chip of the same level shows better."""
    valid = np.flatnonzero(boxes.state == 0)
    chip = boxes.chip[valid]
    pair = boxes.annotation[valid] * levels + chips.level[chip]
    margin = margins(boxes.xyxy_chip[valid], chips.content[chip])
    return valid[~learnt_in_one(pair, boxes.visibility[valid], margin)]


@dataclass(frozen=True)
class _Along:
    """Pairs of a box and a chip along one axis: columns are several times faster than rows of ``xyxy``; P of them.

    Parameters
    ----------
    low, high
        Ends of the box, shape ``(P,)``, float64, scaled px.
    start, stop
        Ends of the chip, shape ``(P,)``, float64, scaled px.
    """

    low: Floats
    high: Floats
    start: Floats
    stop: Floats

    def take(self, rows: Ints) -> _Along:
        """Return some pairs."""
        return _Along(self.low[rows], self.high[rows], self.start[rows], self.stop[rows])

    def meet(self) -> Bools:
        """Tell which pairs share at least one chip pixel, shape ``(P,)``; a box below a pixel shares none."""
        thinnest = THINNEST - TOLERANCE
        begins, ends = self.stop - self.low >= thinnest, self.high - self.start >= thinnest
        return np.asarray(begins & ends & (self.high - self.low >= thinnest), dtype=np.bool_)

    def enclosed(self) -> Bools:
        """Tell which boxes lie completely inside their chip, shape ``(P,)``."""
        inside = (self.low >= self.start - TOLERANCE) & (self.high <= self.stop + TOLERANCE)
        return np.asarray(inside, dtype=np.bool_)

    def cut(self) -> tuple[Floats, Floats]:
        """Return the ends of the boxes cut to their chips, shape ``(P,)`` each, scaled px."""
        return np.clip(self.low, self.start, self.stop), np.clip(self.high, self.start, self.stop)


def _along_axes(xyxy_img: Floats, factor: Floats, window_scaled: Floats) -> tuple[_Along, _Along]:
    """Return pairs along x and along y; a row of each argument belongs to a pair."""
    (x1, y1, x2, y2), (factor_x, factor_y), (left, top, right, bottom) = xyxy_img.T, factor.T, window_scaled.T
    x = _Along(x1 * factor_x, x2 * factor_x, left, right)
    return x, _Along(y1 * factor_y, y2 * factor_y, top, bottom)


_Columns = tuple[Ints, Ints, Floats, Floats, Bools, Ints]


def _cut(
    pairs: tuple[Ints, Ints], axes: tuple[_Along, _Along], state: NDArray[np.int8], config: PlanConfig
) -> _Columns:
    """Cut boxes to the chips they meet; return the columns of `ChipBoxes`. `state` is what no chip can mend."""
    x, y = axes
    (left, right), (top, bottom) = x.cut(), y.cut()
    visibility = np.minimum((right - left) * (bottom - top) / ((x.high - x.low) * (y.high - y.low)), 1.0)
    xyxy_chip = np.empty((len(state), 4))
    for column, end in enumerate((left - x.start, top - y.start, right - x.start, bottom - y.start)):
        xyxy_chip[:, column] = end
    truncated = visibility < config.min_visibility - TOLERANCE
    thin = np.minimum(xyxy_chip[:, 2] - xyxy_chip[:, 0], xyxy_chip[:, 3] - xyxy_chip[:, 1])
    too_small = thin < config.min_box - TOLERANCE
    here = np.where(truncated, STATES.index("truncated"), np.where(too_small, STATES.index("too_small"), 0))
    return (*pairs, xyxy_chip, visibility, x.enclosed() & y.enclosed(), np.where(state > 0, state, here))


def _nothing() -> _Columns:
    """Return columns without rows."""
    nothing = np.empty(0, dtype=np.int64)
    return nothing, nothing, np.empty((0, 4)), np.empty(0), np.empty(0, dtype=np.bool_), nothing


def _in_order(columns: list[Any]) -> Iterator[Any]:
    """Yield columns sorted by chip and then by annotation; they are let go of one after the other."""
    order = np.argsort(columns[0] << ANNOTATION_BITS | columns[1])  # many times faster than by two keys
    while columns:
        yield columns.pop(0)[order]


def _seen(window_scaled: Floats, factor: Floats) -> Floats:
    """Return what chips show, shape ``(C, 4)``, image px."""
    return np.asarray(window_scaled / np.tile(factor, 2))


def _state_anywhere(dataset: Dataset, fits: Fit) -> NDArray[np.int8]:
    """Return the state of each annotation in whatever chip of a level shows it, shape ``(N, L)``; 0: depends."""
    state = np.zeros(fits.in_range.shape, dtype=np.int8)
    state[~fits.holdable] = STATES.index("too_large")
    state[~fits.in_range] = STATES.index("out_of_range")
    state[dataset.annotations.ignored_by > 0] = STATES.index("crowd")
    return state

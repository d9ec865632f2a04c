"""What must hold of chips and their boxes, wherever they are written down: numbers in, sentences out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE
from chipgen.labels import STATES
from chipgen.positive import THINNEST
from chipgen.verification.columns import pair_numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.verification.columns import Boxes, Chips
    from chipgen.verification.manifest import Configuration

    Law = tuple[Bools, str | Callable[[int], str]]
    """Where something is broken, shape ``(N,)``, and what to say about it."""

ROUNDING = 1e-3
"""Chip px: boxes are written to a thousandth of a pixel."""
ELSEWHERE = STATES.index("assigned_elsewhere")
SINGLE = 2.0**-22
"""Boxes are written in single precision: a sum of two numbers is off by this share of it at most."""


def first_broken(*laws: Law) -> Iterator[tuple[int, str]]:
    """Yield each row for which some law is broken, and what the first such law says."""
    broken = np.stack([where for where, _ in laws])
    for row in np.flatnonzero(broken.any(axis=0)).tolist():
        what = laws[int(broken[:, row].argmax())][1]
        yield row, what if isinstance(what, str) else what(row)


def check_chips(chips: Chips, boxes: Boxes, config: Configuration) -> dict[int, str]:
    """Check chips and boxes against the laws.

    Returns
    -------
    dict of str
        What is wrong with each chip that breaks one, by row: one thing each, however many boxes it is true of.
    """
    faults: dict[int, str] = {}
    with np.errstate(all="ignore"):  # numbers may be anything
        for box, what in first_broken(*_of_boxes(chips, boxes, config)):
            faults.setdefault(int(boxes.chip[box]), f"box {boxes.id[box]}: {what}")
        return {**faults, **dict(first_broken(*_of_chips(chips, config)))}


def _of_chips(chips: Chips, config: Configuration) -> Iterator[Law]:
    """Yield the laws of chips."""
    yield chips.kind < 0, "kind is neither positive nor negative"
    yield (chips.level < 0) | (chips.level >= config.levels), lambda row: f"there is no level {chips.level[row]}"
    yield _either(chips.size_img < 1), "the source has no width or no height"
    outside = (chips.content < 1) | (chips.content > config.chip_size)
    yield _either(outside), lambda row: f"content of {_by(chips.content[row])} px does not fit a chip"
    numbers = np.concatenate((chips.origin_img, chips.factor), axis=1)
    odd = _either(~np.isfinite(numbers)) | _either(chips.factor <= 0)
    yield odd, "transform holds no usable numbers"
    factor = np.where(odd[:, None], 1.0, chips.factor)
    origin = np.where(odd[:, None], 0.0, chips.origin_img)
    yield _leaves(chips, origin, factor), "lies outside its source image"
    off = np.abs(origin * factor - np.round(origin * factor))
    yield _either(off > TOLERANCE * np.maximum(1.0, origin * factor / 1e4)), "begins at no whole scaled pixel"
    lo, hi = chips.valid_range.T
    yield ~((lo >= 0) & (lo <= hi)), "valid_range is no range"


def _leaves(chips: Chips, origin: Floats, factor: Floats) -> Bools:
    """Tell which chips reach beyond their source image, shape ``(C,)``."""
    end_scaled, size_scaled = (origin * factor + chips.content), chips.size_img * factor
    slack = TOLERANCE * np.maximum(1.0, size_scaled / 1e4)
    return _either((origin < -TOLERANCE) | (end_scaled > size_scaled + slack))


def _of_boxes(chips: Chips, boxes: Boxes, config: Configuration) -> Iterator[Law]:
    """Yield the laws of boxes."""
    yield boxes.reason < 0, "ignore_reason is none of those there are"
    yield boxes.valid != (boxes.reason == 0), "is not either valid or ignored for a reason"
    if config.assign == "all":
        yield boxes.reason == ELSEWHERE, "is assigned_elsewhere, which --assign all never says"
    would_be = learnable(boxes)
    yield would_be & (chips.kind[boxes.chip] == 1), lambda box: _is(boxes, box) + " in a negative chip"
    ends = boxes.bbox[:, :2] + boxes.bbox[:, 2:]
    fits = (boxes.bbox[:, :2] >= -ROUNDING) & (ends <= chips.content[boxes.chip] + ROUNDING + SINGLE * np.abs(ends))
    thin = _either(boxes.bbox[:, 2:] < max(config.min_box, THINNEST) - 2 * ROUNDING)
    yield _either(~(boxes.bbox[:, 2:] > 0)), lambda box: f"bbox {boxes.bbox[box].tolist()} has no width or no height"
    yield _either(~fits), lambda box: f"bbox {boxes.bbox[box].tolist()} reaches beyond the content of the chip"
    yield ~((boxes.visibility >= 0) & (boxes.visibility <= 1)), "visibility is not between 0 and 1"
    hardly_visible = boxes.visibility < config.min_visibility - 2 * TOLERANCE
    yield would_be & hardly_visible, lambda box: _is(boxes, box) + ", but hardly visible"
    yield would_be & thin, lambda box: _is(boxes, box) + ", but too small"
    yield not_rising(boxes.id), "its id is not above that of the box before"
    yield _twice(boxes), lambda box: f"annotation {boxes.source_id[box]} stands there twice"
    if config.assign == "one":
        before = _valid_before(chips, boxes)
        first = chips.id[boxes.chip[before]]
        yield before >= 0, lambda box: f"is valid, as in chip {first[box]}: --assign one means once at a level"


def _is(boxes: Boxes, box: int) -> str:
    """Say that a box is valid or would be."""
    return "is valid" if boxes.valid[box] else "is assigned_elsewhere"


def learnable(boxes: Boxes) -> Bools:
    """Tell which boxes are valid, or would be if they were not learnt in another chip, shape ``(B,)``."""
    return np.asarray(boxes.valid | (boxes.reason == ELSEWHERE), dtype=np.bool_)


def _valid_before(chips: Chips, boxes: Boxes) -> Ints:
    """Return the row of the first box that is valid for the annotation and level of a later one; -1 where none is."""
    valid = np.flatnonzero(boxes.valid)
    number = pair_numbers(boxes.source_id[valid], chips.level[boxes.chip[valid]])
    first = valid[np.unique(number, return_index=True)[1]][number]
    before = np.full(len(boxes), -1, dtype=np.int64)
    before[valid] = np.where(first < valid, first, -1)
    return before


def _either(broken: Bools) -> Bools:
    """Tell where something is true of either of several columns, shape ``(N,)``."""
    return np.asarray(broken.any(axis=1), dtype=np.bool_)


def not_rising(numbers: Ints) -> Bools:
    """Tell which numbers are not above the one before."""
    broken = np.zeros(len(numbers), dtype=np.bool_)
    broken[1:] = numbers[1:] <= numbers[:-1]
    return broken


def _twice(boxes: Boxes) -> Bools:
    """Tell which boxes show an annotation that another box of their chip shows already."""
    order = np.lexsort((boxes.source_id, boxes.chip))
    chip, source = boxes.chip[order], boxes.source_id[order]
    broken = np.zeros(len(boxes), dtype=np.bool_)
    broken[order[1:]] = (chip[1:] == chip[:-1]) & (source[1:] == source[:-1])
    return broken


def _by(size: Ints) -> str:
    """Write a size."""
    return " x ".join(map(str, size.tolist()))

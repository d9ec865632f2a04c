"""Chips and boxes as columns, the same from the plan and from shards of any format, so that they can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from chipgen.boxes import Bools, Floats, Ints

Columns = TypeVar("Columns", bound="Chips | Boxes")


@dataclass(frozen=True)
class Chips:
    """What is told of each chip besides its pixels and boxes; C of them.

    Parameters
    ----------
    id
        Shape ``(C,)``, int64.
    kind
        Position in `chipgen.chips.KINDS`, -1 for any other word, shape ``(C,)``, int64.
    level
        Shape ``(C,)``, int64.
    image_id, file_name
        The source image, shape ``(C,)``, int64 and text.
    size_img
        Width and height of the source image, shape ``(C, 2)``, int64, image px.
    origin_img
        Left upper corner, shape ``(C, 2)``, float64, image px.
    factor
        Chip px per image px, shape ``(C, 2)``, float64.
    content
        Width and height without padding, shape ``(C, 2)``, int64, chip px.
    valid_range
        Shape ``(C, 2)``, float64, chip px; the upper end infinite when open.
    """

    id: Ints
    kind: Ints
    level: Ints
    image_id: Ints
    file_name: NDArray[Any]
    size_img: Ints
    origin_img: Floats
    factor: Floats
    content: Ints
    valid_range: Floats

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True)
class Boxes:
    """The boxes of some chips, by chip; B of them.

    Parameters
    ----------
    chip
        Row of the chip, ascending, shape ``(B,)``, int64.
    id, source_id
        Of the box, and of the source annotation, shape ``(B,)``, int64.
    bbox
        x, y, width, height, shape ``(B, 4)``, float64, chip px.
    category, category_id
        Position in the category table, -1 where the format does not tell it; the source's id. Shape ``(B,)``, int64.
    valid
        Shape ``(B,)``, bool.
    reason
        Position in `chipgen.labels.STATES`, -1 for any other word, shape ``(B,)``, int64.
    visibility
        Shape ``(B,)``, float64.
    """

    chip: Ints
    id: Ints
    source_id: Ints
    bbox: Floats
    category: Ints
    category_id: Ints
    valid: Bools
    reason: Ints
    visibility: Floats

    def __len__(self) -> int:
        return len(self.id)


def take(columns: Columns, rows: Any) -> Columns:
    """Return some rows: a slice, positions, or a mask."""
    return type(columns)(*(getattr(columns, name)[rows] for name in columns.__dataclass_fields__))


def positions(words: list[str], known: tuple[str, ...]) -> Ints:
    """Return the position of each word among those known, -1 for any other, int64."""
    place = {word: position for position, word in enumerate(known)}
    return np.array([place.get(word, -1) for word in words], dtype=np.int64)


def pair_numbers(first: Ints, second: Ints) -> Ints:
    """Return numbers from 0 on for the pairs of values in the same row of two columns: equal ones for equal pairs."""
    order = np.lexsort((second, first))
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = (np.diff(first[order]) != 0) | (np.diff(second[order]) != 0)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return numbers


def unique_pairs(first: Ints, second: Ints) -> Ints:
    """Return the pairs of values that stand in the same row of two columns, each once, sorted, shape ``(P, 2)``."""
    (ones, one), (others, other) = (np.unique(column, return_inverse=True) for column in (first, second))
    cells = np.unique(one * max(1, len(others)) + other)
    return np.column_stack((ones[cells // max(1, len(others))], others[cells % max(1, len(others))]))

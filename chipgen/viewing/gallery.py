"""The chips that are shown: which, and what the shards tell of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from chipgen.built import reading
from chipgen.chips import KINDS
from chipgen.images import header, shrunk
from chipgen.masks import outlines
from chipgen.showing import choose, of_classes
from chipgen.verification.faults import MalformedError

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.built import Built, BuiltBox, BuiltChip

LONGEST, QUALITY = 512, 85
"""Longer side of a chip in the page, px, and the quality of its JPEG: what it would take as written is too much."""

MOST_OF_CLASS, MOST_CLASSES = 8, 50
"""Chips on the sheet of a class, and classes that have one: those with most valid boxes."""


@dataclass(frozen=True)
class Shown:
    """A chip that is shown.

    Parameters
    ----------
    chip
        As it was read, with a picture that is small enough to be shown.
    mime
        The type of that picture.
    size_chip
        Width and height of the chip with padding, chip px.
    """

    chip: BuiltChip
    mime: str
    size_chip: tuple[int, int]

    def parts(self, box: BuiltBox) -> tuple[tuple[Floats, ...], ...]:
        """Return the mask of one of its boxes; see `chipgen.masks.outlines`."""
        return outlines(box.segmentation, self.size_chip)


@dataclass(frozen=True)
class Gallery:
    """What is shown of a build.

    Parameters
    ----------
    rows
        Chips of the page, rows of the plan: those that are left out first where room is short stand last.
    of_class
        For each class that has a sheet its chips, rows of the plan.
    classes
        How many classes have valid boxes.
    shown
        All these chips by their row.
    """

    rows: Ints
    of_class: dict[int, Ints]
    classes: int
    shown: dict[int, Shown]


def gather(built: Built, limit: int, seed: int) -> Gallery:
    """Choose chips and read them.

    Raises
    ------
    DataError
        A shard is damaged.
    """
    chips = built.plan.chips
    rows = choose(chips.image_id, chips.level * len(KINDS) + chips.kind, limit, seed)
    of_class, classes = _of_classes(built, rows, seed)
    wanted = np.unique(np.concatenate((rows, *of_class.values())))
    return Gallery(rows, of_class, classes, {chip.row: _shown(built, chip) for chip in built.chips(wanted)})


def _of_classes(built: Built, rows: Ints, seed: int) -> tuple[dict[int, Ints], int]:
    """Return the chips on the sheet of each class that has one, and how many classes there are in valid boxes."""
    boxes = built.plan.boxes
    category, counts = np.unique(boxes.category[boxes.valid], return_counts=True)
    largest = category[np.lexsort((category, -counts))][:MOST_CLASSES]
    some = boxes.valid & np.isin(boxes.category, largest)
    pairs = np.unique(np.column_stack((boxes.category[some], boxes.chip[some])), axis=0)
    shown = np.isin(pairs[:, 1], rows)
    found = pairs[of_classes(pairs[:, 0], built.plan.chips.image_id[pairs[:, 1]], shown, MOST_OF_CLASS, seed)]
    return {number: np.sort(found[found[:, 0] == number, 1]) for number in np.sort(largest).tolist()}, len(category)


def _shown(built: Built, chip: BuiltChip) -> Shown:
    """Return a chip with a small picture.

    Raises
    ------
    DataError
        Its picture or one of its masks is damaged.
    """
    with reading(built.shard_of(chip.row)):
        told = header(chip.encoded)
        if told is None:
            raise MalformedError(f"chip {chip.id}", "its picture cannot be read")
        small, mime = shrunk(chip.encoded, LONGEST, QUALITY)
        shown = Shown(replace(chip, encoded=small), mime, told[1])
        for box in chip.boxes:
            shown.parts(box)
        return shown

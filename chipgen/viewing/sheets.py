"""The contact sheets of a build: which there are, what stands on each, what their files are called."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from chipgen.chips import KINDS
from chipgen.images import contact_sheet
from chipgen.sheet import Grid, Mark, Tile, colour_of, shortened
from chipgen.text import counted, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Ints
    from chipgen.built import Built, BuiltBox
    from chipgen.viewing.gallery import Gallery, Shown

MOST = 12
"""Chips on a sheet of a level and a kind."""

NAME = 40
"""Characters of a class that stand in the name of its sheet."""


def sheets(built: Built, gallery: Gallery, rows: Ints) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each sheet.

    Parameters
    ----------
    built, gallery
        The build, and what is shown of it.
    rows
        Chips of the page, rows of the plan, ascending.
    """
    scales = built.manifest.configuration.scales.split(",")
    yield from _of_levels(built, gallery, rows, scales)
    taken: set[str] = set()
    valid, category = built.plan.boxes.valid, built.plan.boxes.category
    for number, some in gallery.of_class.items():
        total = len(np.unique(built.plan.boxes.chip[valid & (category == number)]))
        name = built.classes[number]
        title = f"{shortened(name)}: {len(some)} of {counted(total, 'chip')} with a valid one"
        tiles = [_tile(gallery.shown[row], scales, number) for row in some.tolist()]
        yield f"class-{safe_name(name, taken)}.png", contact_sheet(title, tiles, Grid())


def _of_levels(built: Built, gallery: Gallery, rows: Ints, scales: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the sheet of each level and kind that there are chips of."""
    chips = built.plan.chips
    for level, scale in enumerate(scales):
        for kind, word in enumerate(KINDS):
            here = rows[(chips.level[rows] == level) & (chips.kind[rows] == kind)]
            total = int(np.count_nonzero((chips.level == level) & (chips.kind == kind)))
            some = here[np.linspace(0, len(here) - 1, min(len(here), MOST)).round().astype(np.int64)]
            if len(some):
                title = f"Level {level} ({scale}), {word}: {len(some)} of {counted(total, 'chip')}"
                tiles = [_tile(gallery.shown[row], scales) for row in some.tolist()]
                yield f"{word}-{level}.png", contact_sheet(title, tiles, Grid())


def _tile(shown: Shown, scales: list[str], category: int | None = None) -> Tile:
    """Return a chip for a sheet; boxes of other classes than one, where one is given, are drawn faintly."""
    chip = shown.chip
    valid = Counter(shortened(box.name, 24) for box in chip.boxes if box.valid)
    ignored = Counter(box.reason for box in chip.boxes if not box.valid)
    return Tile(
        encoded=chip.encoded,
        size_chip=shown.size_chip,
        marks=tuple(_mark(shown, box, strong=category is None or box.category == category) for box in chip.boxes),
        caption=(
            f"chip {chip.id}, {chip.kind}, level {chip.level} ({scales[chip.level]})",
            chip.source.file_name,
            listed(dict(valid.most_common())) if valid else "nothing to learn",
            f"ignored: {listed(dict(ignored.most_common()))}" if ignored else "",
        ),
    )


def _mark(shown: Shown, box: BuiltBox, *, strong: bool) -> Mark:
    """Return a box as it is drawn."""
    x, y, width, height = box.bbox
    return Mark(
        xyxy_chip=(x, y, x + width, y + height),
        label=shortened(box.name, 24) if box.valid else box.reason,
        colour=colour_of(box.category),
        valid=box.valid,
        strong=strong,
        parts=shown.parts(box),
    )


def safe_name(name: str, taken: set[str]) -> str:
    """Return what the file of a class is called: letters, digits and dashes, another one for each class.

    Parameters
    ----------
    name
        Of the class; anything at all.
    taken
        Names given before, to which this one is added. Case makes no difference: to some disks it makes none.
    """
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:NAME] or "class"
    unique, number = plain, 1
    while unique.lower() in taken:
        number += 1
        unique = f"{plain}-{number}"
    taken.add(unique.lower())
    return unique

"""Where things go on a contact sheet: tiles in a grid, words beside boxes, colours that can be told apart."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.boxes import Floats

Colour = tuple[int, int, int]
"""Red, green, blue, 0..255."""

GOLDEN_ANGLE = 0.3819660112501051
"""Of a full turn: hues so far apart never come close to each other, however many there are."""
FIRST_HUE = 0.12
LIGHTNESS = (0.56, 0.66, 0.48)
"""Colours of neighbours differ in it, too; all of them stand out from bright and dark ground."""

HIDDEN = 1.5
"""A box is hidden by a word on its middle when neither of its sides is longer than so many times the word's."""

SHOWN = 60
"""Characters of a name that are shown; a name of a megabyte is cut."""


@dataclass(frozen=True)
class Mark:
    """A box as it is drawn.

    Parameters
    ----------
    xyxy_chip
        Corners, chip px.
    label
        The word beside it; empty for none.
    colour
        Of its class.
    valid
        Drawn solid in its colour, else dashed.
    strong
        Whether it is what the sheet is about.
    parts
        Its mask; see `chipgen.masks.outlines`.
    """

    xyxy_chip: tuple[float, float, float, float]
    label: str
    colour: Colour
    valid: bool
    strong: bool = True
    parts: tuple[tuple[Floats, ...], ...] = ()


@dataclass(frozen=True)
class Tile:
    """A chip on a sheet.

    Parameters
    ----------
    encoded
        Its picture, perhaps a smaller copy of it.
    size_chip
        Width and height of the chip, px.
    marks
        Its boxes.
    caption
        What stands below it; lines that the grid has no room for are left out.
    """

    encoded: bytes
    size_chip: tuple[int, int]
    marks: tuple[Mark, ...]
    caption: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """The measures of a sheet, px.

    Parameters
    ----------
    columns
        Tiles beside each other.
    tile
        Side of the square that a chip is fitted into.
    gap, line, title
        Between tiles; height of a line of a caption; height of the head.
    lines
        Lines of a caption.
    """

    columns: int = 4
    tile: int = 320
    gap: int = 14
    line: int = 17
    title: int = 52
    lines: int = 4

    @property
    def step(self) -> tuple[int, int]:
        """Return how far apart tiles lie along x and y."""
        return self.tile + self.gap, self.tile + self.lines * self.line + self.gap + 6

    def size(self, count: int) -> tuple[int, int]:
        """Return width and height of a sheet of so many tiles."""
        columns, rows = max(2, min(count, self.columns)), -(-count // self.columns)
        return self.gap + columns * self.step[0], self.title + rows * self.step[1]

    def places(self, count: int) -> list[tuple[int, int]]:
        """Return the left upper corner of each tile."""
        across, down = self.step
        return [(self.gap + n % self.columns * across, self.title + n // self.columns * down) for n in range(count)]


def colour_of(number: int) -> Colour:
    """Return a colour for a class or a level; neighbours differ most."""
    hue, lightness = (FIRST_HUE + number * GOLDEN_ANGLE) % 1, LIGHTNESS[number % len(LIGHTNESS)]
    red, green, blue = (round(255 * channel) for channel in colorsys.hls_to_rgb(hue, lightness, 0.9))
    return red, green, blue


def ink_on(colour: Colour) -> Colour:
    """Return black or white, whichever is read better on a colour."""
    red, green, blue = colour
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


def shortened(text: str, most: int = SHOWN) -> str:
    """Return a name that can be shown: cut in the middle, where names of files differ least, unprintables replaced."""
    text = text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most - most // 2) :]}"
    return "".join(char if char.isprintable() else "?" for char in text)


def place_labels(
    boxes: Floats, sizes: Sequence[tuple[float, float]], extent: tuple[float, float]
) -> list[tuple[float, float] | None]:
    """Find room for the words of some boxes, those of large boxes first.

    A word stands above its box, below it, inside at the top, or beside it; never on another word, nor on the middle of
    a box so small that it would hide it.

    Parameters
    ----------
    boxes
        Corners, shape ``(N, 4)``, px.
    sizes
        Width and height of each word, px.
    extent
        Width and height of the picture, px.

    Returns
    -------
    list
        Left upper corner of each word; None where there is no room.
    """
    found: list[tuple[float, float] | None] = [None] * len(boxes)
    taken, sides = np.empty((0, 4)), boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    for number in np.argsort(-sides.prod(axis=1), kind="stable").tolist():
        small = middles[(sides < HIDDEN * np.array(sizes[number])).all(axis=1)]
        for x, y in _candidates(boxes[number].tolist(), sizes[number], extent):
            word = np.array([x, y, x + sizes[number][0], y + sizes[number][1]])
            outside = (word[:2] < 0).any() or (word[2:] > extent).any()
            if not (outside or _meets(word, taken) or _meets(word, np.concatenate((small, small), axis=1))):
                found[number] = (x, y)
                taken = np.vstack((taken, word))
                break
    return found


def _candidates(
    box: list[float], size: tuple[float, float], extent: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    """Return where the word of a box may stand, the best place first."""
    (left, top, right, bottom), (width, height) = box, size
    start = max(0.0, min(left, extent[0] - width))
    return (start, top - height), (start, bottom), (start, top), (right, top), (left - width, top)


def _meets(word: Floats, taken: Floats) -> bool:
    """Tell whether a rectangle meets one of others, or holds one of some points."""
    return bool(((word[:2] < taken[:, 2:]) & (taken[:, :2] < word[2:])).all(axis=1).any())

"""Chips with their boxes and masks drawn over them."""

from __future__ import annotations

import io
import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

from chipgen.sheet import ink_on, place_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.sheet import Colour, Mark, Tile

FILLED, FAINT = 90, 50
"""Opacity of masks, of 255: of valid boxes, of others."""
GREY: Colour = (235, 235, 235)
DARK: Colour = (20, 20, 20)
DASH = 5
LETTERS = 13


@cache
def font(size: int = LETTERS) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font: the same on every system."""
    return ImageFont.load_default(size=size)


def decoded(encoded: bytes) -> Image.Image:
    """Decode a chip that `chipgen.images.header` knows.

    Raises
    ------
    Exception
        Whatever Pillow raises for a damaged picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(encoded), formats=["JPEG", "PNG", "WEBP"]).convert("RGB")


def shrunk(encoded: bytes, most: int, quality: int) -> tuple[bytes, str]:
    """Return a chip for a page: as it is, or as a smaller JPEG, whichever is shorter.

    Parameters
    ----------
    encoded
        As it came.
    most
        Its longer side at most, px; a larger one is reduced.
    quality
        Of JPEG, 1..100.

    Returns
    -------
    bytes, str
        The picture, and its type for a browser.

    Raises
    ------
    Exception
        Whatever Pillow raises for a damaged picture.
    """
    picture = decoded(encoded)
    large = max(picture.size) > most
    picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    if not large and len(encoded) <= len(buffer.getvalue()):
        with Image.open(io.BytesIO(encoded)) as image:
            return encoded, f"image/{str(image.format).lower()}"
    return buffer.getvalue(), "image/jpeg"


def annotated(tile: Tile, side: int) -> Image.Image:
    """Draw a chip with its boxes.

    Parameters
    ----------
    tile
        The chip.
    side
        The longer side of the result, px.

    Returns
    -------
    Image
        RGB.

    Raises
    ------
    Exception
        Whatever Pillow raises for a damaged picture.
    """
    zoom, marks = side / max(tile.size_chip), sorted(tile.marks, key=_importance)
    size = max(1, round(tile.size_chip[0] * zoom)), max(1, round(tile.size_chip[1] * zoom))
    picture = decoded(tile.encoded).resize(size, Image.Resampling.LANCZOS)
    for mark in marks:
        if mark.parts:
            opacity = FILLED if mark.valid and mark.strong else FAINT
            picture.paste(mark.colour if mark.valid else GREY, mask=_filled(mark, size, zoom, opacity))
    pen = ImageDraw.Draw(picture)
    for mark in marks:
        _box(pen, mark, _corners(mark, zoom, size))
    _labels(pen, [mark for mark in marks if mark.strong and mark.label], zoom, size)
    return picture


def _importance(mark: Mark) -> tuple[bool, bool]:
    """Return what is drawn later, over others."""
    return mark.strong, mark.valid


def _corners(mark: Mark, zoom: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the corners of a box in the picture, whole px, at least a pixel apart."""
    left, top, right, bottom = (round(side * zoom) for side in mark.xyxy_chip)
    left, top = min(max(left, 0), size[0] - 2), min(max(top, 0), size[1] - 2)
    return left, top, min(max(right - 1, left + 1), size[0] - 1), min(max(bottom - 1, top + 1), size[1] - 1)


def _filled(mark: Mark, size: tuple[int, int], zoom: float, opacity: int) -> Image.Image:
    """Return a mask as a picture of its opacity."""
    whole = Image.new("1", size)
    for rings in mark.parts:
        part = Image.new("1", size)
        for ring in rings:
            one = Image.new("1", size)
            if len(ring) > 2:
                ImageDraw.Draw(one).polygon([(x, y) for x, y in (ring * zoom).tolist()], fill=1)
            part = ImageChops.logical_xor(part, one)
        whole = ImageChops.logical_or(whole, part)
    return Image.fromarray(np.where(np.asarray(whole), opacity, 0).astype(np.uint8))


def _box(pen: ImageDraw.ImageDraw, mark: Mark, corners: tuple[int, int, int, int]) -> None:
    """Draw the sides of a box: a valid one solid, others dashed in light and dark, to be seen on any ground."""
    if mark.valid:
        pen.rectangle(corners, outline=mark.colour, width=2 if mark.strong else 1)
        return
    left, top, right, bottom = corners
    for side in (((left, top), (right, top)), ((left, bottom), (right, bottom))):
        _dashes(pen, side[0], side[1])
    for side in (((left, top), (left, bottom)), ((right, top), (right, bottom))):
        _dashes(pen, side[0], side[1])


def _dashes(pen: ImageDraw.ImageDraw, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Draw a dashed line along x or y."""
    along = 0 if start[1] == end[1] else 1
    for number, first in enumerate(range(start[along], end[along] + 1, DASH)):
        last = min(first + DASH - 1, end[along])
        ends = [(first, start[1]), (last, start[1])] if along == 0 else [(start[0], first), (start[0], last)]
        pen.line(ends, fill=DARK if number % 2 else GREY)


def _labels(pen: ImageDraw.ImageDraw, marks: Sequence[Mark], zoom: float, size: tuple[int, int]) -> None:
    """Write the words of boxes where there is room."""
    letters = font()
    boxes = np.array([_corners(mark, zoom, size) for mark in marks], dtype=np.float64).reshape(-1, 4)
    sizes = [(pen.textlength(mark.label, font=letters) + 5, LETTERS + 3) for mark in marks]
    for mark, place in zip(marks, place_labels(boxes, sizes, size), strict=True):
        if place is None:
            continue
        x, y = place
        width = pen.textlength(mark.label, font=letters) + 4
        ground = mark.colour if mark.valid else DARK
        pen.rectangle((x, y, x + width, y + LETTERS + 2), fill=ground)
        pen.text((x + 2, y), mark.label, fill=ink_on(ground), font=letters)

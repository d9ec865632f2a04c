"""Contact sheets: chips beside each other, each with its boxes and what it is, as one PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw

from chipgen.images.drawing import annotated, font
from chipgen.sheet import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.sheet import Grid, Tile

PAPER, INK, PALE = (255, 255, 255), (24, 24, 24), (90, 90, 90)
HEAD, SMALL = 22, 13
COMPRESSION = 4
"""Of 9: on sheets of photographs it takes 0.4 of the time of the usual 6, for 3 % more bytes."""


def contact_sheet(title: str, tiles: Sequence[Tile], grid: Grid) -> bytes:
    """Draw a sheet.

    Parameters
    ----------
    title
        Its head.
    tiles
        Its chips.
    grid
        Its measures.

    Returns
    -------
    bytes
        A PNG.
    """
    sheet = Image.new("RGB", grid.size(len(tiles)), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((grid.gap, 14), _fitting(pen, title, sheet.width - 2 * grid.gap, HEAD), fill=INK, font=font(HEAD))
    for tile, (x, y) in zip(tiles, grid.places(len(tiles)), strict=True):
        picture = annotated(tile, grid.tile)
        sheet.paste(picture, (x, y))
        for number, line in enumerate(tile.caption[: grid.lines]):
            place = (x, y + picture.height + 4 + number * grid.line)
            text = _fitting(pen, line, grid.tile, SMALL)
            pen.text(place, text, fill=PALE if number else INK, font=font(SMALL))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", compress_level=COMPRESSION)
    return buffer.getvalue()


def _fitting(pen: ImageDraw.ImageDraw, text: str, width: int, size: int) -> str:
    """Return a text shortened until it fits."""
    text = shortened(text, 2 * width // size)
    while len(text) > 8 and pen.textlength(text, font=font(size)) > width:
        text = shortened(text, len(text) - 2)
    return text

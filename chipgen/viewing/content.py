"""What the page holds: chips, boxes, masks and source pictures as plain values for its script."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.chips import KINDS
from chipgen.labels import STATES
from chipgen.sheet import colour_of, shortened

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.built import Built
    from chipgen.rows import SourceRow
    from chipgen.viewing.gallery import Gallery, Shown
    from chipgen.viewing.sources import Sources

MOST_BYTES = 40_000_000
"""Of a page: what browsers open at once."""

FRAME = 50_000
"""Bytes that are kept for what is no content: style and script."""

SEPARATING = 30
"""Bytes that stand between two chips, and tell the place of its image."""

NAME = 300
"""Characters of the name of a class or a file in the page."""


@dataclass(frozen=True)
class Content:
    """What the page shows.

    Parameters
    ----------
    data
        Plain values.
    rows
        The chips in it, rows of the plan.
    images
        How many source images they are of.
    """

    data: dict[str, Any]
    rows: Ints
    images: int


class ContentMaker:
    """Puts the content of a page together.

    Parameters
    ----------
    built, gallery
        The build, and what is shown of it.
    sources
        The source pictures; None where their folder was not named.
    """

    def __init__(self, built: Built, gallery: Gallery, sources: Sources | None) -> None:
        self.built, self.gallery, self.sources = built, gallery, sources
        self._by_image = np.argsort(built.plan.chips.image_id, kind="stable")
        self._image_ids = built.plan.chips.image_id[self._by_image]

    def content(self) -> Content:
        """Return the content: as many of the chosen chips as there is room for."""
        images: dict[int, dict[str, Any]] = {}
        chips: dict[int, dict[str, Any]] = {}
        room = MOST_BYTES - FRAME - _length(self._head())
        for row in self.gallery.rows.tolist():
            shown = self.gallery.shown[row]
            chip, source = _chip(shown), shown.chip.source
            more = {} if source.image_id in images else {source.image_id: self._image(source)}
            room -= _length(chip) + SEPARATING + sum(map(_length, more.values()))
            if room < 0:
                break
            chips[row] = chip
            images |= more
        rows, position = sorted(chips), {image_id: number for number, image_id in enumerate(sorted(images))}
        data = {
            **self._head(),
            "images": [images[image_id] for image_id in position],
            "chips": [{**chips[row], "image": position[self.gallery.shown[row].chip.source.image_id]} for row in rows],
        }
        return Content(data, np.array(rows, dtype=np.int64), len(images))

    def _head(self) -> dict[str, Any]:
        """Return what is told of the build as a whole."""
        configuration, levels = self.built.manifest.configuration, self.built.manifest.configuration.scales.split(",")
        return {
            "total": len(self.built.plan.chips),
            "ignored": configuration.ignored,
            "kinds": KINDS,
            "reasons": STATES,
            "levels": [{"scale": scale, "colour": _css(number + 5)} for number, scale in enumerate(levels)],
            "classes": [
                {"name": shortened(name, NAME), "colour": _css(number)}
                for number, name in enumerate(self.built.classes)
            ],
        }

    def _image(self, source: SourceRow) -> dict[str, Any]:
        """Return a source image with the places of all its chips, those that are not in the page, too."""
        picture, why = (None, "") if self.sources is None else self.sources.picture(source)
        return {
            "id": str(source.image_id),  # a script knows whole numbers up to 2**53 only
            "file": shortened(source.file_name, NAME),
            "size": [source.width, source.height],
            "picture": None if picture is None else _uri(picture, "image/jpeg"),
            "why": why,
            "chips": self._places(source.image_id),
        }

    def _places(self, image_id: int) -> list[list[float]]:
        """Return id, level, kind and corners (image px) of all chips of an image."""
        first, stop = np.searchsorted(self._image_ids, (image_id, image_id + 1)).tolist()
        rows, chips = np.sort(self._by_image[first:stop]), self.built.plan.chips
        ends = chips.origin_img[rows] + chips.content[rows] / chips.factor[rows]
        places = np.column_stack((chips.origin_img[rows], ends)).round(2).tolist()
        told = zip(chips.id[rows].tolist(), chips.level[rows].tolist(), chips.kind[rows].tolist(), strict=True)
        return [[*one, *place] for one, place in zip(told, places, strict=True)]


def _chip(shown: Shown) -> dict[str, Any]:
    """Return a chip with its boxes."""
    chip = shown.chip
    lo, hi = chip.valid_range
    return {
        "id": chip.id,
        "level": chip.level,
        "kind": KINDS.index(chip.kind),
        "size": shown.size_chip,
        "content": chip.content,
        "origin": [round(side, 2) for side in chip.origin_img],
        "factor": [round(factor, 5) for factor in chip.factor],
        "range": [round(lo, 1), None if math.isinf(hi) else round(hi, 1)],
        "picture": _uri(chip.encoded, shown.mime),
        "boxes": [
            [
                str(box.source_id),
                [round(side, 2) for side in box.bbox],
                box.category,
                STATES.index(box.reason),
                round(box.visibility, 3),
                [_path(rings) for rings in shown.parts(box)],
            ]
            for box in chip.boxes
        ],
    }


def _path(rings: tuple[Floats, ...]) -> str:
    """Return some outlines as the path of an SVG."""
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring.round(1).tolist()) + "Z" for ring in rings)


def _uri(picture: bytes, mime: str) -> str:
    """Return a picture as an address that holds it."""
    return f"data:{mime};base64,{base64.b64encode(picture).decode('ascii')}"


def _css(number: int) -> str:
    """Return a colour as a page writes it."""
    return "#%02x%02x%02x" % colour_of(number)  # noqa: UP031 -- the shortest way to hexadecimal digits


def _length(value: Any) -> int:
    """Return how many bytes a value takes in the page."""
    return len(dumped(value))


def dumped(value: Any) -> str:
    r"""Return plain values as JSON that can stand in a page.

    Names come from users, and may hold the end of a script: ``<``, ``>`` and ``&`` are written as ``\u003c`` and so on,
    and so is all that is not ASCII.
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text

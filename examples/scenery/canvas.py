"""The canvas: a picture being painted in image px, what is taken on it, and the annotations that grow with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from scenery.shapes import polygon_area

if TYPE_CHECKING:
    from scenery.shapes import Floats, Spot

Colour = tuple[int, int, int]

FINE = 2
"""Pictures are painted this much larger and then shrunk, so that edges are smooth."""
COARSE = 8
"""Image px per cell of the map of what is taken."""
SUN = np.array([0.6, 0.8])
"""Where shadows fall."""

WATER, SAND, ASPHALT, PAVING = (58, 98, 112), (176, 164, 132), (92, 94, 98), (150, 146, 138)


@dataclass(frozen=True)
class View:
    """What a picture shows: its size in px, how large things appear in it, whether there is a river, its places."""

    width: int
    height: int
    zoom: float
    river: bool
    places: tuple[str, ...]


def tone(colour: Colour, light: float) -> Colour:
    """Return a colour made lighter or darker."""
    red, green, blue = (min(255, max(0, round(part * light))) for part in colour)
    return red, green, blue


@dataclass
class Scene:
    """A picture being painted, and the annotations that grow with it."""

    view: View
    rng: np.random.Generator
    canvas: Image.Image
    objects: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pen = ImageDraw.Draw(self.canvas, "RGBA")
        self.taken = Image.new("L", (self.view.width // COARSE, self.view.height // COARSE))

    def put(self, shape: Floats, spot: Spot) -> Floats:
        """Turn, zoom and move a shape to its spot, image px."""
        cos, sin = np.cos(spot[2]), np.sin(spot[2])
        return np.asarray(shape @ np.array([[cos, sin], [-sin, cos]]) * self.view.zoom + spot[:2], np.float64)

    def near(self, spot: Spot, x: float, y: float, turn: float = 0.0) -> Spot:
        """Return a spot given in the frame of another."""
        moved = self.put(np.array([[x, y]]), spot)[0]
        return float(moved[0]), float(moved[1]), spot[2] + turn

    def fill(self, shape: Floats, colour: Colour, alpha: int = 255) -> None:
        """Paint a shape given in image px."""
        self.pen.polygon([(x, y) for x, y in (shape * FINE).tolist()], fill=(*colour, alpha))

    def stroke(self, points: Floats, colour: Colour, width: float) -> None:
        """Paint a line given in image px."""
        flat = [(x, y) for x, y in (points * FINE).tolist()]
        self.pen.line(flat, fill=colour, width=max(1, round(width * FINE)), joint="curve")

    def shade(self, shape: Floats, height: float) -> None:
        """Paint the shadow of something that stands this high."""
        self.fill(shape + SUN * height * self.view.zoom, (18, 24, 34), 105)

    def pick(self, colours: tuple[Colour, ...]) -> Colour:
        """Choose a colour, never twice quite the same."""
        return tone(colours[int(self.rng.integers(len(colours)))], float(self.rng.uniform(0.93, 1.07)))

    def holds(self, shape: Floats) -> bool:
        """Say whether a shape lies inside the picture."""
        return bool((shape >= 1).all() and (shape <= (self.view.width - 1, self.view.height - 1)).all())

    def take(self, shape: Floats) -> None:
        """Mark the place of a shape as taken."""
        ImageDraw.Draw(self.taken).polygon([(x, y) for x, y in (shape / COARSE).tolist()], fill=255)

    def is_free(self, shape: Floats) -> bool:
        """Say whether nothing was marked where a shape would lie."""
        wanted = Image.new("L", self.taken.size)
        ImageDraw.Draw(wanted).polygon([(x, y) for x, y in (shape / COARSE).tolist()], fill=255)
        return not bool((np.asarray(wanted) & np.asarray(self.taken)).any())

    def note(self, category: int, parts: list[Floats], spot: Spot, **more: Any) -> None:
        """Add an annotation for an object of one or more polygons."""
        parts = [part.round(1) for part in parts]
        corners = np.concatenate(parts)
        low, high = corners.min(axis=0), corners.max(axis=0)
        self.objects.append(
            {
                "category_id": category,
                "bbox": [*low.tolist(), *(high - low).round(1).tolist()],
                "area": round(sum(polygon_area(part) for part in parts), 1),
                "segmentation": [part.ravel().tolist() for part in parts],
                "iscrowd": 0,
                "heading": round(float(np.degrees(spot[2])) % 360, 1),
                **more,
            }
        )

"""Make a small COCO dataset of painted aerial views: cars, boats, buildings and trees, from 6 to 700 pixels.

    python examples/make_dataset.py demo
    python examples/make_dataset.py demo --images 3 --seed 1

Writes FOLDER/instances.json and FOLDER/images/*.jpg. The same seed gives the same dataset. It has what real datasets
have: category ids with holes, polygons of one and of several parts, a crowd as run-length code (the wood), keypoints
(bow and stern of each boat) and a field of its own (``heading``).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Callable

Floats = npt.NDArray[np.float64]
Colour = tuple[int, int, int]
Spot = tuple[float, float, float]
"""Where something stands: x and y in image px, and its direction in radians."""

CAR, BOAT, BUILDING, TREE = 1, 7, 18, 90
FINE = 2
"""Pictures are painted this much larger and then shrunk, so that edges are smooth."""
COARSE = 8
"""Image px per cell of the map of what is taken."""
STEP = 6
"""Image px between the points of a road or river."""
SUN = np.array([0.6, 0.8])
"""Where shadows fall."""

WATER, SAND, ASPHALT, PAVING = (58, 98, 112), (176, 164, 132), (92, 94, 98), (150, 146, 138)
FIELDS = ((112, 132, 70), (134, 148, 82), (168, 156, 96), (98, 122, 66), (186, 170, 116), (122, 108, 78))
CARS = ((236, 236, 232), (184, 188, 192), (44, 48, 54), (170, 40, 38), (44, 78, 140), (216, 178, 70))
ROOFS = ((168, 84, 60), (150, 70, 54), (132, 98, 82), (112, 110, 112), (182, 104, 72))
CARGO = ((176, 64, 50), (52, 96, 138), (206, 160, 70), (84, 124, 92), (150, 150, 154))


@dataclass(frozen=True)
class View:
    """What a picture shows: its size in px, how large things appear in it, whether there is a river, its places."""

    width: int
    height: int
    zoom: float
    river: bool
    places: tuple[str, ...]


VIEWS = (
    View(2400, 1600, 1.0, True, ("stadium", "depot", "market", "harbour", "wood", "village")),
    View(400, 300, 0.46, False, ("farm", "farm")),
    View(1600, 2200, 1.2, True, ("works", "harbour", "market", "depot", "farm")),
    View(2600, 1700, 0.46, True, ("stadium", "market", "wood", "harbour", "depot", "works", "village", "village")),
    View(2200, 1700, 1.4, False, ("stadium", "depot", "farm", "village")),
    View(2400, 1350, 0.9, True, ("harbour", "works", "wood", "village", "market", "farm")),
)


def clouds(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> Floats:
    """Return soft noise around 0, roughly -1 to 1, with spots of about `cell` px and finer ones in them."""
    total = np.zeros(shape)
    for octave in range(4):
        rows, columns = (max(2, round(side / cell * 2**octave) + 1) for side in shape)
        grid = Image.fromarray(rng.standard_normal((rows, columns)).astype(np.float32))
        total += np.asarray(grid.resize(shape[::-1], Image.Resampling.BICUBIC), np.float64) * 0.5**octave
    return total / 1.6


def farmland(view: View, rng: np.random.Generator) -> Image.Image:
    """Paint fields, each with its own crop and direction of ploughing, and the hedges between them."""
    shape = (view.height // 2, view.width // 2)
    y, x = (axis * 2 / view.zoom for axis in np.mgrid[: shape[0], : shape[1]].astype(np.float64))
    x, y = x + 25 * clouds(shape, 200, rng), y + 25 * clouds(shape, 200, rng)
    count = 4 + round(view.width * view.height / view.zoom**2 / 120_000)
    near, second, label = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape, np.intp)
    for number, seed in enumerate(rng.uniform(0, 1, (count, 2)) * (view.width, view.height) / view.zoom):
        distance = np.hypot(x - seed[0], (y - seed[1]) * 1.3)
        second = np.minimum(second, np.maximum(near, distance))
        label[distance < near] = number
        near = np.minimum(near, distance)
    angle, period = rng.uniform(0, np.pi, count)[label], rng.uniform(9, 22, count)[label]
    furrows = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    light = 1 + 0.035 * furrows + 0.09 * clouds(shape, 260, rng) + 0.05 * clouds(shape, 24, rng)
    colour = np.array(FIELDS)[rng.integers(len(FIELDS), size=count)] * rng.normal(1, 0.06, (count, 1))
    hedge = np.clip(1.4 - (second - near) / 6 + 0.5 * clouds(shape, 16, rng), 0, 1)[..., None]
    pixels = colour[label] * light[..., None] * (1 - hedge) + np.array((66, 84, 48)) * hedge
    small = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return small.resize((view.width * FINE, view.height * FINE), Image.Resampling.BICUBIC)


def tone(colour: Colour, light: float) -> Colour:
    """Return a colour made lighter or darker."""
    red, green, blue = (min(255, max(0, round(part * light))) for part in colour)
    return red, green, blue


def polygon_area(shape: Floats) -> float:
    """Return the area of a polygon."""
    x, y = shape.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def box(length: float, width: float, x: float = 0, y: float = 0) -> Floats:
    """Return the corners of a rectangle around x, y."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.asarray(corners * (length / 2, width / 2) + np.array([x, y]), np.float64)


def ellipse(length: float, width: float, x: float = 0, y: float = 0) -> Floats:
    """Return points around an ellipse whose middle is x, y."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack((x + np.cos(turn) * length / 2, y + np.sin(turn) * width / 2), axis=1)


def cut(shape: Floats, normal: Floats, offset: float) -> Floats:
    """Return the part of a convex shape where ``point @ normal >= offset``."""
    kept: list[Floats] = []
    for start, end in zip(shape, np.roll(shape, -1, axis=0), strict=True):
        before, after = float(start @ normal) - offset, float(end @ normal) - offset
        if before >= 0:
            kept.append(start)
        if before * after < 0:
            kept.append(start + (end - start) * before / (before - after))
    return np.array(kept).reshape(-1, 2)


@dataclass
class Path2D:
    """A winding road or river: points along its middle, image px, and its width."""

    points: Floats
    width: float

    @property
    def direction(self) -> Floats:
        """Return the direction at each point, radians."""
        along = np.gradient(self.points, axis=0)
        return np.asarray(np.arctan2(along[:, 1], along[:, 0]), np.float64)

    def beside(self, index: int, distance: float) -> Spot:
        """Return the spot at a distance to the right of a point, facing along."""
        turn = float(self.direction[index])
        x, y = self.points[index] + distance * np.array([-np.sin(turn), np.cos(turn)])
        return float(x), float(y), turn

    def ribbon(self, width: float, start: int = 0, end: int | None = None) -> Floats:
        """Return the outline of the path, or of a piece of it, at some width."""
        turn = self.direction[start:end]
        side = np.stack((-np.sin(turn), np.cos(turn)), axis=1) * width / 2
        return np.concatenate((self.points[start:end] + side, (self.points[start:end] - side)[::-1]))


def winding(start: Floats, end: Floats, bend: float, width: float, phase: float) -> Path2D:
    """Return a path from start to end that swings to both sides by `bend` px."""
    step = np.linspace(0, 1, int(np.hypot(*(end - start)) / STEP))[:, None]
    side = np.array([[-(end - start)[1], (end - start)[0]]]) / np.hypot(*(end - start))
    swing = np.sin(step * 5 + phase) + 0.3 * np.sin(step * 13 + phase)
    return Path2D(start + (end - start) * step + side * bend * swing, width)


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


def paint_car(scene: Scene, spot: Spot) -> None:
    """Paint and note a car."""
    body = scene.put(
        np.array([(-10, -3), (-9, -4.5), (8, -4.5), (10, -3), (10, 3), (8, 4.5), (-9, 4.5), (-10, 3)]), spot
    )
    if not scene.holds(body):
        return
    colour = scene.pick(CARS)
    scene.shade(body, 3)
    scene.fill(body, colour)
    for x, length in ((3.2, 3.0), (-6.8, 1.8)):
        scene.fill(scene.put(box(length, 7.4, x, 0), spot), (30, 36, 44))
    scene.fill(scene.put(box(6.6, 7, -2.2, 0), spot), tone(colour, 1.12))
    scene.note(CAR, [body], spot)


def paint_boat(scene: Scene, spot: Spot, length: float) -> None:
    """Paint and note a boat, with bow and stern as keypoints."""
    half, beam = length / 2, 2.2 + length * 0.12
    outline = [(half, 0), (half * 0.6, 0.62), (0, 1), (-half, 0.8), (-half, -0.8), (0, -1), (half * 0.6, -0.62)]
    shape = np.array(outline) * (1, beam)
    hull = scene.put(shape, spot)
    if not scene.holds(hull):
        return
    scene.shade(hull, 3)
    scene.fill(hull, scene.pick(((240, 240, 236), (228, 226, 216), (60, 84, 122))))
    scene.fill(scene.put(shape * (0.86, 0.7), spot), scene.pick(((186, 146, 98), (206, 184, 146))))
    scene.fill(scene.put(box(length * 0.34, beam * 1.1), spot), (238, 240, 242))
    scene.fill(scene.put(box(length * 0.06, beam, length * 0.14, 0), spot), (52, 66, 80))
    scene.note(BOAT, [hull], spot, **ends(scene, shape[:1], shape[3:5], spot))


def ends(scene: Scene, bow: Floats, stern: Floats, spot: Spot) -> dict[str, Any]:
    """Return the fields for the keypoints bow and stern."""
    points = scene.put(np.array([bow.mean(axis=0), stern.mean(axis=0)]), spot).round(1).tolist()
    return {"keypoints": [value for x, y in points for value in (x, y, 2)], "num_keypoints": 2}


def paint_barge(scene: Scene, spot: Spot, road: Path2D, index: int) -> None:
    """Paint a barge that passes under a bridge, noted as the two parts that can be seen."""
    shape = np.array(
        [(150, 0), (140, 13), (126, 18), (-146, 18), (-150, 12), (-150, -12), (-146, -18), (126, -18), (140, -13)]
    )
    hull = scene.put(shape, spot)
    turn = float(road.direction[index])
    normal = np.array([-np.sin(turn), np.cos(turn)])
    middle = float(road.points[index] @ normal)
    parts = [cut(hull, side * normal, side * middle + road.width * 0.62) for side in (1, -1)]
    if not scene.holds(hull) or min(map(len, parts)) < 3:
        return
    scene.shade(hull, 5)
    scene.fill(hull, (64, 52, 50))
    scene.fill(scene.put(shape * 0.94, spot), (112, 84, 74))
    for x in range(-92, 116, 21):
        for y in (-8, 8):
            scene.fill(scene.put(box(19, 14, x, y), spot), scene.pick(CARGO))
    scene.fill(scene.put(box(26, 26, -126, 0), spot), (236, 236, 230))
    scene.fill(scene.put(box(5, 24, -112, 0), spot), (48, 60, 72))
    scene.note(BOAT, parts, spot, **ends(scene, shape[:1], shape[4:6], spot))


def paint_tree(scene: Scene, spot: Spot, radius: float) -> Floats:
    """Paint a tree and return its outline."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    reach = radius * scene.rng.uniform(0.82, 1.1, (16, 1))
    crown = np.stack((np.cos(turn), np.sin(turn)), axis=1) * reach
    outline = scene.put(crown, spot)
    green = scene.pick(((62, 88, 44), (72, 100, 50), (84, 106, 52), (56, 80, 48)))
    scene.shade(outline, radius * 0.5)
    scene.fill(outline, tone(green, 0.8))
    for size, shift, light in ((0.78, 0.12, 1.0), (0.5, 0.26, 1.18), (0.24, 0.38, 1.34)):
        scene.fill(scene.put(crown * size, spot) - SUN * radius * shift * scene.view.zoom, tone(green, light))
    return outline


def plant(scene: Scene, spot: Spot, radius: float) -> None:
    """Paint and note a tree that stands alone."""
    crown = scene.put(ellipse(2.2 * radius, 2.2 * radius), spot)
    if scene.holds(crown):
        scene.note(TREE, [paint_tree(scene, spot, radius)], spot)


def paint_house(scene: Scene, spot: Spot, length: float, width: float) -> None:
    """Paint and note a house with a gable roof."""
    walls = scene.put(box(length, width), spot)
    if not scene.holds(walls):
        return
    colour = scene.pick(ROOFS)
    scene.shade(walls, 13)
    scene.fill(walls, tone(colour, 1.1))
    lower = 1 if np.cos(spot[2]) * SUN[1] - np.sin(spot[2]) * SUN[0] > 0 else -1
    scene.fill(scene.put(box(length, width / 2, 0, lower * width / 4), spot), tone(colour, 0.78))
    scene.stroke(scene.put(np.array([(-length / 2, 0), (length / 2, 0)]), spot), tone(colour, 1.3), 1.2)
    scene.fill(scene.put(box(5, 5, length * 0.25, -lower * width * 0.16), spot), (96, 72, 66))
    scene.note(BUILDING, [walls], spot)


def paint_hall(scene: Scene, spot: Spot, shape: Floats, grey: int) -> None:
    """Paint and note a building with a flat roof, of any outline."""
    walls = scene.put(shape, spot)
    if not scene.holds(walls):
        return
    scene.shade(walls, 26)
    scene.fill(walls, (grey - 26, grey - 26, grey - 22))
    middle = shape.mean(axis=0)
    scene.fill(scene.put(middle + (shape - middle) * 0.965, spot), (grey, grey, grey - 3))
    x1, x2 = shape[:, 0].min(), shape[:, 0].max()
    for x in np.arange(x1 + 22, x2 - 16, 34):
        scene.fill(scene.put(box(12, 30, x, shape[:, 1].min() + 30), spot), (128, 152, 168))
        scene.fill(scene.put(box(8, 8, x + 12, shape[:, 1].min() + 62), spot), (grey - 60, grey - 60, grey - 58))
    scene.note(BUILDING, [walls], spot)


def stadium(scene: Scene, spot: Spot) -> None:
    """Paint a football stadium."""
    scene.fill(scene.put(box(620, 430), spot), PAVING)
    outer = scene.put(ellipse(540, 380), spot)
    scene.shade(outer, 34)
    for size, colour in ((1.0, (222, 222, 218)), (0.9, (188, 192, 196)), (0.82, (70, 92, 130)), (0.72, (92, 116, 152))):
        scene.fill(scene.put(ellipse(540 * size, 380 * size), spot), colour)
    for turn in np.linspace(0, 2 * np.pi, 36, endpoint=False):
        ray = np.array([(np.cos(turn) * 270, np.sin(turn) * 190)])
        scene.stroke(scene.put(np.concatenate((ray * 0.66, ray * 0.99)), spot), (160, 166, 172), 1.4 * scene.view.zoom)
    scene.fill(scene.put(ellipse(350, 232), spot), (166, 92, 70))
    for number, x in enumerate(range(-99, 100, 22)):
        scene.fill(scene.put(box(22, 136, x, 0), spot), (86, 142, 66) if number % 2 else (96, 154, 74))
    chalk = (236, 240, 232)
    for shape in (box(204, 124), ellipse(36, 36), box(0, 124), box(34, 70, 85, 0), box(34, 70, -85, 0)):
        closed = np.concatenate((shape, shape[:1]))
        scene.stroke(scene.put(closed, spot), chalk, 1.6 * scene.view.zoom)
    scene.note(BUILDING, [outer], spot)
    for x in range(-290, 300, 58):
        plant(scene, scene.near(spot, x, 206), 12)


def market(scene: Scene, spot: Spot) -> None:
    """Paint a supermarket behind its car park."""
    scene.fill(scene.put(box(420, 360), spot), PAVING)
    scene.fill(scene.put(box(404, 204, 0, -68), spot), ASPHALT)
    shape = np.array([(-190, 50), (190, 50), (190, 168), (70, 168), (70, 130), (-190, 130)], np.float64)
    paint_hall(scene, spot, shape, 206)
    for y in (-150, -98, -38, 14):
        for x in range(-186, 187, 14):
            edge = scene.put(np.array([(x - 7.0, y - 12.0), (x - 7.0, y + 12.0)]), spot)
            scene.stroke(edge, (206, 206, 204), 0.9)
            if scene.rng.random() < 0.62 and x < 180:
                slip, turn = scene.rng.normal(0, 0.8), scene.rng.choice((-1, 1)) * np.pi / 2
                paint_car(scene, scene.near(spot, x, y + slip, turn + scene.rng.normal(0, 0.02)))
    for x in range(-190, 191, 76):
        plant(scene, scene.near(spot, x, -68), 8)


def village(scene: Scene, spot: Spot) -> None:
    """Paint two rows of houses along a lane, with trees and parked cars."""
    for share in np.linspace(1, 0.6, 9):
        scene.fill(scene.put(ellipse(600 * share, 350 * share), spot), (112, 132, 78), 36)
    scene.stroke(scene.put(np.array([(0.0, 5), (0, -160)]), spot), (168, 162, 150), 13 * scene.view.zoom)
    scene.stroke(scene.put(np.array([(-225.0, 0), (0, 5), (225, 0)]), spot), (168, 162, 150), 13 * scene.view.zoom)
    for x in range(-190, 191, 76):
        for side in (-1, 1):
            size = scene.rng.uniform((40, 28), (58, 38))
            turn = scene.rng.normal(0, 0.06) + (np.pi / 2 if scene.rng.random() < 0.3 else 0)
            slip = scene.rng.normal(0, 4, 2)
            paint_house(scene, scene.near(spot, x + slip[0], side * 52 + slip[1], turn), *size.tolist())
            for _ in range(int(scene.rng.integers(1, 3))):
                where = scene.rng.uniform((x - 30, 92), (x + 30, 128))
                plant(scene, scene.near(spot, where[0], side * where[1]), scene.rng.uniform(8, 15))
            if scene.rng.random() < 0.55:
                paint_car(scene, scene.near(spot, x + 37 + slip[0], side * 30, np.pi / 2))


def harbour(scene: Scene, spot: Spot) -> None:
    """Paint a basin off the river, with boats along its piers."""
    scene.fill(scene.put(box(370, 196), spot), SAND)
    scene.fill(scene.put(box(350, 180, 0, -4), spot), WATER)
    for x in range(-130, 131, 65):
        pier = scene.put(box(6, 132, x, 20), spot)
        scene.shade(pier, 3)
        scene.fill(pier, (196, 184, 160))
        for y in range(-34, 76, 14):
            for side in (-1, 1):
                if scene.rng.random() < 0.8:
                    length = scene.rng.uniform(16, 25)
                    place = scene.near(spot, x + side * (5 + length / 2), y, scene.rng.normal(0, 0.05))
                    paint_boat(scene, (*place[:2], place[2] + (np.pi if side < 0 else 0)), length)
    paint_house(scene, scene.near(spot, -120, 124), 60, 30)
    paint_house(scene, scene.near(spot, 30, 126), 84, 34)


def works(scene: Scene, spot: Spot) -> None:
    """Paint a factory: a hall around a yard, tanks, parked cars."""
    scene.fill(scene.put(box(470, 350), spot), PAVING)
    shape = [(-210, -130), (110, -130), (110, 140), (30, 140), (30, -40), (-130, -40), (-130, 140), (-210, 140)]
    paint_hall(scene, spot, np.array(shape, np.float64), 188)
    for y in (-110, -50, 10, 70):
        tank = scene.put(ellipse(48, 48, 175, y), spot)
        scene.shade(tank, 20)
        scene.fill(tank, (196, 198, 196))
        scene.fill(scene.put(ellipse(36, 36, 173, y - 2), spot), (222, 224, 222))
        scene.note(BUILDING, [tank], spot)
    for x in range(-112, 20, 15):
        if scene.rng.random() < 0.7:
            paint_car(scene, scene.near(spot, x, -16, np.pi / 2))
    for x in range(-210, 211, 60):
        plant(scene, scene.near(spot, x, 160), 10)


def depot(scene: Scene, spot: Spot) -> None:
    """Paint six warehouses and the lorries' yard between them."""
    scene.fill(scene.put(box(480, 330), spot), PAVING)
    scene.fill(scene.put(box(470, 96), spot), ASPHALT)
    for x in (-155, 0, 155):
        for y in (-104, 104):
            length, width = scene.rng.uniform((118, 88), (138, 104)).tolist()
            paint_hall(scene, spot, box(length, width, x, y), int(scene.rng.integers(160, 220)))
        for y in (-22, 22):
            if scene.rng.random() < 0.7:
                paint_car(scene, scene.near(spot, x + scene.rng.normal(0, 20), y, np.pi if y > 0 else 0))


def farm(scene: Scene, spot: Spot) -> None:
    """Paint a farm: a barn with a wing, a house, trees."""
    scene.fill(scene.put(box(200, 140), spot), (164, 150, 122))
    barn = np.array([(-86, -52), (20, -52), (20, -16), (-44, -16), (-44, 50), (-86, 50)], np.float64)
    paint_hall(scene, spot, barn, 170)
    paint_house(scene, scene.near(spot, 60, 30), 56, 34)
    paint_car(scene, scene.near(spot, 4, 20, 0.7))
    for x, y, radius in ((86, -40, 16), (60, -52, 12), (-10, 62, 14), (106, 56, 11)):
        plant(scene, scene.near(spot, x, y), radius)


def wood(scene: Scene, spot: Spot) -> None:
    """Paint a wood, noted as one crowd of trees: nobody draws outlines there."""
    mask = Image.new("L", (scene.view.width, scene.view.height))
    pen = ImageDraw.Draw(mask)
    for x, y, turn, reach in scene.rng.uniform((-90, -40, 0, 0), (90, 40, 2 * np.pi, 1), (560, 4)).tolist():
        near = np.round((x, y), -2) * (1.1, 0.6)  # a few round copses grown together
        far = 110 * np.sqrt(reach)
        place = scene.near(spot, near[0] + far * np.cos(turn), near[1] + far * np.sin(turn))
        crown = paint_tree(scene, place, scene.rng.uniform(10, 17))
        pen.polygon([(x, y) for x, y in crown.tolist()], fill=1)
    scene.objects.append({"category_id": TREE, **crowd(np.asarray(mask)), "iscrowd": 1, "heading": 0.0})


def crowd(mask: npt.NDArray[np.uint8]) -> dict[str, Any]:
    """Return a mask as uncompressed run-length code (columns first, beginning with background), and its box."""
    flat = np.concatenate(([0], mask.T.ravel(), [0]))
    edges = np.flatnonzero(np.diff(flat.astype(np.int8)))
    counts = np.diff(np.concatenate(([0], edges, [mask.size])))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x, y = int(columns[0]), int(rows[0])
    return {
        "bbox": [x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y],
        "area": int(mask.sum()),
        "segmentation": {"size": list(mask.shape), "counts": counts.tolist()},
    }


PLACES: dict[str, tuple[Callable[[Scene, Spot], None], float, float]] = {
    "stadium": (stadium, 640, 460),
    "market": (market, 430, 370),
    "village": (village, 500, 290),
    "harbour": (harbour, 390, 200),
    "works": (works, 480, 360),
    "depot": (depot, 490, 340),
    "farm": (farm, 230, 170),
    "wood": (wood, 460, 320),
}
"""What stands along roads and rivers: how it is painted, its length and its depth."""


def settle(scene: Scene, name: str, paths: list[Path2D]) -> None:
    """Find a free place for something along a path, its back to the land, and paint it."""
    paint, length, depth = PLACES[name]
    gap = -24 if name == "harbour" else 12
    for _ in range(400):
        path = paths[int(scene.rng.integers(len(paths)))]
        side = int(scene.rng.choice((-1, 1)))
        reach = path.width / 2 + (gap + depth / 2) * scene.view.zoom
        x, y, turn = path.beside(int(scene.rng.integers(len(path.points))), side * reach)
        spot = (x, y, turn + (np.pi if side < 0 else 0))
        plot = scene.put(box(length, depth), spot)
        if scene.holds(plot) and scene.is_free(plot):
            scene.take(plot)
            paint(scene, spot)
            return


def lay(view: View, rng: np.random.Generator) -> tuple[Path2D | None, list[Path2D]]:
    """Return the river, if there is one, and the roads: one along the picture, the others across."""
    size = np.array([view.width, view.height], np.float64)
    turned = view.height > view.width
    flipped = bool(rng.random() < 0.5)

    def at(along: float, across: float) -> Floats:
        across = 1 - across if flipped else across
        return np.asarray(size * ((across, along) if turned else (along, across)), np.float64)

    short, phases = float(size.min()), rng.uniform(0, 6, 8)
    river = winding(at(-0.05, 0.22), at(1.05, 0.26), short * 0.035, 150 * view.zoom, phases[0]) if view.river else None
    level = 0.74 if view.river else 0.56
    width = 30 * view.zoom
    roads = [winding(at(-0.05, level), at(1.05, level + 0.04), short * 0.025, width, phases[1])]
    count = max(1, round(float(size.max()) / view.zoom / 1500))
    for number in range(count):
        along = (number + 0.5) / count + rng.uniform(-0.06, 0.06)
        roads.append(winding(at(along, -0.05), at(along + 0.03, 1.05), short * 0.012, width, phases[2 + number]))
    return river, roads


def flow(scene: Scene, river: Path2D, roads: list[Path2D]) -> None:
    """Paint the river with its harbour, boats and a barge under the first bridge."""
    scene.fill(river.ribbon(river.width + 18 * scene.view.zoom), SAND)
    for name in scene.view.places:
        if name == "harbour":
            settle(scene, name, [river])
    for share in (1.0, 0.75, 0.5):
        scene.fill(river.ribbon(river.width * share), tone(WATER, 1.1 - 0.1 * share))
    gap = np.hypot(*(river.points[:, None] - roads[1].points[None]).transpose(2, 0, 1))
    at, bridge = np.unravel_index(int(gap.argmin()), gap.shape)
    paint_barge(scene, river.beside(int(at), 0.12 * river.width), roads[1], int(bridge))
    step = max(1, int(150 * scene.view.zoom / STEP))
    for index in range(step, len(river.points) - step, step):
        if abs(index - int(at)) * STEP > 220 * scene.view.zoom and scene.rng.random() < 0.6:
            x, y, turn = river.beside(index, scene.rng.uniform(-0.3, 0.3) * river.width)
            turn += scene.rng.normal(0, 0.15) + (np.pi if scene.rng.random() < 0.5 else 0)
            paint_boat(scene, (x, y, turn), scene.rng.uniform(22, 66))
    scene.take(river.ribbon(river.width))


def drive(scene: Scene, road: Path2D) -> None:
    """Paint the traffic on a road: queues in both lanes, far from one another."""
    for side in (-1, 1):
        index = scene.rng.uniform(0, 80)
        while index < len(road.points):
            x, y, turn = road.beside(int(index), side * road.width * 0.23)
            paint_car(scene, (x, y, turn + (np.pi if side < 0 else 0)))
            gap = scene.rng.uniform(28, 60) if scene.rng.random() < 0.75 else scene.rng.uniform(300, 1500)
            index += gap * scene.view.zoom / STEP


def pave(scene: Scene, roads: list[Path2D], river: Path2D | None) -> None:
    """Paint the roads, their bridges and their markings."""
    zoom = scene.view.zoom
    for road in roads:
        scene.fill(road.ribbon(road.width + 8 * zoom), (168, 162, 146))
    for road in roads:
        scene.fill(road.ribbon(road.width), ASPHALT)
        for start in range(0, len(road.points) - 3, 5):
            scene.stroke(road.points[start : start + 3], (222, 220, 208), 1.3 * zoom)
    for road in roads[1:] if river else []:
        assert river is not None
        near = np.hypot(*(road.points[:, None] - river.points[None]).transpose(2, 0, 1)).min(axis=1)
        deck = np.flatnonzero(near < river.width / 2 + 22 * zoom)
        for side in (-1, 1):
            rail = np.array([road.beside(int(index), side * road.width * 0.58)[:2] for index in deck])
            scene.stroke(rail, (206, 204, 196), 4.5 * zoom)


def paint(view: View, rng: np.random.Generator) -> tuple[Image.Image, list[dict[str, Any]]]:
    """Paint a picture; return it with its annotations, still without ids."""
    scene = Scene(view, rng, farmland(view, rng))
    river, roads = lay(view, rng)
    for road in roads:
        scene.take(road.ribbon(road.width))
    if river:
        flow(scene, river, roads)
    pave(scene, roads, river)
    for road in roads:
        drive(scene, road)
    for name in view.places:
        if name != "harbour":
            settle(scene, name, roads)
    pixels = np.asarray(scene.canvas.reduce(FINE), np.float64)
    shape = (view.height, view.width)
    light = 1 + 0.05 * clouds(shape, 700, rng) + 0.012 * clouds(shape, 5, rng)
    grain = rng.normal(0, 2.2, shape)
    pixels = pixels * light[..., None] + grain[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), scene.objects


def category_table() -> list[dict[str, Any]]:
    """Return the section ``categories``."""
    boat = {"id": BOAT, "name": "boat", "keypoints": ["bow", "stern"], "skeleton": [[1, 2]]}
    names = {CAR: "car", BUILDING: "building", TREE: "tree"}
    table = [boat, *({"id": number, "name": name} for number, name in names.items())]
    return sorted(table, key=lambda entry: str(entry["name"]))


def make(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Write the pictures and return the annotation file."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        view = VIEWS[number % len(VIEWS)]
        picture, objects = paint(view, np.random.default_rng((seed, number)))
        name = f"aerial_{number + 1:02}.jpg"
        picture.save(folder / "images" / name, quality=92)
        images.append({"id": number + 1, "file_name": name, "width": view.width, "height": view.height})
        for entry in objects:
            annotations.append({"id": len(annotations) + 1, "image_id": number + 1, **entry})
    return {"images": images, "annotations": annotations, "categories": category_table()}


def main() -> None:
    """Read the command line and write the dataset."""
    parser = argparse.ArgumentParser(description="Make a small COCO dataset of painted aerial views.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=len(VIEWS), help="how many pictures [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pictures [%(default)s]")
    wanted = parser.parse_args()
    coco = make(wanted.folder, wanted.images, wanted.seed)
    (wanted.folder / "instances.json").write_text(json.dumps(coco))
    print(f"{wanted.folder}: {len(coco['images'])} pictures with {len(coco['annotations'])} objects")


if __name__ == "__main__":
    main()

"""Places: what stands along roads and rivers, each made of many things, and how a free plot is found for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from scenery.canvas import ASPHALT, PAVING, SAND, WATER
from scenery.shapes import box, ellipse
from scenery.things import BUILDING, TREE, paint_boat, paint_car, paint_hall, paint_house, paint_tree, plant

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from scenery.canvas import Scene
    from scenery.shapes import Path2D, Spot


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

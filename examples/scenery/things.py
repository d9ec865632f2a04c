"""The things that are annotated: cars, boats, trees and buildings. Each function paints one and notes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scenery.canvas import SUN, tone
from scenery.shapes import box, cut, ellipse

if TYPE_CHECKING:
    from scenery.canvas import Scene
    from scenery.shapes import Floats, Path2D, Spot

CAR, BOAT, BUILDING, TREE = 1, 7, 18, 90
"""Category ids, with holes between them as in COCO's own."""

CARS = ((236, 236, 232), (184, 188, 192), (44, 48, 54), (170, 40, 38), (44, 78, 140), (216, 178, 70))
ROOFS = ((168, 84, 60), (150, 70, 54), (132, 98, 82), (112, 110, 112), (182, 104, 72))
CARGO = ((176, 64, 50), (52, 96, 138), (206, 160, 70), (84, 124, 92), (150, 150, 154))


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

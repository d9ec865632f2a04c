"""The landscape: fields, and the river and the roads that run through them, with their traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from scenery.canvas import ASPHALT, FINE, SAND, WATER, tone
from scenery.places import settle
from scenery.shapes import STEP, winding
from scenery.things import paint_barge, paint_boat, paint_car

if TYPE_CHECKING:
    from scenery.canvas import Scene, View
    from scenery.shapes import Floats, Path2D

FIELDS = ((112, 132, 70), (134, 148, 82), (168, 156, 96), (98, 122, 66), (186, 170, 116), (122, 108, 78))


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

"""A whole picture: the landscape, then the places in it, then light and grain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from scenery.canvas import FINE, Scene
from scenery.landscape import clouds, drive, farmland, flow, lay, pave
from scenery.places import settle

if TYPE_CHECKING:
    from scenery.canvas import View


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

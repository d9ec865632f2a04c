"""Where the pixels of a chip lie among those that it is made of: what to ask for, and how much of it to reduce."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from chipgen.chips import Crop
    from chipgen.images.pixels import Box, Pixels

GAP = 2.0
"""Pixels that are left for the filter along each axis, for one of the chip, when others average them beforehand.

At 1 an average of two pixels would stand for a filter that reads four. At 2 the difference to no reduction is at most
1.1 grey levels in the mean on photographs, and 2.9 on noise of all values, the hardest there is.
"""

SUPPORT = {"nearest": 0.5, "box": 0.5, "bilinear": 1.0, "hamming": 1.0, "bicubic": 2.0, "lanczos": 3.0}
"""How far each filter reads from the middle of a pixel, in pixels of the chip or the image, whichever are larger."""

AVERAGED = frozenset(SUPPORT) - {"nearest", "box"}
"""Filters before which pixels may be averaged: those that fade out, and do not show where an average ends."""


@dataclass(frozen=True)
class Sampling:
    """The pixels that a chip is made of, and the window in them.

    Parameters
    ----------
    rgb
        Shape ``(H, W, 3)``, uint8; holds all that the filter reads, as far as there is an image.
    start
        Left upper corner of the window in `rgb`, px.
    step
        Pixels of `rgb` for one of the chip along x and y.
    content
        Width and height of the window, chip px.
    """

    rgb: npt.NDArray[np.uint8]
    start: tuple[float, float]
    step: tuple[float, float]
    content: tuple[int, int]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return the window in `rgb`, clipped to it, px."""
        right, bottom = (
            min(start + step * count, float(length))
            for start, step, count, length in zip(
                self.start, self.step, self.content, self.rgb.shape[1::-1], strict=True
            )
        )
        return (*self.start, right, bottom)


def room_for(step: float, resample: str) -> int:
    """Return how many pixels may be averaged to one before a filter, where so many stand for one of the chip."""
    return max(1, int(step / GAP)) if resample in AVERAGED else 1


def reduction_for(finest: float, resample: str) -> int:
    """Return how many pixels along each axis a decoder may make one of, for chips of at most this factor."""
    return next((by for by in (8, 4, 2) if by <= room_for(1.0 / finest, resample)), 1)


def sample(pixels: Pixels, crop: Crop, resample: str) -> Sampling:
    """Ask for the pixels that a chip is made of."""
    scale = (1.0 / crop.factor[0], 1.0 / crop.factor[1])
    reduction = room_for(min(scale), resample)
    reach = [math.ceil(SUPPORT[resample] * max(side, 1.0)) + reduction for side in scale]
    window, size = crop.window_img, pixels.size_img
    box = (
        max(math.floor(window[0]) - reach[0], 0),
        max(math.floor(window[1]) - reach[1], 0),
        min(math.ceil(window[2]) + reach[0], size[0]),
        min(math.ceil(window[3]) + reach[1], size[1]),
    )
    region = pixels.region(box, reduction)
    (x_img, y_img), (step_x, step_y) = region.origin_img, region.step_img
    start = ((window[0] - x_img) / step_x, (window[1] - y_img) / step_y)
    return Sampling(region.rgb, start, (scale[0] / step_x, scale[1] / step_y), crop.content)


def unscaled(crop: Crop) -> Box | None:
    """Return the window of a chip where it shows pixels as they are; None where they are scaled."""
    if crop.factor != (1.0, 1.0):
        return None
    left, top, right, bottom = map(int, crop.window_img)
    return left, top, right, bottom

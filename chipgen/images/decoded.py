"""Pictures that were decoded whole and are held in memory, as their decoder left them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.images.pixels import Region
from chipgen.images.turns import AS_IT_IS, Turn

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    from chipgen.images.pixels import Box


AT_A_TIME = 1 << 18
"""Pixels that are averaged together, so that few are held twice."""


@dataclass(frozen=True)
class Decoded(ABC):
    """A decoded picture.

    Parameters
    ----------
    size_img
        Width and height in the frame of the annotations, px.
    step
        Image px that one stored pixel stands for: more than 1 where the decoder was asked to reduce.
    turn
        How stored pixels become the picture.
    """

    size_img: tuple[int, int]
    step: int = 1
    turn: Turn = AS_IT_IS

    def region(self, box_img: Box, reduction: int) -> Region:
        """Return the pixels of a part of the picture; see `chipgen.images.pixels.Pixels`."""
        by, (left, top, right, bottom) = max(1, reduction // self.step), self.turn.back(box_img, self.size_img)
        left, top, right, bottom = left // self.step, top // self.step, -(-right // self.step), -(-bottom // self.step)
        together = max(1, AT_A_TIME // ((right - left) * by)) * by if by > 1 else bottom - top
        strips = [
            self.averaged((left, first, right, min(first + together, bottom)), by)
            for first in range(top, bottom, together)
        ]
        rgb = strips[0] if len(strips) == 1 else np.concatenate(strips)
        height, width = rgb.shape[:2]
        step = by * self.step
        x_img, y_img = left * self.step, top * self.step
        x_img, y_img, _, _ = self.turn.forth((x_img, y_img, x_img + width * step, y_img + height * step), self.size_img)
        return Region(self.turn.array(rgb), (x_img, y_img), (step, step))

    @abstractmethod
    def averaged(self, box: Box, by: int) -> npt.NDArray[np.uint8]:
        """Return averages of `by` x `by` stored pixels, or, by 1, these; shape ``(H, W, 3)``, uint8.

        Where a square is not full, the last average is that of fewer, or of some taken twice.
        """


@dataclass(frozen=True, kw_only=True)
class PillowPixels(Decoded):
    """A picture that Pillow holds, at most 4 bytes a pixel, in the colours of its file.

    It is never made an array or converted as a whole: either would take as much again.
    """

    stored: Image.Image

    def averaged(self, box: Box, by: int) -> npt.NDArray[np.uint8]:
        """Return averages of stored pixels; see `Decoded`."""
        part = self.stored.crop(box)
        part = part if part.mode == "RGB" else part.convert("RGB")
        return np.asarray(part if by == 1 else part.reduce(by))

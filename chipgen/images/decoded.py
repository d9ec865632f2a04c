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

    def region(self, box_img: Box, reduction: int) -> Region:  # noqa: ARG002 -- they are there already, unreduced
        """Return the pixels of a part of the picture; see `chipgen.images.pixels.Pixels`."""
        left, top, right, bottom = self.turn.back(box_img, self.size_img)
        step = self.step
        box = (left // step, top // step, -(-right // step), -(-bottom // step))
        rgb = self.turn.array(self.stored_rgb(box))
        covered = (box[0] * step, box[1] * step, box[2] * step, box[3] * step)
        x_img, y_img, _, _ = self.turn.forth(covered, self.size_img)
        return Region(rgb, (x_img, y_img), (step, step))

    @abstractmethod
    def stored_rgb(self, box: Box) -> npt.NDArray[np.uint8]:
        """Return stored pixels, shape ``(H, W, 3)``, uint8."""


@dataclass(frozen=True, kw_only=True)
class PillowPixels(Decoded):
    """A picture that Pillow holds, 4 bytes a pixel. A whole one is never made an array: that takes twice as much."""

    stored: Image.Image

    def stored_rgb(self, box: Box) -> npt.NDArray[np.uint8]:
        """Return stored pixels; see `Decoded`."""
        return np.asarray(self.stored.crop(box))


@dataclass(frozen=True, kw_only=True)
class ArrayPixels(Decoded):
    """A picture that is an array of shape ``(H, W, 3)``, uint8: 3 bytes a pixel."""

    stored: npt.NDArray[np.uint8]

    def stored_rgb(self, box: Box) -> npt.NDArray[np.uint8]:
        """Return stored pixels; see `Decoded`."""
        left, top, right, bottom = box
        return self.stored[top:bottom, left:right]

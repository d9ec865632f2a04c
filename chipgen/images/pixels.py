"""What chips are cut from: pixels that are asked for by region, whether they are all in memory or read when needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, whole px, half-open."""


@dataclass(frozen=True)
class Region:
    """The pixels of a part of an image, as they are or already reduced.

    Parameters
    ----------
    rgb
        Shape ``(H, W, 3)``, uint8.
    origin_img
        Where the left upper corner of the first pixel lies, image px.
    step_img
        Image px that one pixel stands for along x and y, at least 1.
    """

    rgb: npt.NDArray[np.uint8]
    origin_img: tuple[float, float]
    step_img: tuple[float, float]


class Pixels(Protocol):
    """An image whose pixels can be asked for."""

    @property
    def size_img(self) -> tuple[int, int]:
        """Return width and height in the frame of the annotations, px."""

    def region(self, box_img: Box, reduction: int) -> Region:
        """Return the pixels of a part of the image.

        Parameters
        ----------
        box_img
            Lies inside the image.
        reduction
            Up to so many pixels along each axis may be averaged to one.

        Returns
        -------
        Region
            Holds at least the box.
        """

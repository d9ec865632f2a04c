"""Chips as columns: windows of scaled images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints

KINDS = ("positive", "negative")


@dataclass(frozen=True)
class Chips:
    """Windows of scaled images, in plan order: by image, level, positives first; C of them.

    Parameters
    ----------
    image
        Row in the image table, shape ``(C,)``, int64.
    level
        Shape ``(C,)``, int64.
    kind
        Position in `KINDS`, shape ``(C,)``, int64.
    origin_scaled
        Left upper corner, shape ``(C, 2)``, int64, whole scaled px.
    content
        Width and height without padding, shape ``(C, 2)``, int64, scaled px.
    proposals
        Qualifying proposals that a negative chip encloses, shape ``(C,)``, int64; 0 for all others.
    """

    image: Ints
    level: Ints
    kind: Ints
    origin_scaled: Ints
    content: Ints
    proposals: Ints

    def __len__(self) -> int:
        return len(self.image)

    @property
    def window_scaled(self) -> Floats:
        """Return the windows as boxes, shape ``(C, 4)``, float64, scaled px, half-open."""
        return windows_at(self.origin_scaled, self.content)

    def take(self, rows: Ints | slice) -> Chips:
        """Return some chips, in the given order."""
        return Chips(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Crop:
    """The place of one chip in its image.

    Parameters
    ----------
    factor
        Scaled px per image px along x and y.
    origin_scaled
        Left upper corner, scaled px.
    content
        Width and height without padding, chip px.
    size
        Width and height of the finished chip, chip px.
    """

    factor: tuple[float, float]
    origin_scaled: tuple[int, int]
    content: tuple[int, int]
    size: tuple[int, int]

    @property
    def origin_img(self) -> tuple[float, float]:
        """Return the left upper corner, image px."""
        return self.origin_scaled[0] / self.factor[0], self.origin_scaled[1] / self.factor[1]

    @property
    def window_img(self) -> tuple[float, float, float, float]:
        """Return what the chip shows as a box, image px."""
        x, y = (o + c for o, c in zip(self.origin_scaled, self.content, strict=True))
        return (*self.origin_img, x / self.factor[0], y / self.factor[1])


@dataclass(frozen=True)
class Places:
    """The places of K chips in their images, as columns; see `Crop`.

    Parameters
    ----------
    window_img
        What each chip shows as a box, shape ``(K, 4)``, float64, image px.
    factor
        Scaled px per image px along x and y, shape ``(K, 2)``, float64.
    origin_scaled
        Left upper corner, shape ``(K, 2)``, int64, scaled px.
    """

    window_img: Floats
    factor: Floats
    origin_scaled: Ints

    def take(self, rows: Ints) -> Places:
        """Return some of them."""
        return Places(self.window_img[rows], self.factor[rows], self.origin_scaled[rows])


def content_of(size_scaled: Ints, chip_size: int) -> Ints:
    """Return width and height of the chips of scaled images: a chip never reaches beyond its image.

    Parameters
    ----------
    size_scaled
        Shape ``(..., 2)``, scaled px.
    chip_size
        Side of a chip, scaled px.
    """
    return np.minimum(size_scaled, chip_size)


def windows_at(origin_scaled: Ints, content: Ints) -> Floats:
    """Return windows as boxes, half-open.

    Parameters
    ----------
    origin_scaled
        Left upper corners, shape ``(K, 2)``, scaled px.
    content
        Width and height, shape ``(2,)`` or ``(K, 2)``, scaled px.

    Returns
    -------
    ndarray
        Shape ``(K, 4)``, float64, scaled px.
    """
    return np.concatenate((origin_scaled, origin_scaled + content), axis=1, dtype=np.float64)

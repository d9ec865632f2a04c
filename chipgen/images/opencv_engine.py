"""Chips by the fastest codecs and OpenCV, as arrays; Pillow does what is rare.

JPEG is decoded and encoded by simplejpeg where it is installed. It stops at the first sign of damage; Pillow then has
the last word, so that both engines take and refuse the same pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from chipgen.images.decoded import Decoded
from chipgen.images.opening import PIECE
from chipgen.images.pillow_engine import PillowEngine, resized
from chipgen.images.resampling import averaged, bilinear, padded
from chipgen.images.sampling import sample, unscaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig
    from chipgen.images.opening import MeteredFile
    from chipgen.images.pixels import Box, Pixels
    from chipgen.images.turns import Turn

    Array = npt.NDArray[np.uint8]

try:
    import simplejpeg
except ImportError:
    simplejpeg = None

PILLOW = PillowEngine()


@dataclass(frozen=True, kw_only=True)
class ArrayPixels(Decoded):
    """A picture that is an array of shape ``(H, W, 3)``, uint8: 3 bytes a pixel."""

    stored: Array

    def averaged(self, box: Box, by: int) -> Array:
        """Return averages of stored pixels; see `Decoded`."""
        left, top, right, bottom = box
        part = self.stored[top:bottom, left:right]
        return part if by == 1 else averaged(part, by)


class OpencvEngine:
    """See `chipgen.images.engine.Engine`; chips are arrays of shape ``(H, W, 3)``, uint8."""

    def decode(self, image: Image.Image, file: MeteredFile, turn: Turn, reduction: int) -> Decoded:
        """Decode a picture; see `Engine`."""
        width, height = image.size
        plain = image.format in {"JPEG", "MPO"} and image.mode in {"RGB", "L"}
        if simplejpeg is None or not plain or file.length() > 3 * width * height:
            return PILLOW.decode(image, file, turn, reduction)
        size = (-(-width // reduction), -(-height // reduction))
        stored = _decoded_jpeg(_content(file), size, reduction)
        if stored is None:
            return PILLOW.decode(image, file, turn, reduction)
        return ArrayPixels(size_img=turn.size(image.size), step=reduction, turn=turn, stored=stored)

    def cut(self, pixels: Pixels, crop: Crop, config: ExportConfig) -> Array:
        """Cut a chip out of an image; see `Engine`."""
        whole = unscaled(crop)
        if whole is not None:
            chip = pixels.region(whole, 1).rgb
        elif config.resample == "bilinear":
            chip = bilinear(sample(pixels, crop, config.resample))
        else:
            chip = np.asarray(resized(sample(pixels, crop, config.resample), config.resample))
        return padded(chip, crop.size, config.fill)

    def paint_over(self, chip: Array, hidden: Sequence[Box], kept: Sequence[Box], fill: tuple[int, int, int]) -> Array:
        """Fill some boxes with a colour; see `Engine`."""
        painted: Array = chip.copy()
        for left, top, right, bottom in hidden:
            painted[max(top, 0) : bottom, max(left, 0) : right] = fill
        for left, top, right, bottom in kept:
            place = (slice(max(top, 0), bottom), slice(max(left, 0), right))
            painted[place] = chip[place]
        return painted

    def encode(self, chip: Array, config: ExportConfig) -> bytes:
        """Encode a chip; see `Engine`."""
        if config.image_format != "jpeg" or simplejpeg is None:
            return PILLOW.encode(Image.fromarray(chip), config)
        encoded: bytes = simplejpeg.encode_jpeg(chip, quality=config.quality, colorsubsampling="444")
        return encoded


def _content(file: MeteredFile) -> bytes:
    """Return all bytes of a file."""
    file.seek(0)
    return b"".join(iter(lambda: file.read(PIECE), b""))


def _decoded_jpeg(data: bytes, size: tuple[int, int], reduction: int) -> Array | None:
    """Decode a JPEG to a size that its reduction has; None where anything about it is out of the ordinary."""
    smaller = {"min_height": size[1], "min_width": size[0], "min_factor": reduction} if reduction > 1 else {}
    try:
        stored: Array = simplejpeg.decode_jpeg(data, strict=True, **smaller)
    except ValueError:
        return None
    return stored if stored.shape == (size[1], size[0], 3) else None

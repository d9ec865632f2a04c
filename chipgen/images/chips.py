"""Drawing chips: cut, scale, pad, paint, encode."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""All of them antialiased when shrinking, except nearest."""

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}


def cut(pixels: Image.Image, crop: Crop, config: ExportConfig) -> Image.Image:
    """Cut a chip out of an image, scaled and padded.

    Only the window is resampled, never the whole image; because the filter reads beyond the window, the result is
    what resizing the whole image and cropping would give.
    """
    left, top, right, bottom = crop.window_img
    box = (left, top, min(right, pixels.width), min(bottom, pixels.height))
    if crop.factor == (1.0, 1.0):
        chip = pixels.crop((int(left), int(top), int(right), int(bottom)))
    else:
        chip = pixels.resize(crop.content, RESAMPLING[config.resample], box=box)
    if crop.size == crop.content:
        return chip
    padded = Image.new("RGB", crop.size, config.fill)
    padded.paste(chip)
    return padded


def paint_over(
    chip: Image.Image,
    hidden: Sequence[tuple[int, int, int, int]],
    kept: Sequence[tuple[int, int, int, int]],
    fill: tuple[int, int, int],
) -> Image.Image:
    """Fill some boxes with a colour, except where others lie.

    Parameters
    ----------
    chip
        Left as it is.
    hidden, kept
        Boxes to fill and boxes to keep, whole chip px.
    fill
        Red, green, blue.
    """
    painted = chip.copy()
    for box in hidden:
        painted.paste(fill, box)
    for box in kept:
        painted.paste(chip.crop(box), box)
    return painted


def encode(chip: Image.Image, config: ExportConfig) -> bytes:
    """Encode a chip; the same pixels give the same bytes with the same versions of the encoders.

    JPEG is written without colour subsampling (4:4:4): halving the colour resolution blurs exactly the few pixels
    that tell small objects apart.
    """
    buffer = io.BytesIO()
    if config.image_format == "jpeg":
        chip.save(buffer, "JPEG", quality=config.quality, subsampling=0)
    elif config.image_format == "webp":
        chip.save(buffer, "WEBP", quality=config.quality)
    else:
        chip.save(buffer, "PNG")
    return buffer.getvalue()

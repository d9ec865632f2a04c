"""Chips by Pillow alone: the engine that is always there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from PIL import Image

from chipgen.images.decoded import PillowPixels
from chipgen.images.sampling import AVERAGED, GAP, sample, unscaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig
    from chipgen.images.opening import MeteredFile
    from chipgen.images.pixels import Box, Pixels
    from chipgen.images.sampling import Sampling
    from chipgen.images.turns import Turn

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""All of them antialiased when shrinking, except nearest."""

DRAFTS = (8, 4, 2)
"""Pixels along each axis that the decoder of JPEG can make one of: it leaves out the fine parts of its blocks."""


class PillowEngine:
    """See `chipgen.images.engine.Engine`."""

    def decode(self, image: Image.Image, file: MeteredFile, turn: Turn, reduction: int) -> PillowPixels:  # noqa: ARG002
        """Decode a picture; see `Engine`."""
        size, step = image.size, 1
        if reduction > 1 and image.format in {"JPEG", "MPO"}:
            image.draft(image.mode, (size[0] // reduction, size[1] // reduction))
            step = next((by for by in DRAFTS if image.size == (-(-size[0] // by), -(-size[1] // by))), 1)
        image.load()
        image.info.clear()  # encoders would copy profiles, comments and orientation from it
        size = size if step > 1 else image.size  # some decoders find out the size only now
        return PillowPixels(size_img=turn.size(size), step=step, turn=turn, stored=image)

    def cut(self, pixels: Pixels, crop: Crop, config: ExportConfig) -> Image.Image:
        """Cut a chip out of an image; see `Engine`."""
        if isinstance(pixels, PillowPixels) and pixels.stored.mode == "RGB":
            chip = _of_held(pixels, crop, config.resample)
        else:
            chip = _of_region(pixels, crop, config.resample)
        if crop.size == crop.content:
            return chip
        padded = Image.new("RGB", crop.size, config.fill)
        padded.paste(chip)
        return padded

    def paint_over(
        self, chip: Image.Image, hidden: Sequence[Box], kept: Sequence[Box], fill: tuple[int, int, int]
    ) -> Image.Image:
        """Fill some boxes with a colour; see `Engine`."""
        painted = chip.copy()
        for box in hidden:
            painted.paste(fill, box)
        for box in kept:
            painted.paste(chip.crop(box), box)
        return painted

    def encode(self, chip: Image.Image, config: ExportConfig) -> bytes:
        """Encode a chip; see `Engine`."""
        buffer = io.BytesIO()
        if config.image_format == "jpeg":
            chip.save(buffer, "JPEG", quality=config.quality, subsampling=0)
        elif config.image_format == "webp":
            chip.save(buffer, "WEBP", quality=config.quality)
        else:
            chip.save(buffer, "PNG")
        return buffer.getvalue()


def _of_held(pixels: PillowPixels, crop: Crop, resample: str) -> Image.Image:
    """Cut a chip out of a picture that Pillow holds: straight from where its pixels are stored."""
    turn, size, stored = pixels.turn, pixels.size_img, pixels.stored
    whole = unscaled(crop)
    if whole is not None and pixels.step == 1:
        chip = stored.crop(turn.back(whole, size))
    else:
        left, top, right, bottom = crop.window_img
        window = turn.back((left, top, min(right, size[0]), min(bottom, size[1])), size)
        left, top, right, bottom = (side / pixels.step for side in window)
        box = (left, top, min(right, stored.width), min(bottom, stored.height))
        chip = _resized(stored, turn.size(crop.content), resample, box)
    return chip if turn.method is None else chip.transpose(turn.method)


def _of_region(pixels: Pixels, crop: Crop, resample: str) -> Image.Image:
    """Cut a chip out of an image that gives its pixels by region."""
    whole = unscaled(crop)
    if whole is not None:
        return Image.fromarray(pixels.region(whole, 1).rgb)
    return resized(sample(pixels, crop, resample), resample)


def resized(sampling: Sampling, resample: str) -> Image.Image:
    """Return a chip without padding by one of Pillow's filters."""
    return _resized(Image.fromarray(sampling.rgb), sampling.content, resample, sampling.box)


def _resized(
    image: Image.Image, size: tuple[int, int], resample: str, box: tuple[float, float, float, float]
) -> Image.Image:
    """Resample a part of an image."""
    return image.resize(size, RESAMPLING[resample], box=box, reducing_gap=GAP if resample in AVERAGED else None)

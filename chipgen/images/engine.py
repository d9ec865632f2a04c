"""Who decodes, scales and encodes: Pillow alone, or OpenCV and what goes with it, which is faster."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig
    from chipgen.images.decoded import Decoded
    from chipgen.images.opening import MeteredFile
    from chipgen.images.pixels import Box, Pixels
    from chipgen.images.turns import Turn

Chip = Any
"""A finished chip, in the form that the engine likes best; only the engine that made it looks into it."""


class Engine(Protocol):
    """What becomes of pixels, from a file to the bytes of a chip."""

    def decode(self, image: Image.Image, file: MeteredFile, turn: Turn, reduction: int) -> Decoded:
        """Decode a picture whole.

        Parameters
        ----------
        image
            Opened, its header read and found good.
        file
            What it was opened from.
        turn
            How stored pixels become the picture.
        reduction
            1, 2, 4 or 8: up to so many pixels along each axis may become one.

        Raises
        ------
        Exception
            Whatever Pillow raises for a damaged picture.
        """

    def cut(self, pixels: Pixels, crop: Crop, config: ExportConfig) -> Chip:
        """Cut a chip out of an image, scaled and padded.

        Only the window is resampled, never the whole image; because the filter reads beyond the window, the result
        is what resizing the whole image and cropping would give.
        """

    def paint_over(self, chip: Chip, hidden: Sequence[Box], kept: Sequence[Box], fill: tuple[int, int, int]) -> Chip:
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

    def encode(self, chip: Chip, config: ExportConfig) -> bytes:
        """Encode a chip; the same pixels give the same bytes with the same versions of the encoders.

        JPEG is written without colour subsampling (4:4:4): halving the colour resolution blurs exactly the few pixels
        that tell small objects apart.
        """


@cache
def engine_of(imaging: str) -> Engine:
    """Return the engine of a name; OpenCV is loaded only when it is asked for."""
    if imaging == "opencv":
        from chipgen.images.opencv_engine import OpencvEngine  # noqa: PLC0415 -- it may not be installed

        return OpencvEngine()
    from chipgen.images.pillow_engine import PillowEngine  # noqa: PLC0415

    return PillowEngine()

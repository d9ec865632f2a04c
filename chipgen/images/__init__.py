"""Pixels: open an image safely, settle its orientation and colours, cut chips, encode them.

Pillow and OpenCV are used here only. An image is opened when a regular file of a raster format lies inside the image
root, is not too large, and has the size its annotations were drawn on; anything else is an `UnusableError` with a
reason from `chipgen.errors.REASONS`.

The road of an image: `picture` opens it, an `engine` decodes it once (`decoded`), and for each chip asks for the pixels
that it is made of (`pixels`, `sampling`), scales them, and encodes the result.

Colours: palette and grey become RGB; CMYK is converted without a colour profile; alpha is dropped and the stored
colour kept, which is what most trainers do; embedded profiles are dropped, values kept. Images of more than 8 bits a
channel are refused rather than clipped.
"""

from __future__ import annotations

from chipgen.images.drawing import shrunk
from chipgen.images.engine import Engine, engine_of
from chipgen.images.header import EXTENSIONS, header
from chipgen.images.listed import absent_from
from chipgen.images.locate import locate
from chipgen.images.opening import open_regular
from chipgen.images.picture import Picture, open_picture
from chipgen.images.sampling import reduction_for
from chipgen.images.sheets import contact_sheet

__all__ = [
    "EXTENSIONS",
    "Engine",
    "Picture",
    "absent_from",
    "contact_sheet",
    "engine_of",
    "header",
    "locate",
    "open_picture",
    "open_regular",
    "reduction_for",
    "shrunk",
]

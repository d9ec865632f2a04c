"""Pixels: open an image safely, settle its orientation and colours, cut chips, encode them.

Pillow is used here only. An image is opened when a regular file of a raster format lies inside the image root, is
not too large, and has the size its annotations were drawn on; anything else is an `UnusableError` with a reason from
`chipgen.errors.REASONS`.

Colours: palette and grey become RGB; CMYK is converted without a colour profile; alpha is dropped and the stored
colour kept, which is what most trainers do; embedded profiles are dropped, values kept. Images of more than 8 bits a
channel are refused rather than clipped.
"""

from __future__ import annotations

from chipgen.images.chips import EXTENSIONS, cut, encode, paint_over
from chipgen.images.header import header
from chipgen.images.locate import locate
from chipgen.images.opening import open_regular
from chipgen.images.picture import Picture, open_picture

__all__ = ["EXTENSIONS", "Picture", "cut", "encode", "header", "locate", "open_picture", "open_regular", "paint_over"]

"""What an encoded picture says of itself before a pixel of it is decoded."""

from __future__ import annotations

import io
import warnings
from typing import BinaryIO

from PIL import Image

EXTENSIONS = {"jpeg": "jpg", "png": "png", "webp": "webp"}
"""How the files of chips end, by format."""


def header(picture: bytes | BinaryIO) -> tuple[str, tuple[int, int]] | None:
    """Return format and size of an encoded chip; None of anything else.

    Parameters
    ----------
    picture
        Its bytes, or a file of which only the beginning is read.

    Returns
    -------
    str, tuple of int
        ``jpeg``, ``png`` or ``webp``; width and height, px.
    """
    file = io.BytesIO(picture) if isinstance(picture, bytes) else picture
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes beyond reason: the size is the answer
            with Image.open(file, formats=[name.upper() for name in EXTENSIONS]) as image:
                return str(image.format).lower(), image.size
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- decoders raise whatever they like
        return None

"""Opening an image: only what is safe, in the frame of its annotations, as RGB."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

from chipgen.errors import StorageError, UnusableError
from chipgen.images.bombs import head_limit, refuse_bombs
from chipgen.images.engine import engine_of
from chipgen.images.kinds import FORMATS, HEAD, TIFF, unidentified
from chipgen.images.opening import open_regular, pixel_limit, refuse_shortage, silent
from chipgen.images.rasters import INSTALL, can_decode, open_raster
from chipgen.images.turns import TURNS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.export_config import ExportConfig
    from chipgen.findings import ImageFile
    from chipgen.images.engine import Engine
    from chipgen.images.opening import MeteredFile
    from chipgen.images.pixels import Pixels

ORIENTATION = 0x0112
"""EXIF tag: how a picture must be turned to stand upright."""
SIDEWAYS = frozenset({5, 6, 7, 8})
"""Orientations that swap width and height."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns pixels as they are stored upright."""

AS_STORED = {**UPRIGHT, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""What takes an upright picture back to how its pixels are stored."""


@dataclass(frozen=True)
class Picture:
    """An image in the frame of its annotations.

    Parameters
    ----------
    pixels
        What chips are cut from.
    notes
        What was done to it that a user may want to know.
    file
        What was read.
    """

    pixels: Pixels
    notes: tuple[str, ...]
    file: ImageFile


def open_picture(path: Path, size_img: tuple[int, int], config: ExportConfig, reduction: int = 1) -> Picture:
    """Open an image in the frame of its annotations.

    Parameters
    ----------
    path
        A path that `locate` returned.
    size_img
        Width and height its annotations were drawn on. When the stored pixels have this size they are taken as they
        are, as COCO does; when only the upright picture has it (EXIF orientation), it is turned upright.
    config
        Says who decodes, and how many pixels an image may have; larger ones are refused from their header.
    reduction
        1, 2, 4 or 8: up to so many pixels along each axis may become one where that saves time.

    Raises
    ------
    UnusableError
        It cannot be used; the package says for which reasons.
    StorageError
        The system is short of something, or a storage does not answer, which is no fault of the image.
    """
    opening = _Opening(size_img, config, engine_of(config.imaging), reduction)
    with open_regular(path) as file, pixel_limit(config.max_pixels):
        head = file.read(HEAD)
        try:
            return opening.picture(file, head)
        except (MemoryError, StorageError):
            raise
        except UnusableError as error:
            if error.reason != "too_large" or not _may_be_windowed(head):
                raise
            raise UnusableError("too_large", f"{error.message} or {INSTALL}") from error
        except Image.DecompressionBombError as error:
            hint = f" or {INSTALL}" if _may_be_windowed(head) else ""
            what = f"more than {config.max_pixels:,} px; raise --max-pixels{hint}"
            raise UnusableError("too_large", what) from error
        except UnidentifiedImageError as error:
            raise unidentified(head, f"; {INSTALL}, which reads more" if _may_be_windowed(head) else "") from error
        except Exception as error:  # decoders raise whatever they like, SyntaxError and ValueError included
            refuse_shortage(path, error)
            what = f"cannot be decoded ({type(error).__name__}: {' '.join(str(error).split())})"
            raise UnusableError("corrupt", what) from error


@dataclass(frozen=True)
class _Opening:
    """How an image is opened; see `open_picture`."""

    size_img: tuple[int, int]
    config: ExportConfig
    engine: Engine
    reduction: int

    def picture(self, file: MeteredFile, head: bytes) -> Picture:
        """Open an image, by window where that is the way to read it."""
        if not head.startswith(TIFF):
            if self.config.look:
                what = "is no TIFF: --bands and --stretch are for TIFFs only; leave them out, or convert it"
                raise UnusableError("unsupported_mode", what)
            return self.whole(file, head)
        raster = open_raster(file, self.size_img, self.config.look, self.config.max_pixels)
        if raster is None:
            return self.whole(file, head)
        return Picture(raster.pixels, raster.notes, raster.file or file.identity())

    def whole(self, file: MeteredFile, head: bytes) -> Picture:
        """Decode an image within the limits of what may be read for each step."""
        max_pixels = self.config.max_pixels
        file.limit(None)
        refuse_bombs(file, head, max_pixels)  # a file that is too long among them: its checksum would take as long
        read = file.identity()
        file.limit(head_limit(head))
        with Image.open(file, formats=FORMATS) as image:
            file.limit(None)
            several = image.format != "MPO" and getattr(image, "is_animated", False)
            if several:
                image.seek(0)
            file.unlimited()
            notes = ("several frames or pages: the first was used",) if several else ()
            _check_depth(image)
            turn, mode = _must_turn(image, self.size_img, max_pixels), image.mode
            with silent() if image.format == "TIFF" and not file.is_stderr else contextlib.nullcontext():
                pixels = self.engine.decode(image, file, TURNS[_method(image, turn=turn)], self.reduction)
            if pixels.size_img != self.size_img:
                what = f"has {pixels.size_img} px once it is decoded, not {self.size_img}"
                raise UnusableError("size_mismatch", what)
            return Picture(pixels, (*notes, *_notes(mode, turn=turn)), read)


def _may_be_windowed(head: bytes) -> bool:
    """Tell whether a file might be read by window if the libraries for it were there."""
    return head.startswith(TIFF) and not can_decode()


def _method(image: Image.Image, *, turn: bool) -> Image.Transpose | None:
    """Return how the pixels must be turned once they are decoded; those of a TIFF come upright out of Pillow."""
    if image.format == "TIFF":
        return None if turn else AS_STORED.get(_orientation(image))
    return UPRIGHT[_orientation(image)] if turn else None


def _notes(mode: str, *, turn: bool) -> Iterator[str]:
    """Yield what was done to an image of some mode."""
    if turn:
        yield "turned upright by its EXIF orientation, as its annotations are"
    if mode == "CMYK":
        yield "CMYK: converted to RGB without a colour profile"


def _check_depth(image: Image.Image) -> None:
    """Refuse more than 8 bits a channel: Pillow would clip or truncate them without a word.

    Must come first: asking a PNG for its EXIF decodes it, and the layout of its pixels is forgotten.
    """
    wide = any(
        re.search(";16[BLN]", str(layout))
        or (codec.startswith("ppm") and isinstance(layout, tuple) and layout[1] > 255)
        for codec, _, _, layout in getattr(image, "tile", [])
    )
    if image.mode in {"I", "F"} or image.mode.startswith("I;") or wide:
        what = f"has more than 8 bits a channel (mode {image.mode}); convert it to 8 bits first"
        raise UnusableError("unsupported_mode", what)


def _must_turn(image: Image.Image, size_img: tuple[int, int], max_pixels: int) -> bool:
    """Tell whether only the upright picture has the size of its annotations; refuse other sizes."""
    width, height = _stored_size(image)
    if width * height > max_pixels:
        raise UnusableError("too_large", f"{width} x {height} px are more than {max_pixels:,}; raise --max-pixels")
    if (width, height) == size_img:
        return False
    if (height, width) == size_img and _orientation(image) in SIDEWAYS:
        return True
    what = f"is {width} x {height} px, its annotations say {size_img[0]} x {size_img[1]}"
    raise UnusableError("size_mismatch", what)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Return the size of the pixels as stored; Pillow gives that of a TIFF as it will be when turned upright."""
    tags = getattr(image, "tag_v2", None)
    return (tags[256], tags[257]) if image.format == "TIFF" and tags else image.size


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 where there is none."""
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 -- damaged EXIF raises anything; the picture itself may be sound
        return 1

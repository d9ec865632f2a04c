"""Opening an image: only what is safe, in the frame of its annotations, as RGB."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from chipgen.errors import UnusableError
from chipgen.findings import ImageFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
"""Recognised by content, whatever the file's name; none of them runs another program. MPO is read as JPEG."""

UNSUPPORTED = {
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"%PDF": "PDF",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"<svg": "SVG",
    b"<?xml": "XML",
}

BLOCK = 1 << 20
"""Bytes read at a time."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

ORIENTATION = 0x0112
"""EXIF tag: how a picture must be turned to stand upright."""
SIDEWAYS = frozenset({5, 6, 7, 8})
"""Orientations that swap width and height."""

UNTURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What takes an upright picture back to how its pixels are stored."""


@dataclass(frozen=True)
class Picture:
    """A decoded image in the frame of its annotations.

    Parameters
    ----------
    pixels
        RGB.
    notes
        What was done to it that a user may want to know.
    file
        What was read.
    """

    pixels: Image.Image
    notes: tuple[str, ...]
    file: ImageFile


def open_picture(path: Path, size_img: tuple[int, int], max_pixels: int) -> Picture:
    """Decode an image into the frame of its annotations.

    Parameters
    ----------
    path
        A path that `locate` returned.
    size_img
        Width and height its annotations were drawn on. When the stored pixels have this size they are taken as they
        are, as COCO does; when only the upright picture has it (EXIF orientation), it is turned upright.
    max_pixels
        Larger images are refused from their header.

    Raises
    ------
    UnusableError
        It cannot be used; the package says for which reasons.
    """
    with open_regular(path) as file, _pixel_limit(max_pixels):
        try:
            read = _what(file)
            _check_sums(file)
            with Image.open(file, formats=FORMATS) as image, _silent(needed=image.format == "TIFF"):
                return Picture(*_decode(image, size_img, max_pixels), read)
        except (UnusableError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise UnusableError("too_large", f"more than {max_pixels:,} px; raise --max-pixels") from error
        except UnidentifiedImageError as error:
            raise _unidentified(file) from error
        except Exception as error:  # decoders raise whatever they like, SyntaxError and ValueError included
            what = f"cannot be decoded ({type(error).__name__}: {error})"
            raise UnusableError("corrupt", what) from error


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file; nothing else is opened, so that no pipe or device can make us wait.

    Raises
    ------
    UnusableError
        There is none, or it cannot be opened.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnusableError("missing", "no such file") from error
    except OSError as error:
        raise UnusableError("unreadable", f"cannot be opened ({error.strerror})") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)  # before open() sees it, which raises on folders
        raise UnusableError("not_a_file", "is a folder, pipe or device, not a file")
    with open(handle, "rb") as file:  # noqa: PTH123 -- Path.open takes no handle
        yield file


@contextlib.contextmanager
def _pixel_limit(max_pixels: int) -> Iterator[None]:
    """Let Pillow stop at our limit instead of warning at its own."""
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextlib.contextmanager
def _silent(*, needed: bool) -> Iterator[None]:
    """Keep libtiff, which writes past Python, from writing to stderr: the reason comes as an error as well."""
    if not needed:
        yield
        return
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def _what(file: BinaryIO) -> ImageFile:
    """Return length and checksum of a file, read a piece at a time: it may be larger than memory."""
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    length = file.tell()
    file.seek(0)
    return ImageFile(length, digest.hexdigest())


def _check_sums(file: BinaryIO) -> None:
    """Check the checksums of a PNG: Pillow's decoder passes over those of the pixels."""
    if file.read(len(PNG_MAGIC)) == PNG_MAGIC:
        file.seek(0)
        with contextlib.suppress(UnidentifiedImageError), Image.open(file, formats=("PNG",)) as image:
            image.verify()
    file.seek(0)


def _unidentified(file: BinaryIO) -> UnusableError:
    """Say what a file is that is no image we read."""
    file.seek(0)
    head = file.read(16)
    for magic, name in UNSUPPORTED.items():
        if head.startswith(magic):
            return UnusableError("unsupported", f"is {name}, not a raster image")
    return UnusableError("unidentified", "is empty" if not head else "is no image of a known format")


def _decode(image: Image.Image, size_img: tuple[int, int], max_pixels: int) -> tuple[Image.Image, tuple[str, ...]]:
    """Check header against annotation, decode, settle orientation and colours."""
    _check_depth(image)
    turn = _must_turn(image, size_img, max_pixels)
    notes = []
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        notes.append("several frames or pages: the first was used")
        image.seek(0)
    turned_by_pillow = _orientation(image) if image.format == "TIFF" else 1
    image.load()
    if turn:
        image = ImageOps.exif_transpose(image)
        notes.append("turned upright by its EXIF orientation, as its annotations are")
    elif turned_by_pillow in UNTURN:
        image = image.transpose(UNTURN[turned_by_pillow])
    if image.mode == "CMYK":
        notes.append("CMYK: converted to RGB without a colour profile")
    pixels = image if image.mode == "RGB" else image.convert("RGB")
    pixels.info.clear()  # encoders would copy profiles, comments and orientation from it
    return pixels, tuple(notes)


def _check_depth(image: Image.Image) -> None:
    """Refuse more than 8 bits a channel: Pillow would clip or truncate them without a word.

    Must come first: asking a PNG for its EXIF decodes it, and the layout of its pixels is forgotten.
    """
    wide = any(
        re.search(";16[BLN]", str(layout)) or (codec.startswith("ppm") and layout[1] > 255)
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

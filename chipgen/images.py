"""Pixels: open an image safely, settle its orientation and colours, cut chips, encode them.

Pillow is used here only. An image is opened when a regular file of a raster format lies inside the image root, is
not too large, and has the size its annotations were drawn on; anything else is an `UnusableError` with a reason:
``bad_name``, ``outside_root``, ``missing``, ``not_a_file``, ``unreadable``, ``unidentified``, ``unsupported``,
``unsupported_mode``, ``too_large``, ``size_mismatch``, ``corrupt``.

Colours: palette and grey become RGB; CMYK is converted without a colour profile; alpha is dropped and the stored
colour kept, which is what most trainers do; embedded profiles are dropped, values kept. Images of 16 or more bits a
channel are refused rather than clipped.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, ImageOps, UnidentifiedImageError

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.chips import Crop
    from chipgen.export_config import ExportConfig

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


@dataclass(frozen=True)
class Picture:
    """A decoded image in the frame of its annotations.

    Parameters
    ----------
    pixels
        RGB.
    notes
        What was done to it that a user may want to know.
    """

    pixels: Image.Image
    notes: tuple[str, ...]


def locate(root: Path, file_name: str, *, follow_symlinks: bool) -> Path:
    """Return the path of an image, which lies inside the root.

    Raises
    ------
    UnusableError
        The name cannot be a file's, there is no such file, or it lies outside the root.
    """
    _check_name(file_name)
    path = Path(os.path.normpath(root / file_name))
    if not path.is_relative_to(os.path.normpath(root)):
        raise UnusableError("outside_root", "the file name leaves the image root; put the file below it")
    try:
        real = path.resolve(strict=True)
        inside = follow_symlinks or real.is_relative_to(root.resolve())
    except (OSError, RuntimeError) as error:
        raise UnusableError("missing", f"no such file in {root}{_hint(file_name)}") from error
    if not inside:
        raise UnusableError("outside_root", "a link leads out of the image root; see --follow-symlinks")
    return real


def _check_name(file_name: str) -> None:
    """Refuse names that no image file has."""
    if "://" in file_name:
        raise UnusableError("bad_name", "the file name is a URL; download the images first")
    too_long = any(len(part.encode("utf-8", "replace")) > 255 for part in file_name.split("/"))
    odd = not all(char.isprintable() or char in "\u200d\ufe0f" for char in file_name)
    if not file_name.strip("./") or too_long or odd:
        raise UnusableError("bad_name", "the file name is empty, too long, or holds control characters")


def _hint(file_name: str) -> str:
    """Return a hint for the commonest reason why a file is not found."""
    return "; write / instead of \\ in file names" if "\\" in file_name else ""


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
        It cannot be used, for one of the reasons above.
    """
    with _open_regular(path) as file, _pixel_limit(max_pixels):
        try:
            with Image.open(file, formats=FORMATS) as image:
                return _decode(image, size_img, max_pixels)
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
def _open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file; nothing else is opened, so that no pipe or device can make us wait."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise UnusableError("missing", "no such file") from error
    except OSError as error:
        raise UnusableError("unreadable", f"cannot be opened ({error.strerror})") from error
    with open(handle, "rb") as file:  # noqa: PTH123 -- Path.open takes no handle
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnusableError("not_a_file", "is a folder, pipe or device, not a file")
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


def _unidentified(file: BinaryIO) -> UnusableError:
    """Say what a file is that is no image we read."""
    file.seek(0)
    head = file.read(16)
    for magic, name in UNSUPPORTED.items():
        if head.startswith(magic):
            return UnusableError("unsupported", f"is {name}, not a raster image")
    return UnusableError("unidentified", "is empty" if not head else "is no image of a known format")


def _decode(image: Image.Image, size_img: tuple[int, int], max_pixels: int) -> Picture:
    """Check header against annotation, decode, convert."""
    width, height = image.size
    if width * height > max_pixels:
        raise UnusableError("too_large", f"{width} x {height} px are more than {max_pixels:,}; raise --max-pixels")
    notes = []
    upright = _turns(image)
    if (width, height) != size_img and not (upright and (height, width) == size_img):
        what = f"is {width} x {height} px, its annotations say {size_img[0]} x {size_img[1]}"
        raise UnusableError("size_mismatch", what)
    turn = (width, height) != size_img
    _check_depth(image)
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        notes.append("several frames or pages: the first was used")
        image.seek(0)
    image.load()
    if turn:
        image = ImageOps.exif_transpose(image)
        notes.append("turned upright by its EXIF orientation, as its annotations are")
    if image.mode == "CMYK":
        notes.append("CMYK: converted to RGB without a colour profile")
    pixels = image if image.mode == "RGB" else image.convert("RGB")
    pixels.info.clear()  # encoders would copy profiles, comments and orientation from it
    return Picture(pixels, tuple(notes))


def _turns(image: Image.Image) -> bool:
    """Tell whether EXIF orientation swaps width and height."""
    try:
        return image.getexif().get(0x0112) in {5, 6, 7, 8}
    except Exception:  # noqa: BLE001 -- damaged EXIF raises anything; the picture itself may be sound
        return False


def _check_depth(image: Image.Image) -> None:
    """Refuse more than 8 bits a channel: Pillow would clip or truncate them without a word."""
    raw_modes = " ".join(str(tile[3]) for tile in getattr(image, "tile", []))
    if image.mode in {"I", "F"} or image.mode.startswith("I;") or ";16" in raw_modes:
        what = f"has more than 8 bits a channel (mode {image.mode}); convert it to 8 bits first"
        raise UnusableError("unsupported_mode", what)


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

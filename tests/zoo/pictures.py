"""Section F: what is inside an image file."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import images
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

UPRIGHT = images.SIZE[::-1]


@dataclass(frozen=True)
class Bad:
    """An image that cannot be used.

    Parameters
    ----------
    row, name
        Row in the table of faults, and what it is.
    data
        Makes the file's content.
    reason
        Why it is skipped.
    size
        Width and height as the dataset says.
    file_name
        As in the dataset.
    """

    row: str
    name: str
    data: Callable[[], bytes]
    reason: str
    size: tuple[int, int] = images.SIZE
    suffix: str = "jpg"

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"

    @property
    def file_name(self) -> str:
        return f"{self.name}.{self.suffix}"


@dataclass(frozen=True)
class Odd:
    """An unusual image that can be used.

    Parameters
    ----------
    row, name
        Row in the table of faults, and what it is.
    data
        Makes the file's content.
    shows
        Makes the RGB pixels that its chips are cut from; None where they are not compared.
    note
        What the report says about it; empty for nothing.
    tolerance
        Largest difference of any channel of any pixel.
    file_name
        As in the dataset; the extension need not be right.
    """

    row: str
    name: str
    data: Callable[[], bytes]
    shows: Callable[[], Image.Image] = images.picture
    note: str = ""
    tolerance: int = 0
    suffix: str = "png"

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"

    @property
    def file_name(self) -> str:
        return f"{self.name}.{self.suffix}"


def _bytes(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _of_size(width: int, height: int) -> Callable[[], bytes]:
    return lambda: images.png((width, height))


BAD = [
    Bad("F52", "empty", _bytes(b""), "unidentified"),
    Bad("F52", "zero_bytes", _bytes(bytes(4096)), "unidentified"),
    Bad("F52", "web_page", _bytes(images.HTML), "unidentified"),
    Bad("F52", "text", _bytes(b"version https://git-lfs.github.com/spec/v1\n"), "unidentified"),
    Bad("F52", "random", _bytes(bytes((7 * i * i + 13) % 256 for i in range(4096))), "unidentified"),
    Bad("F53", "half_jpeg", lambda: images.cut(images.jpeg()), "corrupt"),
    Bad("F53", "jpeg_without_end", lambda: images.jpeg()[:-2], "corrupt"),
    Bad("F53", "half_png", lambda: images.cut(images.png()), "corrupt"),
    Bad("F53", "png_header_only", lambda: images.png()[:33], "corrupt"),
    Bad("F53", "png_bad_header_crc", lambda: images.bad_crc(b"IHDR"), "corrupt"),
    Bad("F53", "png_bad_crc", lambda: images.bad_crc(b"IDAT"), "corrupt"),
    Bad("F53", "png_one_bit_flipped", images.flipped_png, "corrupt"),
    Bad("F53", "half_gif", lambda: images.cut(images.in_mode("P", "GIF")), "corrupt"),
    Bad("F53", "half_tiff", lambda: images.cut(images.encoded(images.picture(), "TIFF")), "corrupt"),
    Bad("F53", "half_webp", lambda: images.cut(images.encoded(images.picture(), "WEBP")), "corrupt"),
    Bad("F53", "half_bmp", lambda: images.cut(images.encoded(images.picture(), "BMP")), "corrupt"),
    Bad("F53", "half_ppm", lambda: images.cut(images.encoded(images.picture(), "PPM")), "corrupt"),
    Bad("F55", "larger_than_said", _of_size(97, 64), "size_mismatch"),
    Bad("F55", "smaller_than_said", _of_size(48, 32), "size_mismatch"),
    Bad("F55", "turned_without_saying", _of_size(*UPRIGHT), "size_mismatch"),
    Bad("F56", "turned_around_other_size", lambda: images.turned(3), "size_mismatch", UPRIGHT),
    Bad("F57", "huge", images.huge_png, "too_large", (20_000, 20_000)),
    Bad("F57", "huge_said_small", images.huge_png, "too_large"),
    Bad("F57", "text_bomb", images.text_bomb_png, "corrupt"),
    Bad("F58", "postscript", _bytes(images.POSTSCRIPT), "unsupported"),
    Bad("F58", "postscript_as_eps", _bytes(images.POSTSCRIPT), "unsupported", suffix="eps"),
    Bad("F58", "pdf", _bytes(images.PDF), "unsupported"),
    Bad("F58", "windows_metafile", _bytes(images.WINDOWS_METAFILE), "unsupported"),
    Bad("F58", "svg", _bytes(images.SVG), "unsupported"),
    Bad("F58", "jpeg_2000", lambda: images.encoded(images.picture(), "JPEG2000"), "unsupported"),
    Bad("F58", "windows_icon", lambda: images.encoded(images.picture(), "ICO"), "unsupported"),
    Bad("F58", "photoshop", _bytes(b"8BPS\0\x01" + bytes(60)), "unsupported"),
    Bad("F58", "heic", _bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(60)), "unsupported"),
    Bad("F52", "jpeg_head_only", lambda: images.jpeg()[:100], "corrupt"),
    Bad("F52", "tiff_head_only", _bytes(b"II*\0\x08\0\0\0"), "corrupt"),
    Bad("F52", "webp_head_only", lambda: images.encoded(images.picture(), "WEBP")[:20], "corrupt"),
    Bad("F61", "grey_16", images.grey_16, "unsupported_mode"),
    Bad("F61", "grey_16_tiff", lambda: images.grey_16("TIFF"), "unsupported_mode"),
    Bad("F61", "rgb_16", lambda: images.png_16(2), "unsupported_mode"),
    Bad("F61", "grey_alpha_16", lambda: images.png_16(4), "unsupported_mode"),
    Bad("F61", "rgb_alpha_16", lambda: images.png_16(6), "unsupported_mode"),
    Bad("F61", "rgb_16_ppm", images.ppm_16, "unsupported_mode"),
    Bad("F61", "integers", lambda: images.wide_tiff("int32"), "unsupported_mode"),
    Bad("F61", "floats", lambda: images.wide_tiff("float32"), "unsupported_mode"),
]


def _stored(data: bytes) -> Image.Image:
    """Return the first frame of a file as Pillow decodes it."""
    return Image.open(io.BytesIO(data)).convert("RGB")


def _palette() -> Image.Image:
    return images.picture().quantize(64).convert("RGB")


def _through(mode: str) -> Callable[[], Image.Image]:
    return lambda: images.picture().convert(mode).convert("RGB")


FRAMES = "several frames or pages"

ODD = [
    Odd("F54", "damaged_jpeg", images.damaged_jpeg, lambda: _stored(images.damaged_jpeg())),
    *(
        Odd("F56", f"orientation_{o}_{kind.lower()}", partial(images.turned, o, kind), tolerance=t)
        for kind, t in {"JPEG": 12, "PNG": 0, "WEBP": 0, "TIFF": 0}.items()
        for o in (2, 3, 6, 8, 9)
    ),
    Odd("F59", "gif", lambda: images.in_mode("P", "GIF"), _palette),
    Odd("F59", "moving_gif", lambda: images.frames("GIF"), lambda: _stored(images.frames("GIF")), FRAMES),
    Odd("F59", "moving_png", lambda: images.frames("PNG"), note=FRAMES),
    Odd("F59", "moving_webp", lambda: images.frames("WEBP", lossless=True), note=FRAMES),
    Odd("F59", "tiff_of_three_pages", lambda: images.frames("TIFF"), note=FRAMES),
    Odd("F59", "stereo_jpeg", lambda: images.frames("MPO", quality=95, subsampling=0), tolerance=12),
    Odd("F60", "ordinary", images.png),
    Odd("F60", "grey", lambda: images.in_mode("L"), _through("L")),
    Odd("F60", "grey_alpha", lambda: images.in_mode("LA"), _through("L")),
    Odd("F60", "palette", lambda: images.in_mode("P"), _palette),
    Odd("F60", "palette_with_transparency", images.palette_with_transparency, _palette),
    Odd("F60", "transparent_colour", images.rgb_with_transparent_colour),
    Odd("F60", "alpha", lambda: images.in_mode("RGBA")),
    Odd("F60", "alpha_webp", lambda: images.encoded(_with_alpha(), "WEBP", lossless=True, exact=True)),
    Odd("F60", "one_bit", lambda: images.in_mode("1"), _through("1")),
    Odd("F60", "grey_jpeg", lambda: images.in_mode("L", "JPEG"), _through("L"), tolerance=30),
    Odd("F60", "cmyk_jpeg", lambda: images.in_mode("CMYK", "JPEG"), note="CMYK", tolerance=60),
    Odd("F60", "ycck_jpeg", images.ycck_jpeg, lambda: _stored(images.ycck_jpeg()), note="CMYK"),
    Odd("F60", "cmyk_tiff", lambda: images.in_mode("CMYK", "TIFF"), note="CMYK"),
    Odd("F60", "sixteen_bits_a_pixel", images.bmp_565, tolerance=8),
    Odd("F62", "png_named_jpg", images.png, suffix="jpg"),
    Odd("F62", "jpeg_named_png", images.jpeg, tolerance=12),
    Odd("F62", "webp_named_txt", lambda: images.encoded(images.picture(), "WEBP", lossless=True), suffix="txt"),
    Odd("F62", "without_extension", images.png, suffix=""),
]
"""All of the size that the dataset says, as stored."""


def _with_alpha() -> Image.Image:
    """Return the picture, more and more transparent to one side."""
    image = images.picture().convert("RGBA")
    image.putalpha(images.picture().getchannel(0))
    return image


def _upright(orientation: int) -> Callable[[], Image.Image]:
    """Return the picture as a viewer that follows the tag shows it."""

    def make() -> Image.Image:
        return ImageOps.exif_transpose(Image.open(io.BytesIO(images.turned(orientation, "PNG")))).convert("RGB")

    return make


TURN = "turned upright"

TURNED = [
    Odd("F56", f"upright_{o}_{kind.lower()}", partial(images.turned, o, kind), _upright(o), TURN, t)
    for kind, t in {"JPEG": 12, "PNG": 0, "WEBP": 0, "TIFF": 0}.items()
    for o in (5, 6, 7, 8)
]
"""Stored lying, while the dataset gives the size they have upright."""

SHAPES = {"one_pixel": (1, 1), "line": (500, 1), "column": (1, 500), "long": (1_000_000, 2), "tall": (2, 70_000)}
"""Row F63: width and height of images smaller than a chip, or very long."""


def write(folder: Path, entries: Iterable[Bad | Odd]) -> None:
    """Write the files of some entries."""
    for entry in entries:
        (folder / entry.file_name).write_bytes(entry.data())


def fake_interpreter(folder: Path, canary: Path) -> dict[str, str]:
    """Return an environment in which running Ghostscript, as any of its names, leaves a file behind."""
    folder.mkdir()
    for name in ("gs", "gswin32c", "gswin64c"):
        script = folder / name
        script.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
        script.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

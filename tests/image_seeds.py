"""Images in every form that Pillow can write and a few more by hand: what damage starts from.

All are of the size `images.SIZE`, except where their format cannot be.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import images
import numpy as np
from image_tiffs import TIFFS
from images import SIZE, encoded, picture
from PIL import Image, ImageCms, PngImagePlugin

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEIGHT = SIZE


def _profile() -> bytes:
    """Return a colour profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _exif(orientation: int) -> Image.Exif:
    """Return EXIF data with tables inside tables, as cameras write them."""
    exif = Image.Exif()
    exif[images.ORIENTATION] = orientation
    exif[0x010F] = "a maker"
    exif[0x011A] = 72.5
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def _saved(mode: str, file_format: str, **options: Any) -> bytes:
    """Return the picture in some mode and format."""
    image = picture().quantize(200) if mode == "P" else picture().convert(mode)
    return encoded(image, file_format, **options)


def _jpegs() -> dict[str, Callable[[], bytes]]:
    jpeg = partial(images.jpeg)
    return {
        "jpeg": jpeg,
        "jpeg_progressive": partial(jpeg, progressive=True),
        "jpeg_optimised": partial(jpeg, optimize=True),
        "jpeg_restarts": partial(jpeg, restart_marker_blocks=2),
        "jpeg_subsampled": partial(encoded, picture(), "JPEG", subsampling=2, quality=30),
        "jpeg_profile": lambda: jpeg(icc_profile=_profile()),
        "jpeg_long_profile": lambda: jpeg(icc_profile=_profile() * 300),
        "jpeg_comment": partial(jpeg, comment=b"a comment", xmp=b"<x:xmpmeta/>"),
        "jpeg_dpi": partial(jpeg, dpi=(300, 300)),
        "jpeg_grey": partial(_saved, "L", "JPEG"),
        "jpeg_one_bit": partial(_saved, "1", "JPEG"),
        "jpeg_ycc": partial(_saved, "YCbCr", "JPEG"),
        "jpeg_cmyk": partial(_saved, "CMYK", "JPEG"),
        "jpeg_cmyk_progressive": partial(_saved, "CMYK", "JPEG", progressive=True),
        "mpo": partial(images.frames, "MPO"),
        **{f"jpeg_turned_{turn}": partial(_turned_jpeg, turn) for turn in range(1, 10)},
    }


def _turned_jpeg(turn: int) -> bytes:
    return images.jpeg(exif=_exif(turn))


def _noted_png() -> bytes:
    """Return a PNG with all kinds of remarks."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Title", "a title")
    notes.add_text("Comment", "a" * 500, zip=True)
    notes.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta tiff:Orientation="6"/>', zip=True)
    notes.add(b"tIME", bytes((7, 231, 1, 2, 3, 4, 5)))
    notes.add(b"prVt", b"private", after_idat=True)
    return encoded(picture(), "PNG", pnginfo=notes, icc_profile=_profile(), exif=_exif(6), dpi=(72, 72))


def interlaced_png(depth: int = 8) -> bytes:
    """Return an interlaced grey PNG, which Pillow reads but cannot write."""
    grey = np.asarray(picture().convert("L"))
    rows = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        for row in grey[y::dy, x::dx]:
            wide = row.astype(">u2") * 257
            rows += b"\0" + (wide.tobytes() if depth == 16 else row.tobytes())
    return images.png_of(struct.pack(">IIBBBBB", *SIZE, depth, 0, 0, 0, 1), zlib.compress(rows))


def shallow_png(depth: int, colour_type: int) -> bytes:
    """Return a PNG of 1, 2 or 4 bits a pixel, grey (0) or with a palette (3)."""
    row = b"\0" + bytes(i % 256 for i in range((WIDTH * depth + 7) // 8))
    palette = [(b"PLTE", bytes(range(3 * 2**depth)))] if colour_type == 3 else []
    return images.png_of(
        struct.pack(">IIBBBBB", *SIZE, depth, colour_type, 0, 0, 0), zlib.compress(row * HEIGHT), palette
    )


def _pngs() -> dict[str, Callable[[], bytes]]:
    return {
        **{f"png_{mode}": partial(images.in_mode, mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")},
        **{f"png_{d}_bit_{t}": partial(shallow_png, d, t) for d in (1, 2, 4) for t in (0, 3)},
        "png_grey_16": images.grey_16,
        "png_rgb_16": partial(images.png_16, 2),
        "png_interlaced": interlaced_png,
        "png_interlaced_16": partial(interlaced_png, 16),
        "png_clear_colour": images.rgb_with_transparent_colour,
        "png_clear_palette": images.palette_with_transparency,
        "png_clear_grey": partial(_saved, "L", "PNG", transparency=7),
        "png_noted": _noted_png,
        "png_turned": partial(images.turned, 6, "PNG"),
        "apng": partial(images.frames, "PNG"),
        "apng_default": partial(images.frames, "PNG", default_image=True),
    }


def _animated(file_format: str, **options: Any) -> bytes:
    """Return three frames that have little in common."""
    frames = [picture(), picture().rotate(90, expand=False), Image.new("RGB", SIZE, "red").quantize(8)]
    return encoded(frames[0], file_format, save_all=True, append_images=frames[1:], duration=[10, 20, 30], **options)


def _gifs_and_webps() -> dict[str, Callable[[], bytes]]:
    return {
        "gif": partial(_saved, "P", "GIF"),
        "gif_grey": partial(_saved, "L", "GIF"),
        "gif_interlaced": partial(_saved, "P", "GIF", interlace=1),
        "gif_clear": partial(_saved, "P", "GIF", transparency=3, comment=b"a comment" * 60),
        "gif_animated": partial(_animated, "GIF", loop=3, disposal=2),
        "gif_differences": partial(_animated, "GIF", disposal=1),
        "webp": partial(_saved, "RGB", "WEBP"),
        "webp_lossless": partial(_saved, "RGB", "WEBP", lossless=True),
        "webp_alpha": partial(_saved, "RGBA", "WEBP"),
        "webp_noted": lambda: _saved("RGB", "WEBP", exif=_exif(8), icc_profile=_profile(), xmp=b"<x/>"),
        "webp_animated": partial(_animated, "WEBP", lossless=True),
    }


def rle_bmp(bits: int = 8) -> bytes:
    """Return a run-length bitmap of 8 or 4 bits, which Pillow reads but cannot write."""
    runs, step = b"", 1 if bits == 8 else 2
    for y in range(HEIGHT):
        runs += bytes((40, y % 16 * 17)) + bytes((0, 16)) + bytes(range(16 // step)) + bytes((40, 3)) + b"\0\0"
    runs += b"\0\2\1\1" + b"\0\1"
    palette = b"".join(bytes((i, 255 - i, i // 2, 0)) for i in range(2**bits))
    return _bmp(bits, {8: 1, 4: 2}[bits], palette, runs)


def _bmp(bits: int, compression: int, palette: bytes, pixels: bytes, height: int = HEIGHT) -> bytes:
    """Return a bitmap by hand."""
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + palette + pixels


def _os2_bmp() -> bytes:
    """Return the oldest kind of bitmap."""
    rows = np.asarray(picture())[::-1, :, ::-1].tobytes()
    return b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + struct.pack("<IHHHH", 12, *SIZE, 1, 24) + rows


def _plain(magic: bytes) -> bytes:
    """Return a portable map written in digits."""
    mode = {b"P1": "1", b"P2": "L", b"P3": "RGB"}[magic]
    numbers = np.asarray(picture().convert(mode)).astype(int).ravel().tolist()
    head = magic + b"\n# a comment\n%d %d\n" % SIZE + (b"" if magic == b"P1" else b"255\n")
    return (
        head + b"\n".join(b" ".join(b"%d" % n for n in numbers[i : i + 20]) for i in range(0, len(numbers), 20)) + b"\n"
    )


def _bitmaps() -> dict[str, Callable[[], bytes]]:
    return {
        **{f"bmp_{mode}": partial(_saved, mode, "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")},
        "bmp_565": images.bmp_565,
        "bmp_rle8": rle_bmp,
        "bmp_rle4": partial(rle_bmp, 4),
        "bmp_upside_down": lambda: _bmp(24, 0, b"", np.asarray(picture())[:, :, ::-1].tobytes(), -HEIGHT),
        "bmp_os2": _os2_bmp,
        **{f"ppm_{mode}": partial(_saved, mode, "PPM") for mode in ("1", "L", "RGB")},
        **{f"ppm_plain_{n}": partial(_plain, b"P%d" % n) for n in (1, 2, 3)},
        "ppm_16": images.ppm_16,
        "ppm_100": lambda: b"P6 %d %d 100\n" % SIZE + bytes(i % 101 for i in range(3 * WIDTH * HEIGHT)),
        "pfm": lambda: b"Pf\n%d %d\n-1.0\n" % SIZE + np.zeros(WIDTH * HEIGHT, dtype="<f4").tobytes(),
    }


def _others() -> dict[str, Callable[[], bytes]]:
    """Return images in formats that are not read."""
    modes = {"PCX": "RGB", "SGI": "RGB", "TGA": "RGBA", "ICO": "RGBA", "ICNS": "RGBA", "JPEG2000": "RGB", "AVIF": "RGB"}
    modes |= {"DDS": "RGB", "DIB": "RGB", "EPS": "RGB", "PDF": "RGB", "SPIDER": "F", "MSP": "1", "XBM": "1"}
    modes |= {"QOI": "RGB", "BLP": "P", "PALM": "P"}
    return {f"other_{name.lower()}": partial(_saved, mode, name) for name, mode in modes.items() if name in Image.SAVE}


def _made(makers: dict[str, Callable[[], bytes]]) -> dict[str, bytes]:
    """Return images by name, less those that this version of Pillow cannot write, or not read again."""
    found = {}
    for name, make in makers.items():
        with contextlib.suppress(OSError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = make()
            Image.open(io.BytesIO(data)).load()
            found[name] = data
    return found


Image.init()
READ = _made(_jpegs() | _pngs() | _gifs_and_webps() | _bitmaps() | TIFFS)
"""Of formats that are read; some have more than 8 bits a channel, which is refused."""
SEEDS = READ | {name: make() for name, make in _others().items()}

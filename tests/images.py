"""Small images made by code, each the whole content of a file: ordinary, odd and broken ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from chipgen.images.pixels import Pixels

SIZE = (96, 64)
"""Width and height of every image here unless it says otherwise."""

ORIENTATION = 0x0112
"""EXIF and TIFF tag."""


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    """Return an RGB picture in which every corner and every direction can be told apart."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    return Image.fromarray(np.stack((x, y, (x + 3 * y) / 4), axis=2).astype(np.uint8))


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """Return an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def whole(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Return all pixels that chips can be cut from."""
    return pixels.region((0, 0, *pixels.size_img), 1).rgb


def jpeg(size: tuple[int, int] = SIZE, **options: Any) -> bytes:
    return encoded(picture(size), "JPEG", quality=95, subsampling=0, **options)


def png(size: tuple[int, int] = SIZE) -> bytes:
    return encoded(picture(size), "PNG")


def in_mode(mode: str, file_format: str = "PNG") -> bytes:
    """Return the picture in another of Pillow's modes; alpha runs from clear to solid."""
    image = picture()
    if mode in {"LA", "RGBA"}:
        image = image.convert(mode)
        image.putalpha(picture().getchannel(0))
        return encoded(image, file_format)
    return encoded(image.quantize(64) if mode == "P" else image.convert(mode), file_format)


def ycck_jpeg() -> bytes:
    """Return a JPEG of four channels that says of itself, as Adobe's do, that three of them are luma and chroma."""
    data = in_mode("CMYK", "JPEG")
    flag = data.index(b"Adobe") + 11
    assert data[flag] == 0
    return data[:flag] + b"\2" + data[flag + 1 :]


def palette_with_transparency() -> bytes:
    return encoded(picture().quantize(64), "PNG", transparency=bytes(range(64)))


def rgb_with_transparent_colour() -> bytes:
    return encoded(picture(), "PNG", transparency=picture().getpixel((0, 0)))


# -- more than 8 bits a channel ------------------------------------------------------------------------------------


def grey_16(file_format: str = "PNG") -> bytes:
    """Return 16-bit grey (mode I;16): turned into RGB carelessly it would be white all over."""
    return encoded(Image.fromarray(np.arange(SIZE[0] * SIZE[1], dtype=np.uint16).reshape(SIZE[::-1])), file_format)


def wide_tiff(kind: str) -> bytes:
    """Return a TIFF of 32-bit integers or floats (modes I and F)."""
    values = np.linspace(0, 1e6, SIZE[0] * SIZE[1]).reshape(SIZE[::-1])
    return encoded(Image.fromarray(values.astype(kind)), "TIFF")


def png_16(colour_type: int) -> bytes:
    """Return a 16-bit PNG that Pillow reads but cannot write: 2 RGB, 4 grey and alpha, 6 RGB and alpha."""
    channels = {2: 3, 4: 2, 6: 4}[colour_type]
    row = b"\0" + b"".join(struct.pack(">H", 257 * (i % 256)) for i in range(SIZE[0] * channels))
    return png_of(struct.pack(">IIBBBBB", *SIZE, 16, colour_type, 0, 0, 0), zlib.compress(row * SIZE[1]))


def ppm_16() -> bytes:
    """Return a portable pixmap of 16-bit RGB."""
    values = np.asarray(picture(), dtype=">u2") * 257 + 100
    return b"P6 %d %d 65535\n" % SIZE + values.tobytes()


def bmp_565() -> bytes:
    """Return a bitmap of 16 bits a pixel: fewer than 8 a channel, so there is nothing to refuse."""
    rgb = np.asarray(picture(), dtype=np.uint16)[::-1]
    pixels = ((rgb[..., 0] >> 3 << 11) | (rgb[..., 1] >> 2 << 5) | (rgb[..., 2] >> 3)).astype("<u2").tobytes()
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    info = struct.pack("<IiiHHIIiiII", 40, *SIZE, 1, 16, 3, len(pixels), 2835, 2835, 0, 0)
    start = 14 + len(info) + len(masks)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + info + masks + pixels


# -- PNG by hand ---------------------------------------------------------------------------------------------------


def png_of(header: bytes, data: bytes, extra: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """Return a PNG made of a header, compressed rows and extra chunks between them."""
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def huge_png(side: int = 20_000) -> bytes:
    """Return a file of some kilobytes that says it has many million pixels, and has."""
    row = b"\0" * (1 + side // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row * 100) for _ in range(side // 100)) + packer.flush()
    return png_of(struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0), data)


def text_bomb_png() -> bytes:
    """Return an ordinary small PNG whose comment unpacks to 100 MB."""
    header, data = struct.pack(">IIBBBBB", *SIZE, 8, 0, 0, 0, 0), zlib.compress(b"\0" * 97 * 64)
    return png_of(header, data, [(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 100_000_000, 9))])


def bad_crc(chunk: bytes) -> bytes:
    """Return a PNG in which one chunk's checksum is wrong."""
    data = bytearray(png())
    start = data.index(chunk)
    length = struct.unpack(">I", data[start - 4 : start])[0]
    data[start + 4 + length] ^= 0xFF
    return bytes(data)


def flipped_png() -> bytes:
    """Return a PNG in which one bit of one pixel was flipped: only its checksums tell."""
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(picture()))
    data = bytearray(png_of(struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0), zlib.compress(rows, 0)))
    data[len(data) // 2] ^= 0x80
    return bytes(data)


# -- several frames, orientation -----------------------------------------------------------------------------------


def frames(file_format: str, **options: Any) -> bytes:
    """Return an animation or a file of several pages; the first one is the picture."""
    others = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue")]
    return encoded(picture(), file_format, save_all=True, append_images=others, **options)


def turned(orientation: int, file_format: str = "JPEG") -> bytes:
    """Return the picture stored as it is, with a tag that tells viewers to turn it."""
    if file_format == "TIFF":
        return encoded(picture(), "TIFF", tiffinfo={ORIENTATION: orientation})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}
    return encoded(picture(), file_format, exif=exif, **options.get(file_format, {}))


# -- broken, or no images at all -----------------------------------------------------------------------------------


def cut(data: bytes, share: float = 0.5) -> bytes:
    """Return the first part of a file."""
    return data[: int(len(data) * share)]


def damaged_jpeg() -> bytes:
    """Return a JPEG whose middle was overwritten: decoders cannot tell."""
    data = bytearray(jpeg())
    middle = len(data) // 2
    data[middle : middle + 20] = bytes(20)
    return bytes(data)


def damaged_tiff() -> bytes:
    """Return a compressed TIFF whose middle was overwritten: the library behind Pillow complains on stderr."""
    data = bytearray(encoded(picture(), "TIFF", compression="tiff_lzw"))
    middle = len(data) // 2
    data[middle : middle + 20] = b"\xff" * 20
    return bytes(data)


POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 64\n%%EndComments\n0 0 moveto 96 64 lineto stroke\n%%EOF\n"
)
"""A program in a printer's language; a careless reader would start an interpreter."""

WINDOWS_METAFILE = b"\xd7\xcd\xc6\x9a\0\0" + struct.pack("<hhhhHI", 0, 0, 96, 64, 72, 0) + b"\0" * 64
PDF = b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="64"/>'
HTML = b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>\n"

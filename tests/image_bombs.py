"""Small files made to take long, or much memory: each a few kilobytes or megabytes, and how it must end."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import image_tiffs
import images
from image_tiffs import LONG, LONG8, SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GREY = struct.pack(">IIBBBBB", *images.SIZE, 8, 0, 0, 0, 0)
ROWS = zlib.compress(b"\0" * 97 * 64)


@dataclass(frozen=True)
class Bomb:
    """A file that must not take long.

    Parameters
    ----------
    name
        What it is.
    data
        Makes the file's content.
    reason, says
        Why it is not used, and part of the message; empty when it can be used.
    """

    name: str
    data: Callable[[], bytes]
    reason: str = ""
    says: str = ""

    def __str__(self) -> str:
        return self.name


def png_of_chunks(chunks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a grey PNG with chunks before its pixels."""
    return images.png_of(GREY, ROWS, chunks)


def packed_remarks(name: bytes, count: int) -> bytes:
    """Return a PNG with remarks that unpack to almost a megabyte each."""
    return png_of_chunks(
        [(name, b"\0\0" + (b"\0\0" if name == b"iTXt" else b"") + zlib.compress(bytes(1_000_000), 9))] * count
    )


def scans(count: int) -> bytes:
    """Return a JPEG that goes over its pixels again and again, each time without a change."""
    data = images.jpeg(progressive=True)
    return data[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" * count + data[-2:]


def hidden_scans(count: int) -> bytes:
    """Return the same behind a comment that looks like the end of the file."""
    data = scans(count)
    return data[:2] + b"\xff\xfe\x00\x06ab\xff\xd9" + data[2:]


def film_behind(count: int) -> bytes:
    """Return a JPEG with something else behind its end, as telephones write it, that looks like many scans."""
    return images.jpeg() + b"\xff\xda\x01" * count


def comments(count: int) -> bytes:
    """Return a plain portable map with very many comments."""
    return b"P2\n96 64\n255\n" + b"#\n" * count + b"7 " * 96 * 64


def exif_jpeg(count: int) -> bytes:
    """Return a JPEG whose EXIF data come in many pieces."""
    piece = b"Exif\0\0" + bytes(60_000)
    return images.jpeg()[:2] + (b"\xff\xe1" + struct.pack(">H", 2 + len(piece)) + piece) * count + images.jpeg()[2:]


def exif_that_repeats(count: int = 60_000) -> bytes:
    """Return a lying PNG whose EXIF directory has many lines, each of which claims the whole of it."""
    length = 12 * count
    lines = struct.pack("<HHII", images.ORIENTATION, SHORT, 1, 6)
    lines += b"".join(struct.pack("<HHII", tag, 7, length, 8) for tag in range(300, 300 + count))
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", count + 1) + lines + bytes(4)
    header = struct.pack(">IIBBBBB", *images.SIZE[::-1], 8, 0, 0, 0, 0)
    return images.png_of(header, zlib.compress(bytes((images.SIZE[1] + 1) * images.SIZE[0])), [(b"eXIf", exif)])


def moving_gif(count: int) -> bytes:
    """Return a GIF of very many frames of one pixel."""
    return images.in_mode("P", "GIF")[:-1] + b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0" * count + b";"


def talking_gif(count: int) -> bytes:
    """Return a GIF with a comment of very many pieces before its picture."""
    data = images.in_mode("P", "GIF")
    start = 13 + 3 * (2 << (data[10] & 7))
    return data[:start] + b"!\xfe" + (b"\xff" + b"a" * 255) * count + b"\0" + data[start:]


def tiff_tile(side: int) -> bytes:
    """Return a small TIFF of a few hundred bytes, packed into a tile of many million pixels."""
    data = zlib.compress(bytes(300_000))
    entries = image_tiffs.basic(
        compression=(259, SHORT, [8]),
        offsets=(324, LONG, [16]),
        rows=None,
        counts=(325, LONG, [len(data)]),
        width_of_tile=(322, LONG, [side]),
        height_of_tile=(323, LONG, [side]),
    )
    return image_tiffs.tiff(entries, data)


def tiff_list(count: int, tag: int, kind: int) -> bytes:
    """Return a TIFF with a tag of very many values; of strips it is the tag that says where they are."""
    pixels = image_tiffs.PIXELS.tobytes()
    strips = {"offsets": None} if tag == 273 else {}
    data = bytearray(image_tiffs.tiff(image_tiffs.basic(last=(tag, kind, [0, 0]), **strips), pixels + bytes(4 * count)))
    line = data.rindex(struct.pack("<HH", tag, kind))
    data[line + 4 : line + 12] = struct.pack("<II", count, 16 + len(pixels))
    return bytes(data)


def scattered_strips() -> bytes:
    """Return a TIFF whose two strips are, so it says, terabytes apart."""
    half = 3 * images.SIZE[0] * images.SIZE[1] // 2
    entries = image_tiffs.basic(
        offsets=(273, LONG8, [16, 1 << 43]), rows=(278, LONG, [images.SIZE[1] // 2]), counts=(279, LONG, [half] * 2)
    )
    return image_tiffs.tiff(entries, image_tiffs.PIXELS.tobytes(), big=True)


def tiff_in_exif(count: int) -> bytes:
    """Return a TIFF whose EXIF directory holds a list of very many numbers."""
    pixels = image_tiffs.PIXELS.tobytes()
    inner = struct.pack("<HHHII", 1, 40_000, SHORT, count, 16) + bytes(4)
    entries = image_tiffs.basic(exif=(34665, LONG, [16 + len(pixels) + 2 * count]))
    return image_tiffs.tiff(entries, pixels + bytes(2 * count) + inner)


def big_tiff_of_lines(count: int) -> bytes:
    """Return a BigTIFF whose directory never ends."""
    lines = struct.pack("<HHQQ", 1, 99, 1, 1) * count
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, count) + lines


def bmp_of_head(length: int) -> bytes:
    """Return a bitmap that says its head is very long, and it is."""
    return b"BM" + struct.pack("<IHHII", 0, 0, 0, 0, length) + bytes(length)


BOMBS = [
    Bomb("huge_png", images.huge_png, "too_large"),
    Bomb("text_bomb", images.text_bomb_png, "corrupt"),
    Bomb("remarks", partial(packed_remarks, b"zTXt", 3000), "corrupt", "more than 1,000 compressed remarks"),
    Bomb("remarks_in_latin", partial(packed_remarks, b"iTXt", 3000), "corrupt", "more than 1,000 compressed remarks"),
    Bomb("profiles", partial(packed_remarks, b"iCCP", 3000), "corrupt", "more than 1,000 compressed remarks"),
    Bomb("some_remarks", partial(packed_remarks, b"zTXt", 300)),
    Bomb("chunks", lambda: png_of_chunks([(b"prVt", b"")] * 1_100_000), "corrupt", "on and on"),
    Bomb("scans", partial(scans, 2000), "corrupt", "more than 500 times"),
    Bomb("hidden_scans", partial(hidden_scans, 2000), "corrupt", "more than 500 times"),
    Bomb("some_scans", partial(scans, 400)),
    Bomb("film", partial(film_behind, 300_000)),
    Bomb("comments", partial(comments, 400_000), "corrupt", "more than 1,000 comments"),
    Bomb("some_comments", partial(comments, 900)),
    Bomb("exif_in_pieces", partial(exif_jpeg, 300), "corrupt", "on and on"),
    Bomb("exif_in_some_pieces", partial(exif_jpeg, 60)),
    Bomb("exif_that_repeats", exif_that_repeats),
    Bomb("moving_gif", partial(moving_gif, 300_000)),
    Bomb("talking_gif", partial(talking_gif, 20_000), "corrupt", "on and on"),
    Bomb("tile", partial(tiff_tile, 20_000), "too_large", "tiles of more than"),
    Bomb("strips", partial(tiff_list, 1_000_000, 273, LONG), "corrupt", "list of 1,000,000 numbers"),
    Bomb("scattered_strips", scattered_strips, "corrupt", "truncated"),
    Bomb("colours", partial(tiff_list, 1_000_000, 320, SHORT), "corrupt", "list of 1,000,000 numbers"),
    Bomb("exif_in_tiff", partial(tiff_in_exif, 1_000_000), "corrupt", "list of 1,000,000 numbers"),
    Bomb("lines", partial(big_tiff_of_lines, 500_000), "corrupt", "directory of 500,000 lines"),
    Bomb("long_head", partial(bmp_of_head, 20_000_000), "corrupt", "on and on"),
    Bomb("blanks", lambda: b"P5\n" + b" " * 2_500_000, "corrupt", "on and on"),
    Bomb("junk", lambda: b"\xff\xd8\xff\xe0\0\2" + b"a" * 2_500_000, "corrupt", "on and on"),
]

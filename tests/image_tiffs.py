"""TIFFs: what Pillow writes, and tiles, planes, loops and lies by hand."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import images
import numpy as np
from images import SIZE, encoded, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, HEIGHT = SIZE
SHORT, LONG, LONG8 = 3, 4, 16
SIZES = {1: 1, 2: 1, SHORT: 2, LONG: 4, 5: 8, 12: 8, LONG8: 8}

Entry = tuple[int, int, "Sequence[int]"]
"""Tag, type and values of one line of a directory."""


def tiff(entries: Sequence[Entry], data: bytes, *, order: str = "<", big: bool = False, following: int = 0) -> bytes:
    """Return a TIFF by hand: head, pixels, values that do not fit into their line, directory.

    Parameters
    ----------
    entries
        The lines of the directory; pixels begin behind the head, at byte 16.
    data
        The pixels.
    order
        ``<`` or ``>``.
    big
        Whether it is a BigTIFF.
    following
        Where the next directory stands; -1 for this one again.
    """
    head, place, count = (16, "Q", "QQ") if big else (16, "I", "HI")
    line, room = order + "HH" + ("QQ" if big else "II"), 8 if big else 4
    body = b"\0" * 0 + data
    lines = b""
    for tag, kind, values in sorted(entries):
        packed = b"".join(_packed(order, kind, value) for value in values)
        if len(packed) <= room:
            offset = int.from_bytes(packed.ljust(room, b"\0"), "little" if order == "<" else "big")
        else:
            offset = head + len(body)
            body += packed + b"\0" * (len(packed) % 2)
        lines += struct.pack(line, tag, kind, len(values), offset)
    start = head + len(body)
    mark = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    mark += struct.pack(order + "HHQ", 8, 0, start) if big else struct.pack(order + "I", start).ljust(12, b"\0")
    end = struct.pack(order + place, start if following < 0 else following)
    return mark + body + struct.pack(order + count[0], len(entries)) + lines + end


def _packed(order: str, kind: int, value: int) -> bytes:
    """Return one value of a tag."""
    if kind in {1, 2}:
        return bytes((value,))
    return struct.pack(order + {2: "H", 4: "I", 8: "Q"}[SIZES[kind]], value)


def basic(**replaced: Any) -> list[Entry]:
    """Return the lines of an ordinary RGB picture in one strip, some of them replaced: by name, None for none."""
    lines: dict[str, Entry | None] = {
        "width": (256, LONG, [WIDTH]),
        "height": (257, LONG, [HEIGHT]),
        "bits": (258, SHORT, [8, 8, 8]),
        "compression": (259, SHORT, [1]),
        "photometric": (262, SHORT, [2]),
        "offsets": (273, LONG, [16]),
        "samples": (277, SHORT, [3]),
        "rows": (278, LONG, [HEIGHT]),
        "counts": (279, LONG, [3 * WIDTH * HEIGHT]),
        **replaced,
    }
    return [line for line in lines.values() if line is not None]


PIXELS = np.asarray(picture())


def tiled(side: int = 32, **options: Any) -> bytes:
    """Return a TIFF of tiles."""
    tiles = [
        PIXELS[y : y + side, x : x + side].tobytes() for y in range(0, HEIGHT, side) for x in range(0, WIDTH, side)
    ]
    length = 3 * side * side
    entries = basic(
        offsets=None,
        rows=None,
        counts=(325, LONG, [length] * len(tiles)),
        tile_width=(322, LONG, [side]),
        tile_height=(323, LONG, [side]),
        tiles=(324, LONG, [16 + i * length for i in range(len(tiles))]),
    )
    return tiff(entries, b"".join(tiles), **options)


def planar(**options: Any) -> bytes:
    """Return a TIFF with one plane for each channel."""
    length = WIDTH * HEIGHT
    entries = basic(
        offsets=(273, LONG, [16 + plane * length for plane in range(3)]),
        counts=(279, LONG, [length] * 3),
        planes=(284, SHORT, [2]),
    )
    return tiff(entries, PIXELS.transpose(2, 0, 1).tobytes(), **options)


def striped(rows: int = 5) -> bytes:
    """Return a TIFF of many strips."""
    starts = range(0, HEIGHT, rows)
    entries = basic(
        offsets=(273, LONG, [16 + 3 * WIDTH * start for start in starts]),
        rows=(278, LONG, [rows]),
        counts=(279, LONG, [3 * WIDTH * min(rows, HEIGHT - start) for start in starts]),
    )
    return tiff(entries, PIXELS.tobytes())


def _odd_tags() -> bytes:
    """Return a TIFF with tags of every type, some unknown, some empty."""
    entries = basic(
        a=(270, 2, list(b"a description\0")),
        b=(700, 1, list(b"<x:xmpmeta/>")),
        c=(34675, 1, list(bytes(200))),
        d=(40000, 5, [1, 2]),
        e=(40001, 12, [0]),
        f=(40002, SHORT, []),
        g=(34665, LONG, [16]),
        h=(282, 5, [0]),
    )
    return tiff(entries, PIXELS.tobytes())


def _written(mode: str, compression: str, **options: Any) -> bytes:
    image = picture().quantize(200) if mode == "P" else picture().convert(mode)
    return encoded(image, "TIFF", compression=compression, **options)


COMPRESSED = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd")

TIFFS: dict[str, Callable[[], bytes]] = {
    **{f"tiff_{name}": partial(_written, "RGB", name) for name in COMPRESSED},
    **{f"tiff_{name}": partial(_written, "1", name) for name in ("group3", "group4", "tiff_ccitt")},
    **{
        f"tiff_{mode}": partial(_written, mode, "tiff_lzw") for mode in ("L", "P", "LA", "RGBA", "CMYK", "YCbCr", "LAB")
    },
    "tiff_16": partial(images.grey_16, "TIFF"),
    "tiff_integers": partial(images.wide_tiff, "int32"),
    "tiff_floats": partial(images.wide_tiff, "float32"),
    "tiff_predictor": partial(_written, "RGB", "tiff_lzw", tiffinfo={317: 2}),
    "tiff_turned": partial(images.turned, 6, "TIFF"),
    "tiff_turned_lzw": partial(_written, "RGB", "tiff_lzw", tiffinfo={274: 8}),
    "tiff_pages": partial(images.frames, "TIFF"),
    "tiff_pages_lzw": partial(images.frames, "TIFF", compression="tiff_lzw"),
    "tiff_big_written": partial(encoded, picture(), "TIFF", big_tiff=True),
    "tiff_tiled": tiled,
    "tiff_tiled_motorola": partial(tiled, order=">"),
    "tiff_tiled_big": partial(tiled, big=True),
    "tiff_planar": planar,
    "tiff_striped": striped,
    "tiff_motorola": lambda: tiff(basic(), PIXELS.tobytes(), order=">"),
    "tiff_big": lambda: tiff(basic(), PIXELS.tobytes(), big=True),
    "tiff_loop": lambda: tiff(basic(), PIXELS.tobytes(), following=-1),
    "tiff_odd_tags": _odd_tags,
    "tiff_turned_by_xmp": lambda: tiff(basic(a=(700, 1, list(b'<x tiff:Orientation="6"/>'))), PIXELS.tobytes()),
}

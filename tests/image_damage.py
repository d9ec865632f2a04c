"""Damage to image files: blind, and knowing how they are built, so that it gets past the checks of their heads."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NASTY = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
"""Numbers that break arithmetic."""

MOST = 1 << 20
"""Bytes of a damaged file at most."""


# -- blind -----------------------------------------------------------------------------------------------------------


def _span(rng: random.Random, data: bytes, most: int = 400) -> tuple[int, int]:
    """Return a stretch of a file, more often near its beginning, where the structure is."""
    limit = len(data) if rng.random() < 0.5 else min(len(data), 400)
    start = rng.randrange(limit + 1)
    return start, min(len(data), start + rng.randint(1, most))


def flip(rng: random.Random, data: bytes) -> bytes:
    """Change a few bytes or bits."""
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if spoilt:
            place = _span(rng, bytes(spoilt), 1)[0] % len(spoilt)
            spoilt[place] = rng.choice((spoilt[place] ^ (1 << rng.randrange(8)), rng.randrange(256), 0, 255))
    return bytes(spoilt)


def truncate(rng: random.Random, data: bytes) -> bytes:
    """Cut the end off: a little, a lot, or all but the head."""
    keep = rng.choice((rng.randrange(len(data) + 1), max(0, len(data) - rng.randint(1, 16)), rng.randint(0, 64)))
    return data[:keep]


def blank(rng: random.Random, data: bytes) -> bytes:
    """Overwrite a block."""
    start, end = _span(rng, data)
    return data[:start] + bytes((rng.choice((0, 255, 0x41)),)) * (end - start) + data[end:]


def remove(rng: random.Random, data: bytes) -> bytes:
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    """Write a block again and again."""
    start, end = _span(rng, data)
    times = rng.choice((1, 2, 50, 1000))
    return (data[:end] + data[start:end] * min(times, MOST // max(1, end - start)) + data[end:])[:MOST]


def swap(rng: random.Random, data: bytes) -> bytes:
    """Exchange two blocks."""
    (a, b), (c, d) = sorted((_span(rng, data), _span(rng, data)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def insert(rng: random.Random, data: bytes) -> bytes:
    start, _ = _span(rng, data)
    return data[:start] + rng.randbytes(rng.choice((1, 2, 4, 100, 5000))) + data[start:]


def number(rng: random.Random, data: bytes) -> bytes:
    """Overwrite a number, of any width and order of bytes, with a nasty one."""
    width = rng.choice((1, 2, 4, 8))
    start = min(_span(rng, data, 1)[0], max(0, len(data) - width))
    value: int = rng.choice(NASTY) & ((1 << 8 * width) - 1)
    packed = value.to_bytes(width, "big")
    return data[:start] + (packed if rng.random() < 0.5 else packed[::-1]) + data[start + width :]


BLIND: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(flip, flip, truncate, blank, remove, repeat, swap, insert, number, number),
)


# -- PNG: a list of chunks -------------------------------------------------------------------------------------------

Part = tuple[bytes, bytes]


def _chunks(data: bytes) -> list[Part]:
    """Return the chunks of a PNG by name."""
    found, at = [], 8
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def _shuffled(rng: random.Random, parts: list[Part]) -> list[Part]:
    """Return parts with one of them moved, repeated, removed, renamed or damaged."""
    parts = list(parts)
    place, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    name, body = parts[place]
    action = rng.randrange(7)
    if action == 0:
        parts.insert(other, parts.pop(place))
    elif action == 1:
        parts[place:place] = [parts[place]] * rng.choice((1, 3, 200))
    elif action == 2:
        del parts[place]
    elif action == 3:
        parts[place] = (parts[other][0], body)
    else:
        parts[place] = (name, rng.choice(BLIND)(rng, body)[:MOST])
    return parts


def png(rng: random.Random, data: bytes) -> bytes:
    """Damage the chunks of a PNG and make their checksums right again."""
    parts = _chunks(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        parts = _shuffled(rng, parts) if parts else parts
    if rng.random() < 0.3:
        parts.insert(min(1, len(parts)), _png_extra(rng))
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def _png_extra(rng: random.Random) -> Part:
    """Return a chunk that may be anywhere, with content it may not have."""
    name = rng.choice(
        (b"zTXt", b"iTXt", b"tEXt", b"iCCP", b"eXIf", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"PLTE", b"IDAT")
    )
    packed = b"a\0" + bytes(rng.randrange(2) for _ in range(2)) + zlib.compress(bytes(rng.choice((10, 3_000_000))))
    return name, rng.choice((b"", rng.randbytes(26), packed, b"II*\0\x08\0\0\0\xff\xff" + rng.randbytes(500)))


# -- JPEG: a list of segments, then the scan -------------------------------------------------------------------------


def _segments(data: bytes) -> tuple[list[Part], bytes]:
    """Return the segments of a JPEG up to its first scan, and the rest."""
    found, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
        found.append((data[at : at + 2], data[at + 4 : end]))
        at = end
    return found, data[at:]


def jpeg(rng: random.Random, data: bytes) -> bytes:
    """Damage the segments of a JPEG and make their lengths right again."""
    parts, rest = _segments(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        parts = _shuffled(rng, parts) if parts else parts
    if rng.random() < 0.2:
        rest = rest * rng.choice((2, 20))
    head = b"".join(name + struct.pack(">H", 2 + len(body[:65533])) + body[:65533] for name, body in parts)
    return (data[:2] + head + rest)[: 4 * MOST]


# -- TIFF: directories of lines --------------------------------------------------------------------------------------

TAGS = (*range(254, 300), 305, 317, 320, *range(322, 326), 330, 338, 339, 347, *range(512, 522), 529, 530, 531, 532)
TAGS += (700, 34665, 34675, 34853, 40965, 48129)


def tiff(rng: random.Random, data: bytes) -> bytes:
    """Damage a line of the first directory of a TIFF: its tag, type, count or value."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in {b"\x2b\0", b"\0\x2b"}
    if len(data) < 16:
        return flip(rng, data)
    (start,) = struct.unpack(order + ("Q" if big else "I"), data[8:16] if big else data[4:8])
    first, length = start + (8 if big else 2), 20 if big else 12
    count = max(1, (len(data) - first) // length) if first < len(data) else 0
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3)) if count else 0):
        line = first + length * rng.randrange(min(count, 20))
        _spoil_line(rng, spoilt, line, order, big=big)
    return bytes(spoilt[: len(data)])


def _spoil_line(rng: random.Random, spoilt: bytearray, line: int, order: str, *, big: bool) -> None:
    """Overwrite one field of a line."""
    wide = "Q" if big else "I"
    size = struct.calcsize(wide)
    field = rng.randrange(4)
    if field == 0:
        spoilt[line : line + 2] = struct.pack(order + "H", rng.choice(TAGS))
    elif field == 1:
        spoilt[line + 2 : line + 4] = struct.pack(order + "H", rng.randrange(20))
    else:
        value = rng.choice((*NASTY, rng.randrange(70_000), len(spoilt) - 4, 8, line))
        place = line + 4 + size * (field - 2)
        spoilt[place : place + size] = struct.pack(order + wide, value)


# -- RIFF (WebP) and GIF ---------------------------------------------------------------------------------------------


def webp(rng: random.Random, data: bytes) -> bytes:
    """Damage the chunks of a WebP and make its lengths right again."""
    parts, at = [], 12
    while at + 8 <= len(data):
        name, length = struct.unpack("<4sI", data[at : at + 8])
        parts.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    for _ in range(rng.choice((1, 1, 2))):
        parts = _shuffled(rng, parts) if parts else parts
    body = b"".join(name + struct.pack("<I", len(b)) + b + b"\0" * (len(b) % 2) for name, b in parts)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def gif(rng: random.Random, data: bytes) -> bytes:
    """Insert blocks into a GIF before its first picture: remarks, controls, applications, ends, other pictures."""
    blocks = (
        b"!\xfe" + b"\xff" + bytes(255) + b"\0",
        b"!\xf9\x04" + rng.randbytes(4) + b"\0",
        b"!\xff\x0bNETSCAPE2.0" + bytes((rng.randrange(5),)) + rng.randbytes(3) + b"\0",
        b"!" + rng.randbytes(3),
        b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0",
        b"," + b"".join(struct.pack("<H", rng.choice(NASTY) & 0xFFFF) for _ in range(4)) + b"\0\x08\x01\0\0",
        b";",
        b"\0" * 300,
    )
    start = data.find(b",", 13 + 3 * (2 << (data[10] & 7) if len(data) > 10 and data[10] & 128 else 0))
    start = max(start, 13) if rng.random() < 0.7 else rng.randrange(len(data) + 1)
    inserted = b"".join(rng.choice(blocks) for _ in range(rng.choice((1, 2, 5, 300))))
    return (data[:start] + inserted + data[start:])[:MOST]


KNOWING: dict[bytes, Callable[[random.Random, bytes], bytes]] = {
    b"\x89PNG": png,
    b"\xff\xd8": jpeg,
    b"II": tiff,
    b"MM": tiff,
    b"RIFF": webp,
    b"GIF8": gif,
}


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return a file after some damage."""
    knowing = next((mutator for head, mutator in KNOWING.items() if data.startswith(head)), None)
    choices = [*BLIND, *([knowing] * len(BLIND) if knowing else [])]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(choices)(rng, data) if data else data
        if knowing and not any(data.startswith(head) and mutator is knowing for head, mutator in KNOWING.items()):
            choices = list(BLIND)
    return data

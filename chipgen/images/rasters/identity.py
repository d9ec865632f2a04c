"""What a raster was when its chips were cut: a checksum of samples, for reading all of it takes longer than cutting."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from chipgen.images.rasters import layout as tags
from chipgen.images.rasters.directory import SUBDIRECTORIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.images.rasters.directory import Directory
    from chipgen.images.rasters.source import Source

PIECES, PIECE = 64, 64 << 10
"""Parts of the file that are read, and bytes of each."""

HASHED = (
    *(tags.STRIPS, tags.STRIP_BYTES, tags.TILES, tags.TILE_BYTES, tags.COLOURS, tags.JPEG_TABLES, tags.NODATA),
    *(tags.BITS, tags.FORMAT, tags.EXTRA, SUBDIRECTORIES),
)
"""Tags whose values may stand apart from their directories."""


def sampled_sha256(source: Source, found: Sequence[Directory]) -> str:
    """Return a checksum of the length of a file, of all its directories, and of pieces of it.

    The directories say where each segment lies and how long it is: a raster that was written anew, with other pixels
    and any compression, does not keep them all. The pieces lie evenly spread, the first at the beginning of the file,
    the last at its end.

    Raises
    ------
    UnusableError
        The file has become shorter.
    """
    digest = hashlib.sha256(struct.pack("<Q", source.length))
    for directory in found:
        for tag, line in sorted(directory.lines.items()):
            digest.update(struct.pack("<HHQ", tag, line.kind, line.count) + line.room)
        for tag in HASHED:
            data = directory.data(tag)
            digest.update(struct.pack("<HQ", tag, len(data)) + data)
    last = max(0, source.length - PIECE)
    places = (last * piece // (PIECES - 1) for piece in range(PIECES))
    for data in source.read_all([(place, min(PIECE, source.length)) for place in places]):
        digest.update(data)
    return digest.hexdigest()

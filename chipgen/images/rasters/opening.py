"""Which images are read by window, and opening one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chipgen.errors import UnusableError
from chipgen.findings import ImageFile
from chipgen.images.rasters import layout as tags
from chipgen.images.rasters.colours import plain_colours
from chipgen.images.rasters.directory import REDUCED, Directory, directories
from chipgen.images.rasters.identity import sampled_sha256
from chipgen.images.rasters.layout import Layout, check_segments, layout_of
from chipgen.images.rasters.percentiles import ends_of
from chipgen.images.rasters.reader import KEPT_PIXELS, Level, Raster
from chipgen.images.rasters.segments import Segments, can_decode
from chipgen.images.rasters.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.bands import Look
    from chipgen.images.opening import MeteredFile

ORDINARY_SAMPLES = frozenset({1, 3, 4})
"""Bands of pictures that Pillow reads."""

WINDOWED = KEPT_PIXELS
"""More pixels than are kept of a raster: below, each segment is decoded once whoever reads it, and Pillow takes at most
12 bytes a pixel, 200 MB."""

LARGEST_TILE = 1 << 25
"""Pixels of a tile; those of more bytes than a segment may have are not read in any case."""

INSTALL = "install chipgen[raster]"


@dataclass(frozen=True)
class OpenedRaster:
    """A raster that was opened.

    Parameters
    ----------
    pixels
        What chips are cut from.
    notes
        What a user may want to know.
    file
        What it was when it was opened; None where all of the file is to be hashed, because all of it was read.
    """

    pixels: Raster
    notes: tuple[str, ...]
    file: ImageFile | None


def open_raster(file: MeteredFile, size_img: tuple[int, int], look: Look, max_pixels: int) -> OpenedRaster | None:
    """Open a TIFF that is read by window.

    That is every one whose pixels are known to come out right, as soon as it has more pixels than are kept at once,
    or bands or bits that Pillow does not know, or when bands or a stretch were asked for.

    Parameters
    ----------
    file
        The open file, a TIFF.
    size_img
        Width and height its annotations were drawn on.
    look
        How its bands become a picture.
    max_pixels
        As many as may be held at once, that is in a window.

    Returns
    -------
    OpenedRaster or None
        None of one that is left to Pillow.

    Raises
    ------
    UnusableError
        It cannot be used, for one of the reasons in `chipgen.errors.REASONS`.
    """
    source = Source(file)
    found = list(_directories(source))
    layout = layout_of(found[0]) if found else None
    if layout is None or not (look or _beyond_pillow(layout)):
        if look:
            what = (
                "is of a kind of TIFF of which neither bands nor a stretch can be read; convert it with gdal_translate"
            )
            raise UnusableError("unsupported_mode", what)
        return None
    if layout.dtype.str[1:] != "u1" and look.stretch is None:
        raise UnusableError("unsupported_mode", _too_deep(layout))
    if not can_decode():
        if look:
            raise UnusableError("unsupported_mode", f"{INSTALL} for --bands and --stretch")
        return None
    if layout.size != size_img:
        what = f"is {layout.size[0]} x {layout.size[1]} px, its annotations say {size_img[0]} x {size_img[1]}"
        raise UnusableError("size_mismatch", what)
    check_segments(layout, source.length)
    return _Opening(source, found, layout, max_pixels).raster(look)


def _directories(source: Source) -> Iterator[Directory]:
    """Yield the directories of a TIFF, as far as they can be read: whether the first is missing, Pillow tells."""
    try:
        yield from directories(source, LARGEST_TILE)
    except UnusableError as error:
        if error.reason != "corrupt":
            raise


def _beyond_pillow(layout: Layout) -> bool:
    """Tell whether a TIFF is one that Pillow does not read, or only with much memory."""
    return math.prod(layout.size) > WINDOWED or layout.dtype.str[1:] != "u1" or layout.samples not in ORDINARY_SAMPLES


def _too_deep(layout: Layout) -> str:
    """Say what is to be done about more than 8 bits."""
    bits, kinds = 8 * layout.dtype.itemsize, {"u": "unsigned", "i": "signed", "f": "float"}
    what = f"more than 8 bits a channel ({bits}, {kinds[layout.dtype.kind]})" if bits > 8 else "values with a sign"
    todo = "say with --stretch LO,HI which values become 0 and 255 (chips have 8 bits a channel, PNG too)"
    hint = "" if can_decode() else f" and {INSTALL}"
    return f"has {what}; {todo}{hint}"


@dataclass(frozen=True)
class _Opening:
    """A raster of the right size that is to be opened; see `open_raster`."""

    source: Source
    found: Sequence[Directory]
    layout: Layout
    max_pixels: int

    def raster(self, look: Look) -> OpenedRaster:
        """Open it."""
        source, found, layout = self.source, self.found, self.layout
        colours = plain_colours(found[0], layout, look)
        whole = math.prod(layout.size) <= KEPT_PIXELS
        reduced = [] if whole else sorted(_reductions(found, layout), key=lambda one: -math.prod(one.layout.size))
        pictures = [Segments(found[0], layout), *reduced]
        if look.stretch is not None:
            ends = ends_of(pictures, colours, colours.bands, look.stretch)
            swapped = tuple((hi, lo) for lo, hi in ends) if colours.inverted else ends
            colours = replace(colours, ends=swapped, inverted=False)
        levels = tuple(Level(one, colours, _step(layout.size, one.layout.size)) for one in pictures)
        pixels = Raster(levels, self.max_pixels)
        if whole:
            pixels.load()
        identity = None if whole else ImageFile(source.length, sampled_sha256(source, found), sampled=True)
        return OpenedRaster(pixels, tuple(_notes(found)), identity)


def _reductions(found: Sequence[Directory], layout: Layout) -> Iterator[Segments]:
    """Yield the reduced pictures of a raster: of the same shape and kind, and marked as such."""
    for directory in found[1:]:
        kind = directory.number(REDUCED)
        other = layout_of(directory) if kind & 1 and not kind & ~1 else None
        if other is not None and other.size < layout.size and _same_kind(other, layout) and _same_shape(other, layout):
            check_segments(other, directory.source.length)
            yield Segments(directory, other)


def _same_kind(one: Layout, other: Layout) -> bool:
    """Tell whether values of two pictures mean the same."""
    return (one.samples, one.dtype) == (other.samples, other.dtype) and (
        one.photometric == other.photometric or {one.photometric, other.photometric} == {tags.RGB, tags.YCBCR}
    )


def _same_shape(one: Layout, other: Layout) -> bool:
    """Tell whether one picture is the other reduced, each side to a whole number of px."""
    (width, height), (other_width, other_height) = one.size, other.size
    return abs(width * other_height - height * other_width) <= other_width + other_height


def _step(size: tuple[int, int], reduced: tuple[int, int]) -> tuple[float, float]:
    """Return how many px of a picture one px of its reduction stands for, along x and y."""
    return size[0] / reduced[0], size[1] / reduced[1]


def _notes(found: Sequence[Directory]) -> Iterator[str]:
    """Yield what a user may want to know."""
    if any(not directory.number(REDUCED) & 5 and directory.number(tags.WIDTH) for directory in found[1:]):
        yield "several frames or pages: the first was used"


def sampled(file: MeteredFile) -> str:
    """Return the checksum of samples of a file, a TIFF; see `chipgen.images.rasters.identity`.

    Raises
    ------
    UnusableError
        It is no TIFF any more.
    """
    source = Source(file)
    return sampled_sha256(source, list(_directories(source)))

"""TIFFs as other programs write them: by tile or strip, interleaved or by plane, of any values, with reductions."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st
from small_set import texture

from chipgen.bands import Look, parse_stretch
from chipgen.export_config import MAX_PIXELS
from chipgen.images import rasters
from chipgen.images.opening import MeteredFile

if TYPE_CHECKING:
    from pathlib import Path

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("imagecodecs")

Values = npt.NDArray[Any]

LOSSLESS = (None, "lzw", "deflate", "packbits", "zstd", "lzma")
TYPES = ("u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8")


@dataclass(frozen=True)
class Written:
    """How a raster is written.

    Parameters
    ----------
    order, big, planar, compression, predictor
        As tifffile calls them.
    segment
        Rows and columns of a tile, or rows of a strip.
    """

    order: str = "<"
    big: bool = False
    planar: bool = False
    compression: str | None = None
    predictor: bool = False
    segment: tuple[int, int] | int = (32, 48)

    def options(self, values: Values) -> dict[str, Any]:
        """Return the arguments of tifffile."""
        cut: dict[str, Any] = (
            {"tile": self.segment} if isinstance(self.segment, tuple) else {"rowsperstrip": self.segment}
        )
        planar = {"planarconfig": "separate" if self.planar else "contig"} if values.ndim == 3 else {}
        return {**cut, **planar, "compression": self.compression, "predictor": self.predictor or None, "metadata": None}

    def write(self, path: Path, values: Values, **more: Any) -> Path:
        """Write values of shape ``(H, W)`` or ``(H, W, samples)``."""
        values = values[:, :, 0] if values.ndim == 3 and values.shape[2] == 1 else values
        data = np.moveaxis(values, 2, 0) if self.planar and values.ndim == 3 else values
        few = {"photometric": "minisblack"} if values.ndim == 2 or values.shape[2] < 3 else {"photometric": "rgb"}
        with tifffile.TiffWriter(path, byteorder=self.order, bigtiff=self.big) as file:
            file.write(np.ascontiguousarray(data), **{**few, **self.options(values), **more})
        return path


@st.composite
def ways(draw: st.DrawFn, dtype: str) -> Written:
    """Draw a way to write values of a type."""
    compression = draw(st.sampled_from(LOSSLESS))
    width = st.integers(1, 6).map(lambda n: 16 * n)
    unpredictable = compression in {None, "packbits"} or dtype == "f2"
    return Written(
        draw(st.sampled_from("<>")),
        draw(st.booleans()),
        draw(st.booleans()),
        compression,
        not unpredictable and draw(st.booleans()),
        draw(st.tuples(width, width) | st.integers(1, 120)),
    )


def values_of(shape: tuple[int, ...], dtype: str, seed: int = 1) -> Values:
    """Return values of some type that use all of its range, or much of it."""
    rng = np.random.default_rng(seed)
    if dtype[0] == "f":
        return rng.normal(0, 100, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, int(info.max) + 1, shape).astype(dtype)


def smooth(width: int, height: int, samples: int, seed: int = 1) -> Values:
    """Return 8 bits of a picture without noise: a JPEG of it is close."""
    parts = [np.asarray(texture(width, height, seed + part)) for part in range(-(-samples // 3))]
    return np.concatenate(parts, axis=2)[:, :, :samples]


def attempt(handle: int, size: tuple[int, int], look: Look) -> rasters.OpenedRaster | None:
    """Open a raster, or leave it to Pillow."""
    with metered(handle) as file:
        return rasters.open_raster(file, size, look, MAX_PIXELS)


def metered(handle: int) -> MeteredFile:
    """Return an open file as rasters are opened from it; closing that does not close the file."""
    return MeteredFile(io.FileIO(handle, closefd=False))


def opened(path: Path, look: Look | None = None, size: tuple[int, int] | None = None) -> rasters.OpenedRaster:
    """Open a raster that must be read by window."""
    handle = os.open(path, os.O_RDONLY)
    try:
        if size is None:
            with tifffile.TiffFile(path) as file:
                size = (file.pages[0].imagewidth, file.pages[0].imagelength)
        found = attempt(handle, size, Look() if look is None else look)
    finally:
        os.close(handle)
    assert found is not None
    return found


def look(stretch: str | None = None, *bands: int) -> Look:
    """Return a look by its stretch and bands."""
    return Look(bands, parse_stretch(stretch))


def means(pixels: Values, side: int) -> Values:
    """Return the means of blocks, one after the other."""
    height, width = (-(-length // side) for length in pixels.shape[:2])
    found = np.zeros((height, width, pixels.shape[2]), dtype=np.uint8)
    for y in range(height):
        for x in range(width):
            block = pixels[y * side : (y + 1) * side, x * side : (x + 1) * side].astype(int)
            count = block.shape[0] * block.shape[1]
            found[y, x] = (2 * block.sum(axis=(0, 1)) + count) // (2 * count)
    return found

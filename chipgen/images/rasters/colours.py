"""From the values of a raster to red, green and blue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.eight_bits import to_eight_bits
from chipgen.errors import UnusableError
from chipgen.images.rasters import layout as tags
from chipgen.images.rasters.layout import INVERTED, PALETTE, RGB

if TYPE_CHECKING:
    import numpy.typing as npt

    from chipgen.bands import Look
    from chipgen.images.rasters.directory import Directory
    from chipgen.images.rasters.layout import Layout

    Colours8 = npt.NDArray[np.uint8]

ASSOCIATED = 1
"""Kind of an extra sample: alpha that the colours were multiplied with."""


@dataclass(frozen=True)
class Colours:
    """How the values of a raster become colours.

    Parameters
    ----------
    bands
        Places of the bands that are shown: three, or one for grey.
    ends
        For each of them the values that become 0 and 255; empty where values of 8 bits stay as they are.
    nodata
        The value that stands for nothing; None without.
    inverted
        Whether 0 is white.
    palette
        Colours of all values, shape ``(256, 3)``, uint8; None without.
    alpha
        Place of the band that colours were multiplied with; None without.
    """

    bands: tuple[int, ...]
    ends: tuple[tuple[float, float], ...] = ()
    nodata: float | None = None
    inverted: bool = False
    palette: Colours8 | None = None
    alpha: int | None = None

    def of(self, values: npt.NDArray[Any]) -> Colours8:
        """Return the colours of pixels.

        Parameters
        ----------
        values
            Shape ``(H, W, samples)``.

        Returns
        -------
        ndarray
            Shape ``(H, W, 3)``, or ``(H, W, 1)`` for grey, uint8.
        """
        if self.palette is not None:
            return np.take(self.palette, values[:, :, 0], axis=0)
        if not self.ends and self.bands == tuple(range(values.shape[2])):
            found: Colours8 = values
        else:
            found = np.stack([self._band(values, position) for position in range(len(self.bands))], axis=2)
        if self.alpha is not None:
            found = _divided(found, values[:, :, self.alpha])
        return ~found if self.inverted else found

    def _band(self, values: npt.NDArray[Any], position: int) -> Colours8:
        """Return one of the bands that are shown."""
        band: npt.NDArray[Any] = values[:, :, self.bands[position]]
        return to_eight_bits(band, *self.ends[position], self.nodata) if self.ends else band

    def empty(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> Colours8:
        """Return the colours of pixels that were never stored: of the value that stands for nothing, or 0."""
        value = 0 if self.nodata is None else self.nodata
        samples = 1 + max(*self.bands, self.alpha or 0, 0)
        one = np.full((1, 1, samples), value).astype(dtype)
        return np.broadcast_to(self.of(one), (*shape, 3 if self.palette is not None else len(self.bands)))


def plain_colours(directory: Directory, layout: Layout, look: Look) -> Colours:
    """Return how the values of a raster become colours, all but the ends of a stretch.

    Raises
    ------
    UnusableError
        It has not the bands that were asked for.
    """
    if layout.photometric == PALETTE:
        if look:
            raise UnusableError("unsupported_mode", "has a palette, which --bands and --stretch cannot be applied to")
        return Colours((0,), palette=_palette(directory))
    bands = look.chosen(layout.samples)
    if max(bands) >= layout.samples:
        what = f"has {layout.samples} bands, and --bands asks for number {max(bands) + 1}"
        raise UnusableError("unsupported_mode", what)
    extra = directory.numbers(tags.EXTRA).tolist()
    alpha = 3 if not look and layout.photometric == RGB and layout.samples > 3 and extra[:1] == [ASSOCIATED] else None
    nodata = _nodata(directory, layout.dtype)
    return Colours(bands, (), nodata, layout.photometric == INVERTED, None, alpha)


def _palette(directory: Directory) -> Colours8:
    """Return the colours of a palette: 16 bits a channel in the file, of which the upper 8 count.

    Raises
    ------
    UnusableError
        It is too short.
    """
    numbers = directory.numbers(tags.COLOURS)
    if len(numbers) != 3 * 256:
        raise UnusableError("corrupt", f"has a palette of {len(numbers):,} numbers")
    colours: Colours8 = (numbers.reshape(3, 256).T >> 8).astype(np.uint8)
    return colours


def _nodata(directory: Directory, dtype: np.dtype[Any]) -> float | None:
    """Return the value that stands for nothing, as GDAL writes it; None where there is none that values can have."""
    try:
        value = float(directory.data(tags.NODATA).rstrip(b"\0 ").decode("ascii").replace(",", "."))
    except ValueError:
        return None
    if dtype.kind == "f":
        return None if np.isnan(value) else value
    whole = np.iinfo(dtype)
    return value if value.is_integer() and whole.min <= value <= whole.max else None


def _divided(colours: Colours8, alpha: Colours8) -> Colours8:
    """Return colours as they were before they were multiplied with alpha, in whole numbers as Pillow does."""
    some = alpha[:, :, None].astype(np.uint32)
    whole = np.minimum(colours.astype(np.uint32) * 255 // np.maximum(some, 1), 255)
    whole[alpha == 0] = 0
    return whole.astype(np.uint8)

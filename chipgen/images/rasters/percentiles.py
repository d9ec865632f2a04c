"""Which values of a raster become 0 and 255: exact percentiles of a sample that is the same for every worker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.eight_bits import ends, usable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from chipgen.bands import Stretch
    from chipgen.images.rasters.colours import Colours
    from chipgen.images.rasters.segments import Segments

ENOUGH = 1 << 16
"""Pixels of a reduced picture that are as good a sample as the picture itself."""
MOST_CELLS = 64
MOST_VALUES = 1 << 15
"""Of each cell and band."""


def ends_of(
    levels: Sequence[Segments], colours: Colours, bands: tuple[int, ...], stretch: Stretch
) -> tuple[tuple[float, float], ...]:
    """Return for each band the values that become 0 and 255.

    Parameters
    ----------
    levels
        The raster at its full size, and reduced more and more.
    colours
        Says which value stands for nothing; it does not count.
    bands
        Places of the bands.
    stretch
        What was asked for. Percentiles are those of the smallest picture that has enough pixels: of at most
        `MOST_CELLS` parts of it, spread evenly, and at most `MOST_VALUES` pixels of each, spread evenly as well.
    """
    if not stretch.percent:
        return ((stretch.lo, stretch.hi),) * len(bands)
    large = [level for level in levels if math.prod(level.layout.size) >= ENOUGH] or [levels[0]]
    parts = [part[:, bands] for part in _sample(large[-1])] or [np.zeros((0, len(bands)))]
    columns = np.concatenate(parts).T
    return tuple(ends(column[usable(column, colours.nodata)], stretch) for column in columns)


def _sample(level: Segments) -> Iterator[npt.NDArray[Any]]:
    """Yield the values of some pixels, shape ``(N, samples)``."""
    columns, rows = level.grid
    count = columns * rows
    taken = np.unique(np.arange(min(count, MOST_CELLS), dtype=np.int64) * count // min(count, MOST_CELLS))
    for cell in taken.tolist():
        values = level.values(cell % columns, cell // columns)
        if values is not None:
            flat = values.reshape(-1, values.shape[2])
            yield flat[:: -(-len(flat) // MOST_VALUES)].copy()

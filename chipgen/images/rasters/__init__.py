"""Rasters: TIFFs of any size and number of bands, read by window.

A window is made of the segments (tiles or strips) that it meets, decoded one at a time; the last used are kept. What
the file says of itself is read here, within limits; tifffile and imagecodecs, which are optional, turn the bytes of one
segment into values. Layers between them, such as zarr, would add a runtime for what `reader` does.
"""

from __future__ import annotations

from chipgen.images.rasters.opening import INSTALL, OpenedRaster, open_raster, sampled
from chipgen.images.rasters.segments import can_decode

__all__ = ["INSTALL", "OpenedRaster", "can_decode", "open_raster", "sampled"]

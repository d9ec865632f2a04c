"""A large tiled TIFF with boxes, written tile by tile: never is more than a few tiles of it in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import tifffile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TILE = 512
MADE = 16
"""Different tiles; they are repeated, for encoding a thousand megapixels would take minutes."""


def write_raster(folder: Path, side: int, boxes: int, compression: str = "jpeg") -> Path:
    """Write ``raster.tif``, as wide as high, and ``instances.json`` with so many boxes, in an empty folder.

    Parameters
    ----------
    folder
        Is made.
    side
        Width and height, px.
    boxes
        Objects, of 20 to 100 px, anywhere.
    compression
        ``jpeg``, ``deflate`` or ``none``.

    Returns
    -------
    Path
        Of the annotation file.
    """
    folder.mkdir(parents=True)
    encoded = [_encoded(tile, compression) for tile in _tiles()]
    count = (-(-side // TILE)) ** 2
    options: dict[str, Any] = {"compression": None if compression == "none" else compression}
    if compression == "jpeg":
        options["subsampling"] = (1, 1)
    tifffile.imwrite(
        folder / "raster.tif",
        (encoded[number % MADE] for number in range(count)),
        shape=(side, side, 3),
        dtype=np.uint8,
        photometric="ycbcr" if compression == "jpeg" else "rgb",
        tile=(TILE, TILE),
        metadata=None,
        bigtiff=side * side * 3 > 1 << 31,
        **options,
    )
    (folder / "instances.json").write_text(json.dumps(_annotations(side, boxes)), encoding="utf-8")
    return folder / "instances.json"


def _tiles() -> Iterator[Any]:
    """Yield tiles of smooth ground with some noise."""
    rng = np.random.default_rng(0)
    for _ in range(MADE):
        coarse = np.kron(rng.integers(40, 216, (TILE // 32, TILE // 32, 3)), np.ones((32, 32, 1)))
        yield (coarse + rng.normal(0, 4, (TILE, TILE, 1))).clip(0, 255).astype(np.uint8)


def _encoded(tile: Any, compression: str) -> Any:
    """Return a tile as the file holds it."""
    if compression == "none":
        return tile
    if compression == "deflate":
        return imagecodecs.zlib_encode(tile, level=1)
    return imagecodecs.jpeg_encode(tile, level=85, colorspace="RGB", outcolorspace="YCBCR", subsampling="444")


def _annotations(side: int, boxes: int) -> dict[str, Any]:
    """Return the content of the annotation file."""
    rng = np.random.default_rng(1)
    sizes = np.round(rng.uniform(20, 100, (boxes, 2)), 1)
    corners = np.round(rng.random((boxes, 2)) * (side - sizes), 1)
    placed = np.concatenate((corners, sizes), axis=1).tolist()
    return {
        "images": [{"id": 1, "file_name": "raster.tif", "width": side, "height": side}],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 1, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
            for number, box in enumerate(placed, start=1)
        ],
    }

"""Run-length masks: read without trusting them, cut and scaled by area, written as COCO's compressed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycocotools.mask

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.chips import Crop

HALF = 0.5 - 1e-9
"""Share of a chip pixel that the mask must cover for the pixel to belong to it."""


@dataclass(frozen=True)
class Runs:
    """A mask as runs of 0, 1, 0, ... down the columns of its image.

    Parameters
    ----------
    ends
        Where each run ends, shape ``(R,)``, int64; the last is width * height.
    size_img
        Width and height, image px.
    """

    ends: Ints
    size_img: tuple[int, int]


def read_runs(value: dict[str, Any], size_img: tuple[int, int]) -> Runs:
    """Read COCO's run-length code, compressed or not.

    Raises
    ------
    UnusableError
        It is not for this image, or its runs do not fill the image exactly.
    """
    width, height = size_img
    size = value.get("size")
    if not isinstance(size, list) or [type(side) for side in size] != [int, int] or size != [height, width]:
        what = f"the size of the run-length code is {size!r:.60}, the image's is {[height, width]}"
        raise UnusableError("bad_rle", what)
    counts = value.get("counts")
    runs = _decompress(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not runs or any(type(run) is not int for run in runs):
        raise UnusableError("bad_rle", "the counts of the run-length code are no list of integers")
    if min(runs) < 0 or sum(runs) != width * height:
        what = f"the runs of the run-length code do not add up to {width} x {height} px"
        raise UnusableError("bad_rle", what)
    return Runs(np.cumsum(np.array(runs, dtype=np.int64)), size_img)


def _decompress(text: str) -> list[int]:
    """Return the runs of a compressed code.

    Each number is written in groups of five bits, lowest first, as characters from 48 on; 32 marks that another
    group follows, 16 in the last group a negative number. From the fourth number on, the difference to the last but
    one is written.
    """
    runs: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 60:
            raise UnusableError("bad_rle", "the run-length code holds characters it cannot hold")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            if group & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise UnusableError("bad_rle", "the run-length code ends in the middle of a number")
    return runs


def crop_runs(mask: Runs, crop: Crop) -> tuple[dict[str, Any] | None, float]:
    """Cut a run-length mask to a chip and scale it by area; see `chipgen.masks.crop_mask`."""
    left, top, right, bottom = crop.window_img
    columns = _pixels(mask, int(left), min(mask.size_img[0], int(np.ceil(right - 1e-9))))
    by_column = _resample(columns, np.linspace(left, right, crop.content[0] + 1) - int(left))
    by_row = _resample(by_column.T, np.linspace(top, bottom, crop.content[1] + 1))
    content = by_row * (crop.factor[0] * crop.factor[1]) >= HALF
    if not content.any():
        return None, 0.0
    chip = np.zeros((crop.size[1], crop.size[0]), dtype=np.uint8, order="F")
    chip[: content.shape[0], : content.shape[1]] = content
    code = pycocotools.mask.encode(chip)
    return {"size": [crop.size[1], crop.size[0]], "counts": code["counts"].decode("ascii")}, float(content.sum())


def _pixels(mask: Runs, first: int, stop: int) -> Floats:
    """Return some columns of a mask, shape ``(stop - first, height)``; only these are ever unpacked."""
    height = mask.size_img[1]
    ends = np.clip(mask.ends, first * height, stop * height)
    lengths = np.diff(ends, prepend=first * height)
    return np.repeat(np.arange(len(ends)) % 2, lengths).reshape(-1, height).astype(np.float64)


def _resample(pixels: Floats, edges: Floats) -> Floats:
    """Integrate along the first axis between edges.

    Parameters
    ----------
    pixels
        Shape ``(n, k)``.
    edges
        Sorted positions along the first axis, in pixels, shape ``(m + 1,)``, within ``[0, n]``.

    Returns
    -------
    ndarray
        Shape ``(m, k)``: the sum of each stretch, with its broken pixels in proportion.
    """
    whole = np.clip(np.floor(edges).astype(np.int64), 0, len(pixels) - 1)
    sums = np.concatenate((np.zeros((1, pixels.shape[1])), pixels.cumsum(axis=0)))
    at_edges = sums[whole] + (edges - whole)[:, None] * pixels[whole]
    return np.diff(at_edges, axis=0)

"""Run-length masks: read without trusting them, cut and scaled by area, written as COCO's compressed form."""

from __future__ import annotations

import math
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

AT_A_TIME = 4_000_000
"""Image pixels of a mask that are unpacked at a time."""


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
    rows = slice(int(top), min(mask.size_img[1], math.ceil(bottom - 1e-9)))
    by_column = _by_column(mask, np.linspace(left, right, crop.content[0] + 1), rows)
    by_row = _resample(by_column.T, np.linspace(top, bottom, crop.content[1] + 1) - rows.start)
    content = by_row * (crop.factor[0] * crop.factor[1]) >= HALF
    if not content.any():
        return None, 0.0
    chip = np.zeros((crop.size[1], crop.size[0]), dtype=np.uint8, order="F")
    chip[: content.shape[0], : content.shape[1]] = content
    return {"size": [crop.size[1], crop.size[0]], "counts": _compress(chip)}, float(content.sum())


def _compress(pixels: np.typing.NDArray[np.uint8]) -> str:
    """Return pixels in COCO's compressed form.

    Raises
    ------
    UnusableError
        The library that packs them refuses.
    """
    try:
        counts: str = pycocotools.mask.encode(pixels)["counts"].decode("ascii")
    except MemoryError:
        raise
    except Exception as error:
        raise UnusableError("bad_rle", f"the mask cannot be packed ({type(error).__name__}: {error})") from error
    return counts


def _by_column(mask: Runs, edges_img: Floats, rows: slice) -> Floats:
    """Integrate some rows of a mask along x between edges.

    A few columns are unpacked at a time: a mask is as large as its image, but a number here takes eight bytes.

    Returns
    -------
    ndarray
        Shape ``(edges - 1, rows)``, see `_resample`.
    """
    first, last = int(edges_img[0]), min(mask.size_img[0], math.ceil(edges_img[-1] - 1e-9)) - 1
    whole = np.clip(np.floor(edges_img).astype(np.int64), first, last)
    broken = (edges_img - whole)[:, None]
    at_edges = np.empty((len(edges_img), rows.stop - rows.start))
    before = np.zeros(rows.stop - rows.start)
    step = max(1, AT_A_TIME // mask.size_img[1])
    for start in range(first, last + 1, step):
        pixels = _pixels(mask, start, min(start + step, last + 1))[:, rows]
        sums = np.zeros((len(pixels) + 1, pixels.shape[1]), dtype=np.int32)
        np.cumsum(pixels, axis=0, dtype=np.int32, out=sums[1:])
        here = np.flatnonzero((whole >= start) & (whole < start + len(pixels)))
        at_edges[here] = before + sums[whole[here] - start] + broken[here] * pixels[whole[here] - start]
        before += sums[-1]
    return np.diff(at_edges, axis=0)


def _pixels(mask: Runs, first: int, stop: int) -> np.typing.NDArray[np.int8]:
    """Return some columns of a mask, shape ``(stop - first, height)``; only these are unpacked."""
    height = mask.size_img[1]
    start, end = np.searchsorted(mask.ends, (first * height, stop * height)).tolist()
    ends = np.clip(mask.ends[start : end + 1], first * height, stop * height)
    values = (np.arange(start, start + len(ends)) % 2).astype(np.int8)
    return np.repeat(values, np.diff(ends, prepend=first * height)).reshape(-1, height)


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

"""Run-length masks: read without trusting them, cut and scaled by area, written as COCO's compressed form."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycocotools.mask

from chipgen.errors import UnusableError

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.chips import Crop

    Pixels = np.typing.NDArray[np.uint8]

HALF = 0.5 - 1e-9
"""Share of a chip pixel that the mask must cover for the pixel to belong to it."""

DUST = 1e-11
"""Image px that rounding leaves of a pixel where the edge of a chip pixel falls on an image pixel's."""

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


@dataclass(frozen=True)
class _Spans:
    """Which image pixels along one axis each pixel of a chip shows.

    Parameters
    ----------
    first, last
        First and last of them, shape ``(n,)``, int64.
    edges
        Where chip pixels begin and end, image px, shape ``(n + 1,)``, float64.
    """

    first: Ints
    last: Ints
    edges: Floats

    @classmethod
    def of(cls, start: float, stop: float, count: int, length: int) -> _Spans:
        """Return those of `count` chip pixels between two places along an image of some length."""
        edges = np.linspace(start, stop, count + 1)
        first = np.minimum(np.floor(edges[:-1] + DUST).astype(np.int64), length - 1)
        last = np.clip(np.ceil(edges[1:] - DUST).astype(np.int64) - 1, first, length - 1)
        return cls(first, last, edges)

    @property
    def most(self) -> int:
        """The most image pixels that a chip pixel shows."""
        return int((self.last - self.first).max()) + 1

    def share(self, chip: Ints, step: int) -> Floats:
        """Return how much of the image pixel some steps after the first of each chip pixel lies in that."""
        pixel = self.first[chip] + step
        share = np.minimum(self.edges[chip + 1], pixel + 1) - np.maximum(self.edges[chip], pixel)
        return np.where(pixel <= self.last[chip], share, 0.0)

    def met(self, found: Ints, start: int) -> slice:
        """Return the chip pixels from the first to the last of some image pixels, which are counted from `start`."""
        if not len(found):
            return slice(0, 0)
        first = np.searchsorted(self.last, start + found[0])
        return slice(int(first), int(np.searchsorted(self.first, start + found[-1], "right")))

    def part(self, some: slice) -> _Spans:
        """Return those of some chip pixels."""
        return _Spans(self.first[some], self.last[some], self.edges[some.start : some.stop + 1])


def crop_runs(mask: Runs, crop: Crop) -> tuple[dict[str, Any] | None, float]:
    """Cut a run-length mask to a chip and scale it by area; see `chipgen.masks.crop_mask`."""
    left, top, right, bottom = crop.window_img
    width, height = crop.content
    columns, rows = _Spans.of(left, right, width, mask.size_img[0]), _Spans.of(top, bottom, height, mask.size_img[1])
    scale = crop.factor[0] * crop.factor[1]
    chip = np.zeros((crop.size[0], crop.size[1]), dtype=np.uint8)
    step = max(1, math.floor((AT_A_TIME // mask.size_img[1]) * crop.factor[0]))
    for start in range(0, width, step):
        some = slice(start, min(start + step, width))
        chip[some, :height] = _resampled(mask, columns.part(some), rows, scale)
    area = int(np.count_nonzero(chip))
    if not area:
        return None, 0.0
    return {"size": [crop.size[1], crop.size[0]], "counts": _compress(chip.T)}, float(area)


def _compress(pixels: Pixels) -> str:
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


def _resampled(mask: Runs, columns: _Spans, rows: _Spans, scale: float) -> Pixels:
    """Return some columns of a chip.

    Where all image pixels that a chip pixel shows are the same it is that too; only along the border of the mask
    are their shares added.

    Parameters
    ----------
    mask
        The mask.
    columns, rows
        What the chip pixels show.
    scale
        Chip pixels in an image pixel.

    Returns
    -------
    ndarray
        Shape ``(columns, rows)``, uint8, 0 or 1.
    """
    first, top = int(columns.first[0]), int(rows.first[0])
    pixels = _pixels(mask, first, int(columns.last.max()) + 1)[:, top : int(rows.last.max()) + 1]
    shown = np.zeros((len(columns.first), len(rows.first)), dtype=np.uint8)
    across = columns.met(np.flatnonzero(pixels.any(axis=1)), first)
    down = rows.met(np.flatnonzero(pixels.any(axis=0)), top)
    columns, rows = columns.part(across), rows.part(down)
    if not len(columns.first):
        return shown
    some, every = _some_and_every(np.ascontiguousarray(pixels.T), rows, top)
    some = _some_and_every(np.ascontiguousarray(some.T), columns, first)[0]
    every = _some_and_every(np.ascontiguousarray(every.T), columns, first)[1]
    x, y = np.divmod(np.flatnonzero(some != every), len(rows.first))
    covered = np.zeros(len(x))
    for step_x, step_y in itertools.product(range(columns.most), range(rows.most)):
        at_x = np.minimum(columns.first[x] + step_x, columns.last[x]) - first
        at_y = np.minimum(rows.first[y] + step_y, rows.last[y]) - top
        covered += columns.share(x, step_x) * rows.share(y, step_y) * pixels[at_x, at_y]
    every[x, y] = covered * scale >= HALF
    shown[across, down] = every
    return shown


def _some_and_every(pixels: Pixels, spans: _Spans, start: int) -> tuple[Pixels, Pixels]:
    """Tell for each chip pixel along the first axis whether some, and whether every image pixel in it is set.

    Parameters
    ----------
    pixels
        Shape ``(n, k)``, uint8, 0 or 1.
    spans
        What the chip pixels show, m of them.
    start
        The place of the first row of `pixels`.

    Returns
    -------
    ndarray, ndarray
        Shape ``(m, k)``, uint8, 0 or 1.
    """
    some = pixels[spans.first - start]
    every = some.copy()
    for step in range(1, spans.most):
        more = pixels[np.minimum(spans.first + step, spans.last) - start]
        some |= more
        every &= more
    return some, every


def _pixels(mask: Runs, first: int, stop: int) -> Pixels:
    """Return some columns of a mask, shape ``(stop - first, height)``, uint8; only these are unpacked."""
    height = mask.size_img[1]
    start, end = np.searchsorted(mask.ends, (first * height, stop * height)).tolist()
    ends = np.clip(mask.ends[start : end + 1], first * height, stop * height)
    values = (np.arange(start, start + len(ends)) % 2).astype(np.uint8)
    return np.repeat(values, np.diff(ends, prepend=first * height)).reshape(-1, height)

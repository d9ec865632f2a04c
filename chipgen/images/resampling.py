"""Bilinear resampling of a window that begins and ends anywhere, antialiased when shrinking, on arrays.

OpenCV's resize cuts windows at whole pixels only, and skips pixels when shrinking. So windows are enlarged by resize
only where it finds their pixels, else by an affine map, which begins anywhere; and shrunk by the very filter that
Pillow has, a triangle as wide as two pixels of the chip, in whole numbers, rows first, then columns.

OpenCV is imported here; the module is loaded where it is installed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from chipgen.images.sampling import Sampling

    Pixels8 = npt.NDArray[np.uint8]
    Rows = npt.NDArray[np.int64]
    Weights = npt.NDArray[np.uint16]

cv2.setNumThreads(1)  # workers are as many as there are cores

MOST_WARPED = 32_000
"""Pixels along an axis that OpenCV's map can address, less some."""

LEAD = 8
"""Pixels that are enlarged before a window at most, so that they begin where a pixel of the image does."""

NOTHING = 1e-3
"""Pixels by which a place may be missed: at the hardest edge there is, a quarter of a grey level."""

UNIT = 256
"""Weights are parts of this: products of pixels and weights, and their sums, then fit 16 bits."""

AT_A_TIME = 1 << 17
"""Pixels of rows that are weighted together: few enough to stay in the processor's cache."""


def bilinear(sampling: Sampling) -> Pixels8:
    """Return a chip without padding, shape ``(H, W, 3)``, uint8."""
    if max(sampling.step) > 1.0 or max(sampling.rgb.shape) > MOST_WARPED:
        return _shrunk(sampling)
    leads = [_lead(*axis) for axis in zip(sampling.start, sampling.step, strict=True)]
    return _mapped(sampling) if -1 in leads else _enlarged(sampling, leads)


def padded(rgb: Pixels8, size: tuple[int, int], fill: tuple[int, int, int]) -> Pixels8:
    """Return a chip of some width and height, padded right and bottom; its pixels lie close together in memory."""
    chip = np.ascontiguousarray(rgb)
    right, bottom = size[0] - chip.shape[1], size[1] - chip.shape[0]
    if right == bottom == 0:
        return chip
    return _as_pixels(cv2.copyMakeBorder(chip, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=fill))


# -- enlarging -----------------------------------------------------------------------------------------------------


def _lead(start: float, step: float) -> int:
    """Return how many pixels before a window, of its own size, one begins where a pixel of the image does.

    Parameters
    ----------
    start, step
        Where the window begins, and how wide its pixels are along one axis, px of the image.

    Returns
    -------
    int
        -1 when there is none near enough; whole factors, and such as 1.5, always have one.
    """
    for lead in range(LEAD):
        place = start - lead * step
        # Away from the border of the image, the first pixel must not look for one that is cut off.
        whole = abs(place - round(place)) < NOTHING and ((lead + 0.5) * step >= 0.5 or round(place) == 0)
        if whole and place > -NOTHING:
            return lead
    return -1


def _enlarged(sampling: Sampling, leads: list[int]) -> Pixels8:
    """Enlarge by OpenCV's resize, which takes half the time of a map, a window that begins where pixels do."""
    rgb, step, content = sampling.rgb, sampling.step, sampling.content
    left, top = (round(start - lead * size) for start, lead, size in zip(sampling.start, leads, step, strict=True))
    right, bottom = (
        math.ceil(begin + (lead + count) * size) + 2
        for begin, lead, count, size in zip((left, top), leads, content, step, strict=True)
    )
    window = np.ascontiguousarray(rgb[top:bottom, left:right])
    whole = cv2.resize(window, None, fx=1 / step[0], fy=1 / step[1], interpolation=cv2.INTER_LINEAR)
    return _as_pixels(whole[leads[1] : leads[1] + content[1], leads[0] : leads[0] + content[0]])


def _mapped(sampling: Sampling) -> Pixels8:
    """Enlarge by mapping each pixel of a chip to its place between four pixels."""
    # Four channels take less than half the time of three: OpenCV has a fast road for them only.
    four = cv2.cvtColor(np.ascontiguousarray(sampling.rgb), cv2.COLOR_RGB2RGBA)
    (step_x, step_y), (x, y) = sampling.step, sampling.start
    places = np.array([[step_x, 0.0, x + step_x / 2 - 0.5], [0.0, step_y, y + step_y / 2 - 0.5]], dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    chip = cv2.warpAffine(four, places, sampling.content, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return _as_pixels(cv2.cvtColor(chip, cv2.COLOR_RGBA2RGB))


# -- shrinking -----------------------------------------------------------------------------------------------------


def averaged(rgb: Pixels8, by: int) -> Pixels8:
    """Average squares of `by` x `by` pixels; the last ones are repeated where a square is not full."""
    height, width = rgb.shape[:2]
    whole = cv2.copyMakeBorder(np.ascontiguousarray(rgb), 0, -height % by, 0, -width % by, cv2.BORDER_REPLICATE)
    size = (whole.shape[1] // by, whole.shape[0] // by)
    return _as_pixels(cv2.resize(whole, size, interpolation=cv2.INTER_AREA))


def _shrunk(sampling: Sampling) -> Pixels8:
    """Filter rows, then columns."""
    rgb, (x, y), (step_x, step_y), (across, down) = sampling.rgb, sampling.start, sampling.step, sampling.content
    height, width = rgb.shape[:2]
    rows = np.ascontiguousarray(rgb).reshape(height, -1)
    rows = _weighted(rows, *_weights(y, step_y, down, height))
    columns = _as_pixels(cv2.transpose(rows.reshape(down, width, 3))).reshape(width, -1)
    columns = _weighted(columns, *_weights(x, step_x, across, width))
    return _as_pixels(cv2.transpose(columns.reshape(across, down, 3)))


@lru_cache(maxsize=64)  # pictures of one camera are shrunk in the same way
def _weights(start: float, step: float, count: int, length: int) -> tuple[Rows, Weights]:
    """Return which pixels each pixel of a chip is made of along one axis, and how much of it each makes up.

    Parameters
    ----------
    start, step, count
        Where the first pixel of the chip begins, how wide each is, and how many there are; px of the image.
    length
        Pixels of the image.

    Returns
    -------
    ndarray, ndarray
        Shape ``(count, T)``, int64 and uint16; weights sum to `UNIT`.
    """
    reach = max(step, 1.0)
    middle = start + (np.arange(count) + 0.5) * step
    first = np.maximum(np.floor(middle - reach + 0.5).astype(np.int64), 0)
    pixel = first[:, None] + np.arange(math.ceil(2 * reach) + 1)
    share = np.maximum(0.0, 1.0 - np.abs(pixel + 0.5 - middle[:, None]) / reach)
    share[pixel >= length] = 0.0
    share /= share.sum(axis=1, keepdims=True)
    weight = np.floor(share * UNIT + 0.5).astype(np.int64)
    weight[np.arange(count), share.argmax(axis=1)] += UNIT - weight.sum(axis=1)
    used = weight.any(axis=0)
    return np.minimum(pixel, length - 1)[:, used], weight[:, used].astype(np.uint16)


def _weighted(rows: Pixels8, pixel: Rows, weight: Weights) -> Pixels8:
    """Return sums of rows, rounded: shapes ``(H, W)`` and ``(count, T)`` to ``(count, W)``, uint8."""
    count, taps = pixel.shape
    result = np.empty((count, rows.shape[1]), dtype=np.uint8)
    together = max(1, AT_A_TIME // rows.shape[1])
    sums = np.empty((min(together, count), rows.shape[1]), dtype=np.uint16)
    product = np.empty_like(sums)
    for begin in range(0, count, together):
        end = min(count, begin + together)
        total, part = sums[: end - begin], product[: end - begin]
        np.multiply(rows[pixel[begin:end, 0]], weight[begin:end, :1], out=total)
        total += UNIT // 2
        for tap in range(1, taps):
            np.multiply(rows[pixel[begin:end, tap]], weight[begin:end, tap : tap + 1], out=part)
            total += part
        total >>= UNIT.bit_length() - 1
        result[begin:end] = total
    return result


def _as_pixels(array: Any) -> Pixels8:
    """Return what OpenCV gave back, whose types it does not tell."""
    pixels: Pixels8 = array
    return pixels

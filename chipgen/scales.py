"""Scales, valid ranges and levels: at which size an image is looked at, and which objects count there.

A *scale* resizes a whole image, a *valid range* says which objects are learnt at it, a *level* is the two together.
Levels keep the order in which they are given; the finest level of an image is the one with its largest factor.

Source: SNIPER, section 3.1, and SNIP, section 5 (valid ranges).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import UsageError

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints

PRESETS = {"sniper-coco": ("3x,1.667x,512", "0-80,32-150,120-")}
"""Scales and valid ranges by name. Source: SNIPER, section 4 (COCO settings)."""

GOOD_SIZE = (50.0, 250.0)
"""sqrt(w * h) in pixels of a 512 chip between which a detector learns best."""
GOOD_CHIP = 512
OVERLAP = 0.8
"""Automatic ranges: the lower end of a level is at most this share of the upper end of the next finer level."""

MAX_SIDE = 10_000_000
MAX_FACTOR = 1000.0


@dataclass(frozen=True)
class Scale:
    """A rule that resizes a whole image.

    Parameters
    ----------
    token
        The rule as written: ``512`` (longest side becomes 512), ``800x1333`` (shortest side becomes 800, but the
        longest at most 1333), ``1.667x`` (factor).
    longest
        Longest side in scaled px at most; infinite when the rule does not limit it.
    shortest
        Shortest side in scaled px at most; infinite when the rule does not limit it.
    factor
        Scaled px per image px at most; infinite when the rule does not limit it.
    """

    token: str
    longest: float = math.inf
    shortest: float = math.inf
    factor: float = math.inf

    def sizes(self, sizes_img: Ints) -> Ints:
        """Return the scaled sizes of images.

        Parameters
        ----------
        sizes_img
            Width and height, shape ``(M, 2)``, image px.

        Returns
        -------
        ndarray
            Width and height, shape ``(M, 2)``, int64, scaled px: ``floor(x + 0.5)``, at least 1.
        """
        sides_img = np.asarray(sizes_img, dtype=np.float64)
        exact = sides_img * self.factor if math.isfinite(self.factor) else self._limited(sides_img)
        return np.maximum(np.floor(exact + 0.5), 1.0).astype(np.int64)

    def _limited(self, sides_img: Floats) -> Floats:
        """Return exact scaled sides; multiplied before divided, so that halves stay halves and round up."""
        longest: Floats = sides_img.max(axis=1, keepdims=True)
        shortest: Floats = sides_img.min(axis=1, keepdims=True)
        if not math.isfinite(self.shortest):
            return np.asarray(sides_img * self.longest / longest)
        by_longest = self.longest * shortest < self.shortest * longest
        return np.where(by_longest, sides_img * self.longest / longest, sides_img * self.shortest / shortest)


@dataclass(frozen=True)
class ValidRange:
    """The sizes learnt at a scale: ``lo <= sqrt(w * h) < hi`` of the box clipped to its image, image px.

    Parameters
    ----------
    lo
        Lower end; 0 when open.
    hi
        Upper end; infinite when open.
    """

    lo: float
    hi: float

    def __str__(self) -> str:
        """Return the range token."""
        return f"{self.lo:.15g}-" if math.isinf(self.hi) else f"{self.lo:.15g}-{self.hi:.15g}"


@dataclass(frozen=True)
class Levels:
    """Every scale at every image, as arrays over images and levels.

    Parameters
    ----------
    scales
        The rules, in the order given; L of them.
    size_scaled
        Scaled width and height, shape ``(M, L, 2)``, int64.
    factor
        Scaled px per image px along x and y, after rounding, shape ``(M, L, 2)``, float64.
    range_img
        Valid range ``[lo, hi)``, shape ``(M, L, 2)``, float64, image px; ``hi`` infinite when open.
    """

    scales: tuple[Scale, ...]
    size_scaled: Ints
    factor: Floats
    range_img: Floats

    @property
    def mean_factor(self) -> Floats:
        """One factor for both axes, shape ``(M, L)``: the square root of the change of area."""
        return np.asarray(np.sqrt(self.factor.prod(axis=2)), dtype=np.float64)


def parse_scales(text: str) -> tuple[Scale, ...]:
    """Read scale tokens separated by commas.

    Raises
    ------
    UsageError
        A token is empty, unknown, twice there, not positive, or out of all proportion.
    """
    scales = tuple(_scale(token.strip()) for token in text.split(","))
    values = [(scale.longest, scale.shortest, scale.factor) for scale in scales]
    for scale, value in zip(scales, values, strict=True):
        if values.count(value) > 1:
            raise UsageError.one("--scales", scale.token, "stands there twice", "name each scale once")
    return scales


_NUMBER = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"


def _scale(token: str) -> Scale:
    """Read one scale token."""
    if match := re.fullmatch(_NUMBER + "[xX]", token):
        return Scale(token, factor=_positive(token, match[1], MAX_FACTOR))
    if match := re.fullmatch("([0-9]+)[xX]([0-9]+)", token):
        shortest, longest = (_positive(token, number, MAX_SIDE) for number in match.groups())
        if longest < shortest:
            raise UsageError.one("--scales", token, "the longest side is below the shortest", "swap them")
        return Scale(token, longest=longest, shortest=shortest)
    if match := re.fullmatch("([0-9]+)", token):
        return Scale(token, longest=_positive(token, match[1], MAX_SIDE))
    todo = "write 512 (longest side), 800x1333 (shortest side, longest at most) or 1.667x (factor)"
    raise UsageError.one("--scales", repr(token), "is no scale", todo)


def _positive(token: str, number: str, limit: float) -> float:
    """Read a number above zero and not above a limit."""
    value = float(number)
    if not 0 < value <= limit:
        raise UsageError.one("--scales", token, "is not possible", f"use a number above 0, at most {limit:g}")
    return value


def parse_ranges(text: str, count: int) -> tuple[ValidRange, ...] | None:
    """Read valid ranges separated by commas, one for each scale, in the same order.

    Returns
    -------
    tuple of ValidRange or None
        None for ``auto``: ranges chosen for each image.

    Raises
    ------
    UsageError
        A token is no range, a range is empty, or there are not as many as scales.
    """
    if text.strip() == "auto":
        return None
    ranges = tuple(_range(token.strip()) for token in text.split(","))
    if len(ranges) != count:
        todo = "give one range for each scale, in the same order, or auto"
        raise UsageError.one("--valid-ranges", text, f"{len(ranges)} ranges for {count} scales", todo)
    return ranges


def _range(token: str) -> ValidRange:
    """Read one range token."""
    match = re.fullmatch(_NUMBER + "?-" + _NUMBER + "?", token)
    if match is None:
        todo = "write 32-150, or 120- for an open end"
        raise UsageError.one("--valid-ranges", repr(token), "is no range", todo)
    lo, hi = float(match[1] or 0), float(match[2] or math.inf)
    if lo >= hi:
        raise UsageError.one("--valid-ranges", token, "is empty", "the lower end must be below the upper end")
    return ValidRange(lo, hi)


def gaps(ranges: tuple[ValidRange, ...]) -> tuple[ValidRange, ...]:
    """Return the sizes that no range holds, smallest first."""
    found, reach = [], 0.0
    for lo, hi in sorted((valid.lo, valid.hi) for valid in ranges):
        if lo > reach:
            found.append(ValidRange(reach, lo))
        reach = max(reach, hi)
    return (*found, ValidRange(reach, math.inf)) if math.isfinite(reach) else tuple(found)


def make_levels(
    scales: tuple[Scale, ...], ranges: tuple[ValidRange, ...] | None, sizes_img: Ints, chip_size: int
) -> Levels:
    """Apply scales and valid ranges to images.

    Parameters
    ----------
    scales
        L rules.
    ranges
        L valid ranges, or None to choose them for each image.
    sizes_img
        Width and height of the images, shape ``(M, 2)``, image px.
    chip_size
        Side of a chip, scaled px.
    """
    size_scaled = np.stack([scale.sizes(sizes_img) for scale in scales], axis=1)
    factor = size_scaled / sizes_img[:, None, :]
    if ranges is None:
        range_img = auto_ranges(np.sqrt(factor.prod(axis=2)), chip_size)
    else:
        rows = np.array([(valid.lo, valid.hi) for valid in ranges], dtype=np.float64)
        range_img = np.broadcast_to(rows, (len(sizes_img), *rows.shape))
    return Levels(scales, size_scaled, factor, range_img)


def auto_ranges(factor: Floats, chip_size: int) -> Floats:
    """Choose valid ranges so that objects arrive in a chip at roughly 50 to 250 px (of 512).

    Sorted finest first, the upper end of a level is where objects arrive at 250 px. The next level begins where they
    arrive at 50 px, but never above 0.8 of that upper end, so that neighbours always overlap. The last level, being
    open at the top, begins exactly there: whatever the finer level shows well is left to it. Where scales lie so far
    apart that 250 px of one fall short of 50 px of the next, the finer level reaches further up, as far as a chip
    can enclose an object. At the paper's scales on a 640-px photograph this gives 0-83, 30-150, 120-.

    Parameters
    ----------
    factor
        Scaled px per image px, shape ``(M, L)``.
    chip_size
        Side of a chip, scaled px.

    Returns
    -------
    ndarray
        ``[lo, hi)`` in image px, shape ``(M, L, 2)``.
    """
    low, high = (end * chip_size / GOOD_CHIP for end in GOOD_SIZE)
    order = np.argsort(-factor, axis=1, kind="stable")
    finest_first = np.take_along_axis(factor, order, axis=1)
    hi = np.full_like(finest_first, math.inf)
    lo = np.zeros_like(finest_first)
    if hi.shape[1] > 1:
        wanted = low / OVERLAP / finest_first[:, 1:]
        reach = chip_size / finest_first[:, :-1]
        hi[:, :-1] = np.minimum(np.maximum(high / finest_first[:, :-1], wanted), reach)
        lo[:, 1:] = np.minimum(low / finest_first[:, 1:], OVERLAP * hi[:, :-1])
        lo[:, -1] = OVERLAP * hi[:, -2]
    ranges = np.empty((*factor.shape, 2), dtype=np.float64)
    np.put_along_axis(ranges, order[..., None], np.stack((lo, hi), axis=-1), axis=1)
    return ranges

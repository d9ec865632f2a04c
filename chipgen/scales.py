"""Scales and valid ranges as they are written: at which size an image is looked at, and which objects count there.

A *scale* resizes a whole image, a *valid range* says which objects are learnt at it, a *level* is the two together.
What they come to at each image is in `chipgen.levels`; here are no arrays, so that the command line is quick to load.

Source: SNIPER, section 3.1, and SNIP, section 5 (valid ranges).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from chipgen.errors import UsageError

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

"""Which bands of a raster are shown, and which values become 0 and 255: as they are asked for, without arrays."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from chipgen.errors import UsageError

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"


@dataclass(frozen=True)
class Stretch:
    """Which values become 0 and 255; those between are spread evenly, those beyond are clipped.

    Parameters
    ----------
    lo, hi
        Values, or percentiles of each band; lo is below hi.
    percent
        Whether they are percentiles.
    """

    lo: float
    hi: float
    percent: bool

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lo) and math.isfinite(self.hi) and self.lo < self.hi):
            raise UsageError.one("--stretch", str(self), "does not rise", "write LO,HI with LO below HI")
        if self.percent and not 0 <= self.lo < self.hi <= 100:
            raise UsageError.one("--stretch", str(self), "are no percentiles", "write two from 0% to 100%")

    def __str__(self) -> str:
        """Return it as a user writes it."""
        numbers = [repr(float(end)).removesuffix(".0") for end in (self.lo, self.hi)]
        return ",".join(number + "%" * self.percent for number in numbers)


@dataclass(frozen=True)
class Look:
    """How the bands of a raster become a picture.

    Parameters
    ----------
    bands
        Three bands for red, green and blue, or one for grey, counted from 1; empty for the first three, or the first
        where there are less.
    stretch
        Which values become 0 and 255; None for those of 8 bits as they are.
    """

    bands: tuple[int, ...] = ()
    stretch: Stretch | None = None

    def __bool__(self) -> bool:
        """Tell whether anything was asked for."""
        return bool(self.bands) or self.stretch is not None

    def recorded(self) -> dict[str, str | None]:
        """Return bands and stretch as a user writes them, in one way each."""
        return {
            "bands": ",".join(map(str, self.bands)) or None,
            "stretch": None if self.stretch is None else str(self.stretch),
        }

    def chosen(self, samples: int) -> tuple[int, ...]:
        """Return the places of the bands to be shown among so many, counted from 0: three, or one."""
        if self.bands:
            return tuple(band - 1 for band in self.bands)
        return (0, 1, 2) if samples >= 3 else (0,)


def parse_bands(text: str | None) -> tuple[int, ...]:
    """Read bands: ``3,2,1`` or ``4``; nothing is none.

    Raises
    ------
    UsageError
        It is neither.
    """
    if text is None:
        return ()
    if re.fullmatch(r"\s*[1-9]\d{0,4}\s*(,\s*[1-9]\d{0,4}\s*,\s*[1-9]\d{0,4}\s*)?", text):
        return tuple(int(band) for band in text.split(","))
    raise UsageError.one("--bands", text, "are no bands", "write three for R,G,B, or one for grey, counted from 1")


def parse_stretch(text: str | None) -> Stretch | None:
    """Read two values, ``200,3000``, or two percentiles, ``2%,98%``; nothing is none.

    Raises
    ------
    UsageError
        It is neither.
    """
    if text is None:
        return None
    ends = [end.strip() for end in text.split(",")]
    percent = all(end.endswith("%") for end in ends)
    numbers = [end.removesuffix("%") if percent else end for end in ends]
    if len(numbers) != 2 or not all(re.fullmatch(NUMBER, number) for number in numbers):
        todo = "write LO,HI: two values such as 200,3000, or two percentiles such as 2%,98%"
        raise UsageError.one("--stretch", text, "is no stretch", todo)
    return Stretch(float(numbers[0]), float(numbers[1]), percent)

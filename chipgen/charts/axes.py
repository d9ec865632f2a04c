"""Axes: where on the paper a value stands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALLEST, LARGEST = 2.0**-1, 2.0**17
"""Nobody's objects are smaller or larger: values beyond stand at the end of an axis."""

FEWEST_OCTAVES = 4
MOST_TICKS = 5


@dataclass(frozen=True)
class LogAxis:
    """A logarithmic axis between two powers of two.

    Parameters
    ----------
    low, high
        Values at its ends.
    start, stop
        Where these are, px on the paper.
    """

    low: float
    high: float
    start: float
    stop: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, stop: float) -> LogAxis:
        """Return an axis of at least four octaves that holds some values; what is beyond all reason stays out."""
        inside = [value for value in values if SMALLEST <= value <= LARGEST] or [SMALLEST * 64]
        low, high = math.floor(math.log2(min(inside))), math.ceil(math.log2(max(inside)))
        while high - low < FEWEST_OCTAVES:
            low, high = (low - 1, high) if (high - low) % 2 else (low, high + 1)
        return cls(2.0**low, 2.0**high, start, stop)

    def at(self, value: float) -> float:
        """Return where a value stands; what lies outside stands at the nearer end."""
        if not value > self.low:
            return self.start
        if value >= self.high:
            return self.stop
        share = math.log2(value / self.low) / math.log2(self.high / self.low)
        return self.start + (self.stop - self.start) * min(max(share, 0.0), 1.0)

    @property
    def ticks(self) -> list[float]:
        """Return the powers of two on it."""
        octaves = round(math.log2(self.high / self.low))
        return [self.low * 2.0**octave for octave in range(octaves + 1)]


@dataclass(frozen=True)
class CountAxis:
    """An axis of counts, from 0 up.

    Parameters
    ----------
    most
        The largest count to show.
    start, stop
        Where 0 and the highest tick are, px on the paper.
    """

    most: int
    start: float
    stop: float

    @property
    def step(self) -> int:
        """Return the distance of its ticks: 1, 2 or 5 times a power of ten."""
        power = 1
        while True:
            for step in (power, 2 * power, 5 * power):
                if step * MOST_TICKS >= self.most:
                    return step
            power *= 10

    @property
    def top(self) -> int:
        """Return the highest tick."""
        return max(1, -(-self.most // self.step)) * self.step

    @property
    def ticks(self) -> list[int]:
        """Return what is written beside it."""
        return list(range(0, self.top + 1, self.step))

    def at(self, count: float) -> float:
        """Return where a count stands."""
        return self.start + (self.stop - self.start) * count / self.top

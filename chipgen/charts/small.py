"""Several histograms of sizes below each other, on a common axis: what arrives where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts.axes import CountAxis, LogAxis
from chipgen.charts.markup import Markup, element
from chipgen.charts.model import slot
from chipgen.charts.paper import LEFT, RIGHT, WIDTH, columns, line, named, paper, size_axis, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.charts.model import Histogram, Range

HEAD, PLOT, GAP = 24.0, 64.0, 14.0
"""Px: heights of what is written above a histogram, of the histogram, and of what lies between it and the next."""

ABOVE, BELOW = 20.0, 48.0
"""Px: room above them for the name of the good sizes, and below for the axis."""


def small_histograms(title: str, rows: Sequence[Histogram], good: Range) -> Markup:
    """Draw histograms, each as high as its largest count, with the good sizes shaded through all of them.

    Parameters
    ----------
    title
        What the chart shows.
    rows
        From top to bottom.
    good
        The range that objects should lie in.
    """
    bins = [slot(lo, hi) for row in rows for lo, hi, count in row.bins if count]
    across = LogAxis.around([good.lo, good.hi, *(end for ends in bins for end in ends)], LEFT, WIDTH - RIGHT)
    bottom = ABOVE + len(rows) * (HEAD + PLOT + GAP)
    left, right = across.at(good.lo), across.at(good.hi)
    shade = element("rect", x=left, y=ABOVE, width=right - left, height=bottom - ABOVE, class_="good")
    parts = [
        named([shade], good.label),
        text((left + right) / 2, ABOVE - 6, good.label, "label", "middle"),
        *size_axis(across, ABOVE, bottom, "size in the chip, sqrt(w*h), chip px (logarithmic)"),
        *(one for number, row in enumerate(rows) for one in _row(row, across, ABOVE + number * (HEAD + PLOT + GAP))),
    ]
    return paper(title, bottom + BELOW, parts)


def _row(row: Histogram, across: LogAxis, top: float) -> Iterator[Markup]:
    """Draw one histogram."""
    floor = top + HEAD + PLOT
    most = max((count for _, _, count in row.bins), default=0)
    up = CountAxis(most, floor, floor - PLOT)
    yield text(LEFT + 4, top + 16, row.label, "label strong")
    yield text(WIDTH - RIGHT - 4, top + 16, row.told, "label", "end")
    yield line((LEFT, floor), (WIDTH - RIGHT, floor), "axis")
    if most:
        yield line((LEFT - 4, up.at(most)), (LEFT, up.at(most)), "axis")
        yield text(LEFT - 8, up.at(most) + 4, f"{most:,}", "tick", "end")
    yield columns(row.bins, across, up, f"counts {row.style}")

"""The histogram of sizes, with the valid ranges above it: what people look at who choose scales."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chipgen.charts.axes import CountAxis, LogAxis
from chipgen.charts.markup import Markup, element
from chipgen.charts.model import slot
from chipgen.charts.paper import LEFT, RIGHT, WIDTH, columns, count_axis, line, named, paper, size_axis, text
from chipgen.charts.words import width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.charts.model import Mark, Range
    from chipgen.sizes import Bins

LABEL, BAND, GAP = 16.0, 10.0, 10.0
"""Px: heights of a band's label, of the band, and of what lies between it and the next."""

MARK = 17.0
"""Px: height of the label of a mark."""

PLOT = 240.0
BELOW = 48.0
"""Px: heights of the plot and of what is written below it."""

ARROW = 9.0
"""Px: length of the arrow with which a range ends that is open."""


def size_chart(
    title: str, bins: Bins, ranges: Sequence[Range], marks: Sequence[Mark], holes: Sequence[Range]
) -> Markup:
    """Draw a histogram of sizes.

    Parameters
    ----------
    title
        What the chart shows.
    bins
        The counts, px.
    ranges
        Drawn as bands above the plot, one below the other, so that one sees where they overlap.
    marks
        Values drawn through the plot.
    holes
        Ranges in which nothing is learnt: shaded.
    """
    across = LogAxis.around(_values(bins, ranges, marks), LEFT, WIDTH - RIGHT)
    below_bands = 4 + len(ranges) * (LABEL + BAND + GAP)
    top = below_bands + len(marks) * MARK + 6
    bottom = top + PLOT
    up = CountAxis(max((count for _, _, count in bins), default=0), bottom, top)
    parts = [
        *(_hole(hole, across, (below_bands, bottom)) for hole in holes),
        *count_axis(up, LEFT, WIDTH - RIGHT),
        *size_axis(across, top, bottom, "object size, sqrt(w*h), source px (logarithmic)"),
        columns(bins, across, up, "counts"),
        *(_ends(one, across, (_band_top(row), bottom)) for row, one in enumerate(ranges)),
        *(_band(one, across, _band_top(row)) for row, one in enumerate(ranges)),
        *_marks(marks, across, below_bands, bottom),
    ]
    return paper(title, bottom + BELOW, parts)


def _values(bins: Bins, ranges: Sequence[Range], marks: Sequence[Mark]) -> Iterator[float]:
    """Yield all that the axis should show."""
    for lo, hi, count in bins:
        if count:
            yield from slot(lo, hi)
    for one in ranges:
        yield from (end for end in (one.lo, one.hi) if 0 < end < math.inf)
    yield from (mark.value for mark in marks)


def _band_top(row: int) -> float:
    """Return the upper edge of a band."""
    return 4 + row * (LABEL + BAND + GAP) + LABEL


def _band(one: Range, across: LogAxis, top: float) -> Markup:
    """Draw a range: the pale band as far as it reaches anywhere, the full one, and its label."""
    left, strips = across.at(one.lo), ((one.widest, "pale"), ((one.lo, one.hi), "full"))
    shapes = filter(None, (_strip(ends, across, top, style) for ends, style in strips))
    fits = left + width(one.label) <= across.stop
    label = text(left if fits else across.stop, top - 5, one.label, "label over", "start" if fits else "end")
    return element("g", label, named(shapes, one.label), class_=f"band {one.style}")


def _strip(ends: tuple[float, float], across: LogAxis, top: float, style: str) -> Markup | None:
    """Draw a band between two ends: straight where it is closed, an arrow where it goes on."""
    lo, hi = ends
    left, right = across.at(lo), across.at(hi)
    if not lo < hi:
        return None
    tip_left, tip_right = left + ARROW * (lo < across.low), right - ARROW * (hi > across.high)
    tip_left, tip_right = min(tip_left, (left + right) / 2), max(tip_right, (left + right) / 2)
    middle, bottom = top + BAND / 2, top + BAND
    above, below = ((tip_left, top), (tip_right, top)), ((tip_right, bottom), (tip_left, bottom))
    corners = ((left, middle), *above, (right, middle), *below)
    points = " ".join(f"{x:.2f},{y:.2f}" for x, y in corners)
    return element("polygon", points=points, class_=style)


def _ends(one: Range, across: LogAxis, rows: tuple[float, float]) -> Markup:
    """Draw the closed ends of a range down through the plot."""
    inside = [across.at(end) for end in (one.lo, one.hi) if across.low <= end <= across.high]
    return element("g", *(line((x, rows[0]), (x, rows[1]), "end") for x in inside), class_=f"band {one.style}")


def _hole(hole: Range, across: LogAxis, rows: tuple[float, float]) -> Markup:
    """Shade a range in which nothing is learnt."""
    left, right = across.at(hole.lo), across.at(hole.hi)
    shape = element("rect", x=left, y=rows[0], width=max(0.0, right - left), height=rows[1] - rows[0], class_="hole")
    return named([shape], hole.label)


def _marks(marks: Sequence[Mark], across: LogAxis, top: float, bottom: float) -> Iterator[Markup]:
    """Draw values through the plot, each with a label in a row of its own."""
    for row, mark in enumerate(marks):
        x, y = across.at(mark.value), top + (row + 1) * MARK - 4
        yield line((x, y - 10), (x, bottom), "mark")
        fits = x + 6 + width(mark.label) <= across.stop
        yield text(x + 6 if fits else x - 6, y, mark.label, "label over", "start" if fits else "end")

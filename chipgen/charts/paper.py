"""The paper of a chart, and what is drawn alike on several: axes, columns, texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts.markup import Markup, element, number
from chipgen.charts.model import slot, told_bin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.charts.axes import CountAxis, LogAxis
    from chipgen.sizes import Bins

WIDTH = 960.0
LEFT, RIGHT = 64.0, 24.0
"""Room beside the plot: for the numbers of the axis, and for half a number."""

THINNEST = 1.0
"""Px: how much of a bar is drawn of however few."""


def paper(title: str, height: float, parts: Iterable[str]) -> Markup:
    """Return a chart."""
    return element(
        "svg",
        element("title", title),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(WIDTH)} {number(height)}",
        role="img",
        aria_label=title,
        class_="chart",
    )


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> Markup:
    """Return a text; `anchor` says which of its ends stands at `x`."""
    extra = {"class_": style} if style else {}
    return element("text", words, x=x, y=y, text_anchor=anchor, **extra)


def line(start: tuple[float, float], stop: tuple[float, float], style: str) -> Markup:
    """Return a line between two points."""
    return element("line", x1=start[0], y1=start[1], x2=stop[0], y2=stop[1], class_=style)


def size_axis(axis: LogAxis, top: float, bottom: float, name: str) -> Iterator[Markup]:
    """Draw an axis of sizes below a plot, and its lines through it."""
    for tick in axis.ticks:
        yield line((axis.at(tick), top), (axis.at(tick), bottom), "grid")
        yield text(axis.at(tick), bottom + 18, f"{tick:,g}" if tick < 1 else f"{tick:,.0f}", "tick", "middle")
    yield line((axis.start, bottom), (axis.stop, bottom), "axis")
    yield text((axis.start + axis.stop) / 2, bottom + 38, name, "name", "middle")


def count_axis(axis: CountAxis, start: float, stop: float) -> Iterator[Markup]:
    """Draw an axis of counts at the left, and its lines through the plot."""
    for tick in axis.ticks:
        yield line((start, axis.at(tick)), (stop, axis.at(tick)), "grid")
        yield text(start - 8, axis.at(tick) + 4, f"{tick:,}", "tick", "end")


def columns(bins: Bins, across: LogAxis, up: CountAxis, style: str) -> Markup:
    """Draw a histogram; each column says what it counts, to eyes, hands and programs."""
    return element("g", *(_column(one, across, up) for one in bins if one[2]), class_=style)


def _column(one: tuple[float, float | None, int], across: LogAxis, up: CountAxis) -> Markup:
    """Draw a bin."""
    lo, hi, count = one
    left, right = (across.at(end) for end in slot(lo, hi))
    height = max(THINNEST, up.start - up.at(count))
    sides = {"x": left + 0.5, "y": up.start - height, "width": max(THINNEST, right - left - 1), "height": height}
    shape = element("rect", **sides, data_lo=lo, data_count=str(count))
    return named([shape], f"{told_bin(lo, hi)}: {count:,}")


def named(shapes: Iterable[str], name: str) -> Markup:
    """Return shapes that tell their name to whoever points at them."""
    return element("g", element("title", name), *shapes)

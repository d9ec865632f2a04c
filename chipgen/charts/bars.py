"""Bars that lie below each other, each of one or more parts: counts by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts.markup import Markup, element
from chipgen.charts.paper import THINNEST, WIDTH, named, paper, text
from chipgen.charts.words import shortened, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chipgen.charts.model import Bar, Part

ROW, THICK = 28.0, 18.0
"""Px: distance of bars, and their height."""

GAP = 10.0
"""Px: between a bar and the texts before and behind it."""

WIDEST_LABEL = 260.0


def bar_chart(title: str, bars: Sequence[Bar], full: int | None = None) -> Markup:
    """Draw bars.

    Parameters
    ----------
    title
        What the chart shows.
    bars
        From top to bottom.
    full
        What a bar over the whole width would be; the longest bar when not given.
    """
    labels = [shortened(bar.label, WIDEST_LABEL) for bar in bars]
    start = max((width(label) for label in labels), default=0.0) + GAP
    room = WIDTH - start - 2 * GAP - max((width(bar.told) for bar in bars), default=0.0)
    most = max([1, *(bar.total for bar in bars)]) if full is None else max(1, full)
    parts = [
        one
        for row, (bar, label) in enumerate(zip(bars, labels, strict=True))
        for one in _bar(bar, label, row * ROW, (start, room / most))
    ]
    return paper(title, max(1, len(bars)) * ROW, parts)


def _bar(bar: Bar, label: str, top: float, across: tuple[float, float]) -> Iterator[Markup]:
    """Draw a bar; `across` is where it begins and how long one of a count is."""
    x, unit = across
    base = top + ROW / 2 + 4
    yield named([text(x - GAP, base, label, "label", "end")], bar.label[:400])
    for part in bar.parts:
        if part.count:
            length = max(THINNEST, part.count * unit)
            yield _part(part, (x, top + (ROW - THICK) / 2), length)
            x += length
    yield text(x + GAP, base, bar.told, "label told")


def _part(part: Part, corner: tuple[float, float], length: float) -> Markup:
    """Draw a part of a bar."""
    x, y = corner
    shape = element(
        "rect", x=x, y=y, width=length, height=THICK, class_=f"part {part.style}", data_count=str(part.count)
    )
    return named([shape], f"{part.name}: {part.count:,}")

"""Charts as inline SVG: a small model in, text out. No chart knows what its numbers mean, none reads or writes a file.

`model` holds what is shown, `axes` where a value stands, `words` how much room a text takes, `markup` how elements are
written, so that no name from a dataset becomes one; `sizes`, `small` and `bars` draw.
"""

from __future__ import annotations

from chipgen.charts.bars import bar_chart
from chipgen.charts.markup import Markup, element, escaped, joined
from chipgen.charts.model import Bar, Histogram, Mark, Part, Range, told_bin
from chipgen.charts.sizes import size_chart
from chipgen.charts.small import small_histograms

__all__ = [
    "Bar",
    "Histogram",
    "Mark",
    "Markup",
    "Part",
    "Range",
    "bar_chart",
    "element",
    "escaped",
    "joined",
    "size_chart",
    "small_histograms",
    "told_bin",
]

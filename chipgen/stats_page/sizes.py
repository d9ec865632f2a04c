"""The sections about sizes: in the pictures, and in the chips where objects arrive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from chipgen.charts import (
    Histogram,
    Mark,
    Markup,
    Range,
    size_chart,
    small_histograms,
    told_bin,
)
from chipgen.scales import ValidRange, gaps
from chipgen.stats_page.parts import figure, paragraph, section, share, table
from chipgen.stats_page.style import level_style
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.spread import Arrivals, Band, Ends
    from chipgen.stats_page.facts import Chips, Facts, Row


def sizes_section(facts: Facts, chips: Chips) -> Markup:
    """Show the sizes of objects and what the valid ranges make of them."""
    spread, total = chips.spread, sum(count for _, _, count in chips.spread.sizes_img)
    title = "Object sizes and valid ranges"
    told = (
        f"Each column counts the {facts.sized} of a quarter of an octave, {total:,} in all. A band is the valid range "
        "of a level: objects of these sizes are learnt at its scale, in several where bands overlap. An arrow marks an "
        "open end."
    )
    if any(band.range_img != band.widest_img for band in spread.bands):
        told += (
            " Automatic ranges follow the factor of each image: full is the range of the image in the middle, pale as "
            "far as that of any image reaches."
        )
    chart = size_chart(
        f"{title}: {total:,} {facts.sized}",
        spread.sizes_img,
        [_range(band) for band in spread.bands],
        _marks(spread.percentiles_img),
        [Range(f"in no valid range: {_told(hole)}", "hole", hole.lo, hole.hi) for hole in holes(chips)],
    )
    rows = list(_size_rows(chips))
    return section(title, paragraph(told, style="soft"), figure(chart), table(rows, texts=(0, 4)))


def _marks(percentiles: tuple[float, float] | None) -> list[Mark]:
    """Return the sizes below which few and nearly all objects lie."""
    if percentiles is None:
        return []
    small, large = percentiles
    return [Mark(f"2nd percentile: {small:,.1f} px", small), Mark(f"98th percentile: {large:,.1f} px", large)]


def _range(band: Band) -> Range:
    """Return the band of a level."""
    one, widest = _closed(band.range_img), _closed(band.widest_img)
    label = f"level {band.level}: {band.scale}, {_told(one)}"
    return Range(label, level_style(band.level), one.lo, one.hi, (widest.lo, widest.hi))


def _told(one: ValidRange) -> str:
    """Write a range for people."""
    if math.isinf(one.hi):
        return f"{one.lo:,g} px and more" if one.lo else "all sizes"
    return f"{one.lo:,g} to {one.hi:,g} px" if one.lo else f"below {one.hi:,g} px"


def _closed(ends: Ends) -> ValidRange:
    """Return a range as the laws know it."""
    return ValidRange(ends[0], math.inf if ends[1] is None else ends[1])


def holes(chips: Chips) -> tuple[ValidRange, ...]:
    """Return the sizes that lie in no valid range at any image; none where some range is not known."""
    bands = chips.spread.bands
    return gaps(tuple(_closed(band.widest_img) for band in bands)) if len(bands) == len(chips.levels) else ()


def _size_rows(chips: Chips) -> Iterator[Row]:
    """Tabulate sizes, a head first."""
    spread, so_far = chips.spread, 0
    total = sum(count for _, _, count in spread.sizes_img)
    yield "size, sqrt(w*h)", "objects", "share", "up to here", "in the range of levels"
    for lo, hi, count in spread.sizes_img:
        so_far += count
        upper = math.inf if hi is None else hi
        ranges = [(band.level, _closed(band.range_img)) for band in spread.bands]
        levels = [str(level) for level, one in ranges if one.lo < upper and lo < one.hi]
        yield told_bin(lo, hi), f"{count:,}", share(count, total), share(so_far, total), ", ".join(levels) or "none"


def arrivals_section(chips: Chips) -> Markup:
    """Show at which sizes objects arrive in chips."""
    spread = chips.spread
    low, high = spread.good_chip
    title, good = "Sizes in the chips", f"{low:g}\u2013{high:g} px"
    told = (
        f"Of {counted(spread.objects, 'object')} to learn, {spread.well:,} ({share(spread.well, spread.objects)}) "
        f"arrive at a good size, {good}, in at least one chip. Each row counts the objects that are learnt at a level, "
        "once each, by the size of the whole object there; rows are as high as their largest count."
    )
    scales = {level.level: level.scale for level in chips.levels}
    rows = [_histogram(one, scales[one.level], good) for one in spread.arrivals]
    chart = small_histograms(f"{title}, by level", rows, Range(f"good: {good}", "good", low, high))
    return section(title, paragraph(told, style="soft"), figure(chart), table(list(_arrival_rows(chips))))


def _histogram(one: Arrivals, scale: str, good: str) -> Histogram:
    """Return the histogram of a level."""
    told = f"{share(one.well, one.objects)} of {one.objects:,} at {good}" if one.objects else "nothing is learnt here"
    return Histogram(f"level {one.level}: {scale}", told, level_style(one.level), one.sizes_chip)


def _arrival_rows(chips: Chips) -> Iterator[Row]:
    """Tabulate what arrives, a head first."""
    low, high = chips.spread.good_chip
    found = chips.spread.arrivals
    bins = sorted({(lo, hi) for one in found for lo, hi, _ in one.sizes_chip}, key=lambda ends: ends[0])
    counts = [{lo: count for lo, _, count in one.sizes_chip} for one in found]
    yield "size in the chip", *(f"level {one.level}" for one in found)
    yield "all", *(f"{one.objects:,}" for one in found)
    yield f"{low:g} to {high:g} px", *(f"{one.well:,}" for one in found)
    for lo, hi in bins:
        yield told_bin(lo, hi), *(f"{count.get(lo, 0):,}" for count in counts)

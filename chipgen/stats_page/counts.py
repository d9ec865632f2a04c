"""The sections that count: chips, coverage, pixels, ignored boxes, categories, negative chips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts import Bar, Markup, Part, bar_chart
from chipgen.mining import AT_LEVEL
from chipgen.negative_summary import SOURCES
from chipgen.stats_page.parts import figure, listing, paragraph, section, share, table
from chipgen.stats_page.style import level_style
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chipgen.negative_summary import NegativeSummary
    from chipgen.stats_page.facts import Chips

MOST_CATEGORIES = 20
"""Categories that are drawn; all are in the table."""

NAMELESS = "(no name)"

REASONS = {
    "crowd": "marked by the source as a crowd, ignored or difficult",
    "out_of_range": "its size lies outside the valid range of the level",
    "too_large": "in range, but no chip of the level can hold it",
    "truncated": "too little of it is visible in the chip",
    "too_small": "a side is too short in the chip",
    "assigned_elsewhere": "learnt in another chip of the level, which shows it better",
}


def levels_section(chips: Chips) -> Markup:
    """Show the chips of each level."""
    bars = [
        Bar(
            f"level {one.level}: {one.scale}",
            f"{one.positive + one.negative:,}" + (f" ({one.negative:,} negative)" if one.negative else ""),
            (
                Part("positive chips", level_style(one.level), one.positive),
                Part("negative chips", f"{level_style(one.level)} outlined", one.negative),
            ),
        )
        for one in chips.levels
    ]
    told = f"{counted(chips.count, 'chip')}, {chips.per_image:.2f} an image."
    if chips.negatives.chips:
        told += " Full: positive chips, around objects. Pale: negative chips, background."
    return section(
        "Chips per level",
        paragraph(told, style="soft"),
        figure(bar_chart("Chips per level", bars)),
        table(chips.level_table, texts=(0, 1)),
    )


def coverage_section(chips: Chips) -> Markup:
    """Show how many of the pairs of a box and a level are covered."""
    told, left = share(chips.covered, chips.pairs), chips.pairs - chips.covered
    parts = (Part("enclosed", "good", chips.covered), Part("not enclosed", "lost", left))
    words = (
        f"{told} of the {chips.pairs:,} valid pairs of a box and a level are completely enclosed by a positive chip."
        if chips.pairs
        else "There are no valid pairs of a box and a level."
    )
    return section(
        "Coverage",
        paragraph(words, style="soft"),
        figure(bar_chart("Coverage of valid pairs of a box and a level", [Bar("covered", told, parts)], chips.pairs)),
        table(
            [
                ("pairs of a box and a level", "number"),
                ("valid", f"{chips.pairs:,}"),
                ("enclosed by a positive chip", f"{chips.covered:,}"),
                ("not enclosed", f"{left:,}"),
            ],
            bad=[2] if left else [],
        ),
    )


def pixels_section(chips: Chips) -> Markup:
    """Compare the pixels of all chips with those of whole images."""
    names = ("these chips", "single scale, 800x1333", "all scales: the full pyramid")
    ours = chips.pixels[0]
    rows, bars = [("pixels of one epoch", "megapixels", "these chips against it")], []
    for name, count in zip(names, chips.pixels, strict=True):
        mega, against = f"{count / 1e6:,.1f}", f"{ours / count:.2f}" if count else "none"
        rows.append((name, mega, against))
        bars.append(Bar(name, f"{mega} megapixels", (Part(name, "plain" if count != ours else "l0", count),)))
    return section(
        "Pixels",
        paragraph("What one epoch looks at: all chips once, or all images once at the scales named.", style="soft"),
        figure(bar_chart("Pixels of one epoch", bars)),
        table(rows),
    )


def ignored_section(chips: Chips) -> Markup:
    """Show the ignored boxes in chips by reason."""
    counts = {name: count for name, count in chips.ignored.items() if count}
    total = sum(counts.values())
    told = f"{chips.valid_boxes:,} boxes are valid in their chip, {total:,} are ignored; an object counts in each chip."
    if not total:
        return section("Ignored boxes by reason", paragraph(told, style="soft"))
    bars = [
        Bar(name, f"{count:,} ({share(count, total)})", (Part(name, "quiet", count),)) for name, count in _most(counts)
    ]
    rows = [(name, f"{count:,}", share(count, total), REASONS.get(name, "")) for name, count in _most(counts)]
    return section(
        "Ignored boxes by reason",
        paragraph(told, style="soft"),
        figure(bar_chart("Ignored boxes by reason", bars)),
        table([("reason", "boxes", "share", "meaning"), *rows], texts=(0, 3)),
    )


def categories_section(chips: Chips) -> Markup:
    """Show the objects of each category, those that are learnt nowhere apart."""
    every = chips.spread.categories
    some = [one for one in every if one.objects]
    drawn = some[:MOST_CATEGORIES]
    told = [f"{len(some):,} with objects to learn"]
    if len(some) > len(drawn):
        rest = some[len(drawn) :]
        told.append(f"{len(drawn)} are drawn, {len(rest):,} more hold {sum(one.objects for one in rest):,} objects")
    if len(every) > len(some):
        told.append(f"{len(every) - len(some):,} without any")
    bars = []
    for one in drawn:
        left = one.objects - one.covered
        lost = f", {left:,} learnt nowhere" if left else ""
        parts = (Part("learnt", "good", one.covered), Part("learnt nowhere", "lost", left))
        bars.append(Bar(one.name or NAMELESS, f"{one.objects:,}{lost}", parts))
    rows = [
        (one.name or NAMELESS, *(f"{n:,}" for n in (one.objects, one.covered, one.objects - one.covered)))
        for one in every
    ]
    return section(
        "Objects per category",
        paragraph(f"Categories: {'; '.join(told)}.", style="soft"),
        figure(bar_chart("Objects per category", bars)) if bars else "",
        table(
            [("category", "objects", "learnt", "learnt nowhere"), *rows],
            bad=[row for row, one in enumerate(every) if one.covered < one.objects],
        ),
    )


def negatives_section(negatives: NegativeSummary) -> Markup:
    """Tell where the negative chips come from."""
    source = f"Negative chips: {SOURCES[negatives.mode]}{': ' * bool(negatives.told)}{negatives.told}."
    if negatives.mode == "none":
        return section("Negative chips", paragraph(source, style="soft"))
    drawn = paragraph(f"{source} {negatives.chips:,} of {negatives.found:,} found are used.", style="soft")
    mined = _mined(negatives) if negatives.mode == "proposals" else ()
    return section("Negative chips", drawn, *mined)


def _mined(negatives: NegativeSummary) -> Iterator[Markup]:
    """Yield what became of proposals: of all of them, and of those in the range of each level."""
    counts = _most({name: count for name, count in negatives.proposals.items() if count})
    what = f"{sum(negatives.proposals.values()):,} proposals by what became of them"
    yield paragraph(f"{what}:", style="soft")
    if counts:
        bars = [Bar(name, f"{count:,}", (Part(name, "plain", count),)) for name, count in counts]
        yield figure(bar_chart(what, bars))
        yield table([("proposals", "number"), *((name, f"{count:,}") for name, count in counts)])
    head = ("level", "proposals in range", *(name.replace("_", " ") for name in AT_LEVEL[1:]), "found", "chips")
    names = (*AT_LEVEL, "found", "chips")
    rows = [(str(one.level), *(f"{getattr(one, name):,}" for name in names)) for one in negatives.levels]
    yield table([head, *rows])


def notes_section(notes: tuple[str, ...], skipped: Mapping[str, int]) -> Markup:
    """Tell what else is worth knowing."""
    lines = [*notes, *(f"skipped: {count:,} {reason}" for reason, count in skipped.items())]
    return section("Notes", listing(lines, "notes")) if lines else Markup("")


def _most(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return counts, most first."""
    return sorted(counts.items(), key=lambda one: -one[1])

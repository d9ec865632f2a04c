"""One page about a dataset or a build, complete in itself: no script, no server, nothing from anywhere else.

It is HTML that is well-formed XML, too. All that comes from a dataset is text, whatever it looks like. The same figures
give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts import Markup, element
from chipgen.stats_page.counts import (
    categories_section,
    coverage_section,
    ignored_section,
    levels_section,
    negatives_section,
    notes_section,
    pixels_section,
)
from chipgen.stats_page.facts import built_facts, planned_facts
from chipgen.stats_page.lost import alarm, annotations_section, lost_counts
from chipgen.stats_page.parts import paragraph, section, share
from chipgen.stats_page.sizes import arrivals_section, sizes_section
from chipgen.stats_page.style import CSS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.stats_page.facts import Advice, Chips, Facts

HEAD = (
    '<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="en">\n<head>\n<meta charset="utf-8"/>\n'
    '<meta name="generator" content="chipgen stats"/>\n'
)
"""How every page begins: by this chipgen knows its own."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Even if something on the page wanted to, the browser would load nothing and run nothing."""


def page(facts: Facts) -> str:
    """Return the page as text, for a file in UTF-8."""
    head = [
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{facts.source} \u2013 chipgen stats"),
        Markup(f"<style>\n{CSS}</style>"),
    ]
    body = element("body", element("main", *_main(facts)), _footer())
    return f"{HEAD}{_lines(head)}\n</head>\n{body}\n</html>\n"


def _lines(parts: list[Markup]) -> str:
    """Write parts below each other."""
    return "\n".join(parts)


def _main(facts: Facts) -> Iterator[Markup]:
    """Yield what the page shows, from top to bottom."""
    yield element("h1", element("bdi", facts.source))
    yield paragraph(facts.headline)
    chips = facts.chips
    if chips is not None:
        yield from (_settings(chips), alarm(chips), _tiles(facts, chips))
    if facts.advice is not None:
        yield _advice(facts.advice)
    if chips is None:
        return
    yield from (sizes_section(facts, chips), arrivals_section(chips), levels_section(chips))
    yield from (coverage_section(chips), annotations_section(chips), ignored_section(chips))
    yield from (categories_section(chips), pixels_section(chips), negatives_section(chips.negatives))
    yield notes_section(facts.notes, facts.skipped)


def _settings(chips: Chips) -> Markup:
    """Say what the page is about."""
    made = chips.spread.settings
    told = f"Scales {made.scales}; valid ranges {made.valid_ranges}; sampler {made.sampler}; chips of "
    return paragraph(f"{told}{made.chip_size} px.", style="soft told")


def _tiles(facts: Facts, chips: Chips) -> Markup:
    """Return the figures that people look for first."""
    lost, single, covered = sum(lost_counts(chips).values()), chips.pixels[1], share(chips.covered, chips.pairs)
    tiles = [
        (f"{chips.count:,}", f"{'chip' if chips.count == 1 else 'chips'}, {chips.per_image:.2f} an image", ""),
        (covered, "coverage of valid (box, level) pairs", "bad" * (chips.covered < chips.pairs)),
        (share(chips.spread.well, chips.spread.objects), "of the objects arrive at a good size", ""),
        (f"{lost:,}", "annotations are learnt nowhere", "bad" * bool(lost)),
        (f"{chips.pixels[0] / single:.2f}\u00d7" if single else "none", "the pixels of a single scale, 800x1333", ""),
        (facts.size.removeprefix("about ").partition(" as ")[0], "on disk" + " expected" * ("about" in facts.size), ""),
    ]
    return element(
        "div",
        *(
            element("div", element("b", figure), element("span", words), class_=f"tile {style}".strip())
            for figure, words, style in tiles
        ),
        class_="tiles",
    )


def _advice(advice: Advice) -> Markup:
    """Show the suggested scales and the command to copy."""
    found = advice.suggestion
    told = (
        f"The fewest scales that bring sizes {found.small_img:,.1f} to {found.large_img:,.1f} px, the 2nd to 98th "
        "percentile, to about 50\u2013250 px in a 512 px chip"
    )
    told += "; this page shows what they come to." if advice.shown else "; this page shows the scales that were given."
    return section("Suggested scales", paragraph(told, style="soft"), element("code", advice.command, class_="command"))


def _footer() -> Markup:
    """Say who wrote the page, and what its words mean."""
    return element(
        "footer",
        "Written by chipgen stats. Sizes are sqrt(width * height) of a box, clipped to its image. A level is a scale "
        "with its valid range; a chip is a window of the scaled image.",
    )


__all__ = ["HEAD", "built_facts", "page", "planned_facts"]

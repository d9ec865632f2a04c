"""What became of annotations, in words; and above all which objects are learnt nowhere, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.charts import Bar, Markup, Part, bar_chart, element
from chipgen.ledger import STATUSES
from chipgen.stats_page.parts import figure, listing, paragraph, section, share, table
from chipgen.text import counted

if TYPE_CHECKING:
    from chipgen.stats_page.facts import Chips

MEANINGS = {
    "covered": "learnt: some positive chip encloses it",
    "crowd": "marked by the source as a crowd, ignored or difficult: nothing to learn",
    "uncovered": "could be learnt, but the sampler left it out",
    "too_large": "in some valid range, but no chip of those levels can hold it",
    "too_small": "in some valid range, but thinner than a box may be",
    "out_of_range": "its size lies in no valid range",
    "invalid": "its box or its references cannot be used",
    "image_skipped": "its image could not be read",
}

CURES = {
    "uncovered": "the samplers sniper and compact leave nothing out",
    "too_large": "add a coarser scale, such as 512",
    "too_small": "add a finer scale, or lower --min-box",
    "out_of_range": "widen --valid-ranges, or leave them auto",
    "invalid": "chipgen build names each of them",
    "image_skipped": "_skipped.jsonl names each image",
}
"""What to do about objects that are learnt nowhere, by their status."""


def lost_counts(chips: Chips) -> dict[str, int]:
    """Return the annotations that are learnt nowhere though they might be, by status; most first."""
    found = {status: chips.ledger.get(status, 0) for status in CURES if chips.ledger.get(status, 0)}
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def alarm(chips: Chips) -> Markup:
    """Say first of all what is lost; nothing where nothing is."""
    found = lost_counts(chips)
    if not found:
        return Markup("")
    lines = [f"{count:,} {status}: {MEANINGS[status]} \u2013 {CURES[status]}" for status, count in found.items()]
    lost = sum(found.values())
    what = f"{counted(lost, 'annotation')} {'is' if lost == 1 else 'are'} learnt nowhere"
    return element("div", element("b", what), listing(lines, "lines"), class_="alarm", role="note")


def annotations_section(chips: Chips) -> Markup:
    """Show the annotations by what became of them."""
    total, lost = sum(chips.ledger.values()), lost_counts(chips)
    order = ["covered", *lost, "crowd", *STATUSES]
    names = [name for name in dict.fromkeys(order) if chips.ledger.get(name, 0)]
    if not names:
        return section("Annotations by what becomes of them", paragraph("There are none.", style="soft"))
    counts = [(name, chips.ledger[name]) for name in names]
    rows = [(name, f"{count:,}", share(count, total), MEANINGS[name]) for name, count in counts]
    bars = [Bar(name, _told(name, count, total), (Part(name, _style(name), count),)) for name, count in counts]
    return section(
        "Annotations by what becomes of them",
        paragraph(f"All {total:,} annotations of the source, each once.", style="soft"),
        figure(bar_chart("Annotations by status in the ledger", bars)),
        table(
            [("status", "annotations", "share", "meaning"), *rows],
            texts=(0, 3),
            bad=[row for row, name in enumerate(names) if name in lost],
        ),
    )


def _told(name: str, count: int, total: int) -> str:
    """Write a count, and loudly where it is lost."""
    return f"{count:,} ({share(count, total)})" + (", learnt nowhere" if name in CURES else "")


def _style(name: str) -> str:
    """Return the colour of a status."""
    return "lost" if name in CURES else "good" if name == "covered" else "quiet"

"""What a page tells: the figures of a dataset or of a build under one roof, so that all sections are written once."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipgen.scales import GOOD_CHIP
from chipgen.text import counted, human_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chipgen.negative_summary import NegativeSummary
    from chipgen.report import BuiltStats, Stats
    from chipgen.spread import Spread
    from chipgen.suggestion import Suggestion

Row = tuple[str, ...]


@dataclass(frozen=True)
class LevelFacts:
    """Chips and boxes of one level."""

    level: int
    scale: str
    positive: int
    negative: int
    valid_boxes: int
    ignored_boxes: int


@dataclass(frozen=True)
class Advice:
    """Scales that suit a dataset.

    Parameters
    ----------
    suggestion
        What they are.
    command
        The command line that builds chips with them.
    shown
        Whether the page shows what they come to.
    """

    suggestion: Suggestion
    command: str
    shown: bool


@dataclass(frozen=True)
class Chips:
    """What chips come to.

    Parameters
    ----------
    levels
        Each level.
    level_table
        The figures of the levels, a head first.
    per_image
        Chips an image.
    negatives
        The negative ones.
    pairs, covered
        Valid (box, level) pairs, and those that a positive chip encloses.
    pixels
        Pixels of all chips, of all images at 800x1333, and of all images at all scales.
    valid_boxes, ignored
        Boxes in chips; the ignored by reason.
    ledger
        Annotations by status.
    spread
        Sizes in detail.
    """

    levels: tuple[LevelFacts, ...]
    level_table: tuple[Row, ...]
    per_image: float
    negatives: NegativeSummary
    pairs: int
    covered: int
    pixels: tuple[int, int, int]
    valid_boxes: int
    ignored: Mapping[str, int]
    ledger: Mapping[str, int]
    spread: Spread

    @property
    def count(self) -> int:
        """Return how many chips there are."""
        return sum(level.positive + level.negative for level in self.levels)


@dataclass(frozen=True)
class Facts:
    """All that a page tells.

    Parameters
    ----------
    source
        The annotation file, or the output folder.
    headline
        What it is, in a sentence.
    sized
        Whose sizes are counted.
    chips
        What chips come to; None where there is nothing to plan for.
    advice
        Scales that suit the dataset; None for a build, and without objects.
    size
        What the files take, in words.
    notes
        Sentences worth reading.
    skipped
        Things left out, by reason.
    """

    source: str
    headline: str
    sized: str
    chips: Chips | None
    advice: Advice | None
    size: str
    notes: tuple[str, ...]
    skipped: Mapping[str, int]


LEVEL_HEAD = ("level", "scale", "chips", "positive", "negative", "valid boxes", "ignored boxes")


def planned_facts(stats: Stats) -> Facts:
    """Return what a page tells of a dataset."""
    summary, advice = stats.summary, _advice(stats)
    if summary is None or stats.spread is None:
        nothing = "no objects to learn, and no scales were given: there is nothing to plan for"
        return Facts(stats.source, nothing, "", None, advice, "", (), {})
    empty = f", {summary.images_without_objects:,} without any" if summary.images_without_objects else ""
    images, categories = counted(summary.images, "image") + empty, counted(summary.categories, "category")
    levels = tuple(
        LevelFacts(one.level, one.scale, one.positive, one.negative, one.valid_boxes, one.ignored_boxes)
        for one in summary.levels
    )
    chips = Chips(
        levels=levels,
        level_table=_planned_table(stats),
        per_image=summary.chips_per_image,
        negatives=summary.negatives,
        pairs=summary.pairs,
        covered=summary.covered,
        pixels=(summary.chip_pixels, summary.single_scale_pixels, summary.pyramid_pixels),
        valid_boxes=summary.valid_boxes,
        ignored=summary.ignored_boxes,
        ledger=summary.ledger,
        spread=stats.spread,
    )
    return Facts(
        source=stats.source,
        headline=f"{counted(summary.annotations, 'annotation')} in {images}; {categories}",
        sized="objects to learn",
        chips=chips,
        advice=advice,
        size=f"about {human_bytes(summary.expected_bytes)} as JPEG at quality 95",
        notes=summary.notes,
        skipped={},
    )


def _planned_table(stats: Stats) -> tuple[Row, ...]:
    """Tabulate the levels of a plan."""
    assert stats.summary is not None
    head = ("level", "scale", "median factor", "range px", "in range", "counted", *LEVEL_HEAD[2:])
    rows = [
        (
            str(one.level),
            one.scale,
            f"{one.factor:.3f}",
            told_range(*one.range_img),
            f"{one.in_range:,}",
            f"{one.counted:,}",
            *(f"{n:,}" for n in (one.chips, one.positive, one.negative, one.valid_boxes, one.ignored_boxes)),
        )
        for one in stats.summary.levels
    ]
    return (head, *rows)


def _advice(stats: Stats) -> Advice | None:
    """Return the suggested scales and the command that builds with them."""
    found = stats.suggestion
    if found is None:
        return None
    settings = stats.spread.settings if stats.spread else None
    size = settings.chip_size if settings else GOOD_CHIP
    words = ["chipgen", "build", "--coco", stats.source, "--scales", found.scales, "--valid-ranges", found.valid_ranges]
    words += [] if size == GOOD_CHIP else ["--chip-size", str(size)]
    shown = settings is not None and (settings.scales, settings.valid_ranges) == (found.scales, found.valid_ranges)
    return Advice(found, shlex.join(words), shown)


def built_facts(stats: BuiltStats) -> Facts:
    """Return what a page tells of a finished build."""
    levels = tuple(
        LevelFacts(level, scale, positive, chips - positive, valid, ignored)
        for (level, scale, chips, valid, ignored), positive in zip(stats.levels, stats.positive, strict=True)
    )
    rows = [
        (
            str(one.level),
            one.scale,
            *(f"{n:,}" for n in (one.positive + one.negative, one.positive, one.negative)),
            *(f"{n:,}" for n in (one.valid_boxes, one.ignored_boxes)),
        )
        for one in levels
    ]
    chips = Chips(
        levels=levels,
        level_table=(LEVEL_HEAD, *rows),
        per_image=stats.chips_per_image,
        negatives=stats.negatives,
        pairs=stats.pairs,
        covered=stats.covered,
        pixels=(stats.chip_pixels, stats.single_scale_pixels, stats.pyramid_pixels),
        valid_boxes=stats.valid_boxes,
        ignored=stats.ignored_boxes,
        ledger=stats.ledger,
        spread=stats.spread,
    )
    images, annotations = counted(stats.images, "image"), counted(stats.annotations, "annotation")
    return Facts(
        source=stats.source,
        headline=f"{counted(stats.chips, 'chip')} of {images} with {annotations}, finished",
        sized="source objects seen in chips",
        chips=chips,
        advice=None,
        size=human_bytes(stats.bytes),
        notes=(),
        skipped=stats.skipped,
    )


def told_range(lo: float, hi: float | None) -> str:
    """Write a range as the command line takes it."""
    return f"{lo:g}-" if hi is None else f"{lo:g}-{hi:g}"

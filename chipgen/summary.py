"""The figures of a plan: what people want to know before and after a build, as one value and one table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.boxes import Floats, size
from chipgen.labels import STATES
from chipgen.levels import scaled_sizes
from chipgen.negative_summary import NegativeSummary, summarize_negatives
from chipgen.scales import Scale
from chipgen.sizes import Bins, histogram
from chipgen.text import counted, human_bytes, listed, table

if TYPE_CHECKING:
    from chipgen.boxes import Ints
    from chipgen.dataset import Dataset
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan

SINGLE_SCALE = Scale("800x1333", longest=1333, shortest=800)
"""What detectors are commonly trained at: the yardstick for pixels."""

JPEG_BYTES_PER_PIXEL = 0.41
"""JPEG at quality 95 without colour subsampling, measured on COCO photographs at the paper's scales."""


@dataclass(frozen=True)
class LevelSummary:
    """One level in figures.

    Parameters
    ----------
    level, scale
        Its number and its scale token.
    factor
        Median factor of the images, scaled px per image px.
    range_img
        Valid range at that factor, ``[lo, hi]``; hi None when open.
    in_range, share
        Objects to learn whose size lies in the range, and their share of all objects to learn.
    counted
        Those of them that count toward positive chips here.
    chips, chips_per_image, positive, negative
        All chips, and those of each kind.
    valid_boxes, ignored_boxes
        Boxes in those chips.
    """

    level: int
    scale: str
    factor: float
    range_img: tuple[float, float | None]
    in_range: int
    share: float
    counted: int
    chips: int
    chips_per_image: float
    positive: int
    negative: int
    valid_boxes: int
    ignored_boxes: int


@dataclass(frozen=True)
class Summary:
    """A plan in figures.

    Parameters
    ----------
    images, images_without_objects, annotations, categories
        The source.
    sizes
        Histogram of sqrt(w * h): ``[lower end, upper end or None, objects]``, image px.
    levels
        Each level.
    chips, chips_per_image, positive
        All chips, and the positive ones of them.
    negatives
        The negative ones.
    pairs, covered, coverage
        Valid (box, level) pairs, those enclosed by a positive chip, and their share (1 without pairs).
    valid_boxes, ignored_boxes
        Boxes in chips; the ignored by reason.
    ledger
        Annotations by status.
    chip_pixels, single_scale_pixels, pyramid_pixels
        Pixels of all chips, of all images at 800x1333, and of all images at all the scales.
    pixels_to_single_scale, pixels_to_pyramid
        The first against the second and the third; None when empty.
    expected_bytes
        Size of the output as JPEG at quality 95, roughly.
    notes
        Sentences worth reading.
    """

    images: int
    images_without_objects: int
    annotations: int
    categories: int
    sizes: Bins
    levels: tuple[LevelSummary, ...]
    chips: int
    chips_per_image: float
    positive: int
    negatives: NegativeSummary
    pairs: int
    covered: int
    coverage: float
    valid_boxes: int
    ignored_boxes: dict[str, int]
    ledger: dict[str, int]
    chip_pixels: int
    single_scale_pixels: int
    pyramid_pixels: int
    pixels_to_single_scale: float | None
    pixels_to_pyramid: float | None
    expected_bytes: int
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the figures as a table for people."""
        levels = (_level_lines(self), self.negatives.level_lines())
        blocks = (_source_lines(self), size_lines(self.sizes), *levels, _total_lines(self))
        return "\n\n".join("\n".join(block) for block in blocks if block)


def learnable_sizes(dataset: Dataset) -> Floats:
    """Return sqrt(w * h) of the objects that may be learnt: neither invalid nor ignored by the source, image px."""
    annotations = dataset.annotations
    return size(annotations.xyxy_img[(annotations.invalid == 0) & (annotations.ignored_by == 0)])


def summarize(plan: Plan, ledger: Ledger) -> Summary:
    """Return the figures of a plan."""
    dataset, chips, boxes = plan.dataset, plan.chips, plan.boxes
    pairs, covered = int(np.count_nonzero(plan.fits.counts)), int(np.count_nonzero(ledger.covered))
    states = np.bincount(boxes.state, minlength=len(STATES)).tolist()
    single = int(scaled_sizes(SINGLE_SCALE, dataset.images.size_img).prod(axis=1).sum())
    pyramid = int(plan.levels.size_scaled.prod(axis=2).sum())
    chip_pixels = len(chips) * plan.config.chip_size**2
    return Summary(
        images=len(dataset.images),
        images_without_objects=int(np.count_nonzero(dataset.spans[:, 0] == dataset.spans[:, 1])),
        annotations=len(dataset.annotations),
        categories=len(dataset.categories),
        sizes=histogram(learnable_sizes(dataset)),
        levels=_levels(plan),
        chips=len(chips),
        chips_per_image=ratio(len(chips), len(dataset.images)) or 0.0,
        positive=int(np.count_nonzero(chips.kind == 0)),
        negatives=summarize_negatives(plan),
        pairs=pairs,
        covered=covered,
        coverage=covered / pairs if pairs else 1.0,
        valid_boxes=states[0],
        ignored_boxes=dict(zip(STATES[1:], states[1:], strict=True)),
        ledger=ledger.counts(),
        chip_pixels=chip_pixels,
        single_scale_pixels=single,
        pyramid_pixels=pyramid,
        pixels_to_single_scale=ratio(chip_pixels, single),
        pixels_to_pyramid=ratio(chip_pixels, pyramid),
        expected_bytes=int(chips.content.prod(axis=1).sum() * JPEG_BYTES_PER_PIXEL),
        notes=plan.notes,
    )


def ratio(part: float, whole: float) -> float | None:
    """Return a ratio to four digits, or None where there is nothing to compare with."""
    return round(part / whole, 4) if whole else None


def _levels(plan: Plan) -> tuple[LevelSummary, ...]:
    """Return the figures of each level."""
    count = len(plan.levels.scales)
    at = plan.chips.level.astype(np.int16)[plan.boxes.chip]  # narrow, for there are many boxes
    valid = np.bincount(at[plan.boxes.state == 0], minlength=count)
    boxes = zip((np.bincount(at, minlength=count) - valid).tolist(), valid.tolist(), strict=True)
    return tuple(_level(plan, level, valid, ignored) for level, (ignored, valid) in enumerate(boxes))


def _level(plan: Plan, level: int, valid_boxes: int, ignored_boxes: int) -> LevelSummary:
    """Return the figures of one level, given those of its boxes."""
    annotations = plan.dataset.annotations
    learnable = (annotations.invalid == 0) & (annotations.ignored_by == 0)
    here = plan.chips.level == level
    images = len(plan.dataset.images)
    in_range = int(np.count_nonzero(learnable & plan.fits.in_range[:, level]))
    factor, lo, hi = median_level(plan.levels.mean_factor[:, level], plan.levels.range_img[:, level])
    return LevelSummary(
        level=level,
        scale=plan.levels.scales[level].token,
        factor=round(factor, 4),
        range_img=(round(lo, 2), None if math.isinf(hi) else round(hi, 2)),
        in_range=in_range,
        share=ratio(in_range, int(np.count_nonzero(learnable))) or 0.0,
        counted=int(np.count_nonzero(plan.fits.counts[:, level])),
        chips=int(np.count_nonzero(here)),
        chips_per_image=ratio(int(np.count_nonzero(here)), images) or 0.0,
        positive=int(np.count_nonzero(here & (plan.chips.kind == 0))),
        negative=int(np.count_nonzero(here & (plan.chips.kind == 1))),
        valid_boxes=valid_boxes,
        ignored_boxes=ignored_boxes,
    )


def median_level(factor: Floats, range_img: Floats) -> tuple[float, float, float]:
    """Return factor and valid range of the image in the middle, by factor."""
    if not len(factor):
        return 0.0, 0.0, math.inf
    middle: Ints = np.argsort(factor, kind="stable")[len(factor) // 2]
    lo, hi = range_img[middle].tolist()
    return float(factor[middle]), lo, hi


def _source_lines(summary: Summary) -> list[str]:
    """Say what was read."""
    empty = f", {summary.images_without_objects} without any" if summary.images_without_objects else ""
    images = counted(summary.images, "image") + empty
    return [f"{counted(summary.annotations, 'annotation')} in {images}; {counted(summary.categories, 'category')}"]


def size_lines(sizes: Bins) -> list[str]:
    """Draw the histogram of sizes."""
    total = sum(count for _, _, count in sizes)
    if not total:
        return []
    most = max(count for _, _, count in sizes)
    rows = [("object size, sqrt(w*h) px", "objects", "share", "")]
    for lo, hi, count in sizes:
        ends = f"{lo:g} and more" if hi is None else f"{lo:g} to {hi:g}"
        rows.append((ends, f"{count:,}", f"{count / total:.1%}", ("#" * round(30 * count / most)).ljust(30)))
    return table(rows)


def _level_lines(summary: Summary) -> list[str]:
    """Tabulate the levels."""
    head = "level,scale,factor,range px,in range,share,counted,positive,negative,per image,valid,ignored"
    rows = [tuple(head.split(","))]
    for row in summary.levels:
        lo, hi = row.range_img
        rows.append(
            (
                str(row.level),
                row.scale,
                f"{row.factor:.3f}",
                f"{lo:g}-" if hi is None else f"{lo:g}-{hi:g}",
                f"{row.in_range:,}",
                f"{row.share:.1%}",
                f"{row.counted:,}",
                f"{row.positive:,}",
                f"{row.negative:,}",
                f"{row.chips_per_image:.2f}",
                f"{row.valid_boxes:,}",
                f"{row.ignored_boxes:,}",
            )
        )
    return table(rows)


def _total_lines(summary: Summary) -> list[str]:
    """Say what it comes to."""
    lines = [
        chips_line(summary.positive, summary.negatives.chips, summary.chips_per_image),
        *summary.negatives.total_lines(),
        f"coverage     {summary.coverage:.2%} of {summary.pairs:,} valid (box, level) pairs",
        f"boxes        {summary.valid_boxes:,} valid; ignored: {listed(summary.ignored_boxes)}",
        f"annotations  {listed(summary.ledger)}",
        *pixel_lines(summary.pixels_to_single_scale, summary.pixels_to_pyramid),
        f"expected     {human_bytes(summary.expected_bytes)} as JPEG at quality 95",
    ]
    return lines + [f"note         {note}" for note in summary.notes]


def chips_line(positive: int, negative: int, per_image: float) -> str:
    """Say how many chips there are."""
    kinds = f": {positive:,} positive, {negative:,} negative" if negative else ""
    return f"chips        {positive + negative:,}, {per_image:.2f} an image{kinds}"


def pixel_lines(to_single_scale: float | None, to_pyramid: float | None) -> list[str]:
    """Compare pixels, when there are any."""
    if to_single_scale is None or to_pyramid is None:
        return []
    return [f"pixels       {to_single_scale:.2f} of single-scale 800x1333, {to_pyramid:.2f} of the full pyramid"]

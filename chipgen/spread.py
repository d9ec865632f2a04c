"""How sizes spread: over an octave scale, over the valid ranges, in the chips where they arrive; and over categories.

Finer than a `Summary`: what a picture needs, of a plan or of a finished build.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import size
from chipgen.ledger import STATUSES
from chipgen.scales import GOOD_CHIP, GOOD_SIZE
from chipgen.sizes import Bins, fine_histogram
from chipgen.suggestion import PERCENTILES
from chipgen.summary import learnable_sizes, median_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan

Ends = tuple[float, float | None]
"""Ends of a range, image px; the upper one None when open."""


@dataclass(frozen=True)
class Settings:
    """The settings that decide most about a plan, as written on the command line.

    Parameters
    ----------
    scales, valid_ranges, sampler
        The tokens and the name.
    chip_size
        Side of a chip, px.
    """

    scales: str
    valid_ranges: str
    sampler: str
    chip_size: int


@dataclass(frozen=True)
class Band:
    """The valid range of a level.

    Parameters
    ----------
    level, scale
        Its number and its scale token.
    range_img
        The range at the image in the middle, by factor.
    widest_img
        From the lowest end at any image to the highest: automatic ranges differ between images of different sizes.
    """

    level: int
    scale: str
    range_img: Ends
    widest_img: Ends


@dataclass(frozen=True)
class Arrivals:
    """The objects that are valid in some chip of a level, by the size at which they arrive there.

    Parameters
    ----------
    level
        Its number.
    objects, well
        How many there are, and how many of them have a size that a detector learns best.
    sizes_chip
        Their sizes, sqrt(w * h) of the whole box, chip px.
    """

    level: int
    objects: int
    well: int
    sizes_chip: Bins


@dataclass(frozen=True)
class CategoryCount:
    """The objects to learn of one category.

    Parameters
    ----------
    name
        Its name, or its id where no name is known.
    objects, covered
        All of them, and those that some positive chip encloses.
    """

    name: str
    objects: int
    covered: int


@dataclass(frozen=True)
class Spread:
    """Sizes, ranges and categories in detail.

    Parameters
    ----------
    settings
        What they were planned with.
    sizes_img
        Histogram of sqrt(w * h), image px, in quarters of an octave.
    percentiles_img
        2nd and 98th percentile of these; None without objects.
    bands
        The valid ranges, of the levels where they are known.
    arrivals
        For each level.
    good_chip
        Sizes between which a detector learns best, chip px.
    objects, well
        Objects to learn, and those that arrive at such a size in some chip.
    categories
        Most objects first; among equal ones in the order of their table.
    """

    settings: Settings
    sizes_img: Bins
    percentiles_img: tuple[float, float] | None
    bands: tuple[Band, ...]
    arrivals: tuple[Arrivals, ...]
    good_chip: tuple[float, float]
    objects: int
    well: int
    categories: tuple[CategoryCount, ...]


def spread_of(plan: Plan, ledger: Ledger) -> Spread:
    """Return how the sizes of a plan spread."""
    dataset, annotations = plan.dataset, plan.dataset.annotations
    factor, good, sizes_img = plan.levels.mean_factor, good_sizes(plan.config.chip_size), learnable_sizes(dataset)
    well, found = np.zeros(len(annotations), dtype=np.bool_), []
    for level in range(len(plan.levels.scales)):
        rows = np.flatnonzero(ledger.in_level[:, level])
        sizes_chip = size(annotations.xyxy_img[rows]) * factor[annotations.image[rows], level]
        well[rows] |= arrive_well(sizes_chip, good)
        found.append(arrivals(level, sizes_chip, good))
    ranges = plan.levels.range_img
    config = plan.config
    return Spread(
        settings=Settings(config.scale_tokens, config.range_tokens, config.sampler, config.chip_size),
        sizes_img=fine_histogram(sizes_img),
        percentiles_img=percentiles(sizes_img),
        bands=tuple(
            band(level, scale.token, factor[:, level], ranges[:, level])
            for level, scale in enumerate(plan.levels.scales)
        ),
        arrivals=tuple(found),
        good_chip=good,
        objects=len(sizes_img),
        well=int(np.count_nonzero(well)),
        categories=_categories(plan, ledger),
    )


def good_sizes(chip_size: int) -> tuple[float, float]:
    """Return the sizes between which a detector learns best in a chip of this side, chip px."""
    low, high = (end * chip_size / GOOD_CHIP for end in GOOD_SIZE)
    return low, high


def percentiles(sizes: Floats) -> tuple[float, float] | None:
    """Return the 2nd and the 98th percentile; None without sizes."""
    if not len(sizes):
        return None
    small, large = np.percentile(sizes, PERCENTILES).tolist()
    return small, large


def arrive_well(sizes_chip: Floats, good_chip: tuple[float, float]) -> Bools:
    """Tell which sizes a detector learns best; both ends are among them, to rounding."""
    low, high = good_chip
    return np.asarray((sizes_chip > low - 1e-3) & (sizes_chip < high + 1e-3), dtype=np.bool_)


def arrivals(level: int, sizes_chip: Floats, good_chip: tuple[float, float]) -> Arrivals:
    """Count the sizes at which the objects of a level arrive, chip px."""
    well = int(np.count_nonzero(arrive_well(sizes_chip, good_chip)))
    return Arrivals(level, len(sizes_chip), well, fine_histogram(sizes_chip))


def band(level: int, scale: str, factor: Floats, range_img: Floats) -> Band:
    """Return the valid range of a level, given the factors of images ``(M,)`` and their ranges ``(M, 2)``, image px."""
    _, lo, hi = median_level(factor, range_img)
    lowest, highest = (range_img[:, 0].min(), range_img[:, 1].max()) if len(factor) else (lo, hi)
    return Band(level, scale, _ends(lo, hi), _ends(float(lowest), float(highest)))


def _ends(lo: float, hi: float) -> Ends:
    """Round the ends of a range to hundredths."""
    return round(lo, 2), None if math.isinf(hi) else round(hi, 2)


def _categories(plan: Plan, ledger: Ledger) -> tuple[CategoryCount, ...]:
    """Count the objects of each category of a plan."""
    annotations, table = plan.dataset.annotations, plan.dataset.categories
    learnable = (annotations.invalid == 0) & (annotations.ignored_by == 0)
    covered = learnable & (ledger.status == STATUSES.index("covered"))
    count = [np.bincount(annotations.category[rows], minlength=len(table)) for rows in (learnable, covered)]
    return most_first(table.name, *count)


def most_first(names: Sequence[str], objects: Ints, covered: Ints) -> tuple[CategoryCount, ...]:
    """Join the counts of categories, ``(K,)`` each; most objects first."""
    rows = np.argsort(-objects, kind="stable").tolist()
    counts = objects.tolist(), covered.tolist()
    return tuple(CategoryCount(names[row], counts[0][row], counts[1][row]) for row in rows)

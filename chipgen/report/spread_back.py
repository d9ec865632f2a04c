"""How the sizes of a finished build spread, from its tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.report.columns import factors, source_sizes
from chipgen.scales import parse_ranges
from chipgen.sizes import fine_histogram
from chipgen.spread import (
    Band,
    CategoryCount,
    Settings,
    Spread,
    arrivals,
    arrive_well,
    band,
    good_sizes,
    most_first,
    percentiles,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from chipgen.report.columns import BoxColumns

NOT_TO_LEARN = ("invalid", "crowd")
"""Statuses of annotations that are no objects to learn, whatever the scales."""


def spread_back(
    configuration: Mapping[str, Any], chips: pa.Table, boxes: BoxColumns, ledger: pa.Table, names: Mapping[int, str]
) -> Spread:
    """Return how the sizes of a build spread.

    Parameters
    ----------
    configuration
        That of the manifest.
    chips, boxes, ledger
        The tables.
    names
        Names of categories by their source ids, as many as are known.
    """
    settings = Settings(*(configuration[name] for name in ("scales", "valid_ranges", "sampler", "chip_size")))
    good, sizes_img = good_sizes(settings.chip_size), source_sizes(boxes)
    learnt = boxes.shown_best(np.flatnonzero(boxes.valid), each_level=True)
    level, sizes_chip = boxes.level[learnt], boxes.size_chip[learnt]
    categories = _categories(ledger, names)
    return Spread(
        settings=settings,
        sizes_img=fine_histogram(sizes_img),
        percentiles_img=percentiles(sizes_img),
        bands=tuple(_bands(settings, chips)),
        arrivals=tuple(
            arrivals(number, sizes_chip[level == number], good) for number in range(len(settings.scales.split(",")))
        ),
        good_chip=good,
        objects=sum(one.objects for one in categories),
        well=len(np.unique(boxes.source_id[learnt[arrive_well(sizes_chip, good)]])),
        categories=categories,
    )


def _bands(settings: Settings, chips: pa.Table) -> Iterator[Band]:
    """Yield the valid range of each level: as asked for, or of the images that have chips there."""
    scales = settings.scales.split(",")
    asked = parse_ranges(settings.valid_ranges, len(scales))
    level, factor = chips["level"].to_numpy(), factors(chips)
    image = chips["source"].combine_chunks().field("image_id").to_numpy()
    valid = chips["valid_range"].combine_chunks()
    lo, hi = valid.field("lo").to_numpy(), valid.field("hi").fill_null(math.inf).to_numpy()
    ranges = np.stack((lo, hi), axis=1).astype(np.float64) / factor[:, None]
    for number, scale in enumerate(scales):
        rows = np.flatnonzero(level == number)
        rows = rows[np.unique(image[rows], return_index=True)[1]]
        if asked is not None:
            yield band(number, scale, np.ones(1), np.array([[asked[number].lo, asked[number].hi]]))
        elif len(rows):
            yield band(number, scale, factor[rows], ranges[rows])


def _categories(ledger: pa.Table, names: Mapping[int, str]) -> tuple[CategoryCount, ...]:
    """Count the objects of each category of a ledger."""
    status = ledger["status"].to_numpy()
    ids, row = np.unique(ledger["category_id"].to_numpy(), return_inverse=True)
    count = [
        np.bincount(row[rows], minlength=len(ids)) for rows in (~np.isin(status, NOT_TO_LEARN), status == "covered")
    ]
    told = [names.get(one, f"category {one}") for one in ids.tolist()]
    return tuple(one for one in most_first(told, *count) if one.objects)

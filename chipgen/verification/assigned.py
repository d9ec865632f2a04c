"""The boxes that are learnt in another chip of their level: they are valid there, and that is the better chip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.assignment import margins
from chipgen.boxes import TOLERANCE
from chipgen.verification.columns import pair_numbers, take
from chipgen.verification.laws import ELSEWHERE, first_broken, learnable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Floats
    from chipgen.verification.columns import Boxes, Chips

BLUR = 0.01
"""Chip px: a difference of two distances written in single precision, to a thousandth of a pixel, is off by less."""


def check_assigned(chips: Chips, boxes: Boxes) -> Iterator[tuple[int, str]]:
    """Yield what is wrong with boxes that ``--assign one`` gave to another chip, given all chips of their images.

    Yields
    ------
    int, str
        The row of the box, and what is wrong.
    """
    rows = np.flatnonzero(learnable(boxes))
    some = take(boxes, rows)
    number = pair_numbers(some.source_id, chips.level[some.chip])
    holder = np.full(len(some), -1, dtype=np.int64)
    holder[number[some.valid]] = np.flatnonzero(some.valid)
    holder = holder[number]
    elsewhere, chip_id = some.reason == ELSEWHERE, chips.id[some.chip[holder]]
    margin = _margins(chips, some)  # 0 wherever a chip shows a part only
    laws = (
        (elsewhere & (holder < 0), "is valid in no chip of its level"),
        (elsewhere & (some.visibility > some.visibility[holder] + 2 * TOLERANCE), "shows less of it"),
        (elsewhere & (margin > margin[holder] + BLUR), "shows it nearer to the border"),
    )
    for row, what in first_broken(*laws):
        where = f"chip {chip_id[row]}, where it is valid, " if holder[row] >= 0 else ""
        yield int(rows[row]), f"is assigned_elsewhere, but {where}{what}"


def _margins(chips: Chips, boxes: Boxes) -> Floats:
    """Return the distance of boxes to the border of their chips; see `chipgen.assignment.margins`."""
    corners = np.concatenate((boxes.bbox[:, :2], boxes.bbox[:, :2] + boxes.bbox[:, 2:]), axis=1)
    return margins(corners, chips.content[boxes.chip])

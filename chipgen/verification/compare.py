"""What a shard says of its chips, against what the plan says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.chips import KINDS
from chipgen.labels import STATES
from chipgen.verification.columns import take
from chipgen.verification.laws import first_broken
from chipgen.writers.tables import PLAN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from chipgen.boxes import Bools
    from chipgen.verification.columns import Boxes, Chips
    from chipgen.verification.laws import Law

SAME = 1e-5
"""Numbers that differ by less are the same, written in single precision or as text."""

WORDS = {"kind": KINDS, "reason": STATES}
NAMES = {"reason": "ignore_reason", "size_img": "source size", "origin_img": "transform", "factor": "transform"}


def differences(chips: Chips, boxes: Boxes, planned: Chips, planned_boxes: Boxes) -> dict[int, str]:
    """Compare chips with a plan.

    Parameters
    ----------
    chips, boxes
        As the shard tells them.
    planned, planned_boxes
        As the plan tells them: the same chips, and the boxes of them that should be written.

    Returns
    -------
    dict of str
        How each chip that differs does so, by row: one thing each.
    """
    faults: dict[int, str] = {}
    other = _other_boxes(boxes, planned_boxes, len(chips))
    for row in np.flatnonzero(other).tolist():
        there, wanted = (some.id[some.chip == row].tolist() for some in (boxes, planned_boxes))
        faults[row] = f"holds boxes {_few(there)}, {PLAN} says {_few(wanted)}"
    ours, theirs = (take(some, ~other[some.chip]) for some in (boxes, planned_boxes))
    for box, what in first_broken(*_compare(ours, theirs, ("source_id", "category_id", "category", "valid", "reason"))):
        faults.setdefault(int(ours.chip[box]), f"box {ours.id[box]}: {what}")
    for box, what in first_broken(*_compare(ours, theirs, ("bbox", "visibility"))):
        faults.setdefault(int(ours.chip[box]), f"box {ours.id[box]}: {what}")
    return {**faults, **dict(first_broken(*_compare(chips, planned, tuple(vars(chips)))))}


def _other_boxes(boxes: Boxes, planned: Boxes, chips: int) -> Bools:
    """Tell which chips hold boxes of other ids, or in another order, than planned, shape ``(C,)``."""
    counts = np.bincount(boxes.chip, minlength=chips)
    other = counts != np.bincount(planned.chip, minlength=chips)
    ours, theirs = (take(some, ~other[some.chip]) for some in (boxes, planned))
    other[ours.chip[ours.id != theirs.id]] = True
    return np.asarray(other, dtype=np.bool_)


def _compare(ours: Chips | Boxes, theirs: Chips | Boxes, names: tuple[str, ...]) -> Iterator[Law]:
    """Yield where columns differ."""
    for name in names:
        one, other = getattr(ours, name), getattr(theirs, name)
        if name == "category" and len(one) and one[0] < 0:
            continue  # the format does not tell it

        def what(row: int, name: str = name, one: NDArray[Any] = one, other: NDArray[Any] = other) -> str:
            return f"{NAMES.get(name, name)} is {_shown(name, one[row])}, {PLAN} says {_shown(name, other[row])}"

        yield _differ(one, other), what


def _differ(one: NDArray[Any], other: NDArray[Any]) -> Bools:
    """Tell which rows differ."""
    if one.dtype.kind == "f":
        differ = ~np.isclose(one, other, rtol=1e-6, atol=SAME)
    else:
        differ = np.asarray(one != other, dtype=np.bool_)
    return np.asarray(differ.any(axis=1) if differ.ndim > 1 else differ, dtype=np.bool_)


def _shown(name: str, value: Any) -> str:
    """Write a value for people."""
    if name in WORDS:
        return repr(WORDS[name][value]) if value >= 0 else "another word"
    return repr(value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value)[:200]


def _few(ids: list[int]) -> str:
    """Write some ids."""
    return ", ".join(map(str, ids[:10])) + (", ..." if len(ids) > 10 else "") if ids else "none"

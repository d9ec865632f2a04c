"""The plan as it was written: its chips by themselves, and against the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.partition_ids import STEP
from chipgen.verification.assigned import check_assigned
from chipgen.verification.columns import unique_pairs
from chipgen.verification.laws import check_chips, first_broken, learnable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Bools, Ints
    from chipgen.verification.manifest import Manifest
    from chipgen.verification.tables import PlanTable


ENCLOSED = 3e-6
"""A visibility that falls short of 1 by less counts as 1: a box may reach over an edge by a millionth of a pixel."""


def enclosed(plan: PlanTable) -> Bools:
    """Tell which boxes to learn, there or in another chip, lie completely inside a positive chip, shape ``(B,)``."""
    boxes = plan.boxes
    positive = plan.chips.kind[boxes.chip] == 0
    return np.asarray(learnable(boxes) & positive & (boxes.visibility > 1 - ENCLOSED), dtype=np.bool_)


def check_plan(plan: PlanTable, manifest: Manifest, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a plan: for each chip one thing, then what is wrong with the whole.

    Parameters
    ----------
    plan
        The plan.
    manifest
        What was built.
    whole
        Whether no image was skipped: then ids have no gaps.
    """
    faults = {
        **check_chips(plan.chips, plan.boxes, manifest.configuration),
        **dict(first_broken(*_against_each_other(plan), *_of_positive(plan, manifest))),
    }
    if manifest.configuration.assign == "one":
        for box, what in check_assigned(plan.chips, plan.boxes):
            faults.setdefault(int(plan.boxes.chip[box]), f"box {plan.boxes.id[box]}: {what}")
    yield from ((f"chip {plan.chips.id[row]}", faults[row]) for row in sorted(faults))
    if not faults:
        yield from _ids(plan, manifest.configuration.first_id, whole=whole)
        yield from _categories(plan, manifest)
        yield from _rows(plan, manifest)


def _against_each_other(plan: PlanTable) -> Iterator[tuple[Bools, str]]:
    """Yield the laws of a chip and the one before."""
    chips = plan.chips
    same_image = _follows(chips.image_id, np.equal)
    same_level = same_image & _follows(chips.level, np.equal)
    yield ~_follows(chips.id, np.greater, first=True), "its id is not above that of the chip before"
    falls = _follows(chips.image_id, np.less) | (same_image & _follows(chips.level, np.less))
    falls |= same_level & _follows(chips.kind, np.less)
    yield falls, "is not sorted by source image, level, positive chips first"
    same_source = _follows(chips.file_name, np.equal)
    for side in chips.size_img.T:
        same_source &= _follows(side, np.equal)
    yield same_image & ~same_source, "its source is another than that of the chip before, of the same image id"
    yield _follows(plan.shard, np.less), "lies in a shard before that of the chip before"
    odd = (plan.proposals < 0) | ((chips.kind == 0) & (plan.proposals != 0))
    yield odd, "proposals are counted in a positive chip, or below zero"


def _of_positive(plan: PlanTable, manifest: Manifest) -> Iterator[tuple[Bools, str]]:
    """Yield what a positive chip is there for; a user's own sampler may have other reasons."""
    if manifest.configuration.covers:
        holds = np.bincount(plan.boxes.chip[enclosed(plan)], minlength=len(plan.chips)) > 0
        yield (plan.chips.kind == 0) & ~holds, "is positive, but encloses nothing to learn"


def _follows(values: np.typing.NDArray[np.generic], compare: np.ufunc, *, first: bool = False) -> Bools:
    """Compare each value with the one before; `first` is the answer for the first of all."""
    answer = np.full(len(values), first)
    answer[1:] = compare(values[1:], values[:-1])
    return answer


def _ids(plan: PlanTable, lowest: int, *, whole: bool) -> Iterator[tuple[str, str]]:
    """Yield gaps in ids where there must be none, and ids of other files of the same dataset."""
    ids: tuple[tuple[str, Ints, int], ...] = (("chip", plan.chips.id, lowest), ("box", plan.boxes.id, lowest + 1))
    for name, numbers, first in ids:
        if len(numbers) and numbers[0] < first:
            yield f"{name} {numbers[0]}", f"ids of a {name} begin with {first}"
        elif whole and len(numbers) and numbers[-1] != first + len(numbers) - 1:
            gap = int(np.flatnonzero(numbers != np.arange(first, first + len(numbers)))[0])
            yield f"{name} {numbers[gap]}", f"{name} {first + gap} should stand there: no image was skipped"
    others = np.flatnonzero((lowest > 0) & (plan.chips.image_id - lowest != plan.chips.image_id % STEP))
    for row in others[:1].tolist():
        yield f"chip {plan.chips.id[row]}", f"is of image {plan.chips.image_id[row]}, which is of another file"


def _categories(plan: PlanTable, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield classes that are none, or that have two ids."""
    pairs = unique_pairs(plan.boxes.category, plan.boxes.category_id)
    for column, name in enumerate(("category", "category_id")):
        values, counts = np.unique(pairs[:, column], return_counts=True)
        for value in values[counts > 1].tolist():
            yield "objects", f"{name} {value} goes with different {('category_id', 'category')[column]}s"
    for value in pairs[(pairs[:, 0] < 0) | (pairs[:, 0] >= manifest.counts.categories), 0].tolist():
        yield "objects", f"there is no class {value}, only {manifest.counts.categories}"


def _rows(plan: PlanTable, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield shards that the manifest says hold more or fewer chips."""
    count = len(manifest.shards)
    if len(plan.shard) and not 0 <= plan.shard[0] <= plan.shard[-1] < count:
        yield "column shard", f"names shards {plan.shard[0]} to {plan.shard[-1]}, there are {count}"
        return
    rows = np.bincount(plan.shard, minlength=count).tolist()
    for shard, (planned, entry) in enumerate(zip(rows, manifest.shards, strict=True)):
        if planned != entry.rows:
            yield f"shard {shard}", f"has {planned} chips, the manifest says {entry.rows}"

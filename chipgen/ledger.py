"""The ledger: one row for each source annotation, where it is learnt, or why nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import Bools, Floats, Ints, scale, sides, size
from chipgen.dataset import IGNORED_BY, INVALID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chipgen.chips import Chips
    from chipgen.dataset import Dataset
    from chipgen.labels import ChipBoxes
    from chipgen.levels import Levels
    from chipgen.positive import Fit

STATUSES = (
    "invalid",
    "image_skipped",
    "crowd",
    "covered",
    "too_large",
    "too_small",
    "out_of_range",
    "uncovered",
)
"""What became of an annotation: the first that applies.

``uncovered`` cannot happen with the samplers that cover: a user's own sampler passed over a box it could have taken.
"""

BLOCK = 1 << 18
"""Boxes looked at a time, so that the steps between take little memory."""
NONE_SKIPPED: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class Ledger:
    """What became of every annotation, in source order of (image id, annotation id).

    Parameters
    ----------
    status
        Position in `STATUSES`, shape ``(N,)``, int64.
    reason
        More about the status, one text for each annotation; empty where the status says it all.
    n_valid, n_ignored
        Chips where it is learnt, and where it is seen but ignored, shape ``(N,)``, int64.
    in_level
        Whether it is learnt at each level, shape ``(N, L)``, bool.
    covered
        Whether some chip encloses it at a level where it counts, shape ``(N, L)``, bool.
    """

    status: Ints
    reason: tuple[str, ...]
    n_valid: Ints
    n_ignored: Ints
    in_level: Bools
    covered: Bools

    def counts(self) -> dict[str, int]:
        """Return the number of annotations of each status; they add up to the input."""
        numbers = np.bincount(self.status, minlength=len(STATUSES)).tolist()
        return {name: number for name, number in zip(STATUSES, numbers, strict=True) if number or name != "uncovered"}


def make_ledger(
    dataset: Dataset,
    levels: Levels,
    fits: Fit,
    chips: Chips,
    boxes: ChipBoxes,
    skipped_images: Mapping[int, str] = NONE_SKIPPED,
) -> Ledger:
    """Draw up the ledger.

    Parameters
    ----------
    dataset, levels, fits, chips, boxes
        The plan; chips of skipped images may still be in it.
    skipped_images
        Reason for each image row that was skipped; its chips do not exist.
    """
    gone = np.zeros(len(dataset.images), dtype=np.bool_)
    gone[list(skipped_images)] = True
    exists = ~gone[chips.image]
    n_valid, n_ignored = (np.zeros(len(dataset.annotations), dtype=np.int64) for _ in range(2))
    valid_at, covered = (np.zeros(fits.counts.shape, dtype=np.bool_) for _ in range(2))
    for first in range(0, len(boxes), BLOCK):
        rows = slice(first, first + BLOCK)
        chip, annotation = boxes.chip[rows], boxes.annotation[rows]
        there, valid, level = exists[chip], boxes.state[rows] == 0, chips.level[chip]
        n_valid += np.bincount(annotation[there & valid], minlength=len(n_valid))
        n_ignored += np.bincount(annotation[there & ~valid], minlength=len(n_ignored))
        valid_at[annotation[there & valid], level[there & valid]] = True
        enclosed = there & boxes.enclosed[rows] & (chips.kind[chip] == 0)
        covered[annotation[enclosed], level[enclosed]] = True
    covered &= fits.counts
    status = _status(dataset, fits, covered, gone)
    reason = _reasons(dataset, levels, status, fits, skipped_images)
    return Ledger(status, reason, n_valid, n_ignored, valid_at, covered)


def _at_any(levels: Bools) -> Bools:
    """Tell what is true at some level, shape ``(N,)``, of a table ``(N, L)``; far faster than ``any(axis=1)``."""
    found = np.zeros(len(levels), dtype=np.bool_)
    for level in levels.T:
        found |= level
    return found


def _status(dataset: Dataset, fits: Fit, covered: Bools, gone: Bools) -> Ints:
    """Return the first status that applies to each annotation."""
    annotations = dataset.annotations
    known = annotations.image >= 0
    lost = np.zeros(len(annotations), dtype=np.bool_)
    lost[known] = gone[annotations.image[known]]
    in_range, holdable = _at_any(fits.in_range), fits.in_range & fits.holdable
    conditions = [
        annotations.invalid > 0,
        lost,
        annotations.ignored_by > 0,
        _at_any(covered),
        in_range & ~_at_any(holdable),
        in_range & ~_at_any(holdable & fits.thick),
        ~in_range,
    ]
    return np.select(conditions, range(len(conditions)), default=len(conditions)).astype(np.int64)


def _reasons(
    dataset: Dataset, levels: Levels, status: Ints, fits: Fit, skipped_images: Mapping[int, str]
) -> tuple[str, ...]:
    """Return what there is to say besides the status."""
    annotations = dataset.annotations
    reasons = np.full(len(annotations), "", dtype=np.object_)
    rows = {name: np.flatnonzero(status == position) for position, name in enumerate(STATUSES)}
    reasons[rows["invalid"]] = np.array(INVALID, dtype=np.object_)[annotations.invalid[rows["invalid"]]]
    reasons[rows["crowd"]] = np.array(IGNORED_BY, dtype=np.object_)[annotations.ignored_by[rows["crowd"]]]
    lost = rows["image_skipped"]
    reasons[lost] = [skipped_images[image] for image in annotations.image[lost].tolist()]
    sizes = size(annotations.xyxy_img[rows["out_of_range"]]).tolist()
    reasons[rows["out_of_range"]] = [f"sqrt(w*h) {one:.2f} px lies in no valid range" for one in sizes]
    for name in ("too_large", "too_small"):
        factor, in_range = levels.factor[annotations.image[rows[name]]], fits.in_range[rows[name]]
        best = _kindest_level(factor, in_range, largest=name == "too_small")
        at_best = factor[np.arange(len(best)), best]
        reasons[rows[name]] = _sides_at(annotations.xyxy_img[rows[name]], at_best, best)
    return tuple(reasons.tolist())


def _kindest_level(factor: Floats, in_range: Bools, *, largest: bool) -> Ints:
    """Return the level, among those in range, at which each box came closest to being learnt, shape ``(K,)``.

    `factor` has shape ``(K, L, 2)``, `in_range` ``(K, L)``.
    """
    size_at = np.where(in_range, factor.prod(axis=2), -np.inf if largest else np.inf)
    return np.asarray(size_at.argmax(axis=1) if largest else size_at.argmin(axis=1), dtype=np.int64)


def _sides_at(xyxy_img: Floats, factor: Floats, level: Ints) -> list[str]:
    """Describe each box at its level; `factor` has shape ``(K, 2)``."""
    rows = zip(*sides(scale(xyxy_img, factor)).T.tolist(), level.tolist(), strict=True)
    return [f"{width:.2f} x {height:.2f} px at level {at}" for width, height, at in rows]

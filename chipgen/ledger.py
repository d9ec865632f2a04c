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
    from chipgen.positive import Fit
    from chipgen.scales import Levels

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
    shape = fits.counts.shape
    gone = np.zeros(len(dataset.images), dtype=np.bool_)
    gone[list(skipped_images)] = True
    exists = ~gone[chips.image[boxes.chip]]
    annotation, chip = boxes.annotation[exists], boxes.chip[exists]
    valid = boxes.state[exists] == 0
    cell = annotation * shape[1] + chips.level[chip]
    in_level = np.bincount(cell[valid], minlength=shape[0] * shape[1]).reshape(shape) > 0
    enclosed = boxes.enclosed[exists] & (chips.kind[chip] == 0)
    covered = (np.bincount(cell[enclosed], minlength=shape[0] * shape[1]).reshape(shape) > 0) & fits.counts
    status = _status(dataset, fits, covered, gone)
    return Ledger(
        status,
        _reasons(dataset, levels, status, fits, skipped_images),
        np.bincount(annotation[valid], minlength=shape[0]),
        np.bincount(annotation[~valid], minlength=shape[0]),
        in_level,
        covered,
    )


def _status(dataset: Dataset, fits: Fit, covered: Bools, gone: Bools) -> Ints:
    """Return the first status that applies to each annotation."""
    annotations = dataset.annotations
    known = annotations.image >= 0
    lost = np.zeros(len(annotations), dtype=np.bool_)
    lost[known] = gone[annotations.image[known]]
    in_range = fits.in_range.any(axis=1)
    holdable = fits.in_range & fits.holdable
    conditions = [
        annotations.invalid > 0,
        lost,
        annotations.ignored_by > 0,
        covered.any(axis=1),
        in_range & ~holdable.any(axis=1),
        in_range & ~(holdable & fits.thick).any(axis=1),
        ~in_range,
    ]
    return np.select(conditions, range(len(conditions)), default=len(conditions)).astype(np.int64)


def _reasons(
    dataset: Dataset, levels: Levels, status: Ints, fits: Fit, skipped_images: Mapping[int, str]
) -> tuple[str, ...]:
    """Return what there is to say besides the status."""
    annotations = dataset.annotations
    reasons = [""] * len(annotations)
    for row in np.flatnonzero(status != STATUSES.index("covered")).tolist():
        name, image = STATUSES[status[row]], int(annotations.image[row])
        if name == "invalid":
            reasons[row] = INVALID[annotations.invalid[row]]
        elif name == "image_skipped":
            reasons[row] = skipped_images[image]
        elif name == "crowd":
            reasons[row] = IGNORED_BY[annotations.ignored_by[row]]
        elif name == "out_of_range":
            reasons[row] = f"sqrt(w*h) {size(annotations.xyxy_img[row]):.2f} px lies in no valid range"
        elif name in {"too_large", "too_small"}:
            best = _kindest_level(levels.factor[image], fits.in_range[row], largest=name == "too_small")
            reasons[row] = _sides_at(annotations.xyxy_img[row], levels.factor[image, best], best)
    return tuple(reasons)


def _kindest_level(factor: Floats, in_range: Bools, *, largest: bool) -> int:
    """Return the level, among those in range, at which a box came closest to being learnt."""
    size_at = np.where(in_range, factor.prod(axis=1), -np.inf if largest else np.inf)
    return int(size_at.argmax() if largest else size_at.argmin())


def _sides_at(xyxy_img: Floats, factor: Floats, level: int) -> str:
    """Describe a box at a level."""
    width, height = sides(scale(xyxy_img, factor)).tolist()
    return f"{width:.2f} x {height:.2f} px at level {level}"

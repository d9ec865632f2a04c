"""The settings of negative chips: from which proposals, how many, and how much of a chip may be ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from chipgen.errors import UsageError
from chipgen.limits import at_least, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

MODES = ("auto", "proposals", "random", "none")

ALL = "all"

PER_IMAGE = 2
"""Negative chips an image. Source: SNIPER, section 3.3 and the original code."""

PAPER_MINIMUM = (26, 11)
"""Proposals a negative chip needs at the finest level of an image and at the others. Source: the original code."""

PAPER_PER_IMAGE = 200
"""Proposals an image from which on those minima hold; below, they shrink in proportion."""


class NegativeSettings(TypedDict, total=False):
    """The fields of `NegativeConfig`, as keyword arguments."""

    negatives: str
    negatives_per_image: int | str | None
    negative_ratio: float | None
    min_proposals: int | str | Sequence[int] | None
    min_score: float | None
    max_proposals: int | None
    object_iou: float
    object_share: float | None
    crowd_share: float
    max_ignored_area: float


@dataclass(frozen=True)
class NegativeConfig:
    """How negative chips are found and how many are kept.

    Parameters
    ----------
    negatives
        ``proposals`` mines them from proposals, ``random`` draws background, ``none`` makes none; ``auto`` is
        ``proposals`` when there are some, else ``none``.
    negatives_per_image
        At most so many an image, or ``all``. None means 2, or ``all`` when there is a ratio.
    negative_ratio
        Negative chips for each positive one, over the whole run; None for no such limit.
    min_proposals
        Proposals a negative chip must enclose that none taken before it does: one number, or one for each level;
        None for the paper's, scaled to the number of proposals an image (see `chipgen.negative.Minimum`).
    min_score, max_proposals
        Only proposals with at least this score, and of each image only so many of the usable ones, the best first;
        None for all.
    object_iou
        A proposal that overlaps an object with this IoU or more is no background.
    object_share
        Nor is one with this share of its area or more inside an object; None for no such limit.
    crowd_share
        Nor is one with this share of its area or more inside a region that the source ignores.
    max_ignored_area
        Share of a negative chip that ignored objects may take up; what shows less than a pixel of itself counts, too.
    """

    negatives: str = "auto"
    negatives_per_image: int | str | None = None
    negative_ratio: float | None = None
    min_proposals: tuple[int, ...] | None = None
    min_score: float | None = None
    max_proposals: int | None = None
    object_iou: float = 0.3
    object_share: float | None = None
    crowd_share: float = 0.5
    max_ignored_area: float = 0.5

    def __post_init__(self) -> None:
        if self.negatives not in MODES:
            raise UsageError.one("--negatives", str(self.negatives), "is unknown", f"use {', '.join(MODES)}")
        if self.per_image is not None:
            at_least("--negatives-per-image", self.per_image, 0)
        for option, value, low in (
            ("--negative-ratio", self.negative_ratio, 0),
            ("--max-proposals", self.max_proposals, 1),
        ):
            if value is not None:
                at_least(option, value, low)
        for number in self.min_proposals or ():
            at_least("--min-proposals", number, 1)
        if self.min_score is not None:
            at_least("--min-score", self.min_score, -1e308)
        for option, share in (
            ("--object-iou", self.object_iou),
            ("--object-share", 1.0 if self.object_share is None else self.object_share),
            ("--crowd-share", self.crowd_share),
        ):
            at_least(option, share, 1e-9, 1)
        at_least("--max-ignored-area", self.max_ignored_area, 0, 1)

    @classmethod
    def parse(cls, settings: dict[str, Any]) -> NegativeConfig:
        """Make a configuration from `NegativeSettings`: keyword arguments or options.

        Raises
        ------
        UsageError
            A value that cannot be meant.
        """
        numbers = settings.get("min_proposals")
        return cls(**{**settings, "min_proposals": None if numbers is None else _numbers(numbers)})

    @property
    def per_image(self) -> int | None:
        """Return how many negative chips an image may have; None for all."""
        limit = self.negatives_per_image
        if limit is None:
            return PER_IMAGE if self.negative_ratio is None else None
        if limit == ALL:
            return None
        return whole("--negatives-per-image", limit, "write a whole number, or all")

    def mode(self, *, proposals: bool) -> str:
        """Return how negative chips are found, given whether there are proposals.

        Raises
        ------
        UsageError
            Negatives from proposals are asked for, but there are none.
        """
        if self.negatives == "proposals" and not proposals:
            todo = "name their file with --proposals, or use --negatives random"
            raise UsageError.one("--negatives", "proposals", "there are no proposals", todo)
        if self.negatives == "auto":
            return "proposals" if proposals else "none"
        return self.negatives


def _numbers(value: int | str | Sequence[int]) -> tuple[int, ...]:
    """Return ``--min-proposals`` as numbers."""
    parts = value.split(",") if isinstance(value, str) else [value] if isinstance(value, int) else value
    todo = "write one number, or one for each level: 26,11,11"
    return tuple(whole("--min-proposals", part.strip() if isinstance(part, str) else part, todo) for part in parts)

"""What a reader hands over: batches of proposals, and what it found wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import DataError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.boxes import Floats, Ints

MOST_ROWS = 131_072
"""Proposals that a reader takes at a time: a file may be larger than memory, a batch may not."""

MOST_PROBLEMS = 1000
"""A file with more problems than this is not read to its end."""

HUGE = 1 << 30
MOST_EXPANSION = 200
"""Data of more than `HUGE` bytes that were stored in less than a two-hundredth of that are no proposals."""


@dataclass(frozen=True)
class Batch:
    """Some proposals in the order of their file; n of them.

    Parameters
    ----------
    image_id
        Shape ``(n,)``, int64.
    box
        Shape ``(n, 4)``, float64, image px: as the file writes them; left, top, width, height once
        `box_formats.to_xywh` has seen them.
    score
        Higher is more like an object, shape ``(n,)``, float64; None when the file has no scores.
    """

    image_id: Ints
    box: Floats
    score: Floats | None

    def __len__(self) -> int:
        return len(self.image_id)


class Findings:
    """What is wrong with a file, as it comes to light: all of it is told, not only the first.

    Parameters
    ----------
    path
        The file, as the user named it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, todo: str) -> None:
        """Note a problem; the last straw raises all of them."""
        self.problems.append(Problem(self.path, where, what, todo))
        if len(self.problems) >= MOST_PROBLEMS:
            self.raise_any()

    def fatal(self, where: str, what: str, todo: str) -> DataError:
        """Return the error for a problem that nothing can be read behind."""
        return DataError([*self.problems, Problem(self.path, where, what, todo)])

    def raise_any(self) -> None:
        """Raise what was noted, if anything was."""
        if self.problems:
            raise DataError(self.problems)

    def refuse_bomb(self, where: str, unpacked: int, stored: int) -> None:
        """Refuse data that unpack to far more than proposals can."""
        if unpacked > HUGE and unpacked > MOST_EXPANSION * stored:
            what = f"{stored:,} bytes that unpack to {unpacked:,} are no proposals"
            raise self.fatal(where, what, "write the file again")


def joined(batches: Iterable[Batch]) -> Batch:
    """Return several batches as one; they have scores or none has."""
    batches = list(batches)
    if len(batches) == 1:
        return batches[0]
    scores = [batch.score for batch in batches if batch.score is not None]
    return Batch(
        np.concatenate([np.zeros(0, dtype=np.int64), *(batch.image_id for batch in batches)]),
        np.concatenate([np.zeros((0, 4)), *(batch.box for batch in batches)]),
        np.concatenate(scores) if scores else None,
    )

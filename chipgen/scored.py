"""Proposals as columns: scored boxes of a detector or region-proposal network, as a reader hands them over.

A file of proposals may be larger than memory. `ProposalSource` is therefore a promise, not a table: it tells how many
proposals each image has and gives those of a range of images when asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from chipgen.errors import REASONS

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints

FAULTS: tuple[str, ...] = ("", *REASONS["proposal"])
"""Why a proposal cannot be used; position 0: it can. `outside` needs the image's size and is found when planning."""

THINNEST = 1e-9
"""Image px: below this a side is no side, only the rest of a rounding."""

MOST_FAULTS = 100_000
"""A file with more faulty proposals than this is no file of proposals: it is refused instead of listed."""


@dataclass(frozen=True)
class Proposals:
    """Proposals of some images, as their file holds them, faulty ones included; P of them.

    Parameters
    ----------
    image_id
        As written in the source, ascending, shape ``(P,)``, int64. Proposals of one image keep the order of the file.
    xywh_img
        Left, top, width, height, not clipped, shape ``(P, 4)``, float64, image px.
    score
        Higher is more like an object, shape ``(P,)``, float64; None when the file has no scores.
    """

    image_id: Ints
    xywh_img: Floats
    score: Floats | None

    def __len__(self) -> int:
        return len(self.image_id)


class ProposalSource(Protocol):
    """A file of proposals, or anything that behaves like one.

    Attributes
    ----------
    path
        How to name it to a user.
    sha256
        Digest of the file the user gave.
    on_error
        ``fail`` or ``skip``: what to do about proposals that cannot be used.
    image_id, counts
        The images with proposals, ascending, and how many each has, both of shape ``(I,)``, int64.
    scored
        Whether there are scores.
    """

    path: str
    sha256: str
    on_error: str
    image_id: Ints
    counts: Ints
    scored: bool

    def between(self, first_id: int, last_id: int) -> Proposals:
        """Return the proposals of all images with ids from `first_id` to `last_id`, both included."""


def faults(xywh_img: Floats, score: Floats | None) -> Ints:
    """Return what is wrong with each proposal, as far as its own numbers tell.

    Parameters
    ----------
    xywh_img
        Boxes as written, shape ``(P, 4)``, image px.
    score
        Scores, shape ``(P,)``, or None.

    Returns
    -------
    ndarray
        Positions in `FAULTS`, shape ``(P,)``, int64: the first that applies.
    """
    x, y, width, height = xywh_img.T  # column by column: numpy is slow along short rows
    with np.errstate(over="ignore", invalid="ignore"):
        conditions = [
            ~(np.isfinite(x + width) & np.isfinite(y + height)),  # a sum is not finite unless both numbers are
            (width < 0) | (height < 0),
            (width <= THINNEST) | (height <= THINNEST),
            np.zeros(len(xywh_img), dtype=np.bool_) if score is None else ~np.isfinite(score),
        ]
    found = np.zeros(len(xywh_img), dtype=np.int64)
    for number, condition in reversed(list(enumerate(conditions, 1))):
        found[condition] = number
    return found

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
    with np.errstate(over="ignore", invalid="ignore"):
        far_corner = xywh_img[:, :2] + xywh_img[:, 2:]
        sides = xywh_img[:, 2:]
        conditions = [
            ~np.isfinite(np.concatenate((xywh_img, far_corner), axis=1)).all(axis=1),
            (sides < 0).any(axis=1),
            (sides <= THINNEST).any(axis=1),
            np.zeros(len(xywh_img), dtype=np.bool_) if score is None else ~np.isfinite(score),
        ]
    return np.select(conditions, range(1, len(conditions) + 1), default=0).astype(np.int64)

"""From the proposals of a file to those that can be used: inside their image, and no more than asked for.

Every proposal is accounted for: what is left out here is counted or listed, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.dataset import Skipped
from chipgen.errors import REASONS, UsageError
from chipgen.flat import spread
from chipgen.scored import FAULTS, THINNEST, faults

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.dataset import Images
    from chipgen.negative_config import NegativeConfig
    from chipgen.scored import Proposals, ProposalSource


@dataclass(frozen=True)
class Candidates:
    """The usable proposals of some successive images, by image and then as in their file; P of them.

    Parameters
    ----------
    spans
        First proposal of each image and the one after its last, shape ``(I, 2)``, int64.
    xyxy_img
        Boxes clipped to their image, shape ``(P, 4)``, float64, image px.
    score
        Shape ``(P,)``, float64; zeros where the file has no scores.
    low_score, beyond_max
        Proposals left out because of their score, and because their image had enough better ones.
    over_edge
        Proposals, of all that can be used, that reached over an edge of their image by more than a pixel.
    skipped
        Proposals that cannot be used.
    """

    spans: Ints
    xyxy_img: Floats
    score: Floats
    low_score: int
    beyond_max: int
    over_edge: int = 0
    skipped: tuple[Skipped, ...] = ()


def usable(proposals: Proposals, images: Images, config: NegativeConfig) -> Candidates:
    """Check, clip and thin out the proposals of some images.

    Parameters
    ----------
    proposals
        As read; those of other images are left out.
    images
        The images, by id.
    config
        Holds ``min_score`` and ``max_proposals``.
    """
    low, high = (np.searchsorted(proposals.image_id, images.id, side) for side in ("left", "right"))
    image, known = spread(low, high - low)
    xywh_img = np.take(proposals.xywh_img, known, axis=0)
    score = None if proposals.score is None else proposals.score[known]
    fault, xyxy_img = _clipped(xywh_img, score, images.size_img, image)
    skipped = tuple(_skipped(row, image, xywh_img, fault, images) for row in np.flatnonzero(fault).tolist())
    score = np.zeros(len(image)) if score is None else score
    enough = (fault == 0) & (score >= (-np.inf if config.min_score is None else config.min_score))
    rows = np.flatnonzero(enough)
    best = rows if config.max_proposals is None else _best(rows, image, score, config.max_proposals)
    ends = np.searchsorted(image[best], np.arange(len(images) + 1))
    return Candidates(
        spans=np.stack((ends[:-1], ends[1:]), axis=1),
        xyxy_img=np.take(xyxy_img, best, axis=0),
        score=score[best],
        low_score=int(np.count_nonzero((fault == 0) & ~enough)),
        beyond_max=len(rows) - len(best),
        over_edge=_over_edge(xywh_img, xyxy_img, fault == 0),
        skipped=skipped,
    )


def _best(rows: Ints, image: Ints, score: Floats, most: int) -> Ints:
    """Return at most so many rows of each image: those with the best scores, and of equal ones the first."""
    ordered = rows[np.lexsort((-score[rows], image[rows]))]
    rank = np.arange(len(rows)) - np.searchsorted(image[ordered], image[ordered])
    return np.sort(ordered[rank < most])


def _clipped(xywh_img: Floats, score: Floats | None, size_img: Ints, image: Ints) -> tuple[Ints, Floats]:
    """Return for each proposal why it is unusable, a position in `FAULTS`, and its box clipped to its image."""
    fault, xyxy_img = faults(xywh_img, score), np.empty(xywh_img.shape)
    whole = xywh_img if not fault.any() else np.where(fault[:, None] > 0, 0.0, xywh_img)
    limit_img, thin = size_img.astype(np.float64), fault < 0
    for axis in (0, 1):
        low, high, limit = whole[:, axis], whole[:, axis] + whole[:, axis + 2], np.take(limit_img[:, axis], image)
        np.clip(low, 0.0, limit, out=xyxy_img[:, axis])
        np.clip(high, 0.0, limit, out=xyxy_img[:, axis + 2])
        thin |= xyxy_img[:, axis + 2] - xyxy_img[:, axis] <= THINNEST
    fault[thin & (fault == 0)] = FAULTS.index("outside")
    return fault, xyxy_img


def _over_edge(xywh_img: Floats, xyxy_img: Floats, usable_: Bools) -> int:
    """Count the usable boxes that clipping made more than a pixel smaller along an axis."""
    with np.errstate(invalid="ignore"):  # numbers of faulty ones
        smaller = [xywh_img[:, axis + 2] - (xyxy_img[:, axis + 2] - xyxy_img[:, axis]) > 1.0 for axis in (0, 1)]
    return int(np.count_nonzero((smaller[0] | smaller[1]) & usable_))


def _skipped(row: int, image: Ints, xywh_img: Floats, fault: Ints, images: Images) -> Skipped:
    """Return the line for a proposal that cannot be used."""
    reason, own = FAULTS[fault[row]], int(image[row])
    box = ", ".join(f"{number:g}" for number in xywh_img[row].tolist())
    message = f"{REASONS['proposal'][reason]}: proposal [{box}]"
    return Skipped("proposal", int(images.id[own]), None, images.file_name[own], reason, message)


def proposals_an_image(source: ProposalSource, config: NegativeConfig) -> float:
    """Return how many proposals an image has: the median over the images that have any, after ``max_proposals``.

    It is taken from the whole file, not from the images of a run: an image is planned the same alone.

    Raises
    ------
    UsageError
        A lowest score is asked for, but there are no scores.
    """
    if config.min_score is not None and not source.scored and len(source.counts):
        todo = "leave out --min-score; --max-proposals takes the first ones"
        raise UsageError.one("--min-score", f"{config.min_score:g}", f"{source.path} holds no scores", todo)
    counts = source.counts if config.max_proposals is None else np.minimum(source.counts, config.max_proposals)
    return float(np.median(counts)) if len(counts) else 0.0

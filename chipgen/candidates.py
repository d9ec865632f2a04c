"""From the proposals of a file to those that may show background: clipped, sorted, and none of them on an object.

Every proposal is accounted for: what is left out here is counted or listed, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import Bools, Floats, Ints, area, clip, common_area, sides
from chipgen.dataset import Skipped
from chipgen.errors import REASONS, UsageError
from chipgen.scored import FAULTS, THINNEST, faults

if TYPE_CHECKING:
    from chipgen.dataset import Images
    from chipgen.negative_config import NegativeConfig
    from chipgen.scored import Proposals, ProposalSource

PAIRS_AT_ONCE = 1_000_000
"""Pairs of proposal and object compared at once: bounds the memory of crowded images."""


@dataclass(frozen=True)
class Candidates:
    """The usable proposals of some successive images, by image and then best first; P of them.

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
    """Check, clip, sort and thin out the proposals of some images.

    Parameters
    ----------
    proposals
        As read; those of other images are left out.
    images
        The images, by id.
    config
        Holds ``min_score`` and ``max_proposals``.
    """
    image = np.searchsorted(images.id, proposals.image_id)
    known = images.id[np.minimum(image, len(images) - 1)] == proposals.image_id
    image, xywh_img = image[known], proposals.xywh_img[known]
    score = None if proposals.score is None else proposals.score[known]
    fault, xyxy_img = _clipped(xywh_img, score, images.size_img[image])
    skipped = tuple(_skipped(row, image, xywh_img, fault, images) for row in np.flatnonzero(fault).tolist())
    score = np.zeros(len(image)) if score is None else score
    enough = (fault == 0) & (score >= (-np.inf if config.min_score is None else config.min_score))
    rows = np.flatnonzero(enough)
    rows = rows[np.lexsort((-score[rows], image[rows]))]  # stable: equal scores keep the order of the file
    starts = np.searchsorted(image[rows], np.arange(len(images)))
    rank = np.arange(len(rows)) - starts[image[rows]]
    best = rows if config.max_proposals is None else rows[rank < config.max_proposals]
    ends = np.searchsorted(image[best], np.arange(len(images) + 1))
    return Candidates(
        spans=np.stack((ends[:-1], ends[1:]), axis=1),
        xyxy_img=xyxy_img[best],
        score=score[best],
        low_score=int(np.count_nonzero((fault == 0) & ~enough)),
        beyond_max=len(rows) - len(best),
        over_edge=_over_edge(xywh_img[fault == 0], xyxy_img[fault == 0]),
        skipped=skipped,
    )


def _clipped(xywh_img: Floats, score: Floats | None, size_img: Ints) -> tuple[Ints, Floats]:
    """Return for each proposal why it is unusable, a position in `FAULTS`, and its box clipped to its image."""
    fault = faults(xywh_img, score)
    whole = np.where(fault[:, None] == 0, xywh_img, 0.0)
    xyxy_img = np.concatenate((whole[:, :2], whole[:, :2] + whole[:, 2:]), axis=1)
    xyxy_img = clip(xyxy_img, np.concatenate((np.zeros_like(size_img), size_img), axis=1).astype(np.float64))
    fault[(fault == 0) & (sides(xyxy_img) <= THINNEST).any(axis=1)] = FAULTS.index("outside")
    return fault, xyxy_img


def _over_edge(xywh_img: Floats, xyxy_img: Floats) -> int:
    """Count the boxes that clipping made more than a pixel smaller along an axis."""
    return int(np.count_nonzero((xywh_img[:, 2:] - sides(xyxy_img) > 1.0).any(axis=1)))


def _skipped(row: int, image: Ints, xywh_img: Floats, fault: Ints, images: Images) -> Skipped:
    """Return the line for a proposal that cannot be used."""
    reason, own = FAULTS[fault[row]], int(image[row])
    box = ", ".join(f"{number:g}" for number in xywh_img[row].tolist())
    message = f"{REASONS['proposal'][reason]}: proposal [{box}]"
    return Skipped("proposal", int(images.id[own]), None, images.file_name[own], reason, message)


def on_object(xyxy_img: Floats, boxes_img: Floats, crowd: Bools, config: NegativeConfig) -> Bools:
    """Tell which proposals show an object, or lie in a region that the source ignores: finding them is no mistake.

    Parameters
    ----------
    xyxy_img
        Proposals, shape ``(P, 4)``, image px.
    boxes_img
        All annotated boxes of their image, whatever their size, shape ``(N, 4)``, image px.
    crowd
        Which of these the source ignores, shape ``(N,)``.
    config
        Holds ``object_iou``, ``object_share`` and ``crowd_share``.

    Returns
    -------
    ndarray
        Shape ``(P,)``, bool.
    """
    found = np.zeros(len(xyxy_img), dtype=np.bool_)
    if not len(boxes_img):
        return found
    object_share = np.inf if config.object_share is None else config.object_share
    needed = np.where(crowd, config.crowd_share, object_share)
    step = max(1, PAIRS_AT_ONCE // len(boxes_img))
    for start in range(0, len(xyxy_img), step):
        part = xyxy_img[start : start + step]
        common, own = common_area(part, boxes_img), area(part)[:, None]
        iou = common / (own + area(boxes_img) - common)
        found[start : start + step] = ((iou >= config.object_iou) | (common >= needed * own)).any(axis=1)
    return found


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

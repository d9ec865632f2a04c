"""Proposals: reading them, and which of them a negative chip of a level is made for."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from checker.laws import View, all_of, encloses_box
from checker.model import XYXY, Annotation, Chip, Negatives, Proposal
from checker.source import clipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from checker.model import Picture

    Matrix = NDArray[np.float64]

EXACT = 1e-9
"""Either side is right this close to a threshold."""


def read_proposals(path: Path) -> list[Proposal]:
    """Read a COCO results file."""
    return [
        Proposal(number, row["image_id"], tuple(row["bbox"]), row["score"])
        for number, row in enumerate(json.loads(path.read_bytes()))
    ]


def boxes_of_image(proposals: list[Proposal], picture: Picture, asked: Negatives) -> list[tuple[Proposal, XYXY]]:
    """Return the proposals of an image that are used, best first, each with its box clipped to the image."""
    least = -math.inf if asked.min_score is None else asked.min_score
    scored = [proposal for proposal in proposals if proposal.image_id == picture.id and proposal.score >= least]
    boxes = [(proposal, clipped(proposal.bbox, picture)) for proposal in scored]
    usable = [(proposal, box) for proposal, box in boxes if box is not None]
    return sorted(usable, key=lambda pair: -pair[0].score)[: asked.max_proposals]


@dataclass(frozen=True)
class Verdict:
    """Whether a proposal qualifies at a level, None where rounding decides; `reason` tells why not, or the doubt."""

    proposal: Proposal
    box_img: XYXY
    qualifies: bool | None
    reason: str

    def __str__(self) -> str:
        return f"proposal {self.proposal.number}: {self.reason}"


Rule = tuple["bool | None", str]
"""Whether a proposal may pass, and what it is told if not."""


def conflicts(boxes_img: list[XYXY], annotations: list[Annotation], asked: Negatives) -> list[list[Rule]]:
    """Tell for each proposal of an image whether it is no object and lies in no crowd region.

    Parameters
    ----------
    boxes_img
        Proposals, clipped to the image.
    annotations
        Those of the image that have a box, clipped to the image.
    asked
        Holds both thresholds.
    """
    crowds = [annotation for annotation in annotations if annotation.crowd]
    iou, share = _iou(boxes_img, annotations), _share_inside(boxes_img, crowds)
    return [
        [
            *_rules(iou_of_one, annotations, asked.object_iou, "IoU"),
            *_rules(share_of_one, crowds, asked.crowd_share, "crowd share"),
        ]
        for iou_of_one, share_of_one in zip(iou, share, strict=True)
    ]


def _rules(values: NDArray[np.float64], annotations: list[Annotation], limit: float, name: str) -> list[Rule]:
    """Compare with each annotation that is not far below a limit."""
    return [
        (None if abs(value - limit) <= EXACT else value < limit, f"{name} {value:.6f} with annotation {annotation.id}")
        for value, annotation in zip(values.tolist(), annotations, strict=True)
        if value >= limit - EXACT
    ]


def _array(boxes: Sequence[XYXY | None]) -> Matrix:
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def _areas(boxes: Matrix) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def _common(boxes: Matrix, others: Matrix) -> Matrix:
    """Return the common area of each pair."""
    width = np.minimum.outer(boxes[:, 2], others[:, 2]) - np.maximum.outer(boxes[:, 0], others[:, 0])
    height = np.minimum.outer(boxes[:, 3], others[:, 3]) - np.maximum.outer(boxes[:, 1], others[:, 1])
    common: Matrix = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return common


def _iou(boxes_img: list[XYXY], annotations: list[Annotation]) -> Matrix:
    boxes, others = _array(boxes_img), _array([annotation.box_img for annotation in annotations])
    common = _common(boxes, others)
    return common / (np.add.outer(_areas(boxes), _areas(others)) - common)


def _share_inside(boxes_img: list[XYXY], annotations: list[Annotation]) -> Matrix:
    boxes, others = _array(boxes_img), _array([annotation.box_img for annotation in annotations])
    share: Matrix = _common(boxes, others) / _areas(boxes)[:, None]
    return share


def judge(proposal: Proposal, box_img: XYXY, rules: list[Rule], view: View, positives: list[Chip]) -> Verdict:
    """Tell whether a proposal qualifies at a level; `positives` are the positive chips of that level."""
    at_level = [
        (view.size_in_range(box_img), f"out of range {view.range}"),
        *((False, f"positive {chip} encloses it") for chip in positives if encloses_box(chip, view, box_img)),
    ]
    answers = [*at_level, *rules]
    qualifies = all_of(*(answer for answer, _ in answers))
    reasons = [reason for answer, reason in answers if answer is qualifies]
    return Verdict(proposal, box_img, qualifies, "" if qualifies else " and ".join(reasons))

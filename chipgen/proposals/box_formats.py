"""How files write boxes, and how they all become left, top, width, height."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Floats
    from chipgen.proposals.batch import Batch

BOX_FORMATS = ("xywh", "xyxy", "xyxy-inclusive")
"""``xyxy-inclusive``: the right and lower end name the last pixel inside, as in the original SNIPER."""

SIDE_NAMES = {
    "xywh": (("x", "y", "w", "h"),),
    "xyxy": (("x1", "y1", "x2", "y2"), ("x", "y", "w", "h")),
    "xyxy-inclusive": (("x1", "y1", "x2", "y2"), ("x", "y", "w", "h")),
}
"""What the four columns of a table may be called, by box format."""


def to_xywh(batch: Batch, box_format: str) -> Batch:
    """Return a batch with boxes as left, top, width, height; those written so stay as they are, to the bit."""
    if box_format == "xywh":
        return batch
    low, high = batch.box[:, :2], batch.box[:, 2:]
    with np.errstate(over="ignore", invalid="ignore"):
        sides = high - low + (1.0 if box_format == "xyxy-inclusive" else 0.0)
    return replace(batch, box=np.concatenate((low, sides), axis=1))


def backward(box: Floats) -> int:
    """Return how many boxes, taken as ``xyxy``, end left of or above where they begin."""
    return int(np.count_nonzero((box[:, 2:] < box[:, :2]).any(axis=1)))

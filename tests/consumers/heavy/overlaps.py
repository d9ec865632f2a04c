"""What lies on what, by plain arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from consumers.truth import Seen

    Floats = npt.NDArray[np.float64]


def corners(seen: list[Seen]) -> Floats:
    """Return boxes as x1, y1, x2, y2, shape ``(N, 4)``."""
    boxes = np.array([one.box for one in seen]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def shares(boxes: Floats, others: Floats) -> tuple[Floats, Floats]:
    """Return IoU and intersection over own area of boxes (N, 4) with others (M, 4), each ``(N, M)``; by coordinates."""
    sides = [
        np.minimum(boxes[:, None, axis + 2], others[:, axis + 2]) - np.maximum(boxes[:, None, axis], others[:, axis])
        for axis in (0, 1)
    ]
    common = np.where((sides[0] > 0) & (sides[1] > 0), sides[0] * sides[1], 0)
    own, theirs = ((some[:, 2] - some[:, 0]) * (some[:, 3] - some[:, 1]) for some in (boxes, others))
    return common / (own[:, None] + theirs - common), common / own[:, None]


def on_ignored(boxes: Floats, seen: list[Seen], share: float) -> npt.NDArray[np.bool_]:
    """Tell which boxes lie on something ignored by more than a share: of the union, or in crowds of their own area."""
    objects, crowds = (corners([o for o in seen if not o.valid and (o.reason == "crowd") == crowd]) for crowd in (0, 1))
    near = np.hstack([shares(boxes, objects)[0] > share, shares(boxes, crowds)[1] > share])
    return np.asarray(near.any(axis=1))

"""The planner one writes with numpy for one image: every candidate of the grid compared with every box at once.

It is what the program's planners are measured against: as fast as an image alone allows, and nothing is left out of it
for the comparison. The program enters nowhere; sizes and boxes come as plain arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Whole = NDArray[np.int64]

EPS = 1e-6


@dataclass(frozen=True)
class Task:
    """One image at one level: scaled size, boxes to enclose and proposals in range, scaled px."""

    size: Whole
    boxes: Array
    proposals: Array


def grid(task: Task, chip: int, stride: int, rng: np.random.Generator) -> Array:
    """Return all windows of the grid in random order, shape ``(C, 4)``."""
    content = np.minimum(task.size, chip)
    x, y = (
        np.append(np.arange(0, task.size[axis] - content[axis], stride), task.size[axis] - content[axis])
        for axis in (0, 1)
    )
    at = rng.permutation(len(x) * len(y))
    left, top = x[at // len(y)], y[at % len(y)]
    return np.asarray(np.stack((left, top, left + content[0], top + content[1])).T.astype(np.float64))


def enclosing(windows: Array, boxes: Array) -> NDArray[np.bool_]:
    """Tell which windows enclose which boxes, shape ``(N, C)``."""
    low = (boxes[:, 0, None] >= windows[:, 0] - EPS) & (boxes[:, 1, None] >= windows[:, 1] - EPS)
    high = (boxes[:, 2, None] <= windows[:, 2] + EPS) & (boxes[:, 3, None] <= windows[:, 3] + EPS)
    return np.asarray(low & high)


def cover(windows: Array, boxes: Array, at_least: int = 1) -> list[int]:
    """Take the window that encloses most boxes not enclosed so far, again and again."""
    if len(boxes) < at_least:
        return []
    inside = enclosing(windows, boxes)
    gain = inside.sum(axis=0)
    open_ = np.ones(len(boxes), dtype=np.bool_)
    chosen = list[int]()
    while gain.any():
        best = int(gain.argmax())
        if gain[best] < at_least:
            break
        chosen.append(best)
        new = open_ & inside[:, best]
        gain = gain - inside[new].sum(axis=0)
        open_ &= ~new
    return chosen


def positives(task: Task, chip: int, stride: int, rng: np.random.Generator) -> Array:
    """Return the positive chips."""
    if not len(task.boxes):
        return np.empty((0, 4))
    windows = grid(task, chip, stride, rng)
    return windows[cover(windows, task.boxes)]


def both(task: Task, chip: int, stride: int, at_least: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return positive chips, and negative ones that enclose so many proposals that neither a chip nor a box shows."""
    windows = grid(task, chip, stride, rng)
    chosen = windows[cover(windows, task.boxes)] if len(task.boxes) else np.empty((0, 4))
    left = task.proposals[~enclosing(chosen, task.proposals).any(axis=1)]
    left = left[~_on_object(left, task.boxes)]
    return chosen, windows[cover(windows, left, at_least)]


def _on_object(proposals: Array, boxes: Array) -> NDArray[np.bool_]:
    """Tell which proposals have an IoU of 0.3 or more with a box."""
    low = np.maximum(proposals[:, None, :2], boxes[:, :2])
    high = np.minimum(proposals[:, None, 2:], boxes[:, 2:])
    common = np.maximum(high - low, 0).prod(axis=2)
    areas = [(part[:, 2:] - part[:, :2]).prod(axis=1) for part in (proposals, boxes)]
    return np.asarray((common >= 0.3 * (areas[0][:, None] + areas[1] - common)).any(axis=1))

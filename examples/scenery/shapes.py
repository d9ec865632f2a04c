"""Shapes: polygons as arrays of points, one row each, and winding paths. Nothing here knows of pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Spot = tuple[float, float, float]
"""Where something stands: x and y in image px, and its direction in radians."""

STEP = 6
"""Image px between the points of a road or river."""


def polygon_area(shape: Floats) -> float:
    """Return the area of a polygon."""
    x, y = shape.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def box(length: float, width: float, x: float = 0, y: float = 0) -> Floats:
    """Return the corners of a rectangle around x, y."""
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.asarray(corners * (length / 2, width / 2) + np.array([x, y]), np.float64)


def ellipse(length: float, width: float, x: float = 0, y: float = 0) -> Floats:
    """Return points around an ellipse whose middle is x, y."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    return np.stack((x + np.cos(turn) * length / 2, y + np.sin(turn) * width / 2), axis=1)


def cut(shape: Floats, normal: Floats, offset: float) -> Floats:
    """Return the part of a convex shape where ``point @ normal >= offset``."""
    kept: list[Floats] = []
    for start, end in zip(shape, np.roll(shape, -1, axis=0), strict=True):
        before, after = float(start @ normal) - offset, float(end @ normal) - offset
        if before >= 0:
            kept.append(start)
        if before * after < 0:
            kept.append(start + (end - start) * before / (before - after))
    return np.array(kept).reshape(-1, 2)


@dataclass
class Path2D:
    """A winding road or river: points along its middle, image px, and its width."""

    points: Floats
    width: float

    @property
    def direction(self) -> Floats:
        """Return the direction at each point, radians."""
        along = np.gradient(self.points, axis=0)
        return np.asarray(np.arctan2(along[:, 1], along[:, 0]), np.float64)

    def beside(self, index: int, distance: float) -> Spot:
        """Return the spot at a distance to the right of a point, facing along."""
        turn = float(self.direction[index])
        x, y = self.points[index] + distance * np.array([-np.sin(turn), np.cos(turn)])
        return float(x), float(y), turn

    def ribbon(self, width: float, start: int = 0, end: int | None = None) -> Floats:
        """Return the outline of the path, or of a piece of it, at some width."""
        turn = self.direction[start:end]
        side = np.stack((-np.sin(turn), np.cos(turn)), axis=1) * width / 2
        return np.concatenate((self.points[start:end] + side, (self.points[start:end] - side)[::-1]))


def winding(start: Floats, end: Floats, bend: float, width: float, phase: float) -> Path2D:
    """Return a path from start to end that swings to both sides by `bend` px."""
    step = np.linspace(0, 1, int(np.hypot(*(end - start)) / STEP))[:, None]
    side = np.array([[-(end - start)[1], (end - start)[0]]]) / np.hypot(*(end - start))
    swing = np.sin(step * 5 + phase) + 0.3 * np.sin(step * 13 + phase)
    return Path2D(start + (end - start) * step + side * bend * swing, width)

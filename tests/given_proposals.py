"""Proposals as plain values, and a source of them that needs no file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipgen.scored import Proposals

Row = tuple[int, tuple[float, float, float, float], float]


@dataclass
class Given:
    """Proposals as ``(image id, (x, y, w, h), score)``; what a file of them would give."""

    rows: list[Row]
    on_error: str = "skip"
    path: str = "given.json"
    sha256: str = "0" * 64
    scored: bool = True
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ids = np.array([row[0] for row in self.rows], dtype=np.int64)
        self.image_id, self.counts = np.unique(ids, return_counts=True)
        order = np.argsort(ids, kind="stable")
        self._id = ids[order]
        self._xywh = np.array([row[1] for row in self.rows], dtype=np.float64).reshape(-1, 4)[order]
        self._score = np.array([row[2] for row in self.rows], dtype=np.float64)[order]

    def between(self, first_id: int, last_id: int) -> Proposals:
        """Return the proposals of a range of images."""
        self.asked.append((first_id, last_id))
        rows = slice(np.searchsorted(self._id, first_id, "left"), np.searchsorted(self._id, last_id, "right"))
        return Proposals(self._id[rows], self._xywh[rows], self._score[rows] if self.scored else None)

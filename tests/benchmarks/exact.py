"""The fewest windows that enclose every box, wherever they stand: an integer program, solved to the end.

``pip install "chipgen[bench]"`` brings the solver, scipy's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from dense import Array, Whole
    from numpy.typing import NDArray

EPS = 1e-6


def fewest(boxes: Array, size: Whole, chip: int) -> int:
    """Return how many windows are needed."""
    if not len(boxes):
        return 0
    groups = _groups(boxes, size, chip)
    held = LinearConstraint(csr_matrix(groups.T.astype(np.float64)), 1, np.inf)
    found = milp(np.ones(len(groups)), constraints=held, integrality=np.ones(len(groups)), bounds=Bounds(0, 1))
    assert found.success
    return int(found.fun + 0.5)


def _groups(boxes: Array, size: Whole, chip: int) -> NDArray[np.bool_]:
    """Return every group of boxes that a window can enclose and no larger one holds, shape ``(G, N)``.

    It is enough to look at windows that begin at the last place that encloses some box, along either axis.
    """
    content = np.minimum(size, chip)
    first = np.maximum(np.ceil(boxes[:, 2:] - content - EPS), 0)
    last = np.minimum(np.floor(boxes[:, :2] + EPS), size - content)
    along = [
        (first[:, axis] <= at[:, None]) & (at[:, None] <= last[:, axis])
        for axis, at in enumerate((np.unique(last[:, 0]), np.unique(last[:, 1])))
    ]
    x, y = (_largest(part) for part in along)
    return _largest((x[:, None] & y).reshape(-1, len(boxes)))


def _largest(groups: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out groups that lie in others."""
    groups = np.unique(groups[groups.any(axis=1)], axis=0)
    sizes = groups.sum(axis=1)
    common = groups.astype(np.int32) @ groups.T.astype(np.int32)
    return np.asarray(groups[~((common == sizes[:, None]) & (sizes > sizes[:, None])).any(axis=1)])

"""Numbers out of a pickle: arrays or lists, as boxes and scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.proposals.pickled import PickledArray

if TYPE_CHECKING:
    from chipgen.boxes import Floats

MOST_OF_IMAGE = 10_000_000
"""Boxes of one image; more are no proposals, but one array a million times."""

KINDS = {
    type(None): "nothing",
    int: "an integer",
    float: "a fraction",
    bool: "true or false",
    str: "text",
    bytes: "bytes",
}


def plain(value: Any) -> Any:
    """Return what a pickled array holds, anything else as it is."""
    return value.values if isinstance(value, PickledArray) else value


def describe(value: Any) -> str:
    """Name a value for people, whatever it holds."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    return KINDS.get(type(value), f"a {type(value).__name__}")


def sequence(value: Any) -> list[Any] | None:
    """Return the items of a list, tuple or array, or None when it has none."""
    value = plain(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tolist() if value.ndim == 1 else list(value)
    return list(value) if isinstance(value, (list, tuple)) else None


def matrix(value: Any) -> Floats | None:
    """Return boxes as float64, shape ``(n, 4)`` or ``(n, 5)``; None when they are something else.

    A list may hold the rows of one array, or arrays to be put one below the other, such as those of all classes.
    """
    value = plain(value)
    if isinstance(value, (list, tuple)):
        if sum(plain(part).size for part in value if isinstance(plain(part), np.ndarray)) > 5 * MOST_OF_IMAGE:
            return None
        rows = [vector(row) for row in value]
        parts = [_table(part) for part in value] if any(row is None or not len(row) for row in rows) else rows
        return _stacked(parts)
    return _table(value)


def _stacked(parts: list[Floats | None]) -> Floats | None:
    """Return rows or tables of the same width one below the other; None when they are not."""
    if any(part is None for part in parts):
        return None
    tables = [part.reshape(-1, part.shape[-1]) for part in parts if part is not None and part.size]
    widths = {table.shape[1] for table in tables}
    if len(widths) > 1 or not widths <= {4, 5}:
        return None
    return np.concatenate(tables) if tables else np.zeros((0, 4))


def _table(value: Any) -> Floats | None:
    """Return an array of boxes as float64, shape ``(n, 4)`` or ``(n, 5)``; None when it is something else."""
    value = plain(value)
    if not isinstance(value, np.ndarray):
        return None
    if not value.size:
        return np.zeros((0, 4))
    is_table = value.ndim == 2 and value.shape[1] in {4, 5} and value.dtype.kind in "iuf"
    return value.astype(np.float64) if is_table else None


def vector(value: Any) -> Floats | None:
    """Return numbers as float64, shape ``(n,)``; None when they are something else."""
    value = plain(value)
    if isinstance(value, np.ndarray):
        return value.astype(np.float64) if value.ndim == 1 and value.dtype.kind in "iuf" else None
    if not isinstance(value, (list, tuple)):
        return None
    if any(type(number) not in {int, float} for number in value):
        return None
    try:
        return np.array(value, dtype=np.float64)
    except OverflowError:
        return None

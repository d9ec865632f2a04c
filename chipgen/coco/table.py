"""Annotations as they were read: columns in the order of the file, not yet checked against the other sections."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.coco.decode import AnnotationEntry
    from chipgen.raw_entries import RawEntries

Number = TypeVar("Number", np.int64, np.bool_)

MARKS = ("iscrowd", "ignore", "difficult")
"""Fields that mark an entry as ignored, in the order of `chipgen.dataset.IGNORED_BY`."""
NO_BOX = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class AnnotationTable:
    """The entries of ``annotations`` that could be read; N of them.

    Parameters
    ----------
    id, image_id, category_id
        As written, shape ``(N,)``, int64.
    xywh
        Boxes as written, shape ``(N, 4)``, float64, image px; zeros where there is none.
    has_box
        Whether the box is four numbers, shape ``(N,)``, bool.
    ignored_by
        Position in `chipgen.dataset.IGNORED_BY`, shape ``(N,)``, int64.
    raw
        The JSON of each.
    """

    id: Ints
    image_id: Ints
    category_id: Ints
    xywh: Floats
    has_box: Bools
    ignored_by: Ints
    raw: RawEntries

    def at(self, rows: Ints) -> AnnotationTable:
        """Return some entries, in the given order."""
        return AnnotationTable(
            self.id[rows],
            self.image_id[rows],
            self.category_id[rows],
            self.xywh[rows],
            self.has_box[rows],
            self.ignored_by[rows],
            self.raw.at(rows),
        )

    def put_in_order(self, rows: Ints) -> None:
        """Put all entries in the given order, in place: there need not be room for two tables, only for two columns."""
        columns = (self.id, self.image_id, self.category_id, self.xywh, self.has_box, self.ignored_by)
        for column in (*columns, self.raw.start, self.raw.stop):
            column[:] = column[rows]


class Gathering:
    """A table that is filled a part at a time; room for all of it is taken at once, and parts leave no gaps behind.

    Parameters
    ----------
    raw
        The JSON of all entries, also of those that turn out to be unreadable.
    """

    def __init__(self, raw: RawEntries) -> None:
        size = len(raw)
        self._is_read = np.zeros(size, dtype=np.bool_)
        self._table = AnnotationTable(
            id=np.zeros(size, dtype=np.int64),
            image_id=np.zeros(size, dtype=np.int64),
            category_id=np.zeros(size, dtype=np.int64),
            xywh=np.zeros((size, 4)),
            has_box=np.zeros(size, dtype=np.bool_),
            ignored_by=np.zeros(size, dtype=np.int64),
            raw=raw,
        )

    def add(self, rows: Ints, entries: Sequence[AnnotationEntry]) -> None:
        """Add some entries, given which of all they are."""
        table, boxes = self._table, chain.from_iterable(entry.bbox or NO_BOX for entry in entries)
        self._is_read[rows] = True
        table.id[rows] = _column(entries, "id", np.int64)
        table.image_id[rows] = _column(entries, "image_id", np.int64)
        table.category_id[rows] = _column(entries, "category_id", np.int64)
        table.xywh[rows] = np.fromiter(boxes, dtype=np.float64, count=4 * len(entries)).reshape(-1, 4)
        table.has_box[rows] = np.fromiter((entry.bbox is not None for entry in entries), dtype=np.bool_)
        for code, mark in reversed(tuple(enumerate(MARKS, start=1))):  # the first one counts
            table.ignored_by[rows[_column(entries, mark, np.bool_)]] = code

    def table(self) -> AnnotationTable:
        """Return the entries that were added, in the order of the file."""
        return self._table if self._is_read.all() else self._table.at(np.flatnonzero(self._is_read))


def _column(entries: Sequence[AnnotationEntry], name: str, dtype: type[Number]) -> npt.NDArray[Number]:
    """Return one field of entries."""
    return np.fromiter(map(attrgetter(name), entries), dtype=dtype, count=len(entries))

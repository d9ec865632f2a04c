"""Annotations as they were read: columns in the order of the file, not yet checked against the other sections."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from chipgen.raw_entries import RawEntries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.coco.decode import AnnotationEntry

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

    @classmethod
    def of(cls, entries: Sequence[AnnotationEntry], raw: RawEntries) -> AnnotationTable:
        """Return entries as columns."""
        boxes = chain.from_iterable(entry.bbox or NO_BOX for entry in entries)
        return cls(
            _ints(entries, "id"),
            _ints(entries, "image_id"),
            _ints(entries, "category_id"),
            np.fromiter(boxes, dtype=np.float64, count=4 * len(entries)).reshape(-1, 4),
            np.fromiter((entry.bbox is not None for entry in entries), dtype=np.bool_, count=len(entries)),
            _ignored_by(entries),
            raw,
        )

    @classmethod
    def joined(cls, parts: Sequence[AnnotationTable], data: bytes) -> AnnotationTable:
        """Return parts of a table as one; all their entries stand in the same text."""
        nothing = RawEntries.of(())
        parts = [cls.of((), nothing), *parts]  # one at least
        return cls(
            np.concatenate([part.id for part in parts]),
            np.concatenate([part.image_id for part in parts]),
            np.concatenate([part.category_id for part in parts]),
            np.concatenate([part.xywh for part in parts]),
            np.concatenate([part.has_box for part in parts]),
            np.concatenate([part.ignored_by for part in parts]),
            RawEntries(
                data,
                np.concatenate([part.raw.start for part in parts]),
                np.concatenate([part.raw.stop for part in parts]),
            ),
        )

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


def _ints(entries: Sequence[AnnotationEntry], name: str) -> Ints:
    """Make an int64 column of a field."""
    return np.fromiter(map(attrgetter(name), entries), dtype=np.int64, count=len(entries))


def _ignored_by(entries: Sequence[AnnotationEntry]) -> Ints:
    """Return which of the fields that mark an entry as ignored does so first, counted from 1; 0 where none does."""
    marks = np.stack(
        [np.fromiter(map(attrgetter(mark), entries), dtype=np.bool_, count=len(entries)) for mark in MARKS]
    )
    return np.where(marks.any(axis=0), marks.argmax(axis=0) + 1, 0)

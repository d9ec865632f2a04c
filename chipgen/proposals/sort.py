"""Sorting more proposals than memory holds: by image, then by falling score, then as the file has them.

Batches are gathered to chunks, each chunk is sorted and saved as a run. The runs are merged piece by piece: a piece
is all proposals of some images that follow one another, taken from every run and sorted again. Sorting is stable and
runs keep the order of the file, so equal scores keep it, too. The order of the input does not show in the output
otherwise: pieces end where the numbers of proposals say, not where chunks did.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chipgen.proposals.batch import Batch, joined
from chipgen.store import guarded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.boxes import Ints

CHUNK = 1 << 20
"""Proposals that are sorted in memory at a time: 48 MB, and as much again while it is done."""

VALUES = 5
"""Numbers of a proposal in a run, besides its image: the box and the score."""


def by_image(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield proposals sorted by image, falling score (NaN last), and position in the file.

    Parameters
    ----------
    batches
        In the order of the file; all have scores or none has.

    Yields
    ------
    Batch
        All proposals of some images at a time: about a million, more only if one image has more.

    Raises
    ------
    StorageError
        The folder for temporary files has no room.
    """
    chunks = _chunks(batches)
    first, second = next(chunks, None), next(chunks, None)
    if first is None:
        return
    if second is None:
        yield from _pieces_of(ordered(first))
        return
    with tempfile.TemporaryDirectory(prefix="chipgen-") as folder, guarded(Path(folder)):
        runs = [_Run.save(Path(folder), 0, ordered(first)), _Run.save(Path(folder), 1, ordered(second))]
        scored = first.score is not None
        del first, second
        for number, chunk in enumerate(chunks, start=2):
            runs.append(_Run.save(Path(folder), number, ordered(chunk)))
        yield from _merged(runs, scored=scored)


def _chunks(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield the same proposals about `CHUNK` at a time, never none."""
    kept: list[Batch] = []
    count = 0
    for batch in batches:
        kept.extend([batch] if len(batch) else [])
        count += len(batch)
        if count >= CHUNK:
            yield joined(kept)
            kept, count = [], 0
    if kept:
        yield joined(kept)


def ordered(batch: Batch, *, by_score: bool = True) -> Batch:
    """Return proposals sorted by image and, if so, falling score; beyond that in the order they have."""
    falling = [-batch.score] if by_score and batch.score is not None else []
    order = np.lexsort((*falling, batch.image_id))
    score = None if batch.score is None else batch.score[order]
    return Batch(batch.image_id[order], batch.box[order], score)


@dataclass(frozen=True)
class _Run:
    """A sorted chunk on disk.

    Parameters
    ----------
    image_id
        Its ids, ascending, memory-mapped: a search in them touches a few pages.
    ids, values
        The files.
    """

    image_id: Ints
    ids: Path
    values: Path

    @classmethod
    def save(cls, folder: Path, number: int, batch: Batch) -> _Run:
        """Save a sorted chunk."""
        ids, values = folder / f"{number}.ids", folder / f"{number}.values"
        batch.image_id.tofile(ids)
        score = np.zeros(len(batch)) if batch.score is None else batch.score
        np.column_stack((batch.box, score)).tofile(values)
        return cls(np.memmap(ids, dtype=np.int64, mode="r"), ids, values)

    def rows(self, first: int, last: int, *, scored: bool) -> Batch:
        """Return some rows; read, not mapped, so that they do not stay in memory."""
        count = last - first
        ids = np.fromfile(self.ids, dtype=np.int64, count=count, offset=8 * first)
        values = np.fromfile(self.values, count=VALUES * count, offset=8 * VALUES * first).reshape(-1, VALUES)
        return Batch(ids, values[:, :4], values[:, 4] if scored else None)


def _merged(runs: list[_Run], *, scored: bool) -> Iterator[Batch]:
    """Yield the proposals of all runs, piece by piece."""
    columns = [run.image_id for run in runs]
    starts = [0] * len(runs)
    while any(start < len(column) for start, column in zip(starts, columns, strict=True)):
        ends = _ends_of_piece(columns, starts)
        parts = zip(runs, starts, ends, strict=True)
        yield ordered(joined(run.rows(start, end, scored=scored) for run, start, end in parts if end > start))
        starts = ends


def _pieces_of(batch: Batch) -> Iterator[Batch]:
    """Yield sorted proposals in the same pieces as `_merged`, so that the way does not show in the output."""
    start = 0
    while start < len(batch):
        (end,) = _ends_of_piece([batch.image_id], [start])
        score = None if batch.score is None else batch.score[start:end]
        yield Batch(batch.image_id[start:end], batch.box[start:end], score)
        start = end


def _ends_of_piece(columns: list[Ints], starts: list[int]) -> list[int]:
    """Return where the next piece ends in each ascending column of ids: as many images as come to `CHUNK` rows."""

    def ends(last: int) -> list[int]:
        return [int(np.searchsorted(column, last, side="right")) for column in columns]

    left = [column[start] for column, start in zip(columns, starts, strict=True) if start < len(column)]
    low, high = int(min(left)), int(max(column[-1] for column in columns if len(column)))
    # The last image of the piece is at least `low`, whatever it holds; it is searched for by halving the range of ids.
    while low < high:
        middle = (low + high + 1) // 2
        if sum(ends(middle)) - sum(starts) <= CHUNK:
            low = middle
        else:
            high = middle - 1
    return ends(low)

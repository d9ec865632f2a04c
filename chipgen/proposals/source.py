"""A file of proposals, open: which images it has, and the proposals of a few of them when asked."""

from __future__ import annotations

import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import UsageError
from chipgen.proposals.batch import Batch, Findings, joined
from chipgen.proposals.faulty import Faulty
from chipgen.proposals.files import PARQUET, digest, reading, recognise
from chipgen.proposals.readers import open_proposals
from chipgen.proposals.sort import by_image, ordered
from chipgen.proposals.table import Table, TableWriter
from chipgen.remote import fetched, place_of
from chipgen.scored import Proposals
from chipgen.store import guarded

if TYPE_CHECKING:
    import os

    from chipgen.boxes import Ints

LARGEST_GROUP = 1 << 20
"""Rows of a row group that may be read for the sake of one image; files with larger ones are written anew."""


@dataclass(frozen=True)
class _Index:
    """Where the proposals of which image are in a Parquet file.

    Parameters
    ----------
    image_id, counts
        The images, ascending, and their numbers of proposals, shape ``(I,)``, int64.
    ends
        First and last image of each row group, shape ``(G, 2)``, int64, both columns ascending.
    groups
        The row groups meant, shape ``(G,)``; empty ones are left out.
    scored
        Whether there are scores.
    """

    image_id: Ints
    counts: Ints
    ends: Ints
    groups: Ints
    scored: bool


class ProposalFile:
    """An open file of proposals; a `chipgen.scored.ProposalSource`.

    Memory holds the images and their numbers of proposals, and the row groups asked for last.

    Attributes
    ----------
    path
        As the user named it; of a URL without what may be a credential.
    sha256
        Digest of that file.
    on_error
        ``fail`` or ``skip``: what to do about proposals that cannot be used.
    image_id, counts
        The images with proposals, ascending, and how many each has, both of shape ``(I,)``, int64.
    scored
        Whether there are scores.
    """

    def __init__(self, path: str, on_error: str) -> None:
        with reading(place_of(path)):
            self._file = fetched(path)  # a copy stays as long as this
        self.path = str(self._file)
        self.on_error = on_error
        self._findings = Findings(self.path)
        self._table, index = _sorted_table(self._file, self._findings)
        self._index = index
        self.sha256 = digest(self._file)
        self.image_id, self.counts, self.scored = index.image_id, index.counts, index.scored
        self._last: tuple[int, Batch] | None = None

    def __len__(self) -> int:
        return int(self.counts.sum())

    def between(self, first_id: int, last_id: int) -> Proposals:
        """Return the proposals of some images.

        Parameters
        ----------
        first_id, last_id
            The first and the last image, both included.

        Returns
        -------
        Proposals
            Ascending by image; those of one image in the order of the file (of falling score, where the file had to
            be sorted).

        Raises
        ------
        DataError
            The file was changed, or is damaged.
        """
        first = int(np.searchsorted(self._index.ends[:, 1], first_id, side="left"))
        last = int(np.searchsorted(self._index.ends[:, 0], last_id, side="right"))
        wanted = self._index.groups[first:last].tolist()
        batch = joined(_chosen(self._group(group), first_id, last_id) for group in wanted)
        score = np.zeros(len(batch)) if self.scored and batch.score is None else batch.score
        return Proposals(batch.image_id, batch.box, score)

    def _group(self, group: int) -> Batch:
        """Return a row group, sorted by image; the last one read is kept, because images are asked for in order."""
        if self._last is None or self._last[0] != group:
            self._last = (group, ordered(joined(self._table.batches(group)), by_score=False))
        return self._last[1]


def read_proposals(path: str | os.PathLike[str], *, on_error: str = "fail") -> ProposalFile:
    """Open a file of proposals: COCO results as JSON or JSON lines, Parquet, or NPZ, told apart by their content.

    A Parquet file whose row groups ascend by image, as ``chipgen proposals`` writes it, is used as it lies. All others
    are sorted into a temporary file first, which goes when the returned object does.

    Parameters
    ----------
    path
        The file, or its URL; boxes are left, top, width, height in image px.
    on_error
        ``fail`` or ``skip``, remembered for whoever uses the proposals: faulty ones are read like all others.

    Returns
    -------
    ProposalFile
        Its images, and their proposals when asked.

    Raises
    ------
    DataError
        With every problem found, when the file's structure is wrong; also for a pickle, which is never read here,
        and for a file most of whose proposals are faulty.
    StorageError
        The folder for temporary files has no room.
    """
    if on_error not in {"fail", "skip"}:
        raise UsageError.one("--on-error", repr(on_error), "is not possible", "use fail or skip")
    return ProposalFile(str(path), on_error)


def _sorted_table(path: Path, findings: Findings) -> tuple[Table, _Index]:
    """Return the file, or a sorted copy that goes when it is no longer used, open, and its index."""
    if recognise(path).form == PARQUET:
        table = Table(path, findings)
        index = _index(table)
        if index is not None:
            return table, index
        table.close()
    folder = tempfile.TemporaryDirectory(prefix="chipgen-")
    try:
        copy = Path(folder.name) / "sorted.parquet"
        _write_sorted(path, findings, copy)
        table = Table(copy, findings)
        index = _index(table)
    except BaseException:
        folder.cleanup()
        raise
    assert index is not None  # it was sorted
    weakref.finalize(table, folder.cleanup)
    return table, index


def _write_sorted(path: Path, findings: Findings, copy: Path) -> None:
    """Write the proposals of a file, sorted by image."""
    batches = Faulty(findings).kept(open_proposals(path, findings).batches)
    with guarded(copy), copy.open("wb") as file, TableWriter(file, path) as writer:
        for piece in by_image(batches):
            writer.write(piece)


def _index(table: Table) -> _Index | None:
    """Read a Parquet file once and return where its images are, or None when it must be sorted first."""
    if max(table.groups, default=0) > LARGEST_GROUP:
        return None
    faulty = Faulty(table.findings)
    images: list[Ints] = []
    counts: list[Ints] = []
    groups: list[int] = []
    scored = False
    for group in np.flatnonzero(table.groups).tolist():
        batch = joined(faulty.kept(table.batches(group)))
        ids, numbers = np.unique(batch.image_id, return_counts=True)
        if images and ids[0] < images[-1][-1]:
            return None
        images.append(ids)
        counts.append(numbers)
        groups.append(group)
        scored = batch.score is not None
    ends = np.array([(ids[0], ids[-1]) for ids in images], dtype=np.int64).reshape(-1, 2)
    return _Index(*_summed(images, counts), ends, np.array(groups, dtype=np.int64), scored)


def _summed(images: list[Ints], counts: list[Ints]) -> tuple[Ints, Ints]:
    """Return all images and their numbers of proposals; one may end a row group and begin the next."""
    image_id = np.concatenate([np.zeros(0, dtype=np.int64), *images])
    first = np.flatnonzero(np.diff(image_id, prepend=image_id[:1] - 1))
    if not len(first):
        return image_id, np.zeros(0, dtype=np.int64)
    return image_id[first], np.add.reduceat(np.concatenate(counts), first)


def _chosen(batch: Batch, first_id: int, last_id: int) -> Batch:
    """Return the proposals of some images out of a sorted batch."""
    start = int(np.searchsorted(batch.image_id, first_id, side="left"))
    end = int(np.searchsorted(batch.image_id, last_id, side="right"))
    rows = slice(start, end)
    return Batch(batch.image_id[rows], batch.box[rows], None if batch.score is None else batch.score[rows])

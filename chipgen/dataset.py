"""A COCO dataset as columns: what a reader hands to the planner.

Images are sorted by id, annotations by (image id, annotation id), so that nothing later depends on the order of a
file. Annotations that cannot be used stay, with the reason, because the ledger must add up to the input.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import REASONS, DataError, Problem

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints
    from chipgen.raw_entries import RawEntries
    from chipgen.splitting import Splitting

IGNORED_BY = ("", "iscrowd", "ignore", "difficult")
"""Which source field marks an annotation as ignored; position 0: none."""

INVALID: tuple[str, ...] = ("", *REASONS["annotation"])
"""Why an annotation cannot be used; position 0: it can."""


@dataclass(frozen=True)
class Images:
    """The images of a dataset, sorted by id; M of them.

    Parameters
    ----------
    id
        Shape ``(M,)``, int64.
    file_name
        As written in the source.
    size_img
        Width and height, shape ``(M, 2)``, int64, image px.
    """

    id: Ints
    file_name: tuple[str, ...]
    size_img: Ints

    def __len__(self) -> int:
        return len(self.file_name)


@dataclass(frozen=True)
class Categories:
    """The category table, in its own order; K of them.

    Parameters
    ----------
    id
        Shape ``(K,)``, int64, as written in the source.
    name
        As written in the source.
    raw
        Each entry as the JSON text it came in.
    """

    id: Ints
    name: tuple[str, ...]
    raw: tuple[bytes, ...]

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True)
class Annotations:
    """All annotations, sorted by (image id, annotation id); N of them.

    Parameters
    ----------
    id, image_id, category_id
        As written in the source, shape ``(N,)``, int64.
    image, category
        Row in the image and category tables, shape ``(N,)``, int64; -1 where the source names none that exists.
    xyxy_img
        Boxes clipped to their image, shape ``(N, 4)``, float64, image px; zeros where invalid.
    ignored_by
        Position in `IGNORED_BY`, shape ``(N,)``, int64.
    invalid
        Position in `INVALID`, shape ``(N,)``, int64.
    raw
        Each entry as the JSON text it came in, ``raw[row]`` bytes: masks, keypoints and extra fields are read only
        when needed. Those of a whole dataset are parts of one text, that of its file.
    """

    id: Ints
    image_id: Ints
    category_id: Ints
    image: Ints
    category: Ints
    xyxy_img: Floats
    ignored_by: Ints
    invalid: Ints
    raw: RawEntries

    def __len__(self) -> int:
        return len(self.raw)

    def learnable(self) -> RawEntries:
        """Return the entries of those that may be learnt: neither invalid nor ignored by the source."""
        return self.raw.at(np.flatnonzero((self.invalid == 0) & (self.ignored_by == 0)))

    def take(self, rows: Ints) -> Annotations:
        """Return some annotations, in the given order, and of the file's text a copy of theirs alone."""
        return self._rows(rows, self.raw.take(rows))

    def at(self, rows: Ints) -> Annotations:
        """Return some annotations, in the given order, as parts of the same text: it is not copied."""
        return self._rows(rows, self.raw.at(rows))

    def _rows(self, rows: Ints, raw: RawEntries) -> Annotations:
        """Return some annotations."""
        return Annotations(
            self.id[rows],
            self.image_id[rows],
            self.category_id[rows],
            self.image[rows],
            self.category[rows],
            self.xyxy_img[rows],
            self.ignored_by[rows],
            self.invalid[rows],
            raw,
        )


@dataclass(frozen=True)
class Skipped:
    """One thing that was left out, as a line of ``_skipped.jsonl``.

    Parameters
    ----------
    kind
        ``image``, ``annotation``, ``mask`` or ``proposal``.
    image_id, annotation_id, file_name
        What it was; None where it has none.
    reason
        A word from `chipgen.errors.REASONS` for this kind.
    message
        The same for a human reader.
    """

    kind: str
    image_id: int | None
    annotation_id: int | None
    file_name: str | None
    reason: str
    message: str


@dataclass(frozen=True)
class Source:
    """Where a dataset came from.

    Parameters
    ----------
    path
        The annotation file, or its URL without what may be a credential.
    root
        The folder that file names are relative to; None when no image was found.
    looked_in
        The folders searched for images.
    sha256
        Digest of the annotation file.
    partition
        Number of the file when it is one of several that make one dataset; else None.
    first_id
        What is then added to ids, so that those of all files differ; see `chipgen.partition_ids`.
    """

    path: str
    root: str | None
    looked_in: tuple[str, ...]
    sha256: str
    partition: int | None = None
    first_id: int = 0

    def said(self, identifier: int | None) -> int | None:
        """Return an id of an image or an annotation as the file says it."""
        return None if identifier is None else identifier - self.first_id

    def problem(self, entry: Skipped) -> Problem:
        """Return something skipped as a problem, for when nothing may be skipped."""
        image = f"image {self.said(entry.image_id)}"
        if entry.annotation_id is None:
            path, where = self._place(entry.file_name or ""), image
        else:
            path, where = self.path, f"annotation {self.said(entry.annotation_id)} of {image}"
        return Problem(path, where, f"{entry.message} ({entry.reason})", "mend it, or go on with --on-error skip")

    def _place(self, file_name: str) -> str:
        """Return where an image is, or should be."""
        root = self.root or ""
        return f"{root}/{file_name}" if "://" in root else str(PurePath(root) / file_name)


@dataclass(frozen=True)
class Dataset:
    """A COCO dataset, checked.

    Parameters
    ----------
    images, annotations, categories
        The three tables.
    source
        Where they came from.
    skipped
        The annotations that cannot be used, in source order of (image id, annotation id).
    notes
        What was kept but is worth knowing, one sentence each.
    limit
        How many images it was cut down to; None when it is whole.
    splitting
        How it was split when it is one side of a dataset; None when it is whole.
    """

    images: Images
    annotations: Annotations
    categories: Categories
    source: Source
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    limit: int | None = None
    splitting: Splitting | None = None

    @cached_property
    def spans(self) -> Ints:
        """Return the first annotation of each image and the one after its last, shape ``(M, 2)``."""
        ids = self.annotations.image_id
        return np.stack(
            (np.searchsorted(ids, self.images.id, "left"), np.searchsorted(ids, self.images.id, "right")),
            axis=1,
        )

    def refuse_skipped(self) -> None:
        """Refuse to go on without the annotations that cannot be used.

        Raises
        ------
        DataError
            Naming each of them.
        """
        if self.skipped:
            raise DataError(map(self.source.problem, self.skipped))

    def first(self, count: int) -> Dataset:
        """Return the dataset of the first images by id, for a try."""
        if count >= len(self.images):
            return self
        images = Images(self.images.id[:count], self.images.file_name[:count], self.images.size_img[:count])
        image = self.annotations.image
        rows = np.flatnonzero((image >= 0) & (image < count))
        kept = set(images.id.tolist())
        skipped = tuple(entry for entry in self.skipped if entry.image_id in kept)
        taken = self.annotations.take(rows)
        return replace(self, images=images, annotations=taken, skipped=skipped, limit=count)

"""Ids of a dataset that comes in several files: unique in all of them together, and those of one file never move.

The file of number p, from 0 on in the sorted order of file names, has p times `STEP` added to the ids of its images and
annotations; to those of its chips and their boxes, too. So a file that sorts behind all others changes no id of theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import DataError, Problem
from chipgen.scored import Proposals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Ints
    from chipgen.dataset import Dataset, Skipped
    from chipgen.scored import ProposalSource

STEP = 10**12
"""What lies between the first ids of two files: easily read off, and more than the entries of any file."""

MOST_FILES = 9007
"""Files that a dataset may have: ids stay below 2**53, above which some readers of JSON round."""

SHOWN = 20
"""Ids named one by one at most."""


def first_id(number: int | None) -> int:
    """Return what is added to the ids of a file; 0 where there is but one."""
    return 0 if number is None else number * STEP


def shifted(dataset: Dataset, number: int) -> Dataset:
    """Return the dataset of one file of several, with ids that no other file has.

    Parameters
    ----------
    dataset
        What `read_coco` returned.
    number
        Of the file, from 0 on.

    Raises
    ------
    DataError
        Naming ids below 0 or from `STEP` on.
    """
    if problems := list(_beyond(dataset)):
        raise DataError(problems)
    first, images, annotations = first_id(number), dataset.images, dataset.annotations
    return replace(
        dataset,
        images=replace(images, id=images.id + first),
        annotations=replace(annotations, id=annotations.id + first, image_id=annotations.image_id + first),
        source=replace(dataset.source, partition=number, first_id=first),
        skipped=tuple(_moved(entry, first) for entry in dataset.skipped),
    )


def _moved(entry: Skipped, first: int) -> Skipped:
    """Return something skipped with the ids that its image and its annotation have now."""
    image_id, annotation_id = (None if one is None else one + first for one in (entry.image_id, entry.annotation_id))
    return replace(entry, image_id=image_id, annotation_id=annotation_id)


def _beyond(dataset: Dataset) -> Iterator[Problem]:
    """Yield ids that leave no room for those of other files."""
    images, annotations = dataset.images, dataset.annotations
    named = (("image", images.id), ("annotation", annotations.id), ("annotation of image", annotations.image_id))
    todo = f"ids of a dataset in several files are 0 to {STEP - 1}"
    for name, ids in named:
        for identifier in np.unique(ids[(ids < 0) | (ids >= STEP)])[:SHOWN].tolist():
            yield Problem(dataset.source.path, f"{name} {identifier}", "its id is not possible", todo)


class PartProposals:
    """Proposals for one file of several, under the ids that its images have there; a `ProposalSource`.

    Parameters
    ----------
    given
        The proposals by the ids that the file says.
    number
        Of the file, from 0 on.
    """

    def __init__(self, given: ProposalSource, number: int) -> None:
        self.path, self.sha256, self.on_error = given.path, given.sha256, given.on_error
        self.counts, self.scored = given.counts, given.scored
        self.first_id = first_id(number)
        self.image_id: Ints = np.minimum(given.image_id, np.iinfo(np.int64).max - self.first_id) + self.first_id
        self._given = given

    def between(self, first_id: int, last_id: int) -> Proposals:
        """Return the proposals of all images with ids from `first_id` to `last_id`, both included."""
        found = self._given.between(first_id - self.first_id, last_id - self.first_id)
        return Proposals(found.image_id + self.first_id, found.xywh_img, found.score)

"""What the boxes of a file look like as a whole: signs that they are written otherwise, or are of other images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.errors import Problem
from chipgen.proposals.box_formats import backward, to_xywh
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chipgen.proposals.batch import Batch
    from chipgen.proposals.image_list import ImageList

SUSPICIOUS = 0.05
"""The share of odd boxes from which it is no longer chance."""

EDGE = 1.0
"""Image px by which detectors reach over the edge of an image without meaning it."""


class Survey:
    """Counts odd boxes while they pass.

    Parameters
    ----------
    box_format
        How they are said to be written.
    images
        The images of the annotation file, if one was named.
    """

    def __init__(self, box_format: str, images: ImageList | None) -> None:
        self.box_format = box_format
        self._images = images
        self._total = self._backward = self._over_edge = self._known = 0
        if images is not None:
            order = np.argsort(images.id, kind="stable")
            self._ids, self._size_img = images.id[order], images.size_img[order]

    def taken(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield batches with boxes as left, top, width, height."""
        for batch in batches:
            self._total += len(batch)
            if self.box_format != "xywh":
                self._backward += backward(batch.box)
            converted = to_xywh(batch, self.box_format)
            if self._images is not None and len(self._images):
                self._compare(converted)
            yield converted

    def _compare(self, batch: Batch) -> None:
        """Count the boxes whose image is known, and those of them that reach over its edge."""
        at = np.minimum(np.searchsorted(self._ids, batch.image_id), len(self._ids) - 1)
        known = self._ids[at] == batch.image_id
        low, size = batch.box[:, :2], self._size_img[at]
        with np.errstate(over="ignore", invalid="ignore"):
            over = ((low < -EDGE) | (low + batch.box[:, 2:] > size + EDGE)).any(axis=1)
        self._known += int(np.count_nonzero(known))
        self._over_edge += int(np.count_nonzero(known & over))

    def problems(self, path: str) -> Iterator[Problem]:
        """Yield what may lie behind the problems of single boxes."""
        if self._backward >= max(1, SUSPICIOUS * self._total):
            share = f"{self._backward:,} of {counted(self._total, 'box')}"
            what = f"{share}, taken as {self.box_format}, end before they begin"
            yield Problem(path, "", what, "they look like x, y, width, height: try --box-format xywh")

    def notes(self) -> Iterator[str]:
        """Yield sentences worth reading."""
        if not self._total:
            yield "there are no proposals"
        for problem in self.problems(""):
            yield f"{problem.what}: {problem.todo}"
        if self._images is None:
            return
        if self._over_edge >= max(1, SUSPICIOUS * self._known):
            share = f"{self._over_edge:,} of {counted(self._known, 'box')} reach over the edge of their image"
            yield f"{share}: the order of the images, or how boxes are written, may be another one"
        if self._known < self._total:
            others = counted(self._total - self._known, "proposal")
            yield f"{others} of images that {self._images.path} does not list, kept"

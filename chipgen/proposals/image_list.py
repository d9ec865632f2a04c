"""The images of an annotation file in the order in which it lists them: what proposals without ids go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from chipgen.coco.decode import ImageEntry, decode
from chipgen.errors import DataError
from chipgen.loose_json import REFUSALS
from chipgen.proposals.files import BOM, opened

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.boxes import Floats, Ints


class _File(msgspec.Struct, gc=False):
    images: list[ImageEntry]


@dataclass(frozen=True)
class ImageList:
    """The images of an annotation file, in its order; I of them.

    Parameters
    ----------
    path
        The file.
    id
        Shape ``(I,)``, int64.
    file_name
        As written there.
    size_img
        Width and height, shape ``(I, 2)``, float64.
    """

    path: str
    id: Ints
    file_name: tuple[str, ...]
    size_img: Floats

    def __len__(self) -> int:
        return len(self.id)


class FileNames:
    """Finds images by their file names, which detectors write with more or fewer folders than the annotation file.

    Parameters
    ----------
    images
        The images.
    """

    def __init__(self, images: ImageList) -> None:
        self._names = images.file_name
        self._exact = {name: position for position, name in enumerate(images.file_name)}
        self._by_last: dict[str, list[int]] = {}
        for position, name in enumerate(images.file_name):
            self._by_last.setdefault(name.rpartition("/")[2], []).append(position)

    def find(self, name: str) -> list[int]:
        """Return the positions of the images that a name may mean: the one of that name, else all that end alike."""
        if name in self._exact:
            return [self._exact[name]]
        candidates = self._by_last.get(name.rpartition("/")[2], [])
        return [position for position in candidates if _ends_alike(name, self._names[position])]


def _ends_alike(name: str, other: str) -> bool:
    """Tell whether one path is the trailing part of another."""
    return f"/{name}".endswith(f"/{other}") or f"/{other}".endswith(f"/{name}")


def read_image_list(path: Path) -> ImageList:
    """Read the images of a COCO annotation file, and nothing else of it.

    Raises
    ------
    DataError
        It is no such file.
    """
    with opened(path) as file:
        data = file.read().removeprefix(BOM)
    try:
        images = msgspec.json.decode(data, type=_File).images
    except REFUSALS:
        tables, problems = decode(data, str(path))  # forgives more, and knows what is wrong
        if problems:
            raise DataError(problems) from None
        images = tables.images
    ids = np.fromiter((image.id for image in images), dtype=np.int64, count=len(images))
    if len(np.unique(ids)) < len(ids):
        raise DataError.one(path, "images", "an id stands more than once", "give each image its own id")
    size = np.array([(image.width, image.height) for image in images], dtype=np.float64).reshape(-1, 2)
    return ImageList(str(path), ids, tuple(image.file_name for image in images), size)

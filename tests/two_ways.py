"""A COCO file read in both ways: with all of it in memory, and streamed, with none of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import chipgen
from chipgen.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.dataset import Dataset

COLUMNS = ("id", "image_id", "category_id", "image", "category", "xyxy_img", "ignored_by", "invalid")


@contextlib.contextmanager
def streamed(block: int = 1 << 20) -> Iterator[None]:
    """Read files in the way of long ones, some bytes at a time."""
    with mock.patch("chipgen.coco.STREAMED_ABOVE", -1), mock.patch("chipgen.coco.stored.BLOCK", block):
        yield


@contextlib.contextmanager
def never_whole() -> Iterator[None]:
    """See to it that no file is read as a whole."""
    with mock.patch.object(Path, "read_bytes", side_effect=AssertionError("was read as a whole")):
        yield


def columns(dataset: Dataset) -> list[Any]:
    """Return all of a dataset as plain values, to the last byte."""
    table, images, categories = dataset.annotations, dataset.images, dataset.categories
    arrays = [*(getattr(table, name) for name in COLUMNS), images.id, images.size_img, categories.id]
    return [
        *((array.dtype, array.shape, array.tobytes()) for array in arrays),
        list(table.raw),
        (images.file_name, categories.name, categories.raw),
        (dataset.notes, dataset.skipped, dataset.source),
    ]


def outcome(path: Path, on_error: str = "skip") -> list[Any]:
    """Return what becomes of a file: a dataset or complaints."""
    try:
        return columns(chipgen.read_coco(path, on_error=on_error))
    except DataError as error:
        return list(map(str, error.problems))


def assert_same(path: Path, *blocks: int, on_error: str = "skip") -> list[Any]:
    """Check that both ways come to the same, for some sizes of blocks, and return it."""
    expected = outcome(path, on_error)
    for block in blocks:
        with streamed(block):
            assert outcome(path, on_error) == expected, block
    return expected

"""WebDataset shards, read a sample at a time."""

from __future__ import annotations

import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from chipgen.images import header, open_regular
from chipgen.verification.arrow import boxes_of, check_values, chips_of, numbers
from chipgen.verification.faults import MalformedError
from chipgen.verification.part import Part
from chipgen.verification.reading import read_whole
from chipgen.writers.schema import chip_columns
from chipgen.writers.webdataset import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from chipgen.boxes import Ints

AT_ONCE = 100
"""Samples that are in memory at a time."""
LARGEST = 1 << 30
"""Bytes of a member at most."""


class WebdatasetShard:
    """A WebDataset shard; the attributes are those of `chipgen.verification.parquet_shard.ParquetShard`.

    Parameters
    ----------
    out
        The output folder.
    path
        Of the shard, relative to it.
    sound
        The files that are what the manifest says.

    Raises
    ------
    MalformedError, UnusableError
        It is not such a file.
    """

    table = CATEGORIES

    def __init__(self, out: Path, path: str, sound: Collection[str]) -> None:
        self.path = out / path
        self.ids: Ints = np.array([sample["image_id"] for _, _, sample in self.samples()], dtype=np.int64)
        self.classes, self.class_ids = read_categories(out) if CATEGORIES in sound else (None, None)
        self.files: tuple[str, ...] = ()

    def parts(self) -> Iterator[Part]:
        """Yield the chips in order, some at a time."""
        waiting: list[tuple[str, bytes, dict[str, Any]]] = []
        for sample in self.samples():
            waiting.append(sample)
            if len(waiting) == AT_ONCE:
                yield _part(waiting)
                waiting = []
        if waiting:
            yield _part(waiting)

    def samples(self) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
        """Yield name and content of each picture, and what is said of it."""
        with open_regular(self.path) as file:
            try:
                with tarfile.open(mode="r|", fileobj=file) as tar:
                    yield from _pairs(tar)
            except tarfile.TarError as error:
                raise MalformedError("", f"is no tar file ({error})") from error


def _pairs(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Yield the samples of a tar file."""
    members = iter(tar)
    for picture in members:
        encoded = _content(tar, picture)
        told = next(members, None)
        if told is None or told.name != str(PurePosixPath(picture.name).with_suffix(".json")):
            raise MalformedError(picture.name[:200], "is not followed by a .json of the same name")
        try:
            sample = msgspec.json.decode(_content(tar, told))
        except (ValueError, RecursionError) as error:
            raise MalformedError(told.name[:200], f"is no JSON ({error})") from error
        if not isinstance(sample, dict) or type(sample.get("image_id")) is not int:
            raise MalformedError(told.name[:200], "tells no image_id")
        yield picture.name, encoded, sample


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the content of a member."""
    file = tar.extractfile(member) if member.isreg() and member.size <= LARGEST else None
    if file is None:
        raise MalformedError(member.name[:200], "is no file, or a huge one")
    return file.read()


def read_categories(out: Path) -> tuple[tuple[Any, ...] | None, Ints | None]:
    """Return the names and ids of the classes.

    Raises
    ------
    MalformedError, UnusableError
        The file tells none.
    """
    try:
        entries = msgspec.json.decode(read_whole(out / CATEGORIES))
        return tuple(entry["name"] for entry in entries), np.array([entry["id"] for entry in entries], dtype=np.int64)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise MalformedError("", f"is no category table ({type(error).__name__}: {error})") from error


def _part(samples: list[tuple[str, bytes, dict[str, Any]]]) -> Part:
    """Return some chips as columns, read through the schema of Parquet shards, whose columns they have.

    Raises
    ------
    MalformedError
        One lacks a column, or has one of another type.
    """
    columns = {name: kind for name, kind in chip_columns().items() if name != "image"}
    try:
        batch = pa.RecordBatch.from_pylist([sample for _, _, sample in samples], pa.schema(list(columns.items())))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise MalformedError("", f"a sample is not as it should be ({error})") from error
    check_values(batch)
    objects = batch["objects"]
    return Part(
        chips=chips_of(batch),
        boxes=boxes_of(objects),
        size=np.column_stack((numbers(batch["width"]), numbers(batch["height"]))),
        names=[name for name, _, _ in samples],
        headers=[header(encoded) for _, encoded, _ in samples],
        unseen=np.zeros(len(samples), dtype=np.bool_),
        crowd=numbers(objects.field("iscrowd").flatten()).astype(np.bool_),
        area=numbers(objects.field("area").flatten()).astype(np.float64),
    )

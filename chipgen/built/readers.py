"""Pictures, masks and class names out of shards: one reader a format, which gives only what the plan cannot tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from chipgen.images import open_regular
from chipgen.loose_json import parse
from chipgen.parquet_files import open_parquet_file
from chipgen.verification.arrow import numbers, one_array
from chipgen.verification.coco_shard import CocoShard
from chipgen.verification.parquet_shard import ParquetShard
from chipgen.verification.reading import read_whole
from chipgen.verification.webdataset_shard import WebdatasetShard
from chipgen.verification.yolo_shard import YoloShard
from chipgen.writers.webdataset import CATEGORIES
from chipgen.writers.yolo import DATA

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    import pyarrow.parquet as pq

    from chipgen.boxes import Ints

Picture = tuple[int, bytes, dict[int, Any]]
"""Id of a chip, its encoded picture, and the segmentation of each of its boxes that has one, by the id of the box."""


@dataclass(frozen=True)
class Reader:
    """What is known of a format.

    Parameters
    ----------
    classes
        ``classes(folder, shard)`` returns the names of all classes, in the order of the category table.
    read
        ``read(folder, shard, wanted)`` yields the chips of a shard with these ids, in the order of the shard. The
        shard is named by its path in the manifest.
    """

    classes: Callable[[Path, str], tuple[str, ...]]
    read: Callable[[Path, str, Collection[int]], Iterable[Picture]]


def parquet_classes(folder: Path, shard: str) -> tuple[str, ...]:
    """Return the names that ``datasets`` shows, too."""
    return ParquetShard(folder, shard, ()).classes


def read_parquet(folder: Path, shard: str, wanted: Collection[int]) -> Iterator[Picture]:
    """Yield some chips of a Parquet shard; other groups of rows than theirs are not read."""
    with open_regular(folder / shard) as file:
        parquet = open_parquet_file(file)
        ids = numbers(parquet.read(columns=["image_id"], use_threads=False)["image_id"])
        rows = np.flatnonzero(np.isin(ids, list(wanted)))
        ends = np.cumsum([parquet.metadata.row_group(group).num_rows for group in range(parquet.num_row_groups)])
        for group in np.unique(np.searchsorted(ends, rows, "right")).tolist():
            first = int(ends[group - 1]) if group else 0
            here = rows[(rows >= first) & (rows < ends[group])]
            yield from _of_group(parquet, group, here - first)


def _of_group(parquet: pq.ParquetFile, group: int, rows: Ints) -> Iterator[Picture]:
    """Yield some chips of a group of rows."""
    columns = ["image_id", "image.bytes", "objects.id", "objects.segmentation"]
    table = parquet.read_row_group(group, columns=columns, use_threads=False)
    pictures, objects = one_array(table["image"]).field("bytes"), one_array(table["objects"])
    boxes, masks = objects.field("id"), objects.field("segmentation")
    for row in rows.tolist():
        texts = zip(boxes[row].as_py(), masks[row].as_py(), strict=True)
        found = {box: json.loads(text) for box, text in texts if text is not None}
        yield table["image_id"][row].as_py(), pictures[row].as_py(), found


def coco_classes(folder: Path, shard: str) -> tuple[str, ...]:
    """Return the names in the category table of a COCO shard."""
    return tuple(str(parse(entry)["name"]) for entry in CocoShard(folder, shard, ()).classes)


def read_coco(folder: Path, shard: str, wanted: Collection[int]) -> Iterator[Picture]:
    """Yield some chips of a COCO shard; other pictures than theirs are not opened."""
    document = CocoShard(folder, shard, ())
    masks: dict[int, dict[int, Any]] = {}
    for one in document.document.annotations:
        if one.image_id in wanted and bytes(one.segmentation) not in {b"[]", b"null"}:
            masks.setdefault(one.image_id, {})[one.id] = msgspec.json.decode(one.segmentation)
    for chip, path in zip(document.ids.tolist(), document.files, strict=True):
        if chip in wanted:
            yield chip, read_whole(folder / path), masks.get(chip, {})


def webdataset_classes(folder: Path, _: str) -> tuple[str, ...]:
    """Return the names in the category table."""
    return tuple(str(entry["name"]) for entry in msgspec.json.decode(read_whole(folder / CATEGORIES)))


def read_webdataset(folder: Path, shard: str, wanted: Collection[int]) -> Iterator[Picture]:
    """Yield some chips of a tar file, which must be walked through: it has no table of contents."""
    for _, encoded, sample in WebdatasetShard(folder, shard, ()).samples():
        if sample["image_id"] in wanted:
            objects = sample["objects"]
            texts = zip(objects["id"], objects["segmentation"], strict=True)
            yield sample["image_id"], encoded, {box: json.loads(text) for box, text in texts if text is not None}


def yolo_classes(folder: Path, shard: str) -> tuple[str, ...]:
    """Return the names that trainers are told."""
    return YoloShard(folder, shard, {DATA}).classes or ()


def read_yolo(folder: Path, shard: str, wanted: Collection[int]) -> Iterator[Picture]:
    """Yield some chips; a line of labels does not say which box it is of, so there are no masks."""
    listed = YoloShard(folder, shard, ())
    for chip, name in zip(listed.ids.tolist(), listed.names, strict=True):
        if chip in wanted:
            yield chip, read_whole(folder / "images" / name), {}


READERS = {
    "parquet": Reader(parquet_classes, read_parquet),
    "coco": Reader(coco_classes, read_coco),
    "webdataset": Reader(webdataset_classes, read_webdataset),
    "yolo": Reader(yolo_classes, read_yolo),
}
"""By ``configuration.format``."""

"""Parquet shards, read a row group at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from chipgen.images import header, open_regular
from chipgen.parquet_files import open_parquet_file
from chipgen.verification.arrow import boxes_of, check_schema, check_values, chips_of, numbers, one_array
from chipgen.verification.faults import MalformedError
from chipgen.verification.part import Part
from chipgen.writers.parquet import ROWS_A_GROUP
from chipgen.writers.schema import chip_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from chipgen.boxes import Ints


class ParquetShard:
    """A Parquet shard.

    Parameters
    ----------
    out
        The output folder.
    path
        Of the shard, relative to it.

    Attributes
    ----------
    ids
        Of its chips, shape ``(C,)``, int64.
    classes
        Names of the classes.
    class_ids
        None: the format does not tell the source's ids of the classes.
    table
        None: each shard names the classes itself.
    files
        Empty: no pictures lie beside it.

    Raises
    ------
    MalformedError, UnusableError, or anything of pyarrow
        It is not such a file.
    """

    table = None

    def __init__(self, out: Path, path: str, _: Collection[str]) -> None:
        self.path = out / path
        with open_regular(self.path) as file:
            parquet = open_parquet_file(file)
            check_schema(parquet.schema_arrow, chip_columns())
            self.classes = _class_names(parquet.schema_arrow.metadata or {})
            ids = parquet.read(columns=["image_id"], use_threads=False)
            check_values(ids)
        self.ids: Ints = numbers(ids["image_id"])
        self.class_ids: Ints | None = None
        self.files: tuple[str, ...] = ()

    def parts(self) -> Iterator[Part]:
        """Yield the chips in order, some at a time."""
        with open_regular(self.path) as file:
            for batch in open_parquet_file(file).iter_batches(ROWS_A_GROUP, use_threads=False):
                check_values(batch)
                picture, objects = one_array(batch["image"]), one_array(batch["objects"])
                yield Part(
                    chips=chips_of(batch),
                    boxes=boxes_of(objects),
                    size=np.column_stack((numbers(batch["width"]), numbers(batch["height"]))),
                    names=picture.field("path").to_pylist(),
                    headers=[header(encoded) for encoded in picture.field("bytes").to_pylist()],
                    unseen=np.zeros(len(batch), dtype=np.bool_),
                    crowd=numbers(objects.field("iscrowd").flatten()).astype(np.bool_),
                    area=numbers(objects.field("area").flatten()).astype(np.float64),
                )


def _class_names(metadata: dict[bytes, bytes]) -> tuple[str, ...]:
    """Return the names of the classes that readers are told."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        category = features["objects"]["category"]["feature"]
        return tuple(map(str, category["names"])) if category.get("_type") == "ClassLabel" else ()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise MalformedError("metadata huggingface", f"tells no features ({type(error).__name__}: {error})") from error

"""Parquet builds that a trainer must stumble over, or would learn the wrong thing from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from consumers.tampered import copy_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Objects = dict[str, list[Any]]


def objects_changed(build: Path, folder: Path, change: str) -> Path:
    """Copy a Parquet build and change the objects of each chip."""
    copy = copy_of(build, folder)
    for path in sorted((copy / "data").iterdir()):
        table = pq.read_table(path)
        place = table.schema.get_field_index("objects")
        field = table.schema.field(place)
        objects = [CHANGES[change](row) for row in table["objects"].to_pylist()]
        pq.write_table(table.set_column(place, field, pa.array(objects, type=field.type)), path)
    return copy


def _each(objects: Objects, key: str, change: Callable[[Any], Any]) -> Objects:
    """Change one field of every object."""
    return {**objects, key: [change(value) for value in objects[key]]}


def _only_valid(objects: Objects) -> Objects:
    """Leave ignored objects out."""
    return {key: [v for v, ok in zip(values, objects["valid"], strict=True) if ok] for key, values in objects.items()}


CHANGES: dict[str, Callable[[Objects], Objects]] = {
    "nothing": lambda objects: objects,
    "no_width": lambda objects: _each(objects, "bbox", lambda box: [box[0], box[1], 0, box[3]]),
    "class_beyond_the_table": lambda objects: _each(objects, "category", lambda row: row + 3),
    "ignored_left_out": _only_valid,
}
"""Ways in which the objects of a build can be wrong; ``nothing`` is none."""

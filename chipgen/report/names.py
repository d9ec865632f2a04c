"""The names of categories, from the shards of a finished build: its tables know only their ids."""

from __future__ import annotations

import contextlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_JSON = 1 << 30
"""Bytes of an annotation file that is read for a few names."""


def category_names(folder: Path, manifest: dict[str, Any], chips: pa.Table) -> dict[int, str]:
    """Return the names of categories by their source ids, as many as a build tells.

    Shards are not needed for any figure. One that is lost or damaged has no names, and whoever wants them shows ids.

    Parameters
    ----------
    folder, manifest
        The build.
    chips
        Its plan table.
    """
    with contextlib.suppress(Exception):
        shard = PurePosixPath(manifest["shards"][0]["path"])
        path = folder / shard
        if not shard.is_absolute() and ".." not in shard.parts and path.is_file():
            return _by_id(*_classes(path), chips)
    return {}


def _classes(path: Path) -> tuple[list[str], list[int]]:
    """Return the names of the classes of a shard, in the order of the category table, and their ids if it has any."""
    if path.suffix == ".parquet":
        features = json.loads(pq.read_schema(path).metadata[b"huggingface"])["info"]["features"]
        return features["objects"]["category"]["feature"]["names"], []
    if path.suffix != ".json" or path.stat().st_size > LONGEST_JSON:
        return [], []
    categories = json.loads(path.read_bytes())["categories"]
    return [str(one["name"]) for one in categories], [int(one["id"]) for one in categories]


def _by_id(names: list[str], ids: list[int], chips: pa.Table) -> dict[int, str]:
    """Return names by source id: of classes that chips show; of all, where the ids of the shard are the source's."""
    objects = chips["objects"].combine_chunks()
    classes, source = (objects.field(name).flatten().to_numpy() for name in ("category", "category_id"))
    seen, first = np.unique(classes, return_index=True)
    shown = {row: one for row, one in zip(seen.tolist(), source[first].tolist(), strict=True) if 0 <= row < len(names)}
    kept = bool(shown) and bool(ids) and all(ids[row] == one for row, one in shown.items())
    return {**(dict(zip(ids, names, strict=True)) if kept else {}), **{one: names[row] for row, one in shown.items()}}

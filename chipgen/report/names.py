"""The names of categories, from a shard of a finished build: its tables know only their ids."""

from __future__ import annotations

import contextlib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.built.readers import READERS

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def category_names(folder: Path, manifest: dict[str, Any], chips: pa.Table) -> dict[int, str]:
    """Return the names of the categories that chips show, by their source ids.

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
        if not shard.is_absolute() and ".." not in shard.parts:
            names = READERS[manifest["configuration"]["format"]].classes(folder, str(shard))
            return _by_id(names, chips)
    return {}


def _by_id(names: tuple[str, ...], chips: pa.Table) -> dict[int, str]:
    """Return the names of classes, given in the order of the category table, by the ids of the source."""
    objects = chips["objects"].combine_chunks()
    classes, source = (objects.field(name).flatten().to_numpy() for name in ("category", "category_id"))
    seen, first = np.unique(classes, return_index=True)
    rows = zip(seen.tolist(), source[first].tolist(), strict=True)
    return {one: names[row] for row, one in rows if 0 <= row < len(names)}

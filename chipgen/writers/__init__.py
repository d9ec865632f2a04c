"""Writers: one file a format. Each turns the finished chips of one shard into files under a temporary path.

A writer knows rows and files, nothing of images, plans or workers; a new format is a new file and a line here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from chipgen.rows import ChipRow
from chipgen.writers.coco import write_coco
from chipgen.writers.parquet import write_parquet

if TYPE_CHECKING:
    from chipgen.dataset import Categories
    from chipgen.store import Staging

Writer = Callable[[Iterable[ChipRow], "Categories", "Staging", str], int]
"""``writer(rows, categories, staging, path)`` writes one shard, named by `path`, and returns its number of rows."""

WRITERS: dict[str, Writer] = {"parquet": write_parquet, "coco": write_coco}


def shard_path(format_: str, split: str, index: int, count: int) -> str:
    """Return the path of the file that names a shard, relative to the output folder."""
    if format_ == "coco":
        return f"shards/{index:05d}/annotations.json"
    return f"data/{split}-{index:05d}-of-{count:05d}.parquet"


def shard_unit(path: str) -> str:
    """Return the file or folder that holds a whole shard: what is renamed when the shard is finished."""
    return str(PurePosixPath(path).parent) if path.endswith("/annotations.json") else path


def planned_files(format_: str, split: str, count: int) -> Callable[[str], bool]:
    """Return a function that tells which files, relative to the output folder, are those of a build's shards."""
    if format_ == "coco":
        chip = re.compile(r"shards/(\d{5,})/(annotations\.json|images/\d{8,}-[^/]+)")

        def is_chip(path: str) -> bool:
            found = chip.fullmatch(path)
            return found is not None and int(found[1]) < count

        return is_chip
    return frozenset(shard_path(format_, split, index, count) for index in range(count)).__contains__


__all__ = ["WRITERS", "Writer", "planned_files", "shard_path", "shard_unit"]

"""Writers: one file a format. Each turns the finished chips of one shard into files under a temporary path.

A writer knows rows and files, nothing of images, plans or workers; a new format is a new file and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


__all__ = ["WRITERS", "Writer", "shard_path"]

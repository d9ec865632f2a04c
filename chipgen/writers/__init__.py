"""Writers: one file a format. Each turns the finished chips of one shard into files under a temporary path.

A writer knows rows and files, nothing of images, plans or workers; a new format is a new file and a line here.
"""

from __future__ import annotations

from chipgen.writers.coco import COCO, ROBOFLOW
from chipgen.writers.format import Format, Labels, Written
from chipgen.writers.parquet import PARQUET
from chipgen.writers.webdataset import WEBDATASET
from chipgen.writers.yolo import YOLO

FORMATS: dict[tuple[str, str], Format] = {
    ("parquet", "plain"): PARQUET,
    ("coco", "plain"): COCO,
    ("coco", "roboflow"): ROBOFLOW,
    ("yolo", "plain"): YOLO,
    ("webdataset", "plain"): WEBDATASET,
}
"""Formats by their name and that of their layout."""


def format_of(name: str, layout: str = "plain") -> Format:
    """Return a format."""
    return FORMATS[name, layout]


__all__ = ["FORMATS", "Format", "Labels", "Written", "format_of"]

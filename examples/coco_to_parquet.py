"""Write a COCO file as Parquet, one row an image, cut into files of so many images: parts that are built one by one.

``python examples/coco_to_parquet.py instances.json parts --images 100000`` writes ``parts/instances-00000.parquet`` and
so on, and ``chipgen build --coco parts --images train2017 ...`` builds them. The COCO file is read as a whole here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ANNOTATION = pa.struct(
    {
        "id": pa.int64(),
        "category_id": pa.int64(),
        "bbox": pa.list_(pa.float64()),
        "iscrowd": pa.int8(),
        "area": pa.float64(),
        "segmentation": pa.string(),
        "keypoints": pa.string(),
        "num_keypoints": pa.int32(),
        "extra": pa.string(),
    }
)
"""Masks and keypoints are JSON in a text; so are all fields that stand nowhere else."""

SCHEMA = pa.schema(
    {
        "image_id": pa.int64(),
        "file_name": pa.string(),
        "width": pa.int64(),
        "height": pa.int64(),
        "annotations": pa.list_(ANNOTATION),
    }
)
GROUP = 4096
"""Images of a group of rows."""


def as_row(annotation: dict[str, Any]) -> dict[str, Any]:
    """Return an annotation as a row of the table."""
    names = {field.name for field in ANNOTATION} - {"extra"}
    row = {name: annotation[name] for name in names if name in annotation}
    for name in ("segmentation", "keypoints"):
        if name in row:
            row[name] = json.dumps(row[name])
    extra = {name: value for name, value in annotation.items() if name not in {*names, "image_id"}}
    return {**row, "extra": json.dumps(extra) if extra else None}


def as_table(images: list[dict[str, Any]], of_image: dict[int, list[dict[str, Any]]], categories: str) -> pa.Table:
    """Return some images and their annotations."""
    rows = [
        {
            "image_id": image["id"],
            **{name: image[name] for name in ("file_name", "width", "height")},
            "annotations": [as_row(one) for one in of_image.get(image["id"], [])],
        }
        for image in images
    ]
    return pa.Table.from_pylist(rows, SCHEMA.with_metadata({"chipgen.categories": categories}))


def convert(source: Path, folder: Path, images: int) -> list[Path]:
    """Write a COCO file as Parquet files of so many images each."""
    document = json.loads(source.read_bytes())
    of_image: dict[int, list[dict[str, Any]]] = {}
    for annotation in document["annotations"]:
        of_image.setdefault(annotation["image_id"], []).append(annotation)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    ordered = sorted(document["images"], key=lambda image: int(image["id"]))
    for number, first in enumerate(range(0, max(1, len(ordered)), images)):
        table = as_table(ordered[first : first + images], of_image, json.dumps(document["categories"]))
        written.append(folder / f"{source.stem}-{number:05d}.parquet")
        pq.write_table(table, written[-1], row_group_size=GROUP, compression="zstd", write_page_checksum=True)
    return written


def main() -> None:
    """Run the conversion."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a COCO file")
    parser.add_argument("folder", type=Path, help="where the Parquet files are written")
    parser.add_argument("--images", type=int, default=100_000, help="images of each file [%(default)s]")
    options = parser.parse_args()
    written = convert(options.source, options.folder, options.images)
    print(f"{options.folder}: {len(written)} files, such as {written[0].name}")


if __name__ == "__main__":
    main()

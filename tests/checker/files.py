"""The manifest against the folder, and the tables and shards against each other."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checker.model import Build, Source

MANIFEST = "_manifest.json"
ROW_GROUP = 100
SHARD_BYTES = 500_000_000


def check_files(build: Build, source: Source) -> None:
    """Check digests, rows, that the manifest names no place of this run, and the plan."""
    _check_listing(build)
    _check_shards(build)
    _check_no_paths(build, source)
    _check_plan(build)
    if build.form == "coco":
        _check_merged(build)
    else:
        _check_layout(build)


def _check_listing(build: Build) -> None:
    listed = {entry["path"]: entry for entry in build.manifest["files"]}
    assert len(listed) == len(build.manifest["files"]), "manifest: a file stands there twice"
    present = {path.relative_to(build.folder).as_posix() for path in build.folder.rglob("*") if path.is_file()}
    off = present ^ {*listed, MANIFEST}
    assert not off, f"manifest and folder differ in {sorted(off)[:5]}"
    for entry in [*build.manifest["files"], *build.manifest["shards"]]:
        content = (build.folder / entry["path"]).read_bytes()
        assert len(content) == entry["bytes"], f"manifest: {entry['path']} has {len(content)} bytes"
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], f"manifest: {entry['path']} has changed"


def _check_shards(build: Build) -> None:
    shards = build.manifest["shards"]
    assert shards, "manifest: no shards"
    for entry in shards:
        rows = _rows(build.folder / entry["path"])
        assert rows == entry["rows"], f"manifest: {entry['path']} has {rows} rows, not {entry['rows']}"
    assert sum(entry["rows"] for entry in shards) == len(build.chips), "manifest: rows do not add up"


def _rows(path: Path) -> int:
    if path.suffix == ".parquet":
        return int(pq.read_metadata(path).num_rows)
    return len(json.loads(path.read_bytes())["images"])


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for pair in value.items() for item in pair for text in _strings(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _strings(item))
    elif isinstance(value, str):
        yield value


def _check_no_paths(build: Build, source: Source) -> None:
    """The same inputs must give the same bytes in another folder."""
    places = [str(place.resolve()) for place in (build.folder, source.root, source.path)]
    for text in _strings(build.manifest):
        assert not text.startswith(("/", "~")), f"manifest: absolute path {text}"
        assert not any(place in text for place in places), f"manifest: names a place of this run: {text}"
        assert text not in {"workers", "host", "hostname", "time", "date"}, f"manifest: has {text}"


def _check_plan(build: Build) -> None:
    """The plan tells of the same chips and at least the same boxes."""
    rows = {row["image_id"]: row for row in build.plan}
    assert len(rows) == len(build.plan), "plan: a chip stands there twice"
    assert list(rows) == sorted(rows), "plan: rows do not go by chip id"
    assert rows.keys() == {chip.id for chip in build.chips}, "plan: other chips than in the shards"
    for chip in build.chips:
        row, transform = rows[chip.id], rows[chip.id]["transform"]
        told = row["source"]["image_id"], row["level"], row["kind"], row["content_width"], row["content_height"]
        facts = chip.source.id, chip.level, chip.kind, chip.content_width, chip.content_height
        assert told == facts, f"plan: {chip} is {told}, not {facts}"
        window = transform["x0"], transform["y0"], transform["factor_x"], transform["factor_y"]
        assert window == (chip.x0, chip.y0, chip.factor_x, chip.factor_y), f"plan: {chip} lies at {window}"
        objects = row["objects"]
        planned = dict(zip(objects["id"], zip(objects["source_id"], objects["valid"], strict=True), strict=True))
        for box in chip.boxes:
            assert planned.get(box.id) == (box.source_id, box.valid), f"plan: {chip}, box {box.id} differs"


def _check_merged(build: Build) -> None:
    """Shards hold the same entries as the merged file; only file names are relative to each."""
    merged = json.loads((build.folder / "annotations.json").read_bytes())
    images, annotations = [], []
    for entry in build.manifest["shards"]:
        folder = (build.folder / entry["path"]).parent
        shard = json.loads((build.folder / entry["path"]).read_bytes())
        assert shard["categories"] == merged["categories"], f"{entry['path']}: other categories"
        assert shard["images"] or len(build.manifest["shards"]) == 1, f"{entry['path']}: an empty shard"
        for image in shard["images"]:
            relative = (folder / image["file_name"]).relative_to(build.folder).as_posix()
            images.append({**image, "file_name": relative})
        annotations += shard["annotations"]
    assert images == merged["images"], "annotations.json: other images than in the shards"
    assert annotations == merged["annotations"], "annotations.json: other annotations than in the shards"


def _check_layout(build: Build) -> None:
    """Pictures stay as they were encoded, and can be read a row group at a time."""
    for entry in build.manifest["shards"]:
        path = build.folder / entry["path"]
        assert entry["bytes"] <= SHARD_BYTES, f"{entry['path']}: more than {SHARD_BYTES} bytes"
        metadata = pq.read_metadata(path)
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        sizes = [group.num_rows for group in groups]
        assert all(size == ROW_GROUP for size in sizes[:-1]), f"{entry['path']}: row groups of {sizes}"
        assert all(size <= ROW_GROUP for size in sizes), f"{entry['path']}: row groups of {sizes}"
        for column in (group.column(number) for group in groups for number in range(group.num_columns)):
            wanted = "UNCOMPRESSED" if column.path_in_schema == "image.bytes" else "ZSTD"
            assert column.compression == wanted, f"{entry['path']}: {column.path_in_schema} is {column.compression}"

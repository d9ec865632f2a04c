"""What a change of a finished build is made of."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.parquet as pq
from PIL import Image
from tampering import document, lines, manifest, rows, seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

PLAN, LEDGER, SKIPPED, SOURCES = "_plan.parquet", "_ledger.parquet", "_skipped.jsonl", "_sources.parquet"
MANIFEST, MERGED = "_manifest.json", "annotations.json"


class Mutation(NamedTuple):
    """A change, the file that must be named, and a word of what must be said."""

    name: str
    change: Callable[[Path], None]
    file: str
    said: str
    lines: int = 1


def shard(index: int) -> str:
    """Return the path of a Parquet shard of the rich build."""
    return f"data/train-{index:05d}-of-00008.parquet"


def coco_shard(index: int) -> str:
    """Return the path of a COCO shard of the rich build."""
    return f"shards/{index:05d}/annotations.json"


def to_row(path: str, key: int, edit: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Return a change of the row of a chip, an image or an annotation."""

    def change(out: Path) -> None:
        name = "annotation_id" if path == LEDGER else "image_id"
        with rows(out, path) as values:
            edit(next(row for row in values if row[name] == key))

    return change


def to_rows(path: str, edit: Callable[[list[dict[str, Any]]], Any]) -> Callable[[Path], None]:
    """Return a change of all rows of a table."""

    def change(out: Path) -> None:
        with rows(out, path) as values:
            edit(values)

    return change


def to_object(path: str, column: str, value: Any, position: int = 0, chip: int = 19) -> Callable[[Path], None]:
    """Return a change of one box of a chip."""
    return to_row(path, chip, lambda row: row["objects"][column].__setitem__(position, value))


def to_field(path: str, chip: int, value: Any, *keys: str) -> Callable[[Path], None]:
    """Return a change of one field of a chip."""

    def edit(row: dict[str, Any]) -> None:
        for key in keys[:-1]:
            row = row[key]
        row[keys[-1]] = value

    return to_row(path, chip, edit)


def to_json(path: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Return a change of a JSON file."""

    def change(out: Path) -> None:
        with document(out, path) as value:
            edit(value)

    return change


def to_manifest(edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Return a change of the manifest."""

    def change(out: Path) -> None:
        with manifest(out) as value:
            edit(value)

    return change


def to_lines(edit: Callable[[list[Any]], Any]) -> Callable[[Path], None]:
    """Return a change of the lines of skipped things."""

    def change(out: Path) -> None:
        with lines(out, SKIPPED) as values:
            edit(values)

    return change


def to_table(path: str, edit: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """Return a change of a table as a whole."""

    def change(out: Path) -> None:
        pq.write_table(edit(pq.ParquetFile(out / path).read()), out / path)
        seal(out, path)

    return change


def picture(size: tuple[int, int] = (256, 256), form: str = "JPEG") -> bytes:
    """Return an encoded picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, form)
    return buffer.getvalue()


def swap_files(first: str, second: str) -> Callable[[Path], None]:
    """Return a change that swaps two files."""

    def change(out: Path) -> None:
        shutil.move(out / first, out / "aside")
        shutil.move(out / second, out / first)
        shutil.move(out / "aside", out / second)
        seal(out, first)
        seal(out, second)

    return change


def write(path: str, content: bytes) -> Callable[[Path], None]:
    """Return a change of a whole file."""

    def change(out: Path) -> None:
        (out / path).write_bytes(content)
        seal(out, path)

    return change

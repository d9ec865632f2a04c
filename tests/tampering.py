"""Finished builds of every kind, and ways to change them so that checksums still hold."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from small_set import small_coco, write_small_set

import chipgen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from datasets_made import Coco

MANIFEST = "_manifest.json"
Row = dict[str, Any]


def build(folder: Path, form: str, coco: Coco | None = None, **settings: Any) -> Path:
    """Build the small dataset, or another, in this process; keyword arguments are those of plan and export.

    The form is a format, or ``roboflow``.
    """
    path = folder / "set" / "instances.json"
    if not path.exists():
        write_small_set(folder / "set", coco)
    dataset = chipgen.read_coco(path, on_error="skip")
    of_export = {"ignored", "image_format", "pad"} & settings.keys()
    export = {name: settings.pop(name) for name in of_export}
    made = {
        "scales": "1x,2x,256",
        "valid_ranges": "20-120,0-60,60-",
        "chip_size": 256,
        "chips_per_shard": 4,
        **settings,
    }
    plan = chipgen.plan(dataset, **made)
    layout = "roboflow" if form == "roboflow" else "plain"
    export |= {"format": "coco" if form == "roboflow" else form, "layout": layout}
    chipgen.export(plan, folder / form, workers=1, progress=False, on_error="skip", max_skipped=99, **export)
    return folder / form


def rich_build(folder: Path, form: str) -> Path:
    """Build with one of everything: negative chips, epochs, a skipped image, annotation and mask."""
    coco = small_coco()
    coco.box(3, [1, 1, 0, 5])
    coco.box(11, [10, 10, 40, 40], segmentation=[[1, 2, 3]])
    coco.image(50, 50, 2)
    coco.box(2, [10, 10, 30, 30])
    if not (folder / "set").exists():
        write_small_set(folder / "set", coco)
    (folder / "set" / "images" / "2.png").write_bytes(b"no picture")
    out = build(folder, form, negatives="random", negatives_per_image="all", stride=16, seed=23)
    chipgen.write_epochs(out, epochs=2, negatives_per_image=1)
    return out


@contextlib.contextmanager
def manifest(out: Path) -> Iterator[Any]:
    """Change the manifest."""
    value = json.loads((out / MANIFEST).read_bytes())
    yield value
    (out / MANIFEST).write_text(json.dumps(value), encoding="utf-8")


def seal(out: Path, path: str) -> None:
    """Write length and checksum of a file into the manifest, as if it had been written like that."""
    content = (out / path).read_bytes()
    told = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with manifest(out) as value:
        for entry in (*value["files"], *value.get("shards", ())):
            if entry["path"] == path:
                entry.update(told)


@contextlib.contextmanager
def rows(out: Path, path: str) -> Iterator[list[Row]]:
    """Change the rows of a Parquet file."""
    table = pq.ParquetFile(out / path).read()
    values = table.to_pylist()
    yield values
    pq.write_table(pa.Table.from_pylist(values, schema=table.schema), out / path)
    seal(out, path)


@contextlib.contextmanager
def document(out: Path, path: str) -> Iterator[Any]:
    """Change a JSON file."""
    value = json.loads((out / path).read_bytes())
    yield value
    (out / path).write_text(json.dumps(value), encoding="utf-8")
    seal(out, path)


@contextlib.contextmanager
def lines(out: Path, path: str) -> Iterator[list[Any]]:
    """Change a file of JSON lines."""
    values = [json.loads(line) for line in (out / path).read_bytes().splitlines()]
    yield values
    (out / path).write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    seal(out, path)


@contextlib.contextmanager
def words(out: Path, path: str) -> Iterator[list[str]]:
    """Change the lines of a text."""
    values = (out / path).read_text(encoding="ascii").splitlines()
    yield values
    (out / path).write_text("".join(f"{value}\n" for value in values), encoding="ascii")
    seal(out, path)


@contextlib.contextmanager
def members(out: Path, path: str) -> Iterator[list[tuple[str, bytes]]]:
    """Change names and content of the members of a tar file."""
    with tarfile.open(out / path) as tar:
        values = [(member.name, _content(tar, member)) for member in tar]
    yield values
    with tarfile.open(out / path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in values:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    seal(out, path)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the content of a member."""
    file = tar.extractfile(member)
    assert file is not None
    return file.read()


def lose_box(row: Row, position: int = 0) -> None:
    """Take a box out of a row of a plan or a shard."""
    for column in row["objects"].values():
        del column[position]

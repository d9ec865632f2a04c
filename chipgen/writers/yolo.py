"""YOLO shards: a picture and a text file of labels for each chip, all in two folders, where trainers look for them.

A label file knows only objects to learn, so that ignored ones are painted over or left out. Where the dataset has
masks, in whichever split, each line is an outline, of a box where an object has no mask: what mixes the two is read
wrong.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from chipgen.masks.joined import one_outline
from chipgen.writers.dump import dump_yaml, yaml_word
from chipgen.writers.format import Format, Listing
from chipgen.writers.refusals import refusals
from chipgen.writers.schema import class_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from chipgen.boxes import Floats, Ints
    from chipgen.rows import ChipRow, ObjectRow
    from chipgen.store import Staging
    from chipgen.writers.format import Labels, Pieces, Written

FILE = re.compile(r"(?:images/(\d{8,})-[^/]+|labels/(\d{8,})-[^/]+\.txt|shards/(\d{5,})\.txt)")
"""A picture or a label file, by the id of its chip, or the list of a shard, by its number."""

DATA = "data.yaml"
"""Names of the classes and places of the pictures."""

KEYS = {"training": "train", "validation": "val", "valid": "val", "dev": "val", "testing": "test"}
"""Keys under which trainers look for splits that go by another name."""


def shard_path(_: str, index: int, __: int) -> str:
    """Return the path of the file that names a shard: the list of its pictures."""
    return f"shards/{index:05d}.txt"


def shard_of(path: str, _: str, ends: Sequence[int] | Ints) -> int | None:
    """Return the number of the shard that a file belongs to; see `chipgen.writers.format.Format`."""
    found = FILE.fullmatch(path)
    if found is None:
        return None
    index = int(found[3]) if found[3] else int(np.searchsorted(ends, int(found[1] or found[2]), "right")) - 1
    return index if index < len(ends) - 1 else None


def units(_: str, files: Sequence[str]) -> Sequence[str]:
    """Return all files of a shard: they lie beside those of others."""
    return files


def write_yolo(rows: Iterable[ChipRow], labels: Labels, staging: Staging, path: str) -> int:
    """Write one shard; see `chipgen.writers.format.Writer`."""
    pictures: list[str] = []
    for row in rows:
        staging.write(f"images/{row.file_name}", row.encoded)
        name = label_path(row.file_name)
        with staging.create(name) as file, refusals(name):
            file.write("".join(_lines(row, outlines=labels.outlines)).encode("ascii"))
        pictures.append(f"images/{row.file_name}\n")
    with staging.create(path) as file:
        file.write("".join(pictures).encode("ascii"))
    return len(pictures)


def label_path(file_name: str) -> str:
    """Return the path of the labels of a picture."""
    return f"labels/{PurePosixPath(file_name).stem}.txt"


def _lines(row: ChipRow, *, outlines: bool) -> Iterator[str]:
    """Yield the lines of a label file: class, and centre and size, or the points of an outline, as shares."""
    size = np.array(row.size, dtype=np.float64)
    for obj in row.objects.rows():
        x, y, width, height = obj.bbox
        if outlines:
            shares = np.clip(_outline(obj, row.size) / size, 0, 1) + 0.0  # there are two zeros, and one has a sign
        else:
            shares = np.array([[x + width / 2, y + height / 2], [width, height]]) / size
        yield f"{obj.category} {' '.join(f'{share:.6f}' for share in shares.ravel().tolist())}\n"


def _outline(obj: ObjectRow, size: tuple[int, int]) -> Floats:
    """Return the outline of a mask, or else of a box, shape ``(n, 2)``, chip px."""
    outline = None if obj.segmentation is None else one_outline(obj.segmentation, size)
    if outline is not None:
        return outline
    x, y, width, height = obj.bbox
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])


def listed(shards: Sequence[str], read: Callable[[str], bytes], kept: Collection[int] | None = None) -> Pieces:
    """Yield the pictures of some chips, one a line, relative to the output folder; see `Listing`."""
    for shard in shards:
        lines = read(shard).splitlines(keepends=True)
        yield b"".join(line for line in lines if kept is None or _chip_id(line) in kept)


def _chip_id(line: bytes) -> int | None:
    """Return the id of a chip by the path of its picture."""
    found = FILE.fullmatch(line.decode("utf-8", "replace").rstrip("\n"))
    return int(found[1]) if found and found[1] else None


def key_of(split: str) -> str:
    """Return the key under which trainers look for a split."""
    return KEYS.get(split, split)


def data_yaml(names: Sequence[str], folders: Mapping[str, str | list[str]]) -> bytes:
    """Return what a trainer needs to find splits and classes.

    Parameters
    ----------
    names
        Names of the classes.
    folders
        The folder of the pictures of each split, or its folders, relative to the file.
    """
    places = "".join(f"{yaml_word(key_of(split))}: {dump_yaml(folder)}\n" for split, folder in folders.items())
    if "val" not in map(key_of, folders):
        parts = any(isinstance(folder, list) for folder in folders.values())
        places += f"# There is no split to validate on here{'' if parts else ': --val-fraction makes one'}.\n"
    table = "".join(f"  {number}: {dump_yaml(name)}\n" for number, name in enumerate(names))
    return f"{places}nc: {len(names)}\nnames:{' {}' if not names else ''}\n{table}".encode("ascii")


def _whole(written: Written) -> Iterator[tuple[str, Pieces]]:
    """Yield the file about all shards."""
    yield DATA, iter((data_yaml(class_names(written.labels.categories), {written.split: "images"}),))


YOLO = Format(
    write_yolo,
    shard_path,
    shard_of,
    units,
    ("images", "labels", "shards"),
    _whole,
    (DATA,),
    Listing("txt", listed),
)

"""COCO shards: a folder of chips with its own annotation file; and the merged file, which trainers read."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from chipgen.errors import ChipgenError, DataError
from chipgen.writers.dump import dump
from chipgen.writers.facts import facts
from chipgen.writers.format import Format, Listing
from chipgen.writers.refusals import refusals

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from chipgen.boxes import Ints
    from chipgen.dataset import Categories
    from chipgen.rows import ChipRow, ObjectRow
    from chipgen.store import Staging
    from chipgen.writers.format import Labels, Pieces, Written

FILE = re.compile(r"shards/(\d{5,})/(annotations\.json|images/\d{8,}-[^/]+)")
"""A file of a shard, and the number of that."""

MERGED = "annotations.json"
"""The annotation file of all shards."""

ROBOFLOW_MERGED = "_annotations.coco.json"
"""The same under the name by which trainers of Roboflow's look for it."""

OURS = frozenset({"ignore_reason", "valid", "visibility", "source_id", "source_category_id"})
"""Fields we add; a source field of the same name is kept as ``source_<name>``."""

NEVER = "ignore"
"""No annotation carries this key: one trainer stops on it, another turns the region into background."""


def shard_path(_: str, index: int, __: int) -> str:
    """Return the path of the file that names a shard."""
    return f"shards/{index:05d}/annotations.json"


def shard_of(path: str, _: str, ends: Sequence[int] | Ints) -> int | None:
    """Return the number of the shard that a file belongs to; see `chipgen.writers.format.Format`."""
    found = FILE.fullmatch(path)
    return int(found[1]) if found and int(found[1]) < len(ends) - 1 else None


def units(path: str, _: Sequence[str]) -> Sequence[str]:
    """Return the folder that holds a whole shard."""
    return (str(PurePosixPath(path).parent),)


def write_coco(rows: Iterable[ChipRow], labels: Labels, staging: Staging, path: str) -> int:
    """Write one shard; see `chipgen.writers.format.Writer`."""
    return _write(rows, labels.categories.raw, staging, path, _annotation)


def write_roboflow(rows: Iterable[ChipRow], labels: Labels, staging: Staging, path: str) -> int:
    """Write one shard whose categories are numbered from 0 in the order of their table, as Roboflow's are."""
    return _write(rows, _numbered(labels.categories), staging, path, _numbered_annotation)


def _write(
    rows: Iterable[ChipRow],
    categories: Iterable[bytes],
    staging: Staging,
    path: str,
    annotation: Callable[[ChipRow, ObjectRow], dict[str, Any]],
) -> int:
    """Write one shard."""
    folder = PurePosixPath(path).parent
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for row in rows:
        with staging.create(str(folder / "images" / row.file_name)) as file:
            file.write(row.encoded)
        images.append(_image(row))
        annotations.extend(annotation(row, obj) for obj in row.objects.rows())
    with staging.create(path) as file, refusals(path):
        for piece in _document(map(dump, images), map(dump, annotations), categories):
            file.write(piece)
    return len(images)


def _numbered(categories: Categories) -> Iterator[bytes]:
    """Yield the category table with ids from 0 on.

    Trainers of Roboflow's want a supercategory in each entry. A class whose supercategory is "none", or whose name is a
    supercategory, is none to them: a supercategory that would hide one gives way to another word.
    """
    names, harmless = set(categories.name), "objects"
    while harmless in names:
        harmless += "_"
    for number, raw in enumerate(categories.raw):
        entry = msgspec.json.decode(raw)
        above = entry.get("supercategory")
        told = above if isinstance(above, str) and above not in {"", "none", "null", *names} else harmless
        yield dump({**entry, "supercategory": told, "id": number, "source_id": entry["id"]})


class _Of(msgspec.Struct):
    """What must be known of an annotation to sort it out."""

    image_id: int


_OF = msgspec.json.Decoder(_Of)


def merged(shards: Sequence[str], read: Callable[[str], bytes], kept: Collection[int] | None = None) -> Iterator[bytes]:
    """Yield one annotation file of all shards in pieces; file names become relative to the output folder.

    Shards are read one after the other, twice: no more than one is in memory at a time.

    Parameters
    ----------
    shards
        Paths of the shards' annotation files, at least one.
    read
        Returns the content of one.
    kept
        Ids of the chips to keep; None for all.
    """

    def images() -> Iterator[bytes]:
        for shard in shards:
            for image in _section(shard, read(shard), "images"):
                with _reading(shard):
                    value = msgspec.json.decode(image)
                    value["file_name"] = str(PurePosixPath(shard).parent / value["file_name"])
                    wanted = kept is None or value["id"] in kept
                if wanted:
                    yield dump(value)

    def annotations() -> Iterator[bytes]:
        for shard in shards:
            for entry in _section(shard, read(shard), "annotations"):
                with _reading(shard):
                    wanted = kept is None or _OF.decode(entry).image_id in kept
                if wanted:
                    yield bytes(entry)

    categories = map(bytes, _section(shards[0], read(shards[0]), "categories"))
    yield from _document(images(), annotations(), categories)


def _section(shard: str, document: bytes, name: str) -> list[msgspec.Raw]:
    """Return the raw entries of one section of a shard."""
    with _reading(shard):
        sections = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(sections[name], type=list[msgspec.Raw])


@contextlib.contextmanager
def _reading(shard: str) -> Iterator[None]:
    """Name the shard that is not what was written once.

    Raises
    ------
    DataError
        For what is raised in the block.
    """
    try:
        yield
    except (ChipgenError, MemoryError):
        raise
    except Exception as error:
        what = f"is damaged ({type(error).__name__}: {' '.join(str(error).split())})"
        raise DataError.one(shard, "", what, "build the chips again") from error


def _document(images: Iterable[bytes], annotations: Iterable[bytes], categories: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a COCO file in pieces, one entry a line."""
    yield b'{"info": {"description": "SNIPER chips made by chipgen"},\n'
    for name, entries in (("images", images), ("annotations", annotations), ("categories", categories)):
        yield b'"%s": [' % name.encode()
        for number, entry in enumerate(entries):
            yield (b",\n" if number else b"\n") + entry
        yield b"\n]}\n" if name == "categories" else b"\n],\n"


def _image(row: ChipRow) -> dict[str, Any]:
    """Return the entry of a chip."""
    return {
        "id": row.image_id,
        "file_name": f"images/{row.file_name}",
        "width": row.size[0],
        "height": row.size[1],
        "chipgen": facts(row),
    }


def _annotation(row: ChipRow, obj: ObjectRow) -> dict[str, Any]:
    """Return the entry of a box."""
    extra = {
        f"source_{name}" if name in OURS else name: value for name, value in (obj.extra or {}).items() if name != NEVER
    }
    points = {} if obj.keypoints is None else {"keypoints": obj.keypoints, "num_keypoints": obj.num_keypoints}
    return {
        **extra,
        "id": obj.id,
        "image_id": row.image_id,
        "category_id": obj.category_id,
        "bbox": obj.bbox,
        "area": obj.area,
        "iscrowd": int(obj.crowd),
        "segmentation": obj.segmentation if obj.segmentation is not None else [],
        **points,
        "valid": obj.valid,
        "ignore_reason": obj.ignore_reason,
        "visibility": obj.visibility,
        "source_id": obj.source_id,
    }


def _numbered_annotation(row: ChipRow, obj: ObjectRow) -> dict[str, Any]:
    """Return the entry of a box whose category is given by its position in the table."""
    return {**_annotation(row, obj), "category_id": obj.category, "source_category_id": obj.category_id}


def _whole(written: Written, path: str) -> Iterator[tuple[str, Pieces]]:
    """Yield the file of all shards."""
    yield path, merged(written.shards, written.read)


LISTING = Listing("json", merged)

COCO = Format(write_coco, shard_path, shard_of, units, ("shards",), partial(_whole, path=MERGED), (MERGED,), LISTING)
ROBOFLOW = replace(
    COCO, write=write_roboflow, whole=partial(_whole, path=ROBOFLOW_MERGED), whole_files=(ROBOFLOW_MERGED,)
)

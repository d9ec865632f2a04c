"""COCO shards: a document that is decoded with types, and its pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from chipgen.chips import KINDS
from chipgen.images import header, open_regular
from chipgen.labels import STATES
from chipgen.loose_json import parse
from chipgen.verification.columns import Boxes, Chips, positions
from chipgen.verification.faults import MalformedError
from chipgen.verification.part import Header, Part
from chipgen.verification.reading import read_whole

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from chipgen.boxes import Ints

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class _Source(msgspec.Struct, gc=False):
    image_id: Int64
    file_name: str
    width: Int64
    height: Int64


class _Transform(msgspec.Struct, gc=False):
    x0: float
    y0: float
    factor_x: float
    factor_y: float


class _Range(msgspec.Struct, gc=False):
    lo: float
    hi: float | None


class _Facts(msgspec.Struct, gc=False):
    kind: str
    level: Int64
    source: _Source
    transform: _Transform
    content_width: Int64
    content_height: Int64
    valid_range: _Range


class _Image(msgspec.Struct, gc=False):
    id: Int64
    file_name: str
    width: Int64
    height: Int64
    chipgen: _Facts


class _Annotation(msgspec.Struct, gc=False):
    id: Int64
    image_id: Int64
    category_id: Int64
    bbox: tuple[float, float, float, float]
    area: float
    iscrowd: Annotated[int, msgspec.Meta(ge=0, le=1)]
    segmentation: msgspec.Raw
    valid: bool
    ignore_reason: str
    visibility: float
    source_id: Int64
    ignore: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    source_category_id: Any = None


class _Document(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[msgspec.Raw]


class CocoShard:
    """A COCO shard: one document, and one file for each picture.

    Parameters
    ----------
    out
        The output folder.
    path
        Of the shard's annotations, relative to it.
    sound
        The files that are what the manifest says; no other picture is looked at.

    Attributes
    ----------
    ids
        Of its chips, shape ``(C,)``, int64.
    classes
        The entries of the category table, as JSON.
    class_ids
        The source's id of each class, shape ``(K,)``, int64.
    table
        None: each shard has the whole category table.
    files
        Its pictures, relative to the output folder.

    Raises
    ------
    MalformedError, UnusableError
        It is not such a file.
    """

    table = None

    def __init__(self, out: Path, path: str, sound: Collection[str]) -> None:
        self.out, self.sound = out, sound
        try:
            self.document = msgspec.json.decode(read_whole(out / path), type=_Document)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            what, _, where = str(error).partition(" - at `")
            raise MalformedError(where.removeprefix("$.").rstrip("`"), what) from error
        self.ids = np.array([image.id for image in self.document.images], dtype=np.int64)
        self.classes = tuple(bytes(entry) for entry in self.document.categories)
        self.class_ids: Ints | None = self._class_ids()
        folder = path.rpartition("/")[0]
        self.files = tuple(f"{folder}/{image.file_name}" for image in self.document.images)

    def _class_ids(self) -> Ints:
        """Return the source's id of each category."""
        return _class_ids(self.classes, "id")

    def _boxes(self) -> Boxes:
        """Return the boxes; the format tells no positions in the category table."""
        return _boxes(self.document.annotations, self.ids)

    def parts(self) -> Iterator[Part]:
        """Yield all chips at once: the document is in memory already."""
        images, annotations = self.document.images, self.document.annotations
        unseen = np.array([file not in self.sound for file in self.files], dtype=np.bool_)
        yield Part(
            chips=_chips(images),
            boxes=self._boxes(),
            size=_table([(image.width, image.height) for image in images], 2, np.int64),
            names=[file.rpartition("/")[2] for file in self.files],
            headers=[None if hidden else self._header(file) for file, hidden in zip(self.files, unseen, strict=True)],
            unseen=unseen,
            crowd=np.array([one.iscrowd for one in annotations], dtype=np.bool_),
            area=np.array([one.area for one in annotations], dtype=np.float64),
        )

    def _header(self, file: str) -> Header | None:
        """Read the header of a picture."""
        with open_regular(self.out / file) as picture:
            return header(picture)


class RoboflowShard(CocoShard):
    """A COCO shard in which categories are numbered from 0 in the order of their table."""

    def _class_ids(self) -> Ints:
        """Return the source's id of each category.

        Raises
        ------
        MalformedError
            The table is numbered otherwise.
        """
        if _class_ids(self.classes, "id").tolist() != list(range(len(self.classes))):
            raise MalformedError("categories", "are not numbered from 0 in their order")
        return _class_ids(self.classes, "source_id")

    def _boxes(self) -> Boxes:
        """Return the boxes; the format tells both the position in the category table and the source's id."""
        boxes, annotations = _boxes(self.document.annotations, self.ids), self.document.annotations
        try:
            source = np.array([one.source_category_id for one in annotations], dtype=np.int64)
        except (TypeError, ValueError, OverflowError) as error:
            raise MalformedError("annotations", f"one tells no source_category_id ({error})") from error
        return replace(boxes, category=boxes.category_id, category_id=source)


def _class_ids(categories: tuple[bytes, ...], key: str) -> Ints:
    """Return an id of each category."""
    try:
        return np.array([parse(entry)[key] for entry in categories], dtype=np.int64)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedError("categories", f"has an entry without an id ({type(error).__name__}: {error})") from error


def _table(rows: Sequence[Any], width: int, kind: type[np.generic]) -> Any:
    """Return rows as an array, shape ``(N, width)``, also where there are none."""
    return np.array(rows, dtype=kind).reshape(-1, width)


def _chips(images: list[_Image]) -> Chips:
    """Return the chips of a document."""
    facts = [image.chipgen for image in images]
    ranges = [(one.valid_range.lo, np.inf if one.valid_range.hi is None else one.valid_range.hi) for one in facts]
    return Chips(
        id=np.array([image.id for image in images], dtype=np.int64),
        kind=positions([one.kind for one in facts], KINDS),
        level=np.array([one.level for one in facts], dtype=np.int64),
        image_id=np.array([one.source.image_id for one in facts], dtype=np.int64),
        file_name=np.array([one.source.file_name for one in facts], dtype=np.object_),
        size_img=_table([(one.source.width, one.source.height) for one in facts], 2, np.int64),
        origin_img=_table([(one.transform.x0, one.transform.y0) for one in facts], 2, np.float64),
        factor=_table([(one.transform.factor_x, one.transform.factor_y) for one in facts], 2, np.float64),
        content=_table([(one.content_width, one.content_height) for one in facts], 2, np.int64),
        valid_range=_table(ranges, 2, np.float64),
    )


def _boxes(annotations: list[_Annotation], ids: Ints) -> Boxes:
    """Return the boxes of a document; `ids` are those of its chips, ascending.

    Raises
    ------
    MalformedError
        An annotation is of no chip, or does not stand in their order, or has a key that none may have.
    """
    image_id = np.array([one.image_id for one in annotations], dtype=np.int64)
    chip = np.searchsorted(ids, image_id)
    for row in np.flatnonzero(~np.isin(image_id, ids)).tolist():
        raise MalformedError(f"annotation {annotations[row].id}", f"there is no image {image_id[row]}")
    for row in np.flatnonzero(np.diff(chip) < 0).tolist():
        raise MalformedError(f"annotation {annotations[row + 1].id}", "does not stand in the order of the images")
    for one in annotations:
        if one.ignore is not msgspec.UNSET:
            raise MalformedError(f"annotation {one.id}", "has a key named ignore, on which trainers stop")
    return Boxes(
        chip=chip,
        id=np.array([one.id for one in annotations], dtype=np.int64),
        source_id=np.array([one.source_id for one in annotations], dtype=np.int64),
        bbox=_table([one.bbox for one in annotations], 4, np.float64),
        category=np.full(len(annotations), -1),
        category_id=np.array([one.category_id for one in annotations], dtype=np.int64),
        valid=np.array([one.valid for one in annotations], dtype=np.bool_),
        reason=positions([one.ignore_reason for one in annotations], STATES),
        visibility=np.array([one.visibility for one in annotations], dtype=np.float64),
    )

"""Reading COCO: from a JSON file to checked columns.

Two passes. The first decodes with types and is fast. Only what it refuses goes through the second, which is slow,
forgiving, and says what is wrong, where, and what to do. Masks, keypoints and extra fields stay raw JSON until a
chip needs them; those of a long file stay on the disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
from typing import TYPE_CHECKING

import numpy as np

from chipgen.coco.columns import annotation_columns, category_columns, image_columns
from chipgen.coco.decode import decode, decode_stored
from chipgen.coco.find import find_root
from chipgen.coco.from_parquet import is_parquet, read_parquet
from chipgen.coco.stored import StoredText
from chipgen.coco.streamed import scan_file
from chipgen.dataset import IGNORED_BY, INVALID, Annotations, Categories, Dataset, Images, Skipped, Source
from chipgen.errors import REASONS, DataError, Problem, StorageError
from chipgen.remote import fetched, path_of
from chipgen.text import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.coco.decode import Decoded

MAX_JSON_BYTES = 4 * 1024**3
"""Annotation files above this are refused before they are read."""
STREAMED_ABOVE = 64 << 20
"""Bytes above which an annotation file is not held in memory: smaller ones take little beside all else that a plan
needs, and are read up to a quarter faster as a whole."""


def read_coco(
    path: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    on_error: str = "fail",
    max_json_bytes: int = MAX_JSON_BYTES,
) -> Dataset:
    """Read a COCO annotation file.

    Parameters
    ----------
    path
        The JSON file, or one of Parquet as `chipgen.coco.from_parquet` says; or its URL.
    images
        Folder that file names are relative to, or its URL. When None it is looked for beside the JSON, in ``images/``,
        and in the folder named like the split (``instances_train2017.json`` -> ``train2017/``, ``images/train2017/``),
        also one folder up. It need not exist for planning.
    on_error
        ``fail`` raises when an annotation cannot be used; ``skip`` keeps it as invalid and goes on.
    max_json_bytes
        Larger files are refused.

    Returns
    -------
    Dataset
        Sorted by ids; boxes clipped to their images. That of a file above `STREAMED_ABOVE` reads entries from it when
        they are needed, and refuses to when it has changed.

    Raises
    ------
    DataError
        With every problem found: always for a file whose structure is wrong, and for single annotations unless
        ``on_error="skip"``.
    StorageError
        A storage does not answer.
    """
    root = None if images is None else path_of(images)
    place = path_of(path)
    try:
        with _refused(place):
            copy = fetched(place, max_json_bytes)
        return _dataset(copy, root, on_error, max_json_bytes)
    except MemoryError as error:
        todo = "split the file, or read it where there is more"
        raise DataError.one(place, "", "needs more memory than there is", todo) from error


def _dataset(path: Path, images: Path | None, on_error: str, max_json_bytes: int) -> Dataset:
    """Read a COCO annotation file; see `read_coco`."""
    (tables, problems), sha256 = _decoded(path, max_json_bytes)
    image_table = image_columns(tables.images, str(path), problems)
    category_table = category_columns(tables.categories, tables.category_raw, str(path), problems)
    annotations, clipped = annotation_columns(tables.annotations, image_table, category_table, str(path), problems)
    if len(annotations) and not len(category_table):
        todo = "list the categories that the annotations name"
        problems.append(Problem(str(path), "categories", "is empty, but there are annotations", todo))
    skipped = tuple(_skipped(annotations, image_table))
    root, looked_in = find_root(path_of(str(path)), images, image_table.file_name)
    notes = (*tables.notes, *_notes(image_table, category_table, annotations, clipped))
    source = Source(str(path), root, looked_in, sha256)
    if on_error == "fail":
        problems.extend(map(source.problem, skipped))
    if problems:
        raise DataError(problems)
    return Dataset(image_table, annotations, category_table, source, skipped, notes)


def _decoded(path: Path, max_json_bytes: int) -> tuple[Decoded, str]:
    """Return what a file holds, and its digest."""
    with _refused(path):
        size = _size(path, max_json_bytes)
        of_tables = is_parquet(path)
        stored = StoredText.of(path) if size > STREAMED_ABOVE and not of_tables else None
    if of_tables:
        return read_parquet(path, streamed_above=STREAMED_ABOVE)
    if stored is not None:
        scanned = scan_file(stored)
        decoded = None if scanned is None else decode_stored(stored, scanned.sections, str(path))
        if scanned is not None and decoded is not None:
            return decoded, scanned.sha256
    with _refused(path):
        data = path.read_bytes()
    return decode(data, str(path)), hashlib.sha256(data).hexdigest()


def _size(path: Path, max_json_bytes: int) -> int:
    """Return the length of a regular file of bearable size."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError.one(path, "", "is not a regular file", "name a COCO JSON file")
    if status.st_size > max_json_bytes:
        what = f"{status.st_size:,} bytes are more than the {max_json_bytes:,} allowed"
        raise DataError.one(path, "", what, "raise --max-json-bytes or split the file")
    return status.st_size


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    """Say that a file cannot be read when the system refuses it."""
    try:
        yield
    except (DataError, StorageError):
        raise
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError.one(path, "", f"cannot be read ({what})", "name a COCO JSON file") from error


def _skipped(annotations: Annotations, images: Images) -> Iterator[Skipped]:
    """Yield the annotations that cannot be used."""
    for row in np.flatnonzero(annotations.invalid).tolist():
        reason, image = INVALID[annotations.invalid[row]], int(annotations.image[row])
        yield Skipped(
            kind="annotation",
            image_id=int(annotations.image_id[row]),
            annotation_id=int(annotations.id[row]),
            file_name=images.file_name[image] if image >= 0 else None,
            reason=reason,
            message=REASONS["annotation"][reason],
        )


def _notes(images: Images, categories: Categories, annotations: Annotations, clipped: int) -> Iterator[str]:
    """Yield what was kept but is worth knowing."""
    if not len(annotations):
        yield "there are no annotations: there will be no positive chips"
    if clipped:
        yield f"{counted(clipped, 'box')} reached over the edge of an image, now clipped"
    if len(set(categories.name)) < len(categories.name):
        yield "several categories share a name; their ids tell them apart"
    shared = len(images) - len(set(images.file_name))
    if shared:
        yield f"{counted(shared, 'image')} of a file that another image id names too; each is exported"
    for code, field in enumerate(IGNORED_BY):
        marked = int(np.count_nonzero(annotations.ignored_by == code))
        if code and marked:
            yield f"{counted(marked, 'annotation')} marked {field}: ignored in every chip that shows them"


__all__ = ["MAX_JSON_BYTES", "read_coco"]

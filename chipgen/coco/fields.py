"""One field of the images of a COCO file, for those who group by it: readers keep no others than they need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chipgen.coco.from_parquet import image_values, is_parquet
from chipgen.coco.sections import BOM, explained_sections, read_sections
from chipgen.coco.stored import StoredText
from chipgen.coco.streamed import scan_file
from chipgen.errors import DataError
from chipgen.loose_json import parse
from chipgen.remote import fetched

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from chipgen.raw_entries import RawEntries


def image_field(path: str | os.PathLike[str], name: str, *, streamed_above: int) -> dict[int, str]:
    """Return the value of a field of each image, by the id of that; images without it, or with null, are missing.

    Parameters
    ----------
    path
        A COCO file that `chipgen.read_coco` has read.
    name
        The field; ``a.b`` is the field b of the object a.
    streamed_above
        Bytes above which the file is not held in memory.

    Raises
    ------
    DataError
        The file cannot be read any more.
    """
    try:
        place = fetched(path)
        if is_parquet(place):
            top = name.partition(".")[0]
            given = ((image_id, _value({top: one}, name)) for image_id, one in image_values(place, top))
        else:
            given = ((entry["id"], _value(entry, name)) for entry in map(parse, _images(place, streamed_above)))
        return {image_id: value for image_id, value in given if value is not None}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"cannot be read again for --group-by ({type(error).__name__}: {' '.join(str(error).split())})"
        raise DataError.one(path, "images", what, "leave it as it is while it is read") from error


def _images(path: Path, streamed_above: int) -> RawEntries:
    """Return the entries of the images."""
    if path.stat().st_size > streamed_above:
        scanned = scan_file(StoredText.of(path))
        if scanned is not None:
            return scanned.sections.images
    data = path.read_bytes().removeprefix(BOM)
    sections = read_sections(data)
    return (sections or explained_sections(data, str(path))).images


def _value(entry: object, name: str) -> str | None:
    """Return a field as text."""
    value = entry
    for key in (name,) if isinstance(entry, dict) and name in entry else name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else json.dumps(value, sort_keys=True)

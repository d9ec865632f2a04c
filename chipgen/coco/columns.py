"""From decoded entries to sorted, checked columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, clip, sides
from chipgen.dataset import INVALID, Annotations, Categories, Images
from chipgen.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.coco.decode import CategoryEntry, ImageEntry
    from chipgen.coco.table import AnnotationTable

THINNEST = 1e-9
"""Image px: below this a side is no side, only the rest of a rounding."""


BLOCK = 1 << 16
"""Boxes looked at a time, so that the steps between take little memory."""


def _column(values: Iterable[int]) -> Ints:
    """Make an int64 column."""
    return np.fromiter(values, dtype=np.int64)


def _refuse_twice(ids: Ints, path: str, section: str, problems: list[Problem]) -> None:
    """Note ids that stand twice."""
    in_order = np.sort(ids)
    if (in_order[1:] != in_order[:-1]).all():
        return
    twice = [value for value, count in Counter(ids.tolist()).items() if count > 1]
    shown = ", ".join(map(str, twice[:10])) + (f" and {len(twice) - 10} more" if len(twice) > 10 else "")
    problems.append(Problem(path, section, f"id {shown} stands more than once", "give each entry its own id"))


def image_columns(entries: list[ImageEntry], path: str, problems: list[Problem]) -> Images:
    """Return the image table, sorted by id."""
    entries = sorted(entries, key=lambda entry: entry.id)
    identifier = _column(entry.id for entry in entries)
    _refuse_twice(identifier, path, "images", problems)
    size = np.array([(entry.width, entry.height) for entry in entries], dtype=np.int64).reshape(-1, 2)
    return Images(identifier, tuple(entry.file_name for entry in entries), size)


def category_columns(entries: list[CategoryEntry], raw: list[bytes], path: str, problems: list[Problem]) -> Categories:
    """Return the category table, in its own order."""
    identifier = _column(entry.id for entry in entries)
    _refuse_twice(identifier, path, "categories", problems)
    for entry in entries:
        if not entry.name.isprintable() and any("\ud800" <= char <= "\udfff" for char in entry.name):
            what = "the name holds half a character (a lone surrogate)"
            problems.append(Problem(path, f"category {entry.id}", what, "write the name again"))
    return Categories(identifier, tuple(entry.name for entry in entries), tuple(raw))


def annotation_columns(
    read: AnnotationTable,
    images: Images,
    categories: Categories,
    path: str,
    problems: list[Problem],
) -> tuple[Annotations, int]:
    """Return the annotation table, sorted by (image id, annotation id), and how many boxes were clipped.

    It takes the columns of `read` over, which is of no use afterwards.
    """
    _refuse_twice(read.id, path, "annotations", problems)
    read.put_in_order(np.lexsort((read.id, read.image_id)))
    image, category = _rows(images.id, read.image_id), _rows(categories.id, read.category_id)
    invalid, clipped = _boxes(read, image, category, images)
    table = Annotations(
        id=read.id,
        image_id=read.image_id,
        category_id=read.category_id,
        image=image,
        category=category,
        xyxy_img=read.xywh,
        ignored_by=read.ignored_by,
        invalid=invalid,
        raw=read.raw,
    )
    return table, clipped


def _rows(known: Ints, wanted: Ints) -> Ints:
    """Return the row of each id in a table, -1 where it has none."""
    if not len(known):
        return np.full_like(wanted, -1)
    order = np.argsort(known, kind="stable")
    in_order = known[order]
    found = np.empty_like(wanted)
    for first in range(0, len(wanted), BLOCK):
        some = wanted[first : first + BLOCK]
        at = np.minimum(np.searchsorted(in_order, some), len(known) - 1)
        found[first : first + BLOCK] = np.where(in_order[at] == some, order[at], -1)
    return found


def _boxes(read: AnnotationTable, image: Ints, category: Ints, images: Images) -> tuple[Ints, int]:
    """Put boxes clipped to their images in the place of boxes as written.

    Return for each entry why it is unusable (a position in `INVALID`), and the number of usable boxes that reached
    over the edge of their image.
    """
    invalid, clipped = np.zeros_like(image), 0
    for first in range(0, len(image), BLOCK):
        rows = slice(first, first + BLOCK)
        xywh, bounds = read.xywh[rows], np.zeros_like(read.xywh[rows])
        if len(images):
            bounds[:, 2:] = images.size_img[np.maximum(image[rows], 0)]
        reasons = {
            "bad_bbox": ~read.has_box[rows],
            "unknown_image": image[rows] < 0,
            "unknown_category": category[rows] < 0,
        }
        invalid[rows], read.xywh[rows], over = _checked(xywh, bounds, reasons)
        clipped += over
    return invalid, clipped


def _checked(xywh: Floats, bounds: Floats, reasons: dict[str, Bools]) -> tuple[Ints, Floats, int]:
    """Return the same as `_boxes` for some boxes, given the bounds of their images and what is wrong already."""
    with np.errstate(over="ignore", invalid="ignore"):
        raw = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
    finite: Bools = np.asarray(np.isfinite(np.concatenate((xywh, raw), axis=1)).all(axis=1))
    xyxy_img = clip(np.where(finite[:, None], raw, 0.0), bounds)
    reasons = {
        **reasons,
        "not_finite": ~finite,
        "negative_size": (xywh[:, 2] < 0) | (xywh[:, 3] < 0),
        "zero_area": np.minimum(xywh[:, 2], xywh[:, 3]) <= THINNEST,
        "outside": sides(xyxy_img).min(axis=1) <= THINNEST,
    }
    codes = [INVALID.index(reason) for reason in reasons]
    invalid = np.select(list(reasons.values()), codes, default=0).astype(np.int64)
    over = np.any(np.abs(raw - xyxy_img) > TOLERANCE, axis=1) & (invalid == 0)
    xyxy_img[invalid > 0] = 0.0
    return invalid, xyxy_img, int(np.count_nonzero(over))

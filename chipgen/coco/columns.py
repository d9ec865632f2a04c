"""From decoded entries to sorted, checked columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, clip, sides
from chipgen.dataset import INVALID, Annotations, Categories, Images
from chipgen.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chipgen.coco.decode import AnnotationEntry, CategoryEntry, ImageEntry

THINNEST = 1e-9
"""Image px: below this a side is no side, only the rest of a rounding."""


def _column(values: Iterable[int]) -> Ints:
    """Make an int64 column."""
    return np.fromiter(values, dtype=np.int64)


def _refuse_twice(ids: Sequence[int], path: str, section: str, problems: list[Problem]) -> None:
    """Note ids that stand twice."""
    if len(set(ids)) == len(ids):
        return
    twice = [value for value, count in Counter(ids).items() if count > 1]
    shown = ", ".join(map(str, twice[:10])) + (f" and {len(twice) - 10} more" if len(twice) > 10 else "")
    problems.append(Problem(path, section, f"id {shown} stands more than once", "give each entry its own id"))


def image_columns(entries: list[ImageEntry], path: str, problems: list[Problem]) -> Images:
    """Return the image table, sorted by id."""
    entries = sorted(entries, key=lambda entry: entry.id)
    _refuse_twice([entry.id for entry in entries], path, "images", problems)
    size = np.array([(entry.width, entry.height) for entry in entries], dtype=np.int64).reshape(-1, 2)
    return Images(_column(entry.id for entry in entries), tuple(entry.file_name for entry in entries), size)


def category_columns(entries: list[CategoryEntry], path: str, problems: list[Problem]) -> Categories:
    """Return the category table, in its own order."""
    _refuse_twice([entry.id for entry in entries], path, "categories", problems)
    for entry in entries:
        if not entry.name.isprintable() and any("\ud800" <= char <= "\udfff" for char in entry.name):
            what = "the name holds half a character (a lone surrogate)"
            problems.append(Problem(path, f"category {entry.id}", what, "write the name again"))
    return Categories(
        _column(entry.id for entry in entries),
        tuple(entry.name for entry in entries),
        tuple(entry.raw for entry in entries),
    )


def annotation_columns(
    entries: list[AnnotationEntry],
    images: Images,
    categories: Categories,
    path: str,
    problems: list[Problem],
) -> tuple[Annotations, int]:
    """Return the annotation table, sorted by (image id, annotation id), and how many boxes were clipped."""
    _refuse_twice([entry.id for entry in entries], path, "annotations", problems)
    entries = sorted(entries, key=lambda entry: (entry.image_id, entry.id))
    image_id = _column(entry.image_id for entry in entries)
    category_id = _column(entry.category_id for entry in entries)
    image, category = _rows(images.id, image_id), _rows(categories.id, category_id)
    invalid, xyxy_img, clipped = _boxes(entries, image, category, images)
    table = Annotations(
        id=_column(entry.id for entry in entries),
        image_id=image_id,
        category_id=category_id,
        image=image,
        category=category,
        xyxy_img=xyxy_img,
        ignored_by=_column(_mark(entry) for entry in entries),
        invalid=invalid,
        raw=tuple(entry.raw for entry in entries),
    )
    return table, clipped


def _mark(entry: AnnotationEntry) -> int:
    """Return the position in `IGNORED_BY` of the first field that marks an entry as ignored."""
    marks = (entry.iscrowd, entry.ignore, entry.difficult)
    return next((code for code, mark in enumerate(marks, start=1) if mark), 0)


def _rows(known: Ints, wanted: Ints) -> Ints:
    """Return the row of each id in a table, -1 where it has none."""
    if not len(known):
        return np.full_like(wanted, -1)
    order = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    return np.where(known[order][at] == wanted, order[at], -1)


def _boxes(entries: list[AnnotationEntry], image: Ints, category: Ints, images: Images) -> tuple[Ints, Floats, int]:
    """Return for each entry why it is unusable (a position in `INVALID`) and its box clipped to its image.

    Last comes the number of usable boxes that reached over the edge of their image.
    """
    nothing = (0.0, 0.0, 0.0, 0.0)
    xywh = np.array([entry.bbox or nothing for entry in entries], dtype=np.float64).reshape(-1, 4)
    missing = np.fromiter((entry.bbox is None for entry in entries), dtype=np.bool_, count=len(entries))
    with np.errstate(over="ignore", invalid="ignore"):
        raw = np.concatenate((xywh[:, :2], xywh[:, :2] + xywh[:, 2:]), axis=1)
    finite: Bools = np.asarray(np.isfinite(np.concatenate((xywh, raw), axis=1)).all(axis=1))
    bounds = np.zeros_like(xywh)
    if len(images):
        bounds[:, 2:] = images.size_img[np.maximum(image, 0)]
    xyxy_img = clip(np.where(finite[:, None], raw, 0.0), bounds)
    reasons = {
        "bad_bbox": missing,
        "unknown_image": image < 0,
        "unknown_category": category < 0,
        "not_finite": ~finite,
        "negative_size": (xywh[:, 2:] < 0).any(axis=1),
        "zero_area": (xywh[:, 2:] <= THINNEST).any(axis=1),
        "outside": (sides(xyxy_img) <= THINNEST).any(axis=1),
    }
    codes = [INVALID.index(reason) for reason in reasons]
    invalid = np.select(list(reasons.values()), codes, default=0).astype(np.int64)
    over = np.any(np.abs(raw - xyxy_img) > TOLERANCE, axis=1) & (invalid == 0)
    xyxy_img[invalid > 0] = 0.0
    return invalid, xyxy_img, int(np.count_nonzero(over))

"""How detectors lay out the proposals that they pickle.

Detectron2
    A dict of lists: ``boxes``, ``ids`` (once ``indexes``), ``objectness_logits`` (once ``scores``), and perhaps
    ``bbox_mode``: 0 for xyxy, 1 for xywh.
MMDetection 2
    A list with an array for each image, ``(n, 4)`` or ``(n, 5)``, xyxy and perhaps a score; or a list of such arrays
    for each image, one for each class.
MMDetection 3
    A dict from file names to such arrays, or to dicts of ``bboxes`` and ``scores``.
SNIPER
    ``[boxes, maps]``, boxes as MMDetection 2 has them, but with inclusive ends: the right-most pixel, not the edge.
    A bare list of boxes cannot be told from MMDetection 2: for it the user says ``--box-format xyxy-inclusive``.

Where there are no ids, the images are those of an annotation file, in its order. The original SNIPER took them in the
order of a Python 2 dict: it must be the file that was used when the proposals were made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.proposals.batch import MOST_ROWS, Batch, joined
from chipgen.proposals.image_list import FileNames
from chipgen.proposals.pickled_numbers import describe, matrix, plain, sequence, vector
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from chipgen.proposals.batch import Findings
    from chipgen.proposals.image_list import ImageList
    from chipgen.proposals.readers import ReadOptions

DIGITS = re.compile(r"-?[0-9]{1,19}")
BOX_MODES = {0: "xyxy", 1: "xywh"}
NEEDS_COCO = "name the annotation file of these images with --coco"


@dataclass(frozen=True)
class OfImage:
    """The proposals of one image.

    Parameters
    ----------
    where
        How to name it to a user.
    image_id
        Its id.
    boxes
        As pickled: an array, or rows of numbers, or a list of arrays to be put together.
    scores
        As pickled, or None when they are the fifth column or not there.
    """

    where: str
    image_id: int
    boxes: Any
    scores: Any = None


@dataclass(frozen=True)
class Layout:
    """What was recognised in a pickle.

    Parameters
    ----------
    name
        Of the layout.
    box_format
        How it writes boxes.
    images
        Its images, in its order.
    """

    name: str
    box_format: str
    images: Iterable[OfImage]


def recognise_layout(value: Any, options: ReadOptions, findings: Findings) -> Layout:
    """Tell which layout a pickled value has.

    Parameters
    ----------
    value
        What was pickled.
    options
        The images, where the layout has no ids, and what the user says about the boxes, which may decide it.
    findings
        Where problems are noted.

    Raises
    ------
    DataError
        It has none of them, or needs the list of images.
    """
    value = plain(value)
    if isinstance(value, dict) and "boxes" in value:
        return _detectron2(value, findings)
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        listed = _needed(options.images, findings, "file names")
        return Layout("MMDetection 3", "xyxy", _by_name(value, listed, findings))
    if isinstance(value, (list, tuple)):
        listed = _needed(options.images, findings, "positions in a list")
        if _is_sniper(value, listed, options.box_format):
            return Layout("SNIPER", "xyxy-inclusive", _by_position(plain(value[0]), listed, findings))
        return Layout("MMDetection 2", "xyxy", _by_position(value, listed, findings))
    what = f"holds {describe(value)}, in no layout that proposals come in"
    raise findings.fatal("", what, "save a dict of boxes, ids and objectness_logits, as Detectron2 does")


def _needed(coco: ImageList | None, findings: Findings, names: str) -> ImageList:
    """Return the list of images, which must be there."""
    if coco is None:
        raise findings.fatal("", f"its images are known by {names} only", NEEDS_COCO)
    return coco


def _is_sniper(value: Sequence[Any], coco: ImageList, box_format: str | None) -> bool:
    """Tell ``[boxes, maps]`` from the images of MMDetection 2: by the number of images, where both could be meant."""
    if len(value) != 2 or not isinstance(plain(value[0]), (list, tuple)):
        return False
    return len(coco) != 2 or (len(plain(value[0])) == 2 and box_format == "xyxy-inclusive")


def _by_position(value: Any, coco: ImageList, findings: Findings) -> Iterator[OfImage]:
    """Yield the images of a list, which are those of the annotation file one by one."""
    items = sequence(value)
    if items is None or len(items) != len(coco):
        what = f"holds {describe(value) if items is None else f'{len(items):,} images'}, {coco.path} has {len(coco):,}"
        raise findings.fatal("", what, "name the annotation file that was used when the proposals were made")
    for position, (image_id, boxes) in enumerate(zip(coco.id.tolist(), items, strict=True)):
        yield OfImage(f"image[{position}]", image_id, boxes)


def _by_name(value: dict[str, Any], coco: ImageList, findings: Findings) -> Iterator[OfImage]:
    """Yield the images of a dict of file names."""
    names, taken = FileNames(coco), dict[int, str]()
    for name, item in value.items():
        where, found = f"image {name!r:.200}", names.find(name)
        if len(found) != 1:
            what = f"may be any of {len(found)} images" if found else f"is not in {coco.path}"
            findings.add(where, what, "name images as the annotation file does")
        elif found[0] in taken:
            findings.add(where, f"is the same image as {taken[found[0]]!r:.200}", "name each image once")
        else:
            taken[found[0]] = name
            parts = (item.get("bboxes"), item.get("scores")) if isinstance(item, dict) else (item, None)
            yield OfImage(where, int(coco.id[found[0]]), *parts)


def _detectron2(value: dict[Any, Any], findings: Findings) -> Layout:
    """Return the layout of Detectron2 after checking its lists."""
    mode = value.get("bbox_mode", 0)
    if type(mode) is not int or mode not in BOX_MODES:
        findings.add("bbox_mode", f"is {mode if type(mode) is int else describe(mode)}", "use 0 (xyxy) or 1 (xywh)")
    names = ["boxes", "indexes" if "indexes" in value else "ids"]
    names += [name for name in ("objectness_logits", "scores") if name in value][:1]
    lists = [sequence(value.get(name)) for name in names]
    for name, items in zip(names, lists, strict=True):
        if items is None:
            what = f"is {describe(value[name])}" if name in value else "is missing"
            findings.add(name, what, "save a list with one item for each image")
    findings.raise_any()
    boxes, ids, *scores = [items or [] for items in lists]
    if any(len(items) != len(boxes) for items in (ids, *scores)):
        shown = ", ".join(f"{len(items or []):,} {name}" for name, items in zip(names, lists, strict=True))
        raise findings.fatal("", f"its lists differ in length ({shown})", "save one item for each image")
    images = _with_ids(ids, boxes, scores[0] if scores else [None] * len(boxes), findings)
    return Layout("Detectron2", BOX_MODES[mode], images)


def _with_ids(ids: list[Any], boxes: list[Any], scores: list[Any], findings: Findings) -> Iterator[OfImage]:
    """Yield the images of lists that go side by side."""
    for position, (written, of_image, logits) in enumerate(zip(ids, boxes, scores, strict=True)):
        where = f"image[{position}]"
        image_id = int(written) if isinstance(written, str) and DIGITS.fullmatch(written) else written
        if type(image_id) is not int or not -(2**63) <= image_id < 2**63:
            shown = f"the text {written!r:.40}" if isinstance(written, str) else describe(written)
            findings.add(where, f"its id is {shown}", "ids are integers of at most 64 bits")
            continue
        yield OfImage(f"{where} (id {image_id})", image_id, of_image, logits)


def batches(layout: Layout, stored: int, findings: Findings) -> Iterator[Batch]:
    """Yield the proposals of all images, boxes as the layout writes them.

    Parameters
    ----------
    layout
        What `recognise_layout` returned.
    stored
        Length of the pickle, bytes. A box takes several, unless one array stands in it many times.
    findings
        Where problems are noted.

    Raises
    ------
    DataError
        With what is wrong, at the end or when that is too much.
    """
    kept: list[Batch] = []
    scored: bool | None = None
    total = 0
    for image in layout.images:
        batch = _of_image(image, findings)
        if batch is None or not len(batch):
            continue
        if scored is None:
            scored = batch.score is not None
        if scored is not (batch.score is not None):
            what = "has no scores, but others have" if scored else "has scores, but others have none"
            findings.add(image.where, what, "give all proposals a score, or none")
            continue
        total += len(batch)
        if total > stored:
            what = f"holds one array so often that it comes to more than {total:,} boxes"
            raise findings.fatal(image.where, what, "save each image's own boxes")
        kept.append(batch)
        if sum(map(len, kept)) >= MOST_ROWS:
            yield joined(kept)
            kept = []
    findings.raise_any()
    yield joined(kept)


def _of_image(image: OfImage, findings: Findings) -> Batch | None:
    """Return the proposals of one image, or None after saying what is wrong with them."""
    box = matrix(image.boxes)
    if box is None or (box.shape[1] == 5 and image.scores is not None):
        todo = f"save arrays of shape (n, 4){'' if image.scores is not None else ' or (n, 5)'}"
        findings.add(image.where, f"its boxes are {describe(image.boxes)}", todo)
        return None
    score = box[:, 4] if box.shape[1] == 5 else None
    if image.scores is not None:
        score = vector(image.scores)
        if score is None or len(score) != len(box):
            what = f"its scores are {describe(image.scores)}, for {counted(len(box), 'box')}"
            findings.add(image.where, what, "save one number for each box")
            return None
    return Batch(np.full(len(box), image.image_id, dtype=np.int64), box[:, :4], score)

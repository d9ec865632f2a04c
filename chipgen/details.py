"""What annotations carry besides their boxes: masks, keypoints, other fields; read once, many together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from chipgen.errors import UnusableError
from chipgen.loose_json import parse
from chipgen.masks import Mask, read_keypoints, read_many, read_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chipgen.boxes import Floats

OURS = frozenset(
    {"id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "keypoints", "num_keypoints"}
)
"""Fields of a source annotation that are made anew; all others are extra."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Details:
    """What an annotation carries besides its box.

    Parameters
    ----------
    mask
        Its mask, image px; None where there is none, or none that can be used.
    points
        Its keypoints, shape ``(n, 3)``, image px.
    extra
        All fields that are not made anew; None when there are none.
    """

    mask: Mask | None
    points: Floats | None
    extra: dict[str, Any] | None


def read_details(
    raws: Sequence[bytes], sizes_img: Sequence[tuple[int, int]], refuse: Callable[[int, UnusableError], None]
) -> list[Details]:
    """Read what annotations carry.

    Parameters
    ----------
    raws
        Their JSON texts.
    sizes_img
        Width and height of the image of each, px.
    refuse
        Called with the number of an annotation and what is wrong with its mask or keypoints, which are left out.
    """
    entries = [guarded(number, partial(_parse, raw), refuse) or {} for number, raw in enumerate(raws)]
    masks = _masks([entry.get("segmentation") for entry in entries], sizes_img, refuse)
    return [
        Details(
            mask,
            guarded(number, partial(read_keypoints, entry.get("keypoints")), refuse),
            None if entry.keys() <= OURS else {name: value for name, value in entry.items() if name not in OURS},
        )
        for number, (entry, mask) in enumerate(zip(entries, masks, strict=True))
    ]


def guarded(number: int, read: Callable[[], Read], refuse: Callable[[int, UnusableError], None]) -> Read | None:
    """Read or cut something of an annotation, or tell why not."""
    try:
        return read()
    except UnusableError as error:
        refuse(number, error)
        return None


def _masks(
    values: list[Any], sizes_img: Sequence[tuple[int, int]], refuse: Callable[[int, UnusableError], None]
) -> list[Mask | None]:
    """Read masks: polygons as they should be all together, others one by one."""
    flats = [_flats(value) for value in values]
    found = iter(read_many([flat for flat in flats if flat]))
    masks: list[Mask | None] = [next(found) if flat else None for flat in flats]
    for number, value in enumerate(values):
        if masks[number] is None and value is not None:
            masks[number] = guarded(number, partial(read_mask, value, sizes_img[number]), refuse)
    return masks


def _flats(value: Any) -> list[list[float]] | None:
    """Return lists of numbers as such; None for anything else."""
    if not isinstance(value, list):
        return None
    try:
        return msgspec.convert(value, list[list[float]])
    except (msgspec.MsgspecError, OverflowError):
        return None


def _parse(raw: bytes) -> dict[str, Any]:
    """Parse an annotation.

    Raises
    ------
    UnusableError
        It is nested too deeply.
    """
    try:
        value: dict[str, Any] = parse(raw)
    except RecursionError as error:
        raise UnusableError("bad_mask", "the annotation is nested too deeply") from error
    return value

"""``_skipped.jsonl``: one line for each thing that was left out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from chipgen.dataset import Skipped
from chipgen.errors import REASONS
from chipgen.images import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.verification.faults import Faults

MOST_LINE = 1 << 20
"""Bytes of a line at most: names and messages are short."""

NEEDED = {
    "image": ("image_id", "file_name"),
    "annotation": ("annotation_id", "image_id"),
    "mask": ("annotation_id", "image_id", "file_name"),
    "proposal": ("image_id",),
}
"""What must be told of a thing of each kind."""

KEYS = [key.name for key in fields(Skipped)]

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Word = Annotated[str, msgspec.Meta(min_length=1)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line, with the keys of `chipgen.dataset.Skipped`."""

    kind: Literal["image", "annotation", "mask", "proposal"]
    image_id: Int64 | None
    annotation_id: Int64 | None
    file_name: str | None
    reason: Word
    message: Word

    @property
    def order(self) -> tuple[int, int, str]:
        """Return what lines of one kind are sorted by; proposals keep the order of their file in each image."""
        if self.kind == "proposal":
            return self.image_id or 0, 0, ""
        return self.image_id or 0, -(2**63) - 1 if self.annotation_id is None else self.annotation_id, self.reason


@dataclass
class SkippedLines:
    """What the lines say.

    Parameters
    ----------
    images
        The skipped images by id.
    annotations
        Those that cannot be used by id: their image and the reason.
    masks
        Annotations without their mask or keypoints: its id and that of its image.
    counts
        Lines by reason.
    """

    images: dict[int, Line] = field(default_factory=dict)
    annotations: dict[int, tuple[int, str]] = field(default_factory=dict)
    masks: list[tuple[int, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def enter(self, line: Line) -> None:
        """Take note of a line."""
        self.counts[line.reason] += 1
        if line.kind == "image" and line.image_id is not None:
            self.images[line.image_id] = line
        elif line.kind == "annotation" and line.annotation_id is not None:
            self.annotations[line.annotation_id] = (line.image_id or 0, line.reason)
        elif line.kind == "mask" and line.annotation_id is not None:
            self.masks.append((line.annotation_id, line.image_id or 0))


def read_skipped(path: Path, name: str, faults: Faults) -> SkippedLines | None:
    """Read and check all lines; None when one of them is wrong.

    Raises
    ------
    UnusableError
        It is no regular file.
    """
    found, before = SkippedLines(), len(faults)
    faults.add_each(name, _check_lines(path, found))
    return found if len(faults) == before else None


def _check_lines(path: Path, found: SkippedLines) -> Iterator[tuple[str, str]]:
    """Enter the lines that are right; yield what is wrong with the others."""
    last: dict[str, tuple[int, int, str]] = {}
    with open_regular(path) as file:
        number = 0
        while text := file.readline(MOST_LINE):
            number += 1
            where = f"line {number}"
            try:
                line = _read(text)
            except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
                yield where, str(error)
                continue
            before = last.get(line.kind)
            if before is not None and (line.order < before or (line.order == before and line.kind != "proposal")):
                yield where, f"stands there twice or is not sorted by image and annotation among the {line.kind}s"
            elif before is not None and line.kind == "image" and line.image_id == before[0]:
                yield where, f"image {line.image_id} is skipped twice"
            else:
                found.enter(line)
            last[line.kind] = line.order


def _read(text: bytes) -> Line:
    """Read one line.

    Raises
    ------
    ValueError
        It is not what a line must be.
    """
    if not text.endswith(b"\n"):
        raise ValueError(f"is longer than {MOST_LINE:,} bytes" if len(text) == MOST_LINE else "ends in the middle")
    try:
        value = json.loads(text)  # names may hold half a character, which msgspec refuses
        line = msgspec.convert(value, Line)
    except ValueError as error:
        raise ValueError(f"is no line about a skipped thing ({error})") from error
    if list(value) != KEYS:
        raise ValueError(f"its keys are not {', '.join(KEYS)}")
    missing = [key for key in NEEDED[line.kind] if getattr(line, key) is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} must not be null for a skipped {line.kind}")
    if line.reason not in REASONS.get(line.kind, {line.reason}):
        raise ValueError(
            f"{line.reason!r:.100} is no reason to skip {'an' if line.kind[0] in 'ai' else 'a'} {line.kind}"
        )
    return line

"""YOLO shards: a list of pictures, and beside each picture a file of labels, compared with the plan."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from chipgen.images import EXTENSIONS, header, open_regular
from chipgen.verification.columns import take
from chipgen.verification.faults import MalformedError
from chipgen.verification.reading import read_whole
from chipgen.verification.yolo_data import names_of
from chipgen.writers.tables import PLAN
from chipgen.writers.yolo import DATA, label_path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from chipgen.boxes import Floats, Ints
    from chipgen.verification.columns import Boxes, Chips
    from chipgen.verification.manifest import Configuration

PICTURE = re.compile(r"images/((\d{8,18})-[^/]+)")
LABEL = re.compile(r"\d{1,9}(?: [01]\.\d{6})+")

SHARE = 2e-6
"""Shares are written to a millionth of a chip; centre and half of the size add up."""
PIXELS = 0.002
"""Boxes are written to a thousandth of a pixel."""


class YoloShard:
    """A YOLO shard.

    Parameters
    ----------
    out
        The output folder.
    path
        Of the list of its pictures, relative to it.
    sound
        The files that are what the manifest says; no other picture or label file is looked at.

    Attributes
    ----------
    ids
        Of its chips, shape ``(C,)``, int64.
    classes
        Names of the classes in `DATA`; None where that is not sound.
    class_ids
        None: the format does not tell the source's ids of the classes.
    table
        The file that names the classes.
    files
        Its pictures and label files, relative to the output folder.

    Raises
    ------
    MalformedError, UnusableError
        It is not such a file.
    """

    table = DATA

    def __init__(self, out: Path, path: str, sound: Collection[str]) -> None:
        self.out, self.sound = out, sound
        lines = read_whole(out / path).decode("utf-8", "replace").splitlines()
        found = [PICTURE.fullmatch(line) for line in lines]
        for number, match in enumerate(found):
            if match is None:
                raise MalformedError(f"line {number + 1}", f"{lines[number][:200]!r} is no picture of a chip")
        self.names = [match[1] for match in found if match]
        self.ids: Ints = np.array([int(match[2]) for match in found if match], dtype=np.int64)
        self.classes = names_of(out) if DATA in sound else None
        self.class_ids: Ints | None = None
        self.files = tuple(file for name in self.names for file in (f"images/{name}", label_path(name)))

    def faults(self, planned: tuple[Chips, Boxes] | None, config: Configuration) -> Iterator[tuple[int, str]]:
        """Yield the row of chips with what is wrong with each, one thing each.

        Parameters
        ----------
        planned
            What the plan says of these chips; None where it cannot be trusted.
        config
            The settings of the build.
        """
        for row, name in enumerate(self.names):
            wanted = None if planned is None else planned[1]
            size = None if planned is None else planned[0].content[row]
            side = np.full(2, config.chip_size) if config.pad else size
            what = self._picture(name, side, config) or self._labels(name, row, wanted, side, config)
            if what:
                yield row, what

    def _picture(self, name: str, size: Ints | None, config: Configuration) -> str | None:
        """Say what is wrong with a picture, as far as its header tells."""
        file = f"images/{name}"
        if PurePosixPath(name).suffix != f".{EXTENSIONS[config.image_format]}":
            return f"is named {name!r:.200}"
        if file not in self.sound or size is None:
            return None
        with open_regular(self.out / file) as picture:
            found = header(picture)
        if found == (config.image_format, tuple(size.tolist())):
            return None
        told = "none" if found is None else f"{found[0]} of {found[1][0]} x {found[1][1]} px"
        return f"its picture is {told}, should be {config.image_format} of {size[0]} x {size[1]} px"

    def _labels(
        self, name: str, row: int, planned: Boxes | None, size: Ints | None, config: Configuration
    ) -> str | None:
        """Say what is wrong with a file of labels."""
        file = label_path(name)
        if file not in self.sound:
            return None
        lines = read_whole(self.out / file).decode("utf-8", "replace").splitlines()
        for number, line in enumerate(lines):
            if not LABEL.fullmatch(line) or line.count(" ") % 2:
                return f"{file}: line {number + 1} is no label: {line[:100]!r}"
        labels = [(int(word), np.array(rest, dtype=np.float64)) for word, *rest in map(str.split, lines)]
        if any((len(shares) == 4) == (config.labels == "outlines") for _, shares in labels):
            return f"{file}: holds others than {config.labels}: trainers read files of both wrong"
        if any((shares > 1).any() for _, shares in labels):
            return f"{file}: a share is above 1"
        if planned is None or size is None:
            return None
        boxes = take(planned, planned.chip == row)
        boxes = boxes if config.ignored == "keep" else take(boxes, boxes.valid)
        return _compared(file, labels, boxes, size)


def _compared(file: str, labels: list[tuple[int, Floats]], boxes: Boxes, size: Ints) -> str | None:
    """Say where labels are not what the plan says."""
    if len(labels) != len(boxes.id):
        return f"{file}: holds {len(labels)} labels, {PLAN} says {len(boxes.id)}"
    for number, (category, shares) in enumerate(labels):
        if category != boxes.category[number]:
            return f"{file}: line {number + 1} is of class {category}, {PLAN} says {boxes.category[number]}"
        if len(shares) == 4:
            wide = shares[2:] * size
            bbox = np.concatenate((shares[:2] * size - wide / 2, wide))
            if np.abs(bbox - boxes.bbox[number]).max() > PIXELS + SHARE * size.max():
                said = [round(value, 2) for value in boxes.bbox[number].tolist()]
                return f"{file}: line {number + 1} is {np.round(bbox, 2).tolist()}, {PLAN} says {said}"
    return None

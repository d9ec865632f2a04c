"""What an entry of the zoo is, and the good dataset that entries spoil."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import images

Coco = dict[str, Any]
Writer = Callable[[Path], object]

GOOD = (1, 2)
"""Ids of the two good images; the annotation of each has the same id."""

BOX = [10, 10, 40, 30]
BAD = 9
"""Id of the annotation, or image, that an entry adds."""


@dataclass(frozen=True)
class Entry:
    """One odd dataset, or one odd file of proposals.

    Parameters
    ----------
    row, name
        Row in the table of faults, and what it is.
    write
        Fills a folder with ``ann.json`` and its images, or makes the file of proposals at a path.
    says
        Text expected on stderr, or on stdout when `code` is 0.
    code
        Exit code by default, and under ``--on-error skip`` too unless `skipped` says otherwise.
    arguments
        More arguments of the command.
    skipped
        Reason under which ``--on-error skip`` leaves out the one bad thing; empty when it does not.
    kind
        What is left out: ``annotation``, ``mask``.
    apart
        Whether to run it in a process of its own: it might hang or kill ours.
    """

    row: str
    name: str
    write: Writer
    says: str
    code: int = 1
    arguments: tuple[str, ...] = ()
    skipped: str = ""
    kind: str = "annotation"
    apart: bool = False

    def __str__(self) -> str:
        return f"{self.row}-{self.name}"


def good() -> Coco:
    """Return a dataset without a fault: two images with one object each."""
    width, height = images.SIZE
    return {
        "images": [
            {"id": number, "file_name": f"good{number}.png", "width": width, "height": height} for number in GOOD
        ],
        "annotations": [annotation(number, image_id=number) for number in GOOD],
        "categories": [{"id": 1, "name": "thing"}, {"id": 5, "name": "other"}],
    }


def annotation(identifier: int = BAD, **fields: Any) -> Coco:
    """Return an annotation, good unless told otherwise."""
    return {"id": identifier, "image_id": 1, "category_id": 1, "bbox": BOX, "iscrowd": 0, **fields}


def write_images(folder: Path) -> None:
    """Write the two good images."""
    for number in GOOD:
        (folder / f"good{number}.png").write_bytes(images.png())


def raw(data: bytes | str) -> Writer:
    """Return a writer of an annotation file with exactly this content."""

    def write(folder: Path) -> None:
        write_images(folder)
        (folder / "ann.json").write_bytes(data.encode() if isinstance(data, str) else data)

    return write


def spoilt(change: Callable[[Coco], object]) -> Writer:
    """Return a writer of the good dataset with a change made in place."""

    def write(folder: Path) -> None:
        coco = good()
        change(coco)
        raw(json.dumps(coco))(folder)

    return write


def section(name: str, entry: Any) -> Writer:
    """Return a writer of the good dataset with one more entry in a section."""
    return spoilt(lambda coco: coco[name].append(entry))


def without(value: Coco, key: str) -> Coco:
    """Return an object without one of its fields."""
    return {name: field for name, field in value.items() if name != key}


def spliced(name: str, text: str) -> Writer:
    """Return a writer of the good dataset with one more entry, given as JSON text."""
    coco = good()
    coco[name].append("HERE")
    return raw(json.dumps(coco).replace('"HERE"', text))


def make_socket(folder: Path, name: str) -> None:
    """Make a socket, from inside its folder: its path must be short, and the folder of a test is not."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
    finally:
        os.chdir(before)

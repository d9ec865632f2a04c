"""What is read: one annotation file, or one for each split, with its images and proposals."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chipgen.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMED = re.compile(r"(\w+(?:\.\w+)*)=(.+)", re.DOTALL)
"""A value for one split: ``val=val.json``."""


@dataclass(frozen=True)
class Source:
    """What the chips of one split are made from.

    Parameters
    ----------
    coco
        The annotation file.
    images
        The image folder; None to look for it.
    proposals
        The proposals; None without.
    """

    coco: str
    images: str | None
    proposals: str | None


def given_sources(options: Mapping[str, Any]) -> dict[str, Source]:
    """Return what is read, by the name of the split.

    Raises
    ------
    UsageError
        Several files are given without names, or something for a split that there is not.
    """
    files = dict(_file(value, options["split"], alone=len(options["coco"]) == 1) for value in options["coco"])
    if len(files) < len(options["coco"]):
        todo = "give each of them a name of its own"
        raise UsageError.one("--coco", " ".join(options["coco"]), "names a split twice", todo)
    images, proposals = (_for_each(f"--{name}", options[name], files) for name in ("images", "proposals"))
    return {name: Source(path, images[name], proposals[name]) for name, path in files.items()}


def only(values: Sequence[str]) -> str | None:
    """Return the value of an option where one dataset is looked at: the last, as of any option; None without."""
    return values[-1] if values else None


def _file(value: str, split: str, *, alone: bool) -> tuple[str, str]:
    """Return the split and the path of an annotation file."""
    found = None if os.path.exists(value) else NAMED.fullmatch(value)  # noqa: PTH110 -- it may be no path at all
    if found:
        return found[1], found[2]
    if not alone:
        raise UsageError.one(
            "--coco", value, "has no name", "write SPLIT=PATH for each: --coco train=a.json --coco val=b.json"
        )
    return split, value


def _for_each(option: str, values: Sequence[str], splits: Mapping[str, str]) -> dict[str, str | None]:
    """Return the value of an option for each split: that given for it, or else the one given for all."""
    named: dict[str, str] = {}
    for_all: list[str] = []
    for value in values:
        found = None if os.path.exists(value) else NAMED.fullmatch(value)  # noqa: PTH110
        if found and found[1] in splits:
            named[found[1]] = found[2]
        elif found and len(splits) > 1:
            todo = f"use one of {', '.join(splits)}"
            raise UsageError.one(option, value, f"there is no split {found[1]}", todo)
        else:
            for_all.append(value)
    shared = only(for_all)
    return {split: named.get(split, shared) for split in splits}

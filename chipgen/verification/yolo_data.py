"""`data.yaml`, to the byte: names of the classes are its own, all else follows from what was built."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chipgen.verification.faults import MalformedError
from chipgen.verification.reading import read_whole
from chipgen.writers.dump import load_yaml
from chipgen.writers.yolo import DATA, data_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = re.compile(r'  \d+: (".*")')
"""A line that names a class."""


def names_of(out: Path) -> tuple[str, ...]:
    """Return the names of the classes as `DATA` gives them.

    Raises
    ------
    MalformedError, UnusableError
        One is none, or the file cannot be read.
    """
    lines = read_whole(out / DATA).decode("utf-8", "replace").splitlines()
    try:
        return tuple(str(load_yaml(found[1])) for found in map(NAME.fullmatch, lines) if found)
    except ValueError as error:
        raise MalformedError("", f"has a name that is none ({error})") from error


def check_data(out: Path, folders: Mapping[str, str | list[str]]) -> None:
    """Compare the file with what it must be.

    Parameters
    ----------
    out
        The folder it lies in.
    folders
        The folder of the pictures of each split, or its folders, relative to it.

    Raises
    ------
    MalformedError, UnusableError
        It is something else; naming the line.
    """
    wanted = data_yaml(names_of(out), folders).splitlines(keepends=True)
    found = read_whole(out / DATA).splitlines(keepends=True)
    for number, line in enumerate(found):
        if line != (wanted[number] if number < len(wanted) else None):
            raise MalformedError(f"line {number + 1}", f"is not as it should be: {line[:100]!r}")
    if len(found) < len(wanted):
        raise MalformedError("", f"ends before {wanted[len(found)][:100]!r}")

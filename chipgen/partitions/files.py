"""Which files a dataset in several parts comes in: those of a folder whose names match a pattern."""

from __future__ import annotations

import fnmatch
import itertools
import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from chipgen.errors import DataError, UsageError
from chipgen.partition_ids import MOST_FILES
from chipgen.remote import is_remote, is_url, path_of
from chipgen.store import part_folders
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC = frozenset("*?[")
"""Characters that make a name a pattern."""

IN_FOLDERS = "*.parquet"
"""What is taken of a folder."""


@dataclass(frozen=True)
class Partition:
    """One file of a dataset in several parts.

    Parameters
    ----------
    number
        In the sorted order of file names, from 0 on.
    coco
        The annotation file.
    proposals
        The proposals for its images; None without.
    """

    number: int
    coco: str
    proposals: str | None = None

    @property
    def name(self) -> str:
        """Return the name of the annotation file, without its folder."""
        return PurePosixPath(self.coco).name

    @property
    def folder(self) -> str:
        """Return the folder of its build in that of all."""
        return part_folders(self.number + 1)[-1]


def names_several(text: str) -> bool:
    """Tell whether a text names several files: it is a folder, or a pattern and not itself the name of a file."""
    if is_url(text):
        return text.endswith("/") or (not text.startswith("http") and _is_magic(text.rpartition("/")[2]))
    if os.path.isdir(text):  # noqa: PTH112 -- Path.is_dir raises on odd names
        return True
    return _is_magic(os.path.basename(text)) and not os.path.lexists(text)  # noqa: PTH119


def matching(text: str) -> list[str]:
    """Return the files that a pattern or a folder names, sorted by name, character by character.

    Parameters
    ----------
    text
        A path or URL whose last part is a pattern of `*`, `?` and `[...]`; names that begin with a dot are left out. Or
        a folder, of which all Parquet files are taken; that of a URL ends with a slash.

    Raises
    ------
    DataError
        The folder cannot be read, or holds no such file.
    """
    folder, name = _parts(text)
    try:
        root = path_of(folder or os.curdir)
        found = [
            path.name
            for path in root.iterdir()
            if fnmatch.fnmatchcase(path.name, name) and not path.name.startswith(".")
            if is_remote(path) or not path.is_dir()
        ]
    except OSError as error:
        todo = "only the name of the files may be a pattern, not that of their folder"
        raise DataError.one(text, "", f"cannot be read ({error.strerror or error})", todo) from error
    if not found:
        what = "matches no file" if _is_magic(text) else "is not a regular file, but a folder without Parquet files"
        raise DataError.one(text, "", what, "name a COCO file, or several by a pattern in quotes: 'parts/*.json'")
    return [f"{folder}/{name}" if folder else name for name in sorted(found)]


def _parts(text: str) -> tuple[str, str]:
    """Return the folder and the pattern of the names in it; an empty folder is the current one."""
    if text.endswith("/") or (not is_url(text) and os.path.isdir(text)):  # noqa: PTH112
        return text.rstrip("/") or "/", IN_FOLDERS
    folder, slash, name = text.rpartition("/")
    return folder or slash, name


def _is_magic(text: str) -> bool:
    """Tell whether a text is a pattern."""
    return not MAGIC.isdisjoint(text)


def partitions(coco: Sequence[str], proposals: Sequence[str] | None = None) -> list[Partition]:
    """Return the parts of a dataset.

    Parameters
    ----------
    coco
        The annotation files, in any order.
    proposals
        The files of proposals, named as the annotation files, but for the ending; None without.

    Raises
    ------
    UsageError
        There are too many, two have the same name, or a file of one kind has no partner of the other.
    """
    files = sorted(coco, key=lambda path: PurePosixPath(path).name)
    if not 0 < len(files) <= MOST_FILES:
        what = f"names {counted(len(files), 'file')}"
        raise UsageError.one("--coco", "", what, f"give 1 to {MOST_FILES:,}: ids of more would not be told apart")
    names = [PurePosixPath(path).name for path in files]
    if twice := next((one for one, other in itertools.pairwise(names) if one == other), None):
        what = "is the name of several files, whose order is not known then"
        raise UsageError.one("--coco", twice, what, "give each file a name of its own")
    if proposals is None:
        return [Partition(number, path) for number, path in enumerate(files)]
    of_stem = _by_stem("--proposals", proposals)
    stems = _by_stem("--coco", files)
    for option, there, wanted in (("--proposals", of_stem, stems), ("--coco", stems, of_stem)):
        if missing := next((wanted[stem] for stem in wanted if stem not in there), None):
            todo = "name proposals as their annotation files, but for the ending"
            raise UsageError.one(option, missing, "has no partner of its name", todo)
    return [Partition(number, path, of_stem[PurePosixPath(path).stem]) for number, path in enumerate(files)]


def _by_stem(option: str, paths: Sequence[str]) -> dict[str, str]:
    """Return files by their names without ending.

    Raises
    ------
    UsageError
        Two of them have the same.
    """
    found: dict[str, str] = {}
    for path in paths:
        if found.setdefault(PurePosixPath(path).stem, path) != path:
            what = f"is named as {found[PurePosixPath(path).stem]}, but for the ending"
            raise UsageError.one(option, path, what, "give each file a name of its own")
    return found

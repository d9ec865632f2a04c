"""The images that chips were cut from, against what they were when that was done."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from chipgen.coco.find import find_root, fullest
from chipgen.errors import DataError, Problem, UnusableError
from chipgen.images import locate, open_regular
from chipgen.remote import is_folder, path_of
from chipgen.text import counted
from chipgen.verification.reading import checksum, checksums, sampled_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.verification.tables import SourcesTable

MEND = "put the image back that the chips were cut from, or build them anew from the one that is there"
NAME = "name the folder of the images, or the annotation file, with --sources"


def check_originals(sources: SourcesTable, path: Path, annotations: str) -> tuple[int, list[Problem]]:
    """Compare images with their length and checksum at the time of the build.

    Parameters
    ----------
    sources
        The images; one that was skipped is not looked at.
    path
        The folder of the images, or the annotation file.
    annotations
        Checksum of the annotation file.

    Returns
    -------
    int, list of Problem
        Images looked at, and what is wrong.

    Raises
    ------
    DataError
        There is no such folder or file.
    """
    rows = [row for row, sum_ in enumerate(sources.checksum) if sum_ is not None]
    names = [sources.file_name[row] for row in rows]
    problems: list[Problem] = []
    root: str | None = str(path)
    if not is_folder(path):
        if _checksum(path) != annotations:
            todo = "name the very file that was given to chipgen build with --coco"
            problems.append(Problem(str(path), "", "is not the annotation file of this build, or has changed", todo))
        root, looked_in = find_root(path, None, names)
        root = root or fullest(looked_in, names)
    elif fullest([str(path)], names) is None:
        root = None
    if root is None and rows:
        what = f"none of the {counted(len(rows), 'image')} is found from here"
        return 0, [*problems, Problem(str(path), "images", what, NAME)]
    return len(rows), [*problems, *_compare(sources, rows, path_of(root or path))]


def _checksum(path: Path) -> str:
    """Return the checksum of the annotation file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        return checksum(path)
    except (UnusableError, ValueError) as error:
        what = error.message if isinstance(error, UnusableError) else str(error)
        raise DataError.one(path, "", what, NAME) from error


def _compare(sources: SourcesTable, rows: list[int], root: Path) -> Iterator[Problem]:
    """Yield the images that are missing or others now; of the right length first, because that is quick to see."""
    to_hash: list[tuple[int, Path]] = []
    for row in rows:
        name, length = sources.file_name[row], int(sources.bytes[row])
        try:
            place = locate(root, name, follow_symlinks=True)  # it is only compared, and was allowed when it was read
            with open_regular(place) as file:
                found = file.length()
        except UnusableError as error:
            yield _problem(root, name, row, sources, error.message)
            continue
        if found != length:
            yield _problem(root, name, row, sources, f"has {found:,} bytes, had {length:,} when chips were cut from it")
        else:
            to_hash.append((row, place))
    whole = [(row, place) for row, place in to_hash if sources.sha256[row] is not None]
    sampled = [(row, place) for row, place in to_hash if sources.sha256[row] is None]
    sums = itertools.chain(checksums(place for _, place in whole), (sampled_checksum(place) for _, place in sampled))
    for (row, _), sum_ in zip(whole + sampled, sums, strict=True):
        if sum_ != sources.checksum[row]:
            what = "has another content than when chips were cut from it"
            told = sum_.message if isinstance(sum_, UnusableError) else what
            yield _problem(root, sources.file_name[row], row, sources, told)


def _problem(root: Path, name: str, row: int, sources: SourcesTable, what: str) -> Problem:
    """Return what is wrong with an image."""
    return Problem(str(root / name), f"image {sources.image_id[row]}", what, MEND)

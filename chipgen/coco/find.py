"""Finding the folder that a dataset's file names are relative to."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from chipgen.errors import DataError, StorageError
from chipgen.remote import is_file, is_folder, is_remote, is_url, path_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROBES, REMOTE_PROBES = 50, 5
"""Files looked for in each folder before choosing one; fewer where each costs a request."""


def find_root(path: Path, images: Path | None, file_names: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Choose the folder that holds most of a few images spread over the dataset; the first among equals.

    Parameters
    ----------
    path
        The annotation file.
    images
        The folder named by the user, or None to look for it.
    file_names
        File names of all images.

    Returns
    -------
    str or None, tuple of str
        The folder, None when no image is in any, and the folders looked in.

    Raises
    ------
    DataError
        The folder named by the user is none.
    StorageError
        A storage does not answer.
    """
    if images is not None:
        if not is_folder(images):
            raise DataError.one(images, "", "is no folder", "name the folder of the images with --images")
        return str(images), (str(images),)
    looked_in = tuple(dict.fromkeys(map(str, _candidates(path))))
    probes = REMOTE_PROBES if is_remote(path) else PROBES
    return fullest(looked_in, file_names[:: max(1, len(file_names) // probes)]), looked_in


def fullest(folders: Sequence[str], file_names: Sequence[str]) -> str | None:
    """Return the folder that holds most of some files, the first among equals; None when none holds any.

    Raises
    ------
    StorageError
        A storage does not answer.
    """
    plain = [name for name in file_names if _is_plain(name)]
    best, most = None, 0
    for folder in folders:
        place = path_of(folder)
        skipped = is_url(folder) and not is_folder(place)  # one request less than for each name
        hits = sum(_exists(place / name) for name in plain if not skipped)
        if hits > most:
            best, most = folder, hits
        if plain and most == len(plain):  # none holds more
            break
    return best


def _candidates(path: Path) -> Iterator[Path]:
    """Yield the folders in which people keep images, likely ones first."""
    stem = path.stem
    splits = (stem, stem.partition("_")[2], stem.rpartition("_")[2])
    above = path.parent.parent if is_url(str(path)) else Path(os.path.normpath(path.parent / os.pardir))
    for base in (path.parent, above):
        yield base
        yield base / "images"
        for split in filter(None, splits):
            yield base / split
            yield base / "images" / split


def _is_plain(name: str) -> bool:
    """Tell whether a name may be looked for: relative, and staying below its folder."""
    pure = PurePosixPath(name)
    return bool(name) and not pure.is_absolute() and ".." not in pure.parts


def _exists(path: Path) -> bool:
    """Tell whether there is such a file; names that no file can have do not exist."""
    try:
        return is_file(path)
    except (OSError, ValueError) as error:
        if isinstance(error, StorageError):
            raise
        return False

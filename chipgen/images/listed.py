"""Which images a storage has, known from lists of its folders: to ask for each of them would take minutes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from chipgen.errors import UnusableError
from chipgen.remote import refuse_silence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chipgen.remote import RemotePath

ASKED = 50
"""So many images are asked for one by one; a list tells a thousand names, but of all that lies in the folder."""
FOLDERS = 50
"""So many folders are listed one by one; of more, all that lies below the root is."""


def absent_from(root: RemotePath, file_names: Sequence[str]) -> Callable[[Path], None]:
    """Return a function that refuses paths of images that are not there.

    A web server lists nothing, and who may read images of a storage need not be allowed to list them: then nothing is
    refused here, unless the images are few, and whoever reads one finds out.

    Parameters
    ----------
    root
        The image root.
    file_names
        Of all images that will be asked for.

    Raises
    ------
    StorageError
        The storage does not answer, here or in the function.
    """
    if len(file_names) <= ASKED:
        return _refuse_one
    there = _listed(root, file_names) if root.can_list else None

    def refuse(path: Path) -> None:
        if there is not None and str(path) not in there:
            raise _missing(path)

    return refuse


def _refuse_one(path: Path) -> None:
    """Ask for one image."""
    try:
        is_there = path.is_file()
    except OSError as error:
        refuse_silence(path, error)
        return
    if not is_there:
        raise _missing(path)


def _missing(path: Path) -> UnusableError:
    """Return what is said of an image that is not there."""
    return UnusableError("missing", f"no such file in {path.parent}")


def _listed(root: RemotePath, file_names: Sequence[str]) -> frozenset[str] | None:
    """Return all files in the folders of some images; None where they may not be listed."""
    folders = {posixpath.dirname(posixpath.normpath(name)) for name in file_names}
    places = [(root / folder).normal() for folder in sorted(folders)]
    try:
        if len(places) > FOLDERS:
            return frozenset(str(root.normal() / name) for name, _ in root.below())
        return frozenset(str(path) for place in places for path in place.iterdir())
    except OSError as error:
        refuse_silence(root, error)
        return frozenset() if isinstance(error, FileNotFoundError) else None

"""Questions about a path, wherever it lies; a storage that does not answer is no answer."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from chipgen.remote.given import is_remote, path_of
from chipgen.remote.systems import refuse_silence

if TYPE_CHECKING:
    from chipgen.remote.path import RemotePath

FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})


def is_there(path: str | os.PathLike[str] | RemotePath) -> bool:
    """Tell whether there is anything of this name.

    Raises
    ------
    StorageError
        A storage does not answer.
    """
    place = path_of(path)
    if not is_remote(place):
        return os.path.lexists(place)
    try:
        return place.exists()
    except OSError as error:
        refuse_silence(place, error)
        return error.errno in FORBIDDEN


def is_folder(path: str | os.PathLike[str] | RemotePath) -> bool:
    """Tell whether a path may be a folder of files.

    Of a web server that is what does not end in ``.json``, for it has no folders; and in a storage in which we may not
    look around whatever we are told, for we may be allowed to read what lies in it.

    Raises
    ------
    StorageError
        A storage does not answer.
    """
    place = path_of(path)
    if not is_remote(place):
        return os.path.isdir(place)  # noqa: PTH112 -- Path.is_dir raises on odd names
    if not place.can_list:
        return place.suffix.lower() != ".json"
    try:
        return place.is_dir()
    except OSError as error:
        refuse_silence(place, error)
        return error.errno in FORBIDDEN


def is_file(path: str | os.PathLike[str] | RemotePath) -> bool:
    """Tell whether there is a file of this name, which we may look at.

    Raises
    ------
    StorageError
        A storage does not answer.
    """
    place = path_of(path)
    try:
        return place.is_file() if is_remote(place) else os.path.isfile(place)  # noqa: PTH113 -- as above
    except OSError as error:
        refuse_silence(place, error)
        return False

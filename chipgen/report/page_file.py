"""The file of a page: written like everything else, and only ever over a page of ours."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from chipgen.errors import OutputError
from chipgen.remote import path_of
from chipgen.stats_page import HEAD
from chipgen.store import MANIFEST, new_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def new_page(path: str | os.PathLike[str], *, overwrite: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that writes a page; it is there when the block ends without an error.

    What must not be written is refused before the block begins: nobody waits for figures that go nowhere.

    Raises
    ------
    OutputError
        Something is there, and `overwrite` was not given or chipgen did not write it; or it would lie in a build,
        which then held more than its manifest says.
    StorageError
        The disk refuses.
    """
    place = path_of(path)
    _refuse_inside(place)
    with new_file(place, overwrite=overwrite, is_ours=is_ours) as file:
        yield lambda text: _write(file.write, text)


def _write(write: Callable[[bytes], int], text: str) -> None:
    """Write a page."""
    write(text.encode())


def _refuse_inside(path: Path) -> None:
    """Refuse a place in the output folder of a build."""
    for folder in path.resolve().parents:
        if (folder / MANIFEST).exists():
            what = f"lies in the build {folder.name}, whose manifest lists all that it holds"
            raise OutputError.one(path, "", what, "choose a place outside")


def is_ours(path: Path) -> bool:
    """Tell whether a file is a page of ours."""
    head = HEAD.encode()
    try:
        with path.open("rb") as file:
            return file.read(len(head)) == head
    except OSError:
        return False

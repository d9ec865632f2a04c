"""From a file name in the annotations to a file inside the image root, or a reason why not."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, cast

from chipgen.errors import UnusableError
from chipgen.remote import is_remote

if TYPE_CHECKING:
    from chipgen.remote import RemotePath

CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that no file name has: control characters, half characters, line and paragraph ends."""


def locate(root: Path, file_name: str, *, follow_symlinks: bool) -> Path:
    """Return the path of an image, which lies inside the root.

    Raises
    ------
    UnusableError
        The name cannot be a file's, there is no such file, or it lies outside the root. Below a URL nothing is asked
        for: that there is no such file is known when it is opened.
    """
    _check_name(file_name)
    if is_remote(root):
        return _below(root, file_name)
    base = Path(os.path.abspath(root))  # noqa: PTH100 -- a root of "." would hold every path that begins with ".."
    path = Path(os.path.normpath(base / file_name))
    if not path.is_relative_to(base):
        raise UnusableError("outside_root", "the file name leaves the image root; put the file below it")
    try:
        real = Path(os.path.realpath(path, strict=True))
        # Where there is no link on the way to the image, there is none on the way to the root.
        inside = follow_symlinks or real == path or real.is_relative_to(base.resolve())
    except UnicodeEncodeError as error:
        what = f"no file can have this name here, where names are written in {error.encoding}; set LC_ALL=C.UTF-8"
        raise UnusableError("bad_name", what) from error
    except (OSError, RuntimeError) as error:
        raise UnusableError("missing", f"no such file in {root}{_hint(path, file_name)}") from error
    if not inside:
        raise UnusableError("outside_root", "a link leads out of the image root; see --follow-symlinks")
    return real


def _below(root: RemotePath, file_name: str) -> Path:
    """Return the URL of an image; whether it is there is known once it is read, which costs no more than to ask."""
    path = (root / file_name).normal()
    if file_name.startswith("/") or path == root.normal() or not path.is_relative_to(root.normal()):
        raise UnusableError("outside_root", "the file name leaves the image root; put the file below it")
    return cast("Path", path)


def _check_name(file_name: str) -> None:
    """Refuse names that no image file has."""
    if "://" in file_name:
        raise UnusableError("bad_name", "the file name is a URL; download the images first")
    too_long = any(len(part.encode("utf-8", "replace")) > 255 for part in file_name.split("/"))
    odd = any(unicodedata.category(char) in CONTROL for char in file_name)
    if not file_name.strip("./") or too_long or odd:
        raise UnusableError("bad_name", "the file name is empty, too long, or holds control characters")


def _hint(path: Path, file_name: str) -> str:
    """Return a hint for the commonest reasons why a file is not found."""
    if "\\" in file_name:
        return "; write / instead of \\ in file names"
    for form in ("NFC", "NFD"):
        if os.path.exists(unicodedata.normalize(form, str(path))):  # noqa: PTH110 -- Path.exists raises on odd names
            return f"; the same name exists with its accents written as Unicode {form}"
    return ""

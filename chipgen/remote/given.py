"""Paths as users give them: on the disk, or as a URL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeGuard, cast

from chipgen.remote.path import URL, RemotePath
from chipgen.remote.systems import system_of


def is_url(text: object) -> bool:
    """Tell whether a text is a URL rather than a path on the disk."""
    return isinstance(text, str) and URL.fullmatch(text) is not None


def is_remote(path: object) -> TypeGuard[RemotePath]:
    """Tell whether a path lies in object storage or on a web server."""
    return isinstance(path, RemotePath)


def path_of(path: str | os.PathLike[str] | RemotePath) -> Path:
    """Return a path from what a user gave: on the disk, or, of a URL, what can be read like one.

    Raises
    ------
    UsageError
        A URL names nothing, holds a password, or of a kind for which a library is missing.
    """
    if isinstance(path, RemotePath):
        return cast("Path", path)
    text = os.fspath(path)
    if is_url(text):
        remote = RemotePath.of(text)
        system_of(remote.protocol, str(remote))
        return cast("Path", remote)
    return Path(text)


def place_of(text: str) -> str:
    """Return a path or URL as it may be told: without what may be a credential."""
    return str(path_of(text)) if is_url(text) else text

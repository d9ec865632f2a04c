"""Reading what lies in an output folder, on a disk or in object storage."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipgen.digests import sha256_of
from chipgen.remote import is_remote
from chipgen.store.files import Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from chipgen.remote import RemotePath

ABSENT = frozenset({errno.ENOENT, errno.EISDIR})
"""What a storage says of an object that is not there."""


def differing(
    out: Path, files: Iterable[Written], lengths: Mapping[str, int] | None = None, *, by_content: bool = False
) -> list[str]:
    """Return those of some files that are missing or are not what was written.

    Parameters
    ----------
    out
        The output folder.
    files
        What was written.
    lengths
        Of what is there, where that is known; None to look.
    by_content
        Whether to compare checksums; lengths only otherwise.
    """
    if lengths is None and is_remote(out):
        lengths = dict(out.below())
    seen = files if lengths is None else [file for file in files if lengths.get(file.path) == file.bytes]
    if lengths is not None and not by_content:
        same = {file.path for file in seen}
    else:
        same = {file.path for file in seen if _is_same(out / file.path, file, by_content=by_content)}
    return [file.path for file in files if file.path not in same]


def lengths_below(out: RemotePath, left_out: frozenset[str]) -> dict[str, int]:
    """Return the lengths of all objects below an output folder, some folders of it left out."""
    return {name: length for name, length in out.below() if name.partition("/")[0] not in left_out}


def plain_object(path: Path, keys: frozenset[str]) -> dict[str, Any] | None:
    """Return a JSON object from a file; None where there is none, or none of ours."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        if is_remote(path) and isinstance(error, OSError) and error.errno not in ABSENT:
            raise  # a storage that does not answer: nobody knows what is there
        return None
    return value if isinstance(value, dict) and keys <= value.keys() else None


def listed_in(manifest: dict[str, Any] | None) -> Iterator[Written]:
    """Yield the files that a manifest lists and that lie below its folder."""
    entries = manifest.get("files") if manifest else None
    for entry in entries if isinstance(entries, list) else []:
        try:
            file = Written(str(entry["path"]), int(entry["bytes"]), str(entry["sha256"]))
        except (TypeError, KeyError, ValueError):
            continue
        if not Path(file.path).is_absolute() and ".." not in Path(file.path).parts:
            yield file


def files_below(folder: Path, out: Path, left_out: frozenset[str]) -> Iterator[str]:
    """Yield the files below a folder, links included, some folders of `out` left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path).relative_to(out).as_posix()
            elif folder != out or entry.name not in left_out:
                yield from files_below(Path(entry.path), out, left_out)


def is_lock(path: Path) -> bool:
    """Tell whether a file may be our lock: it holds a process id, or nothing yet."""
    try:
        return path.is_file() and re.fullmatch(rb"(\d{1,20}\n)?", path.read_bytes()[:32]) is not None
    except OSError:
        return False


def _is_same(path: Path, file: Written, *, by_content: bool) -> bool:
    """Tell whether a file is what was written."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != file.bytes:
            return False
        return not by_content or sha256_of(path) == file.sha256
    except OSError:
        return False

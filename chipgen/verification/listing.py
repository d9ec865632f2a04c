"""The files of a folder against the list of them: what is there, what is missing, what has changed."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import Counter
from typing import TYPE_CHECKING

from chipgen.remote import is_remote, refuse_silence
from chipgen.store import MANIFEST
from chipgen.text import counted
from chipgen.verification.faults import remake
from chipgen.verification.reading import checksums

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from chipgen.remote import RemotePath
    from chipgen.verification.faults import Faults
    from chipgen.verification.manifest import FileEntry

OF_A_BUILD = frozenset({".tmp", ".lock", "_run.json", "_journal.jsonl"})
"""What a build that was interrupted leaves beside its files."""

CLEARS = "run the same chipgen build again, which clears it"
NOT_OURS = "move it away: chipgen did not write it"

KINDS = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISREG, "a file"), (stat.S_ISFIFO, "a pipe"))


def sound_files(
    out: Path,
    listed: Mapping[str, FileEntry],
    expected: Collection[str],
    faults: Faults,
    nested: Collection[str] = (),
) -> frozenset[str]:
    """Compare a folder with the list of its files.

    Parameters
    ----------
    out
        The folder.
    listed
        The files of the manifest by path.
    expected
        Files that belong there even where the list forgets them.
    faults
        Filled with what is missing, foreign, or of another length or checksum.
    nested
        Folders that are looked at by themselves.

    Returns
    -------
    frozenset of str
        The files that are what the list says.
    """
    walk = _Walk(out, {*listed, *expected}, faults)
    walk.told.update(nested)
    walk.run()
    walk.tell_missing(listed)
    whole = [path for path in listed if _has_length(path, walk.lengths.get(path), listed, faults)]
    found = checksums(out / path for path in whole)
    return frozenset(path for path, sum_ in zip(whole, found, strict=True) if _is_same(path, sum_, listed, faults))


def _has_length(path: str, length: int | None, listed: Mapping[str, FileEntry], faults: Faults) -> bool:
    """Tell whether a file is there with its length; None where it is not, which was told before."""
    if length is not None and length != listed[path].bytes:
        faults.add(path, "", f"has {length:,} bytes, the manifest says {listed[path].bytes:,}")
    return length == listed[path].bytes


def _is_same(path: str, sum_: str | Exception, listed: Mapping[str, FileEntry], faults: Faults) -> bool:
    """Tell whether a file has its checksum."""
    with faults.reading(path):
        if isinstance(sum_, Exception):
            raise sum_
        if sum_ != listed[path].sha256:
            faults.add(path, "", "is damaged: its checksum is not that in the manifest")
    return sum_ == listed[path].sha256


class _Walk:
    """A walk through a folder that follows no link and enters no folder in which nothing is to be found.

    Parameters
    ----------
    out
        The folder.
    expected
        Paths of the files that belong there.
    faults
        Filled along the way.
    """

    def __init__(self, out: Path, expected: Collection[str], faults: Faults) -> None:
        self.out, self.expected, self.faults = out, expected, faults
        self.folders = {".", *(above for folder in {_folder(path) for path in expected} for above in _above(folder))}
        self.entered: set[str] = set()
        self.told: set[str] = {MANIFEST}
        self.lengths: dict[str, int] = {}

    def run(self) -> None:
        """Look at everything."""
        if is_remote(self.out):
            try:
                self._run_remote(self.out)
            except OSError as error:
                refuse_silence(self.out, error)
                self._tell(".", f"is a folder that cannot be read ({error.strerror})", "make it readable")
            return
        waiting = ["."]
        while waiting:
            folder = waiting.pop()
            self.entered.add(folder)
            try:
                with os.scandir(self.out / folder) as entries:
                    names = sorted(entry.name for entry in entries)
            except OSError as error:
                self._tell(folder, f"is a folder that cannot be read ({error.strerror})", "make it readable")
                continue
            waiting.extend(reversed([path for path in self._look(folder, names) if path in self.folders]))

    def _run_remote(self, out: RemotePath) -> None:
        """Look at everything in a storage: it knows files only, and no links; on a web server, at what is expected."""
        for path, length in out.below() if out.can_list else self._asked(out):
            folders = [".", *_above(_folder(path))]
            if self.told.intersection([path, *folders]):
                continue
            self.entered.update(folders)
            strange = next((folder for folder in folders[1:] if folder not in self.folders), None)
            if strange is not None:
                self._tell_unexpected(strange, "a folder")
            elif path in self.expected:
                self.lengths[path] = length
            else:
                self._tell_unexpected(path, "a file")

    def _asked(self, out: RemotePath) -> Iterator[tuple[str, int]]:
        """Yield the expected files that are there, and their lengths."""
        for path in sorted(self.expected):
            with contextlib.suppress(FileNotFoundError):
                yield path, (out / path).stat().st_size

    def _look(self, folder: str, names: list[str]) -> Iterator[str]:
        """Look at the entries of a folder; yield those that are folders."""
        for path in names if folder == "." else [f"{folder}/{name}" for name in names]:
            if path in self.told:
                continue
            try:
                status = (self.out / path).lstat()
            except OSError as error:
                self._tell(path, f"cannot be looked at ({error.strerror})", None)
                continue
            kind = next((word for is_kind, word in KINDS if is_kind(status.st_mode)), "a device or socket")
            if path in self.expected and kind == "a file":
                self.lengths[path] = status.st_size
            elif path in self.folders and kind == "a folder":
                yield path
            else:
                self._tell_unexpected(path, kind)

    def _tell_unexpected(self, path: str, kind: str) -> None:
        """Tell of something that should not be there, or should be something else."""
        if path in self.expected or path in self.folders:
            self._tell(path, f"is {kind}, not {'a file' if path in self.expected else 'a folder'}", None)
        elif path in OF_A_BUILD:
            self._tell(path, "is left over from a build that was interrupted", CLEARS)
        else:
            what = "is a folder that holds no file the manifest lists" if kind == "a folder" else "is not listed"
            self._tell(path, what, NOT_OURS)

    def _tell(self, path: str, what: str, todo: str | None) -> None:
        """Tell of something, after which what lies below it is no news."""
        self.told.add(path)
        self.faults.add(path, "", what, todo)

    def tell_missing(self, listed: Mapping[str, FileEntry]) -> None:
        """Tell of the listed files that are not there; of those in a missing folder together."""
        gone: Counter[str] = Counter()
        for path in sorted(listed.keys() - self.lengths.keys() - self.told):
            folders = [".", *_above(_folder(path))]
            if not any(folder in self.told for folder in folders):
                gone[next((folder for folder in folders if folder not in self.entered), path)] += 1
        for path, count in gone.items():
            below = f", and with it {counted(count, 'file')}" if path not in listed else ""
            self.faults.add(path, "", f"is missing{below}", remake(path))


def _folder(path: str) -> str:
    """Return the folder that a path lies in; empty for the output folder itself."""
    return path.rpartition("/")[0]


def _above(folder: str) -> list[str]:
    """Return a folder and those it lies in, the outermost first."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]

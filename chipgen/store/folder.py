"""What lies in an output folder: a finished build, one that was begun, or something that is not ours."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipgen.digests import sha256_of
from chipgen.errors import DataError, OutputError, StorageError
from chipgen.store.files import Written, guarded
from chipgen.store.journal import JOURNAL, Entry, Journal
from chipgen.store.lock import LOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MANIFEST = "_manifest.json"
RUN = "_run.json"
STAGE = ".tmp"
ASIDE = f"{STAGE}/replaced"
"""Where a build waits that is being overwritten: it comes back when the new one fails."""

LITTER = f"run-{'[0-9a-f]' * 12}"
"""Folders below `STAGE` that a run makes for its temporary files."""

OF_RUN = frozenset({"format_version", "configuration"})
OF_MANIFEST = OF_RUN | {"files"}
"""Keys without which a file of this name is not ours."""

MOST_OF_SPLITS = 1 << 20
"""Bytes of the manifest of a folder of splits at most: it lists a handful of files."""

MOST_PARTS = 100_000
"""Parts that a folder may say it has; more would be no number of ours."""
NAMED = 10
"""Splits or parts named one by one at most."""

HELPERS = frozenset({MANIFEST, RUN, JOURNAL, LOCK})


@dataclass(frozen=True)
class Found:
    """What lies in an output folder.

    Parameters
    ----------
    out
        The folder.
    manifest
        That of a finished build; None without.
    run
        How a build was begun that is not finished; None without.
    entries, damaged, torn
        Its journal, how many lines of that cannot be trusted, and whether it ends in the middle of a line.
    files
        All files below the folder, temporary ones left out.
    listed
        The files that the manifest lists.
    litter
        Whether a killed run left something that the next one clears.
    """

    out: Path
    manifest: dict[str, Any] | None = None
    run: dict[str, Any] | None = None
    entries: tuple[Entry, ...] = ()
    damaged: int = 0
    torn: bool = False
    files: frozenset[str] = frozenset()
    listed: tuple[Written, ...] = ()
    litter: bool = False

    @property
    def finished(self) -> bool:
        """Whether it is a finished build."""
        return self.manifest is not None

    @property
    def untidy(self) -> bool:
        """Whether there is no unfinished build to go on with, but something a killed run left."""
        return self.run is None and (self.litter or (self.finished and not self.files.isdisjoint({RUN, JOURNAL, LOCK})))

    @property
    def record(self) -> dict[str, Any] | None:
        """Return what the build there was made from; None where there is none."""
        return self.manifest if self.finished else self.run

    def ours(self) -> set[str]:
        """Return the files that manifest or journal say chipgen wrote."""
        announced = (file.path for entry in self.entries for file in entry.files)
        listed = (file.path for file in self.listed)
        return {*announced, *listed} | {name for name in HELPERS if name in self.files and self._is_helper(name)}

    def _is_helper(self, name: str) -> bool:
        """Tell whether a file is what its name says."""
        if name == LOCK:
            return _is_lock(self.out / LOCK)
        return {MANIFEST: self.finished, RUN: self.run is not None}.get(name, self.record is not None)

    def refuse_stranger(self) -> None:
        """Refuse a folder in which chipgen wrote nothing but somebody else did.

        Raises
        ------
        OutputError
            It is one.
        """
        if self.record is None and not self.litter and self.files - self.ours():
            what = "is not empty, and chipgen did not write it"
            raise OutputError.one(self.out, "", what, "choose another --out")

    def refuse_foreign(self, planned: Callable[[str], bool]) -> None:
        """Refuse to write beside files that chipgen did not write.

        Parameters
        ----------
        planned
            Tells which files the build writes. In a build that was begun they are ours, whatever its journal has lost.

        Raises
        ------
        OutputError
            Naming one of them.
        """
        unknown = sorted(self.files - self.ours())
        foreign = [path for path in unknown if self.run is None or not planned(path)]
        if foreign:
            what = f"chipgen did not write it ({len(foreign)} such files)"
            raise OutputError.one(self.out, foreign[0], what, "move them away or choose another --out")


def look(out: Path, nested: frozenset[str] = frozenset()) -> Found:
    """Return what lies in an output folder; a folder that does not exist is empty.

    Parameters
    ----------
    out
        The folder.
    nested
        Folders in it that are left out, for they are output folders by themselves.

    Raises
    ------
    OutputError
        It is no folder.
    StorageError
        It cannot be read, or could not be made.
    """
    with guarded(out):
        if not os.path.lexists(out):
            _refuse_orphan(out)
            return Found(out)
        if not out.is_dir():
            raise OutputError.one(out, "", "exists and is no folder", "choose another --out")
        files = frozenset(_files(out, out, nested | {STAGE}))
        manifest, run = _plain(out / MANIFEST, OF_MANIFEST), _plain(out / RUN, OF_RUN)
        if manifest is not None or run is None:
            return Found(out, manifest, files=files, listed=tuple(_listed(manifest)), litter=_has_litter(out, manifest))
        entries, damaged, torn = Journal(out, digest_of(run)).read()
        return Found(out, None, run, tuple(entries), damaged, torn, files)


def splits_of(out: Path) -> dict[str, str]:
    """Return the folders of the splits that a folder of several names, finished or begun; empty for any other."""
    with contextlib.suppress(OSError):
        if (out / MANIFEST).stat().st_size > MOST_OF_SPLITS:
            return {}
    record = _plain(out / MANIFEST, OF_MANIFEST) or _plain(out / RUN, OF_RUN)
    configuration = record["configuration"] if record else None
    splits = configuration.get("splits") if isinstance(configuration, dict) else None
    if not isinstance(splits, dict) or not all(isinstance(name, str) and _is_name(name) for name in splits.values()):
        return {}
    return splits


def part_folders(count: int) -> tuple[str, ...]:
    """Return the folders of a dataset that is built in several parts."""
    return tuple(f"part-{number:05d}" for number in range(count))


def parts_of(out: Path) -> tuple[str, ...]:
    """Return the folders of the parts that a folder says it has, finished or begun; empty for any other."""
    if not (out / part_folders(1)[0]).is_dir() and not (out / RUN).exists():
        return ()  # most manifests are those of one build, and some are long
    record = _plain(out / MANIFEST, OF_MANIFEST) or _plain(out / RUN, OF_RUN)
    configuration = record["configuration"] if record else None
    count = configuration.get("parts") if isinstance(configuration, dict) else None
    return part_folders(count) if type(count) is int and 0 < count <= MOST_PARTS else ()


def refuse_collection(out: Path) -> None:
    """Refuse a folder of several splits, or of several parts, where one build is meant.

    Raises
    ------
    DataError
        Naming them.
    """
    splits = splits_of(out)
    folders = (*splits.values(),) if splits else parts_of(out)
    if folders:
        named = [str(out / folder) for folder in folders[:NAMED]] + ["..."] * (len(folders) > NAMED)
        what = f"holds several {'splits' if splits else 'parts'}"
        raise DataError.one(out, "", what, f"name one of them: {', '.join(named)}")


def _is_name(text: str) -> bool:
    """Tell whether a text is the name of a folder in another, and of nothing else."""
    return re.fullmatch(r"\w+(\.\w+)*", text) is not None


def refuse_unwritable(out: Path) -> None:
    """Refuse a place where nothing can be written, before any work is done.

    Raises
    ------
    StorageError
        The folder, or the one it is to be made in, is read-only.
    """
    with guarded(out):
        place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        raise StorageError.one(place, "", "cannot be written to", "make it writable or choose another --out")


def differing(out: Path, files: Iterable[Written], *, by_content: bool = False) -> list[str]:
    """Return those of some files that are missing or are not what was written.

    Parameters
    ----------
    out
        The output folder.
    files
        What was written.
    by_content
        Whether to compare checksums; lengths only otherwise.
    """
    return [file.path for file in files if not _is_same(out / file.path, file, by_content=by_content)]


def digest_of(value: Any) -> str:
    """Return the checksum of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _refuse_orphan(out: Path) -> None:
    """Refuse a folder that cannot be made: not more than one missing parent is made with it."""
    if not (out.parent.is_dir() or out.parent.parent.is_dir()):
        raise StorageError.one(out, "", "its parent folders do not exist", "create them first")


def _has_litter(out: Path, manifest: dict[str, Any] | None) -> bool:
    """Tell whether there are temporary files of ours, or an empty folder for them, or a build that was set aside."""
    stage = out / STAGE
    if not stage.is_dir():
        return False
    if _plain(out / ASIDE / MANIFEST, OF_MANIFEST) is not None or any(stage.glob(LITTER)):
        return True
    return manifest is not None and not any(stage.iterdir())


def _plain(path: Path, keys: frozenset[str]) -> dict[str, Any] | None:
    """Return a JSON object from a file; None where there is none, or none of ours."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and keys <= value.keys() else None


def _listed(manifest: dict[str, Any] | None) -> Iterator[Written]:
    """Yield the files that a manifest lists and that lie below its folder."""
    entries = manifest.get("files") if manifest else None
    for entry in entries if isinstance(entries, list) else []:
        try:
            file = Written(str(entry["path"]), int(entry["bytes"]), str(entry["sha256"]))
        except (TypeError, KeyError, ValueError):
            continue
        if not Path(file.path).is_absolute() and ".." not in Path(file.path).parts:
            yield file


def _files(folder: Path, out: Path, left_out: frozenset[str]) -> Iterator[str]:
    """Yield the files below a folder, links included, some folders of `out` left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield Path(entry.path).relative_to(out).as_posix()
            elif folder != out or entry.name not in left_out:
                yield from _files(Path(entry.path), out, left_out)


def _is_lock(path: Path) -> bool:
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

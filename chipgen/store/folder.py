"""What lies in an output folder: a finished build, one that was begun, or something that is not ours."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, OutputError, StorageError, UsageError
from chipgen.remote import is_remote
from chipgen.store.contents import files_below, is_lock, lengths_below, listed_in, plain_object
from chipgen.store.files import Written, guarded
from chipgen.store.journal import Entry, Journal
from chipgen.store.lock import LOCK
from chipgen.store.names import (
    ASIDE,
    LITTER,
    MANIFEST,
    MOST_OF_SPLITS,
    OF_MANIFEST,
    OF_RUN,
    OF_RUNS,
    RUN,
    STAGE,
    helper_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from chipgen.remote import RemotePath

MOST_PARTS = 100_000
"""Parts that a folder may say it has; more would be no number of ours."""
NAMED = 10
"""Splits or parts named one by one at most."""


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
    lengths
        Of all files, in object storage, where they come with the names; None on a disk.
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
    lengths: Mapping[str, int] | None = None

    @property
    def finished(self) -> bool:
        """Whether it is a finished build."""
        return self.manifest is not None

    @property
    def untidy(self) -> bool:
        """Whether there is no unfinished build to go on with, but something a killed run left."""
        helpers = {helper_of(name) for name in self.files}
        return self.run is None and (self.litter or (self.finished and not helpers.isdisjoint(OF_RUNS)))

    @property
    def record(self) -> dict[str, Any] | None:
        """Return what the build there was made from; None where there is none."""
        return self.manifest if self.finished else self.run

    def ours(self) -> set[str]:
        """Return the files that manifest or journal say chipgen wrote."""
        announced = (file.path for entry in self.entries for file in entry.files)
        listed = (file.path for file in self.listed)
        return {*announced, *listed} | {name for name in self.files if helper_of(name) and self._is_helper(name)}

    def _is_helper(self, name: str) -> bool:
        """Tell whether a file is what its name says."""
        if name == LOCK:
            return is_lock(self.out / LOCK)
        if helper_of(name) == LOCK:
            return True
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
        if is_remote(out):
            _refuse_read_only(out)
        elif not os.path.lexists(out):
            _refuse_orphan(out)
            return Found(out)
        if not is_remote(out) and not out.is_dir():
            raise OutputError.one(out, "", "exists and is no folder", "choose another --out")
        lengths = lengths_below(out, nested | {STAGE}) if is_remote(out) else None
        files = frozenset(files_below(out, out, nested | {STAGE}) if lengths is None else lengths)
        manifest, run = plain_object(out / MANIFEST, OF_MANIFEST), plain_object(out / RUN, OF_RUN)
        if manifest is not None or run is None:
            litter, listed = _has_litter(out, manifest), tuple(listed_in(manifest))
            return Found(out, manifest, files=files, listed=listed, litter=litter, lengths=lengths)
        entries, damaged, torn = Journal(out, digest_of(run)).read()
        return Found(out, None, run, tuple(entries), damaged, torn, files, lengths=lengths)


def splits_of(out: Path) -> dict[str, str]:
    """Return the folders of the splits that a folder of several names, finished or begun; empty for any other."""
    with contextlib.suppress(OSError):
        if (out / MANIFEST).stat().st_size > MOST_OF_SPLITS:
            return {}
    record = plain_object(out / MANIFEST, OF_MANIFEST) or plain_object(out / RUN, OF_RUN)
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
    record = plain_object(out / MANIFEST, OF_MANIFEST) or plain_object(out / RUN, OF_RUN)
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
    if is_remote(out):  # only an attempt would tell
        return
    with guarded(out):
        place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        raise StorageError.one(place, "", "cannot be written to", "make it writable or choose another --out")


def digest_of(value: Any) -> str:
    """Return the checksum of plain values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _refuse_orphan(out: Path) -> None:
    """Refuse a folder that cannot be made: not more than one missing parent is made with it."""
    if not (out.parent.is_dir() or out.parent.parent.is_dir()):
        raise StorageError.one(out, "", "its parent folders do not exist", "create them first")


def _refuse_read_only(out: RemotePath) -> None:
    """Refuse a place that can only be read."""
    if out.protocol in {"http", "https"}:
        raise UsageError.one("--out", str(out), "can only be read", "name a folder, or s3://, gs:// or az://")


def _has_litter(out: Path, manifest: dict[str, Any] | None) -> bool:
    """Tell whether there are temporary files of ours, or an empty folder for them, or a build that was set aside."""
    stage = out / STAGE
    if not stage.is_dir():
        return False
    if plain_object(out / ASIDE / MANIFEST, OF_MANIFEST) is not None or any(stage.glob(LITTER)):
        return True
    return manifest is not None and not any(stage.iterdir())

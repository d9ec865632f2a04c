"""An output folder while somebody works in it: locked, with a place for temporary files, tidy before and after."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipgen.digests import sha256_of
from chipgen.remote import is_remote
from chipgen.store import disk
from chipgen.store.files import Staging, guarded
from chipgen.store.folder import Found, look
from chipgen.store.journal import Journal
from chipgen.store.lock import lock_of
from chipgen.store.names import ASIDE, LITTER, MANIFEST, RUN, STAGE
from chipgen.store.scratch import tidy_scratch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chipgen.store.files import Written

PIECES = 1 << 14
"""Pieces of a JSON file that are in memory at a time: numbers, names, brackets."""
ADDING = "adding"
"""The run that the journal of an addition belongs to; see `chipgen.store.addition`."""


class Workspace:
    """A folder that is worked in.

    Parameters
    ----------
    out
        The output folder; made, together with one missing parent, when it does not exist.
    nested
        Folders in it that are output folders by themselves: what lies there is looked at by those who work there.
    """

    def __init__(self, out: Path, nested: Iterable[str] = ()) -> None:
        self.out = out
        self.nested = frozenset(nested)
        self.token = f"run-{secrets.token_hex(6)}"
        self.lock = lock_of(out)
        self.found = Found(out)
        self._made: list[Path] = []

    @property
    def stage(self) -> Path:
        """Where the temporary files of this run are."""
        return self.out / STAGE / self.token

    def __enter__(self) -> Workspace:  # noqa: PYI034 -- Self is not in Python 3.10
        self._look().refuse_stranger()
        try:
            with guarded(self.out):
                if is_remote(self.out):
                    tidy_scratch()
                above = () if is_remote(self.out) else (self.out.parent, self.out)
                self._made = [folder for folder in above if not folder.exists()]
                for folder in self._made:
                    disk.make_folder(folder)
                self.lock.take()
                self._tidy()
                self.found = self._recovered()
                self.found.refuse_stranger()
                disk.make_folder(self.out / STAGE)
                disk.make_folder(self.stage)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is left under temporary names, and the folders made for it where they hold nothing."""
        self._leave()

    def staging(self, name: str) -> Staging:
        """Return a recorder for temporary files, in a folder of their own."""
        return Staging(self.stage / name)

    def read(self, path: str) -> bytes:
        """Return the content of a published file."""
        with guarded(self.out / path):
            return (self.out / path).read_bytes()

    def _leave(self) -> None:
        """Tidy up and go; what cannot be removed now is removed by the next run."""
        replaced = self.lock.held and not self.lock.is_ours()
        made = [] if replaced else self._made
        try:
            with contextlib.suppress(OSError):
                self._tidy()
        finally:
            self.lock.release()
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                disk.remove_folder(folder)

    def _tidy(self) -> None:
        """Remove temporary files of this run, and of runs that were killed; only those, not the folder's others."""
        if self.lock.is_ours():
            for folder in (self.out / STAGE).glob(LITTER):
                disk.remove_tree(folder)
            disk.remove_folder(self.out / STAGE)

    def _recovered(self) -> Found:
        """Bring what a killed run left between two steps to one side or the other, and look at what is there then."""
        found = self._look()
        if found.finished:
            self._roll_back_addition(found)
            self._clear()  # a manifest is there: whatever was being made is made
        elif found.litter and (self.out / ASIDE).exists():
            self._restore()
        else:
            return found
        return self._look()

    def _look(self) -> Found:
        """Return what lies in the folder."""
        return look(self.out, self.nested)

    def _roll_back_addition(self, found: Found) -> None:
        """Remove files that were being added and that no manifest lists."""
        entries, _, _ = Journal(self.out, ADDING).read()
        listed = {file.path for file in found.listed}
        unlisted = [file for entry in entries for file in entry.files if file.path not in listed]
        self._remove(file.path for file in unlisted if _is_exactly(self.out / file.path, file))

    def _clear(self) -> None:
        """Remove what only an unfinished build needs, its `RUN` last: until then the next run comes here again."""
        if (self.out / ASIDE).exists():
            self._remove_aside()
        journal = Journal(self.out, "")
        if journal.exists:
            journal.remove()
        if (self.out / RUN).exists():
            disk.remove(self.out / RUN)

    # -- a build that is being replaced ----------------------------------------------------------------------------

    def _set_aside(self) -> None:
        """Move a finished build out of the way: its manifest first, so that nothing unfinished ever has one."""
        disk.make_folder(self.out / STAGE)
        disk.make_folder(self.out / ASIDE)
        tops = sorted({Path(file.path).parts[0] for file in self.found.listed})
        for name in (MANIFEST, *tops):
            if (self.out / name).exists():
                disk.replace(self.out / name, self.out / ASIDE / name)
        disk.sync_folder(self.out / ASIDE)
        disk.sync_folder(self.out)

    def _restore(self) -> None:
        """Move it back, its manifest last."""
        aside = self.out / ASIDE
        names = sorted(path.name for path in aside.iterdir())
        for name in sorted(names, key=lambda name: (name == MANIFEST, name)):
            disk.replace(aside / name, self.out / name)
        disk.sync_folder(self.out)
        disk.remove_folder(aside)

    def _remove_aside(self) -> None:
        """Remove the build that was replaced: exactly the files its manifest lists, that last."""
        old = look(self.out / ASIDE)
        self._remove(f"{ASIDE}/{file.path}" for file in old.listed)
        disk.remove(self.out / ASIDE / MANIFEST)
        disk.remove_folder(self.out / ASIDE)

    # -- small steps -----------------------------------------------------------------------------------------------

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove some files, and the folders that they leave empty."""
        folders: set[Path] = set()
        for path in paths:
            disk.remove(self.out / path)
            folders.update(parent for parent in Path(path).parents if parent.parts)
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            disk.remove_folder(self.out / folder)

    def _make_parents(self, path: str) -> None:
        """Make the folders that a final name lies in."""
        for parent in reversed([parent for parent in Path(path).parents if parent.parts]):
            if not is_remote(self.out) and not (self.out / parent).is_dir():
                disk.make_folder(self.out / parent)
                if not self.lock.is_ours():  # the output folder was replaced at that very moment: take it back
                    disk.remove_folder(self.out / parent)
                    self.lock.check()
                disk.sync_folder((self.out / parent).parent)

    def _put(self, name: str, value: dict[str, Any], staging: Staging) -> None:
        """Write a JSON file of the folder at once; it may name records of files among its values, and very many."""
        pieces = json.JSONEncoder(indent=1, sort_keys=True, default=asdict).iterencode(value)
        with staging.create(name) as file:
            while some := "".join(itertools.islice(pieces, PIECES)):
                file.write(some.encode())
            file.write(b"\n")
        if is_remote(self.out):
            staging.settle()
        disk.replace(staging.folder / name, self.out / name)
        disk.sync_folder(self.out)


def _is_exactly(path: Path, file: Written) -> bool:
    """Tell whether a file is what was announced."""
    return path.is_file() and not path.is_symlink() and sha256_of(path) == file.sha256

"""Files added to a finished build later on, in a folder of their own; the manifest that lists them comes last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, OutputError
from chipgen.stopping import to_the_end
from chipgen.store import disk
from chipgen.store.contents import differing
from chipgen.store.files import Written, guarded
from chipgen.store.folder import look, refuse_collection
from chipgen.store.journal import Entry, Journal
from chipgen.store.names import MANIFEST
from chipgen.store.workspace import ADDING, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.store.files import Staging


class Addition(Workspace):
    """A folder of a finished build while it is filled.

    Parameters
    ----------
    out
        The output folder of the build.
    name
        The folder in it that is added.
    overwrite
        Whether what was added under this name before may be replaced.

    Raises
    ------
    DataError
        There is no finished build.
    """

    def __init__(self, out: Path, name: str, *, overwrite: bool) -> None:
        super().__init__(out)
        self.name, self.overwrite = name, overwrite
        self.manifest: dict[str, Any] = {}

    def __enter__(self) -> Addition:  # noqa: PYI034 -- Self is not in Python 3.10
        _refuse_unfinished(self.out, look(self.out).manifest)
        super().__enter__()
        try:
            self.manifest = _refuse_unfinished(self.out, self.found.manifest)
        except DataError:
            self._leave()
            raise
        return self

    def publish(self, staging: Staging, made: dict[str, Any]) -> bool:
        """Give all files their final names, then replace the manifest by one that lists them.

        Parameters
        ----------
        staging
            All files of the folder.
        made
            How they were made; told in the manifest under the folder's name.

        Returns
        -------
        bool
            False when exactly these files were there already.

        Raises
        ------
        OutputError
            Other files are there: from an earlier run, and `overwrite` was not given, or not ours at all.
        """
        new = {file.path: file for file in sorted(staging.written, key=lambda file: file.path)}
        old = {file.path: file for file in self.found.listed if file.path.startswith(f"{self.name}/")}
        present = {path for path in self.found.files if path.startswith(f"{self.name}/")}
        if present - old.keys():
            path = min(present - old.keys())
            raise OutputError.one(self.out, path, "is not listed in the manifest", "move it away, then run again")
        if new == old and not differing(self.out, old.values(), by_content=True):
            return False
        if old and new != old and not self.overwrite:
            what = "holds others than these"
            raise OutputError.one(self.out / self.name, "", what, "add --overwrite to replace them")
        staging.settle()
        with to_the_end(), guarded(self.out):
            self.lock.check()
            self._replace(old, new, staging, made)
        return True

    def _replace(
        self, old: dict[str, Written], new: dict[str, Written], staging: Staging, made: dict[str, Any]
    ) -> None:
        """Remove the old files, move the new ones to their places, write the manifest.

        The manifest never lists a file that is not there; whatever else a killed run leaves is in the journal.
        """
        others = [file for file in self.found.listed if file.path not in old]
        journal = Journal(self.out, ADDING)
        journal.append(Entry((*old.values(), *new.values())))
        if old:
            self._list(others, None)
            self._remove(old)
        for path in new:
            self._make_parents(path)
            disk.replace(staging.folder / path, self.out / path)
        disk.sync_folder(self.out / self.name)
        self._list([*others, *new.values()], made)
        journal.remove()

    def _list(self, files: list[Written], made: dict[str, Any] | None) -> None:
        """Write a manifest that lists these files."""
        facts = {key: value for key, value in self.manifest.items() if key != self.name}
        listed = sorted(files, key=lambda file: file.path)
        told = {} if made is None else {self.name: made}
        staging = self.staging("manifest" if made is None else "last")
        self._put(MANIFEST, {**facts, **told, "files": listed}, staging)


def _refuse_unfinished(out: Path, manifest: dict[str, Any] | None) -> dict[str, Any]:
    """Return the manifest of a finished build.

    Raises
    ------
    DataError
        There is none, or it is no build's.
    """
    what, todo = "holds no finished build", "name the output folder of chipgen build"
    if manifest is None:
        raise DataError.one(out, "", what, todo)
    refuse_collection(out)
    try:
        manifest["configuration"]["format"], manifest["shards"], manifest["counts"]["negatives"]["found"]
    except (TypeError, KeyError) as error:
        raise DataError.one(out, "", what, todo) from error
    return manifest

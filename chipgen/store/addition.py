"""Files added to a finished build later on, in a folder of their own; the manifest that lists them comes last."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, OutputError
from chipgen.store.files import Staging, Written, guarded, sync
from chipgen.store.output import MANIFEST, STAGE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Addition:
    """A folder of a finished build while it is filled.

    An interruption leaves files that no manifest lists, or one that lists files now missing; the same command run again
    finds the former to be what it would write, replaces the latter, and ends as if nothing had happened.

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
        self.out, self.name, self.overwrite = out, name, overwrite
        self.stage = out / STAGE
        self.manifest = _finished(out)

    def __enter__(self) -> Addition:  # noqa: PYI034 -- Self is not in Python 3.10
        with guarded(self.out):
            shutil.rmtree(self.stage, ignore_errors=True)
            self.stage.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is left under temporary names."""
        shutil.rmtree(self.stage, ignore_errors=True)

    def staging(self) -> Staging:
        """Return a new recorder for the staging folder."""
        return Staging(self.stage)

    def publish(self, files: Iterable[Written], made: dict[str, Any]) -> bool:
        """Give all files their final names, then replace the manifest by one that lists them.

        Parameters
        ----------
        files
            All files of the folder, staged.
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
        new = {file.path: asdict(file) for file in sorted(files, key=lambda file: file.path)}
        old = {file["path"]: file for file in self.manifest["files"] if file["path"].startswith(f"{self.name}/")}
        with guarded(self.out):
            present = {f"{self.name}/{path.name}" for path in (self.out / self.name).glob("*")}
            self._refuse_foreign(present - set(old), new)
            if new == old and present == set(old):
                return False
            if old and new != old and not self.overwrite:
                what = "holds others than these"
                todo = "add --overwrite to replace them"
                raise OutputError.one(self.out / self.name, "", what, todo)
            self._replace(old, new, made)
        return True

    def _refuse_foreign(self, unlisted: set[str], new: dict[str, dict[str, Any]]) -> None:
        """Refuse files that no manifest lists, unless they are what an interrupted run of the same command left."""
        for path in sorted(unlisted):
            same = path in new and _digest(self.out / path) == new[path]["sha256"]
            if not same:
                raise OutputError.one(self.out, path, "is not listed in the manifest", "move it away, then run again")

    def _replace(self, old: dict[str, Any], new: dict[str, dict[str, Any]], made: dict[str, Any]) -> None:
        """Remove the old files, move the new ones to their places, write the manifest."""
        for path in old:
            (self.out / path).unlink(missing_ok=True)
        (self.out / self.name).mkdir(exist_ok=True)
        for path in new:
            os.replace(self.stage / path, self.out / path)  # noqa: PTH105 -- the call the protocol names
        sync(self.out / self.name)
        others = [file for file in self.manifest["files"] if file["path"] not in old]
        files = sorted([*others, *new.values()], key=lambda file: file["path"])
        manifest = {**self.manifest, self.name: made, "files": files}
        self.staging().write(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")
        os.replace(self.stage / MANIFEST, self.out / MANIFEST)  # noqa: PTH105
        sync(self.out)


def _finished(out: Path) -> dict[str, Any]:
    """Return the manifest of a finished build.

    Raises
    ------
    DataError
        There is none.
    """
    try:
        manifest: dict[str, Any] = json.loads((out / MANIFEST).read_bytes())
        manifest["configuration"]["format"], manifest["shards"], manifest["counts"]["negatives"]["found"]
        [file["path"] for file in manifest["files"]]
    except (OSError, ValueError, TypeError, KeyError) as error:
        what = f"holds no finished build ({type(error).__name__}: {error})"
        raise DataError.one(out, "", what, "name the output folder of chipgen build") from error
    return manifest


def _digest(path: Path) -> str:
    """Return the checksum of a file; none of a folder or a link."""
    if path.is_symlink() or not path.is_file():
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()

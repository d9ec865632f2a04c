"""The output folder of a build."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipgen.errors import OutputError, StorageError
from chipgen.store.files import Staging, Written, guarded, sync

if TYPE_CHECKING:
    from collections.abc import Iterable

MANIFEST = "_manifest.json"
STAGE = ".tmp"


class Output:
    """An output folder while it is built.

    Parameters
    ----------
    out
        The folder; it may not exist yet, be empty, or, with `overwrite`, hold an earlier build.
    overwrite
        Whether an earlier build may be replaced: exactly the files its manifest lists.

    Raises
    ------
    OutputError
        The folder holds anything else.
    """

    def __init__(self, out: Path, *, overwrite: bool) -> None:
        self.out = out
        self.stage = out / STAGE
        self.old = _replaceable(out, overwrite=overwrite)
        self._made = [folder for folder in (out.parent, out) if not folder.exists()]

    def __enter__(self) -> Output:  # noqa: PYI034 -- Self is not in Python 3.10
        with guarded(self.out):
            shutil.rmtree(self.stage, ignore_errors=True)
            for folder in self._made:
                folder.mkdir()
            self.stage.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove what is left under temporary names; the folders made for it too, where they hold nothing."""
        shutil.rmtree(self.stage, ignore_errors=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def staging(self) -> Staging:
        """Return a new recorder for the staging folder."""
        return Staging(self.stage)

    def publish(self, files: Iterable[Written], manifest: dict[str, Any]) -> None:
        """Give all files their final names, the manifest last."""
        staging = self.staging()
        files = sorted(files, key=lambda file: file.path)
        manifest = {**manifest, "files": [asdict(file) for file in files]}
        staging.write(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")
        with guarded(self.out):
            self._remove_old()
            for file in files:
                self._rename(file.path)
            for folder in {self.out, *((self.out / file.path).parent for file in files)}:
                sync(folder)
            self._rename(MANIFEST)
            sync(self.out)

    def _rename(self, path: str) -> None:
        """Move one file from its temporary to its final name."""
        target = self.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.stage / path, target)  # noqa: PTH105 -- the call the protocol names

    def _remove_old(self) -> None:
        """Remove the files of the build that is replaced, its manifest first."""
        folders: set[Path] = set()
        for path in self.old:
            (self.out / path).unlink(missing_ok=True)
            folders.update(parent for parent in Path(path).parents if parent.parts)
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            with contextlib.suppress(OSError):
                (self.out / folder).rmdir()


def _replaceable(out: Path, *, overwrite: bool) -> list[str]:
    """Return the files of an earlier build in a folder that may be replaced, manifest first.

    Raises
    ------
    OutputError
        The folder must not be touched.
    """
    with guarded(out):
        if not out.exists() and not out.is_symlink():
            if not (out.parent.is_dir() or out.parent.parent.is_dir()):
                raise StorageError.one(out, "", "its parent folders do not exist", "create them first")
            return []
        if not out.is_dir():
            raise OutputError.one(out, "", "exists and is no folder", "choose another --out")
        present = _files_in(out)
        if not present and not (out / STAGE).exists():
            return []
        if not overwrite:
            what = "exists and is not empty"
            raise OutputError.one(out, "", what, "choose another --out, or --overwrite what chipgen wrote there")
        ours = read_listed(out)
        foreign = sorted(present - set(ours))
        if foreign:
            what = f"chipgen did not write it ({len(foreign)} such files)"
            raise OutputError.one(out, foreign[0], what, "move them away or choose another --out")
        return ours


def _files_in(out: Path) -> set[str]:
    """Return the files below a folder, temporary ones left out."""
    return {
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path.relative_to(out).parts[0] != STAGE
    }


def read_listed(out: Path) -> list[str]:
    """Return the files a manifest lists, itself first; none without a manifest that can be read."""
    try:
        manifest = json.loads((out / MANIFEST).read_bytes())
        paths = [str(file["path"]) for file in manifest["files"]]
    except (OSError, ValueError, TypeError, KeyError):
        return []
    inside = [path for path in paths if not Path(path).is_absolute() and ".." not in Path(path).parts]
    return [MANIFEST, *inside]

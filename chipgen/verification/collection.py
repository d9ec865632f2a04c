"""A folder of several splits: its own few files, and each split as a build by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chipgen.card import CARD
from chipgen.fingerprint import FORMAT_VERSION
from chipgen.store import MANIFEST, splits_of
from chipgen.verification.faults import Faults, MalformedError
from chipgen.verification.listing import sound_files
from chipgen.verification.manifest import RESTORE, FileEntry, check_listed
from chipgen.verification.reading import read_whole
from chipgen.writers.yolo import DATA

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.errors import Problem


class Configuration(msgspec.Struct, frozen=True):
    """What the folder holds."""

    format: str
    layout: str
    splits: dict[str, str]


class CollectionManifest(msgspec.Struct, frozen=True):
    """What the manifest of several splits says."""

    format_version: int
    chipgen_version: str
    configuration: Configuration
    files: list[FileEntry]


def check_collection(folder: Path) -> tuple[list[FileEntry], list[Problem]]:
    """Check the files that speak of all splits.

    Returns
    -------
    list of FileEntry, list of Problem
        The files that the manifest lists, and what is wrong with them.
    """
    faults = Faults(folder)
    manifest = None
    with faults.reading(MANIFEST, RESTORE):
        manifest = _read(folder)
    if manifest is None:
        return [], faults.problems
    listed = check_listed(manifest.files, faults)
    expected = {CARD, *([DATA] if manifest.configuration.format == "yolo" else [])}
    for path in sorted(expected - listed.keys()):
        faults.add(MANIFEST, "files", f"{path} is not listed", RESTORE)
    for path in sorted(listed.keys() - expected):
        faults.add(MANIFEST, "files", f"{path} belongs to no collection of splits", RESTORE)
    sound_files(folder, listed, expected, faults, nested=splits_of(folder).values())
    return list(listed.values()), faults.problems


def _read(folder: Path) -> CollectionManifest:
    """Read the manifest.

    Raises
    ------
    MalformedError, UnusableError
        It is none that this version knows.
    """
    try:
        manifest = msgspec.json.decode(read_whole(folder / MANIFEST), type=CollectionManifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what, _, where = str(error).partition(" - at `")
        raise MalformedError(where.removeprefix("$.").rstrip("`"), what) from error
    if manifest.format_version != FORMAT_VERSION:
        what = f"format version {manifest.format_version} is not known, only {FORMAT_VERSION}"
        raise MalformedError("format_version", f"{what}; use the chipgen that built it")
    return manifest

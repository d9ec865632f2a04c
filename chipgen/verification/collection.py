"""A folder of several splits: its own few files, and each split as a build by itself."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict

from chipgen.card import CARD
from chipgen.errors import ChipgenError, DataError
from chipgen.export_config import ADMITS_MORE
from chipgen.fingerprint import FORMAT_VERSION
from chipgen.remote import is_folder, path_of
from chipgen.store import MANIFEST, splits_of
from chipgen.verification.faults import Faults, MalformedError
from chipgen.verification.listing import sound_files
from chipgen.verification.manifest import RESTORE, FileEntry, check_listed
from chipgen.verification.reading import read_whole
from chipgen.verification.yolo_data import check_data, names_of
from chipgen.writers.yolo import DATA

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from chipgen.errors import Problem


class Configuration(msgspec.Struct, frozen=True):
    """What the folder holds."""

    format: str
    layout: str
    splits: dict[str, str]


class Record(msgspec.Struct, frozen=True):
    """What a split says that it was made from, as far as splits are compared."""

    configuration: dict[str, Any]
    inputs: dict[str, Any]
    chipgen_version: str
    categories: str
    encoders: dict[str, Any]


class CollectionManifest(msgspec.Struct, frozen=True):
    """What the manifest of several splits says."""

    format_version: int
    chipgen_version: str
    configuration: Configuration
    files: list[FileEntry]


MAY_DIFFER = {"split", *ADMITS_MORE}
"""Settings that need not be the same in all splits: their names, and what --retry-skipped may raise where it did."""

TOGETHER = "build all splits again, with --overwrite"


def refuse_one_of(folder: Path, sources: str | os.PathLike[str] | None) -> None:
    """Refuse to compare all splits with an annotation file that only some of them were made from.

    Raises
    ------
    DataError
        It is such a file.
    """
    if sources is None or is_folder(sources):
        return
    splits = splits_of(folder)
    inputs = {str(record["inputs"].get("annotations")) for record in _records(folder, splits).values()}
    if len(inputs) > 1:
        one = folder / next(iter(splits.values()))
        todo = f"name the folder of the images, or look at each split by itself, such as {one}"
        raise DataError.one(path_of(sources), "", "is not the annotation file of all splits", todo)


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
    splits = manifest.configuration.splits
    sound = sound_files(folder, listed, expected, faults, nested=splits.values())
    faults.add_each(MANIFEST, _apart(manifest.configuration, _records(folder, splits)), TOGETHER)
    if DATA in sound:
        with faults.reading(DATA):
            _check_data(folder, splits)
    return list(listed.values()), faults.problems


def _records(folder: Path, splits: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return what each split says that it was made from; one that says nothing sensible was told of by itself."""
    found: dict[str, dict[str, Any]] = {}
    for name, place in splits.items():
        with contextlib.suppress(ChipgenError, MalformedError, ValueError, RecursionError):
            found[name] = asdict(msgspec.json.decode(read_whole(folder / place / MANIFEST), type=Record))
    return found


def _apart(told: Configuration, records: Mapping[str, dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield where splits are not of the same build."""
    told_of = {"format": told.format, "layout": told.layout}
    first, before = next(iter(records.items()), ("", {}))
    for name, record in records.items():
        configuration = record["configuration"]
        for key, value in {**told_of, "split": name}.items():
            if configuration.get(key) != value:
                yield name, f"its {key} is {configuration.get(key)!r:.100}, not {value!r:.100}"
        for key, value in _compared(record).items():
            if value != _compared(before).get(key, value):
                yield name, f"was not built together with {first}: its {key} differs"


def _compared(record: dict[str, Any]) -> dict[str, Any]:
    """Return what is the same in all splits of a build."""
    configuration = {key: value for key, value in record["configuration"].items() if key not in MAY_DIFFER}
    inputs = {} if configuration.get("val_fraction") is None else {"annotation file": record["inputs"]}
    whole = {key: record[key] for key in ("chipgen_version", "categories", "encoders")}
    return {**configuration, **inputs, **whole}


def _check_data(folder: Path, splits: Mapping[str, str]) -> None:
    """Check names and places for trainers of YOLO.

    Raises
    ------
    MalformedError, UnusableError
        They are not those of the splits.
    """
    check_data(folder, {name: f"{place}/images" for name, place in splits.items()})
    for place in splits.values():
        with contextlib.suppress(ChipgenError):  # it is not there, which was told
            if names_of(folder / place) != names_of(folder):
                raise MalformedError("names", f"are not those of {place}/{DATA}")


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

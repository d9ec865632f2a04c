"""A folder of a dataset in several parts: its own few files, and whether the parts belong together."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from chipgen.card import CARD
from chipgen.errors import ChipgenError, DataError
from chipgen.fingerprint import FORMAT_VERSION
from chipgen.store import MANIFEST, part_folders
from chipgen.verification.collection import MAY_DIFFER
from chipgen.verification.faults import Faults, MalformedError
from chipgen.verification.listing import sound_files
from chipgen.verification.manifest import RESTORE, Count, Digest, FileEntry, ShardEntry, check_listed
from chipgen.verification.reading import read_whole
from chipgen.verification.yolo_data import check_data, names_of
from chipgen.writers.yolo import DATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from chipgen.errors import Problem

AGAIN = "run the same chipgen build again, with --overwrite where a part was built by itself"


class Part(msgspec.Struct, frozen=True):
    """What the manifest says of a part."""

    folder: str
    annotations: str
    sha256: Digest
    chips: Count
    shards: Count


class Configuration(msgspec.Struct, frozen=True):
    """What the folder holds."""

    format: str
    layout: str
    split: str
    parts: Annotated[int, msgspec.Meta(ge=1)]


class PartsManifest(msgspec.Struct, frozen=True):
    """What the manifest of several parts says."""

    format_version: int
    chipgen_version: str
    configuration: Configuration
    parts: list[Part]
    files: list[FileEntry]


class Counts(msgspec.Struct, frozen=True):
    """What a part says that it came to, as far as it is compared."""

    chips: Count


class Record(msgspec.Struct, frozen=True):
    """What a part says that it was made from, as far as parts are compared."""

    configuration: dict[str, Any]
    inputs: dict[str, dict[str, str]]
    chipgen_version: str
    categories: str
    encoders: dict[str, Any]
    counts: Counts
    shards: list[ShardEntry]


def refuse_one_file(folder: Path, parts: Sequence[str], sources: str | os.PathLike[str] | None) -> None:
    """Refuse to compare all parts with an annotation file: each was made from one of its own.

    Raises
    ------
    DataError
        It is a file.
    """
    if sources is not None and not os.path.isdir(sources) and len(parts) > 1:  # noqa: PTH112 -- Path.is_dir raises
        todo = f"name the folder of the images, or look at each part by itself, such as {folder / parts[0]}"
        raise DataError.one(sources, "", "is not the annotation file of all parts", todo)


def check_parts(folder: Path) -> tuple[list[FileEntry], list[Problem]]:
    """Check the files that speak of all parts, and what the parts say of themselves, one after the other.

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
        faults.add(MANIFEST, "files", f"{path} belongs to no dataset in parts", RESTORE)
    folders = part_folders(manifest.configuration.parts)
    more = part_folders(len(folders) + 1)[-1]
    if (folder / more).is_dir():
        faults.add(more, "", "is a part more than the manifest says", "run the build of all annotation files again")
    if DATA in sound_files(folder, listed, expected, faults, nested=(*folders, more)):
        with faults.reading(DATA):
            _check_data(folder, manifest.configuration.split, folders)
    if [part.folder for part in manifest.parts] != [*folders]:
        faults.add(MANIFEST, "parts", f"are not {len(folders)}, one a folder, in their order", RESTORE)
    else:
        faults.add_each(MANIFEST, _apart(folder, manifest), AGAIN)
    return list(listed.values()), faults.problems


def _check_data(folder: Path, split: str, folders: Sequence[str]) -> None:
    """Check names and places for trainers of YOLO.

    Raises
    ------
    MalformedError, UnusableError
        They are not those of the parts.
    """
    check_data(folder, {split: [f"{place}/images" for place in folders]})
    with contextlib.suppress(ChipgenError):  # it is not there, which was told
        if names_of(folder / folders[0]) != names_of(folder):
            raise MalformedError("names", f"are not those of {folders[0]}/{DATA}")


def _apart(folder: Path, manifest: PartsManifest) -> Iterator[tuple[str, str]]:
    """Yield where parts are not of the same build, or not what the manifest says of them."""
    told, first, before = manifest.configuration, "", dict[str, Any]()
    for number, part in enumerate(manifest.parts):
        record = _record(folder / part.folder)
        if record is None:
            continue  # it says nothing sensible, which was told by itself
        wanted = {"format": told.format, "layout": told.layout, "split": told.split, "partition": number}
        for key, value in wanted.items():
            if record.configuration.get(key) != value:
                yield part.folder, f"its {key} is {record.configuration.get(key)!r:.100}, not {value!r:.100}"
        there = (record.inputs.get("annotations", {}).get("sha256"), record.counts.chips, len(record.shards))
        if there != (part.sha256, part.chips, part.shards):
            yield part.folder, "was made from other annotations, or holds other chips, than the manifest says"
        compared = _compared(record)
        first, before = (first, before) if before else (part.folder, compared)
        for key, value in compared.items():
            if value != before.get(key, value):
                yield part.folder, f"was not built together with {first}: its {key} differs"


def _record(folder: Path) -> Record | None:
    """Return what a part says of itself; None where that is nothing sensible."""
    with contextlib.suppress(ChipgenError, MalformedError, ValueError, RecursionError):
        return msgspec.json.decode(read_whole(folder / MANIFEST), type=Record)
    return None


def _compared(record: Record) -> dict[str, Any]:
    """Return what is the same in all parts of a build."""
    left_out = {*MAY_DIFFER, "partition"}
    configuration = {key: value for key, value in record.configuration.items() if key not in left_out}
    whole = {key: getattr(record, key) for key in ("chipgen_version", "categories", "encoders")}
    return {**configuration, **whole}


def _read(folder: Path) -> PartsManifest:
    """Read the manifest.

    Raises
    ------
    MalformedError, UnusableError
        It is none that this version knows.
    """
    try:
        manifest = msgspec.json.decode(read_whole(folder / MANIFEST), type=PartsManifest)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what, _, where = str(error).partition(" - at `")
        raise MalformedError(where.removeprefix("$.").rstrip("`"), what) from error
    if manifest.format_version != FORMAT_VERSION:
        what = f"format version {manifest.format_version} is not known, only {FORMAT_VERSION}"
        raise MalformedError("format_version", f"{what}; use the chipgen that built it")
    return manifest

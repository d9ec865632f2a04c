"""Is a finished build what it promises to be? Every promise that can be checked on disk, without decoding a pixel.

From the outside in: the manifest by itself, the folder against the manifest, then the content of what is undamaged:
plan, skipped things, sources, shards, ledger, merged files. A file that is damaged is told of once; what could only be
checked with it is not.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, Problem
from chipgen.remote import is_file, is_folder, is_there, path_of, place_of
from chipgen.store import MANIFEST, parts_of, splits_of
from chipgen.text import counted, human_bytes
from chipgen.verification.accounts import (
    Accounts,
    check_counts,
    check_ledger,
    check_shown,
    check_skipped,
    check_sources,
)
from chipgen.verification.collection import check_collection, refuse_one_of
from chipgen.verification.epochs import check_epochs
from chipgen.verification.faults import Faults
from chipgen.verification.listing import OF_A_BUILD, sound_files
from chipgen.verification.manifest import RESTORE, check_manifest, expected_files, read_manifest
from chipgen.verification.merged import check_merged
from chipgen.verification.originals import check_originals
from chipgen.verification.partitions import check_parts, refuse_one_file
from chipgen.verification.plan import check_plan
from chipgen.verification.shards import ShardChecks
from chipgen.verification.skipped import read_skipped
from chipgen.verification.tables import read_ledger, read_plan, read_sources
from chipgen.verification.webdataset_shard import read_categories
from chipgen.verification.yolo_data import check_data
from chipgen.writers.tables import LEDGER, PLAN, SKIPPED, SOURCES
from chipgen.writers.webdataset import CATEGORIES
from chipgen.writers.yolo import DATA

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from chipgen.verification.manifest import FileEntry, Manifest
    from chipgen.verification.skipped import SkippedLines
    from chipgen.verification.tables import LedgerTable, PlanTable, SourcesTable
AGAIN = "run the same chipgen build again"
UNFINISHED = OF_A_BUILD - {".lock"}
"""What tells that a folder without a manifest is a build that was interrupted."""


@dataclass(frozen=True)
class VerifyReport:
    """What a finished build turned out to be.

    Parameters
    ----------
    out
        The output folder.
    chips, shards, files, bytes
        What its manifest lists; zero where the manifest cannot be read.
    images
        Source images that were compared with what they were.
    faults
        Everything that is wrong.
    """

    out: str
    chips: int
    shards: int
    files: int
    bytes: int
    images: int
    faults: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Return whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return {"ok": self.ok, **asdict(self)}

    def __str__(self) -> str:
        """Return one line for people."""
        images = f", {counted(self.images, 'source image')}" if self.images else ""
        what = (
            f"{counted(self.chips, 'chip')} in {counted(self.shards, 'shard')}, {counted(self.files, 'file')}, "
            f"{human_bytes(self.bytes)}{images}"
        )
        return f"{'verified' if self.ok else counted(len(self.faults), 'fault'):<12} {what}: {self.out}"


def verify(out: str | os.PathLike[str], sources: str | os.PathLike[str] | None = None) -> VerifyReport:
    """Check a finished build.

    Parameters
    ----------
    out
        The output folder, or its URL.
    sources
        The folder of the images, or the annotation file beside which they are found, or the URL of either: then the
        images that chips were cut from are compared with what they were, and so is the annotation file.

    Returns
    -------
    VerifyReport
        Everything that is wrong with it.

    Raises
    ------
    DataError
        The folder holds no finished build, or `sources` is nothing that can be looked at.
    StorageError
        A storage does not answer.
    """
    folder = path_of(out)
    _refuse_others(folder)
    if sources is not None and not is_folder(sources) and not is_file(sources):
        todo = "name the images or their annotation file"
        raise DataError.one(path_of(sources), "", "is neither a folder nor a file", todo)
    if splits := splits_of(folder):
        refuse_one_of(folder, sources)
        return _verify_all(folder, splits.values(), sources, check_collection)
    if parts := parts_of(folder):
        refuse_one_file(folder, parts, sources)
        return _verify_all(folder, parts, sources, check_parts)
    faults, manifest, images = Faults(folder), None, 0
    with faults.reading(MANIFEST, RESTORE):
        manifest = read_manifest(folder)
    if manifest is None:
        return VerifyReport(place_of(str(out)), 0, 0, 0, 0, 0, tuple(faults.problems))
    listed = check_manifest(manifest, faults)
    consistent = not faults
    sound = sound_files(folder, listed, set(expected_files(manifest)), faults)
    if consistent:  # else there is nothing to compare with
        table = _check_content(folder, manifest, sound, faults)
        if sources is not None and table is not None:
            images, problems = check_originals(table, path_of(sources), manifest.inputs.annotations.sha256)
            faults.problems += problems
    return VerifyReport(
        out=place_of(str(out)),
        chips=manifest.counts.chips,
        shards=len(manifest.shards),
        files=len(listed) + 1,
        bytes=sum(file.bytes for file in listed.values()),
        images=images,
        faults=tuple(faults.problems),
    )


def _verify_split(folder: Path, sources: str | os.PathLike[str] | None) -> VerifyReport:
    """Check one of several splits or parts; that it is not there is a fault."""
    try:
        return verify(folder, sources)
    except DataError as error:
        lost = tuple(replace(problem, todo=AGAIN) for problem in error.problems)
        return VerifyReport(str(folder), 0, 0, 0, 0, 0, lost)


def _verify_all(
    folder: Path,
    nested: Iterable[str],
    sources: str | os.PathLike[str] | None,
    check: Callable[[Path], tuple[list[FileEntry], list[Problem]]],
) -> VerifyReport:
    """Check a folder of several splits or parts, one after the other; `check` looks at its own files."""
    splits = [_verify_split(folder / name, sources) for name in nested]
    listed, problems = check(folder)
    return VerifyReport(
        out=str(folder),
        chips=sum(split.chips for split in splits),
        shards=sum(split.shards for split in splits),
        files=sum(split.files for split in splits) + len(listed) + 1,
        bytes=sum(split.bytes for split in splits) + sum(file.bytes for file in listed),
        images=sum(split.images for split in splits),
        faults=(*problems, *(fault for split in splits for fault in split.faults)),
    )


def _refuse_others(folder: Path) -> None:
    """Refuse a folder that holds no finished build.

    Raises
    ------
    DataError
        Saying whether it is an interrupted one.
    """
    if not is_there(folder / MANIFEST):
        if any(is_there(folder / name) for name in UNFINISHED):
            raise DataError.one(folder, "", "is not finished", AGAIN)
        raise DataError.one(folder, "", "holds no finished build", "name the output folder of chipgen build")


def _check_content(folder: Path, manifest: Manifest, sound: frozenset[str], faults: Faults) -> SourcesTable | None:
    """Check what the undamaged files say; return the images that chips were cut from."""
    skipped = _skipped(folder, sound, faults)
    ledger = _ledger(folder, manifest, sound, faults)
    plan = _plan(folder, manifest, sound, faults, skipped)
    sources: SourcesTable | None = None
    if SOURCES in sound:
        with faults.reading(SOURCES):
            sources = read_sources(folder / SOURCES)
    accounts = Accounts(manifest, plan, ledger, skipped, sources)
    faults.add_each(SKIPPED, check_skipped(accounts))
    faults.add_each(SOURCES, check_sources(accounts))
    before = len(faults)
    ShardChecks(folder, manifest, sound - _broken_tables(folder, manifest, sound, faults), plan).run(faults)
    agree = len(faults) == before  # a shard that contradicts the plan leaves open which of them is right
    faults.add_each(PLAN, check_shown(accounts))
    faults.add_each(LEDGER, check_ledger(accounts, against_plan=agree))
    if agree:
        faults.add_each(MANIFEST, check_counts(accounts), RESTORE)
        _check_merged(folder, manifest, sound, faults)
        if plan is not None:
            check_epochs(folder, manifest, plan, sound, faults)
    return sources


def _broken_tables(folder: Path, manifest: Manifest, sound: Collection[str], faults: Faults) -> frozenset[str]:
    """Check the file that names the classes in formats in which shards do not; return it where it is broken."""
    before, config = len(faults), manifest.configuration
    if config.format == "yolo" and DATA in sound:
        with faults.reading(DATA):
            check_data(folder, {config.split: "images"})
    if config.format == "webdataset" and CATEGORIES in sound:
        with faults.reading(CATEGORIES):
            read_categories(folder)
    return frozenset({DATA, CATEGORIES} if len(faults) > before else ())


def _skipped(folder: Path, sound: Collection[str], faults: Faults) -> SkippedLines | None:
    """Return the skipped things; None where they cannot be trusted."""
    if SKIPPED in sound:
        with faults.reading(SKIPPED):
            return read_skipped(folder / SKIPPED, SKIPPED, faults)
    return None


def _ledger(folder: Path, manifest: Manifest, sound: Collection[str], faults: Faults) -> LedgerTable | None:
    """Return the ledger; None where it cannot be trusted."""
    if LEDGER in sound:
        with faults.reading(LEDGER):
            ledger = read_ledger(folder / LEDGER)
            if len(ledger) == manifest.counts.annotations:
                return ledger
            faults.add(LEDGER, "", f"has {len(ledger)} rows, the manifest says {manifest.counts.annotations}")
    return None


def _plan(
    folder: Path, manifest: Manifest, sound: Collection[str], faults: Faults, skipped: SkippedLines | None
) -> PlanTable | None:
    """Return the plan; None where it cannot be trusted."""
    plan, before = None, len(faults)
    if PLAN in sound:
        with faults.reading(PLAN):
            plan = read_plan(folder / PLAN)
    if plan is not None:
        faults.add_each(PLAN, check_plan(plan, manifest, whole=skipped is not None and not skipped.images))
    return plan if len(faults) == before else None


def _check_merged(folder: Path, manifest: Manifest, sound: Collection[str], faults: Faults) -> None:
    """Check the annotations of all shards together, where there are such and all shards are undamaged."""
    config = manifest.configuration
    merged = config.form.whole_files[0] if config.format == "coco" else ""
    if merged in sound and all(shard.path in sound for shard in manifest.shards):
        with faults.reading(merged):
            check_merged(folder, merged, manifest)

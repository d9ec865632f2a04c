"""A finished build read back as the shards it was made of, so that some of them can be made again."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from chipgen.additions import ADDED
from chipgen.findings import Findings, ImageFile
from chipgen.images import EXTENSIONS
from chipgen.parquet_files import read_parquet
from chipgen.rows import stem_of
from chipgen.store import Entry, Written
from chipgen.workers import ShardDone
from chipgen.writers import format_of
from chipgen.writers.tables import SOURCES, read_skipped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chipgen.boxes import Ints
    from chipgen.dataset import Skipped
    from chipgen.export_config import ExportConfig
    from chipgen.plan import Plan

OF_CHIPS = ("images", "labels")
"""Folders in which each chip has a file of its own."""


def finished_shards(plan: Plan, out: Path, manifest: Mapping[str, Any]) -> dict[int, ShardDone]:
    """Return the shards of a finished build by their number; none when its tables cannot be read.

    Parameters
    ----------
    plan
        The plan it was made from.
    out, manifest
        Its folder and its manifest.
    """
    try:
        files, notes = _sources(plan, out)
        skipped = _skipped(out)
    except (OSError, ValueError, TypeError, KeyError, pa.ArrowException):
        return {}
    of_shard = _files_by_shard(plan, manifest)
    shards = {}
    for index, shard in enumerate(manifest["shards"]):
        rows = np.unique(plan.chips.image[slice(*plan.shards[index : index + 2])]).tolist()
        row_of = {int(plan.dataset.images.id[row]): row for row in rows}
        here = [entry for image_id in row_of for entry in skipped.get(image_id, ())]
        findings = Findings(
            skipped=here,
            notes={row: notes[row] for row in rows if row in notes},
            images={row_of[entry.image_id or 0]: entry.reason for entry in here if entry.kind == "image"},
            files={row: files[row] for row in rows if row in files},
        )
        shards[index] = ShardDone(index, shard["path"], shard["rows"], of_shard[index], findings)
    return shards


def other_files(plan: Plan, manifest: Mapping[str, Any]) -> tuple[Entry, dict[str, Entry]]:
    """Return what a finished build has besides its shards: its files as a whole, and those of each folder added."""
    rest = _files_by_shard(plan, manifest)[None]
    folders = [name for name in ADDED if name in manifest]
    inside = {name: [file for file in rest if file.path.startswith(f"{name}/")] for name in folders}
    added = {file.path for files in inside.values() for file in files}
    whole = Entry(tuple(file for file in rest if file.path not in added))
    return whole, {name: Entry(tuple(files)) for name, files in inside.items()}


def _skipped(out: Path) -> dict[int | None, list[Skipped]]:
    """Return the images and masks that a finished build had to do without, by the id of their image."""
    found = defaultdict(list)
    for entry in read_skipped(out):
        if entry.kind in {"image", "mask"}:
            found[entry.image_id].append(entry)
    return found


def _sources(plan: Plan, out: Path) -> tuple[dict[int, ImageFile], dict[int, tuple[str, ...]]]:
    """Return the files that were read, and remarks about them, by the row of their image in the dataset."""
    table = read_parquet(out / SOURCES).to_pydict()
    rows = np.searchsorted(plan.dataset.images.id, table["image_id"]).tolist()
    sampled = table.get("sampled_sha256", [None] * len(rows))  # builds of earlier versions have none
    files = {
        row: ImageFile(length, sha256 or of_samples, sampled=sha256 is None)
        for row, length, sha256, of_samples in zip(rows, table["bytes"], table["sha256"], sampled, strict=True)
        if sha256 or of_samples
    }
    return files, {row: tuple(notes) for row, notes in zip(rows, table["notes"], strict=True) if row in files}


def _files_by_shard(plan: Plan, manifest: Mapping[str, Any]) -> dict[int | None, tuple[Written, ...]]:
    """Return the listed files by the number of the shard they belong to, None for those of no shard."""
    configuration = manifest["configuration"]
    form, split = format_of(configuration["format"], configuration["layout"]), configuration["split"]
    lists: dict[int | None, list[Written]] = defaultdict(list)
    for file in manifest["files"]:
        lists[form.shard_of(file["path"], split, _ends(plan))].append(Written(**file))
    return defaultdict(tuple, {index: tuple(files) for index, files in lists.items()})


def is_planned(plan: Plan, config: ExportConfig, path: str) -> bool:
    """Tell whether a file belongs to a shard: of those of single chips, one that is named just like that.

    Parameters
    ----------
    plan, config
        What is built, and how.
    path
        Of the file, relative to the output folder.
    """
    planned = format_of(config.format, config.layout).shard_of(path, config.split, _ends(plan)) is not None
    folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
    if not planned or folder not in OF_CHIPS:
        return planned
    identifier = int(name.partition("-")[0])
    chip = identifier - plan.dataset.source.first_id
    if not 0 <= chip < len(plan.chips):
        return False
    image_id = int(plan.dataset.images.id[plan.chips.image[chip]])
    ending = "txt" if folder == "labels" else EXTENSIONS[config.image_format]
    return name == f"{stem_of(identifier, image_id, int(plan.chips.level[chip]))}.{ending}"


def _ends(plan: Plan) -> Ints:
    """Return the id of the first chip of each shard, and the one after the last."""
    return plan.shards + plan.dataset.source.first_id

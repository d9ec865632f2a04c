"""The files of epochs against the plan: all positive chips and some negative ones, each by id and by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from chipgen.epochs import FOLDER
from chipgen.verification.arrow import numbers, read_table
from chipgen.verification.faults import MalformedError
from chipgen.verification.laws import not_rising
from chipgen.verification.merged import check_merged
from chipgen.writers.tables import PLAN

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from chipgen.boxes import Ints
    from chipgen.verification.faults import Faults
    from chipgen.verification.manifest import Manifest
    from chipgen.verification.tables import PlanTable

COLUMNS = {"image_id": pa.int64(), "row": pa.int64()}


def check_epochs(out: Path, manifest: Manifest, plan: PlanTable, sound: Collection[str], faults: Faults) -> None:
    """Check the files of all epochs that are undamaged, the annotation files only where all shards are, too."""
    shards_are_sound = all(shard.path in sound for shard in manifest.shards)
    listing = manifest.configuration.form.listing
    for epoch in range(manifest.epochs.epochs if manifest.epochs else 0):
        table, merged = (
            f"{FOLDER}/epoch-{epoch}.{ending}" for ending in ("parquet", listing.ending if listing else "")
        )
        if table not in sound:
            continue
        before = len(faults)
        with faults.reading(table):
            shown = _shown(out / table, plan)
        if len(faults) == before and merged in sound and shards_are_sound:
            with faults.reading(merged):
                check_merged(out, merged, manifest, set(shown.tolist()))


def _shown(path: Path, plan: PlanTable) -> Ints:
    """Return the ids of the chips of an epoch.

    Raises
    ------
    MalformedError
        They are not what an epoch shows.
    """
    table = read_table(path, COLUMNS)
    row, chip_id = numbers(table["row"]), numbers(table["image_id"])
    if not_rising(row).any() or (len(row) and not 0 <= row[0] <= row[-1] < len(plan.chips)):
        raise MalformedError("column row", f"does not rise, or leads beyond the {len(plan.chips)} chips")
    for wrong in np.flatnonzero(plan.chips.id[row] != chip_id)[:1].tolist():
        what = f"is chip {chip_id[wrong]}, {PLAN} has chip {plan.chips.id[row[wrong]]} in row {row[wrong]}"
        raise MalformedError(f"row {wrong}", what)
    absent = np.setdiff1d(np.flatnonzero(plan.chips.kind == 0), row)
    if len(absent):
        raise MalformedError(
            f"chip {plan.chips.id[absent[0]]}", f"is positive, but not shown ({len(absent)} such chips)"
        )
    return np.asarray(chip_id)

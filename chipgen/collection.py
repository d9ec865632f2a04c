"""Several splits in one folder: a build for each, in a folder of its own, and beside them what speaks of all.

Each split is a build like any other: it keeps every promise by itself, is resumed, verified and described by itself.
The folder above adds the files that trainers look for there, a card and, for YOLO, `data.yaml`, and a manifest that
lists these and names the splits.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chipgen import _version
from chipgen.build import Asked
from chipgen.card import CARD, collection_card
from chipgen.errors import DataError, OutputError, UsageError
from chipgen.export_config import ExportConfig, ExportSettings
from chipgen.fingerprint import FORMAT_VERSION, labels_of
from chipgen.inputs import image_root, refuse_missing, shared_files
from chipgen.remote import path_of
from chipgen.split_folders import said_of_validation, split_folders
from chipgen.stopping import Stopped
from chipgen.store import Entry, Output, refuse_splits, survey
from chipgen.text import counted
from chipgen.writers.schema import class_names
from chipgen.writers.yolo import DATA, data_yaml

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Unpack

    from chipgen.finished import BuildReport
    from chipgen.plan import Plan
    from chipgen.store import Start


@dataclass(frozen=True)
class CollectionReport:
    """What became of several splits.

    Parameters
    ----------
    out
        The folder that holds them.
    splits
        Each of them.
    notes
        What is worth knowing of them together.
    unchanged
        Whether nothing was written.
    """

    out: str
    splits: dict[str, BuildReport]
    notes: tuple[str, ...] = ()
    unchanged: bool = False

    def within(self, limit: int) -> bool:
        """Tell whether no more was skipped in all splits than allowed."""
        return sum(sum(report.skipped.values()) for report in self.splits.values()) <= limit


def export_splits(
    plans: Mapping[str, Plan],
    out: str | os.PathLike[str],
    format: str = "parquet",  # noqa: A002 -- the option's name
    **settings: Unpack[ExportSettings],
) -> CollectionReport:
    """Cut the chips of several splits and write each into a folder of its own; see `export`.

    Parameters
    ----------
    plans
        The plan of each split, by name.
    out
        The folder that holds them: new, empty, or of the same splits, finished or not.
    format, **settings
        As for `export`; each split has its own name.

    Returns
    -------
    CollectionReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError, WorkerError
        As `export` raises them; splits that were finished stay, and the same call goes on with the others.
    """
    return run_splits(plans, path_of(out), ExportConfig(format=format, **settings))


def run_splits(plans: Mapping[str, Plan], out: Path, config: ExportConfig) -> CollectionReport:
    """Export several splits as a configuration says; see `export_splits`."""
    collection = _Collection(dict(plans), out, config)
    refuse_splits(out, collection.folders.values())
    with Output(out, overwrite=config.overwrite, nested=collection.folders.values()) as output:
        start = output.start(collection.record, lambda _: False, by_content=config.verify)
        done = collection.look(going_on=start.resumed)
        reports: dict[str, BuildReport] = {}
        try:
            collection.run(output, start, done, reports)
            changed = collection.finish(output, start, reports)
        except Stopped as stop:
            stop.told = f"{len(reports)} of {counted(len(plans), 'split')} are finished"
            raise
    notes = [*shared_files(plans), *said_of_validation(collection.folders, config), *_said_of_nothing(reports)]
    unchanged = not changed and all(report.unchanged for report in reports.values())
    return CollectionReport(str(out), reports, tuple(notes), unchanged)


class _Collection:
    """The splits of one run.

    Parameters
    ----------
    plans
        The plan of each, by name.
    out, config
        Where and how they are written.
    """

    def __init__(self, plans: dict[str, Plan], out: Path, config: ExportConfig) -> None:
        self.plans, self.out, self.config = plans, out, config
        self.folders = split_folders(plans, config)
        self.labels = labels_of(plans.values()) if config.format == "yolo" else None
        if len({plan.dataset.categories.raw for plan in plans.values()}) > 1:
            todo = "read the files with read_splits, which gives them one"
            raise UsageError.one("--coco", "", "the splits have different category tables", todo)

    @property
    def record(self) -> dict[str, Any]:
        """Return what the folder is, as its manifest says it; all else is said by those of the splits."""
        told = {"format": self.config.format, "layout": self.config.layout, "splits": self.folders}
        return {"format_version": FORMAT_VERSION, "chipgen_version": _version.__version__, "configuration": told}

    def asked(self, name: str, config: ExportConfig | None = None) -> Asked:
        """Return the build of a split."""
        config = replace(config or self.config, split=name)
        return Asked(self.plans[name], self.out / self.folders[name], config, self.labels)

    def look(self, *, going_on: bool) -> dict[str, BuildReport]:
        """Look at the folders of all splits before anything changes: what stands in the way is to be known in seconds.

        Parameters
        ----------
        going_on
            Whether the run goes on with an earlier one: then what that finished need not be overwritten again.

        Returns
        -------
        dict of BuildReport
            The splits that are finished.

        Raises
        ------
        DataError, OutputError, UsageError
            What `chipgen.build.Asked.finished` raises, or with every image of the others that is not there.
        """
        done: dict[str, BuildReport] = {}
        for name in self.plans:
            report = self._made_before(name) if going_on and self.config.overwrite else self.asked(name).finished()
            done |= {} if report is None else {name: report}
        if self.config.on_error == "fail":
            for name in (name for name in self.plans if name not in done):
                self._refuse_missing(name)
        return done

    def _made_before(self, name: str) -> BuildReport | None:
        """Return what a split comes to that this very run finished before it was interrupted, to the last byte."""
        with contextlib.suppress(OutputError):  # it was not yet overwritten
            return self.asked(name, replace(self.config, overwrite=False, verify=True)).finished()
        return self.asked(name).finished()

    def _refuse_missing(self, name: str) -> None:
        """Look for the images of a split, unless all its chips were cut before; of lost ones it sees by itself."""
        plan, found = self.plans[name], survey(self.out / self.folders[name])
        if found.finished and not self.config.overwrite:
            return
        kept = {entry.facts.get("shard") for entry in found.entries}
        shards = [index for index in range(len(plan.shards) - 1) if index not in kept]
        refuse_missing(plan, shards, image_root(plan), follow_symlinks=self.config.follow_symlinks)

    def run(
        self, output: Output, start: Start, done: Mapping[str, BuildReport], reports: dict[str, BuildReport]
    ) -> None:
        """Build the splits that are not done, and fill in what each comes to.

        A folder that was finished stays so while lost files of a split are made again; else it is begun together with
        the first split in which anything changes.
        """
        try:
            for name in self.plans:
                before = output.begin if start.finished is None else lambda: None
                reports[name] = done.get(name) or self.asked(name).run(before)
        except DataError:
            if all(report.unchanged for report in reports.values()):
                output.undo()
            raise

    def finish(self, output: Output, start: Start, reports: Mapping[str, BuildReport]) -> bool:
        """Write what speaks of all splits; return whether that was not there already."""
        staging = output.staging("tables")
        categories = next(iter(self.plans.values())).dataset.categories
        staging.write(CARD, collection_card(self.folders, reports, categories, self.config).encode())
        if self.config.format == "yolo":
            places = {name: f"{folder}/images" for name, folder in self.folders.items()}
            staging.write(DATA, data_yaml(class_names(categories), places))
        by_path = {file.path: file for file in output.found.listed}
        if start.finished is not None:
            if not start.lost and by_path == {file.path: file for file in staging.written}:
                return False
            output.reopen((), Entry(()), ())
        output.finish(staging, {}, ())
        return True


def _said_of_nothing(reports: Mapping[str, BuildReport]) -> Iterator[str]:
    """Say that trainers will not begin with a split that has nothing to show."""
    yield from (f"{name} holds no chips" for name, report in reports.items() if not report.chips)

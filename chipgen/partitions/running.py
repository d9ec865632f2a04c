"""Building one part after the other, and what is said of all of them."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chipgen import _version
from chipgen.build import Asked
from chipgen.card import CARD, parts_card
from chipgen.errors import DataError, OutputError, Problem
from chipgen.fingerprint import FORMAT_VERSION, input_record, labels_of, table_digest
from chipgen.finished import already_built
from chipgen.partitions.making import Table, refuse_unfit
from chipgen.samplers import BUILT_IN
from chipgen.stopping import Stopped
from chipgen.store import Entry, Output, refuse_other, refuse_parts, survey
from chipgen.text import counted
from chipgen.writers.schema import class_names
from chipgen.writers.yolo import DATA, data_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from chipgen.dataset import Categories
    from chipgen.export_config import ExportConfig
    from chipgen.finished import BuildReport
    from chipgen.partitions.files import Partition
    from chipgen.partitions.making import Making
    from chipgen.store import Found, Start

AGAIN = "mend this, then run the same command again: it goes on with the others"


@dataclass(frozen=True)
class PartitionsReport:
    """What became of a dataset in several parts.

    Parameters
    ----------
    out
        The folder that holds them.
    parts
        Each of them, by the name of its folder.
    files
        The annotation file of each, by the same.
    unchanged
        Whether nothing was written.
    """

    out: str
    parts: dict[str, BuildReport]
    files: dict[str, str]
    unchanged: bool = False

    def within(self, limit: int) -> bool:
        """Tell whether no more was skipped in all parts than allowed."""
        return sum(sum(report.skipped.values()) for report in self.parts.values()) <= limit


@dataclass(frozen=True)
class _Done:
    """A part that is built: what it came to, the checksum of its annotation file and that of its category table."""

    report: BuildReport
    annotations: str
    table: str


def run_partitions(
    parts: Sequence[Partition],
    out: Path,
    making: Making,
    told: Callable[[Partition, BuildReport], object] = lambda *_: None,
) -> PartitionsReport:
    """Build one part after the other; go on where an interrupted run stopped.

    Parameters
    ----------
    parts
        In the order of their numbers.
    out
        The folder that holds them: new, empty, or of the same parts, finished or not. There may be more parts than
        there: files whose names sort behind all others.
    making
        How each is made.
    told
        Called when a part is finished.

    Returns
    -------
    PartitionsReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError, WorkerError
        As `export` raises them; parts that were finished stay, and the same call goes on with the others.
    """
    refuse_unfit(parts, making.export)
    refuse_parts(out, len(parts))
    folders, export, done = [part.folder for part in parts], making.export, dict[str, _Done]()
    with Output(out, overwrite=export.overwrite, nested=folders) as output:
        start = output.start(
            _record(making, len(parts)), lambda _: False, may_rise=("parts",), by_content=export.verify
        )
        run = _Run(parts, making, output, start)
        run.look()
        try:
            for part in parts:
                done[part.folder] = run.one(part)
                told(part, done[part.folder].report)
        except Stopped as stop:
            stop.told = f"{len(done)} of {counted(len(parts), 'part')} are finished"
            raise
        except DataError as error:
            if not run.changed:
                output.undo()
            stay = Problem(str(out), "", f"{len(done)} of {counted(len(parts), 'part')} are finished and stay", AGAIN)
            raise DataError([*error.problems, *([stay] if done else [])]) from error
        changed = run.finish(done)
    reports = {folder: one.report for folder, one in done.items()}
    unchanged = not changed and all(report.unchanged for report in reports.values())
    return PartitionsReport(str(out), reports, {part.folder: part.coco for part in parts}, unchanged)


def _record(making: Making, count: int) -> dict[str, Any]:
    """Return what the folder is, as its manifest says it; all else is said by the manifests of the parts."""
    export = making.export
    told = {"format": export.format, "layout": export.layout, "split": export.split, "parts": count}
    return {"format_version": FORMAT_VERSION, "chipgen_version": _version.__version__, "configuration": told}


class _Run:
    """One run.

    Parameters
    ----------
    parts, making
        What is built, and how.
    output, start
        The folder of all parts, and what lies there.
    """

    def __init__(self, parts: Sequence[Partition], making: Making, output: Output, start: Start) -> None:
        self.parts, self.making, self.output, self.start = parts, making, output, start
        self.table = Table()
        self.categories: Categories | None = None
        self.changed = False

    def place(self, part: Partition) -> Path:
        """Return the folder of a part."""
        return self.output.out / part.folder

    def look(self) -> None:
        """Look at the folders of all parts before anything changes: what stands in the way is to be known in seconds.

        Raises
        ------
        OutputError
            Another build lies in one of them, or was made from a file of another name.
        """
        names = [str(one.get("annotations")) for one in (self.start.finished or {}).get("parts", ())]
        for part, name in zip(self.parts, names, strict=False):
            if part.name != name and not self.making.export.overwrite:
                what = f"was made from {name}, and now {part.name} has its number: files may be added that sort last"
                raise OutputError.one(self.place(part), "", what, "choose another --out, or --overwrite all parts")
        for part in self.parts:
            found = survey(self.place(part))
            if not self.making.export.overwrite:
                refuse_other(found, self.making.record(part), self.making.export.may_rise)
            found.refuse_stranger()
            if not found.finished or self.making.export.overwrite:
                found.refuse_foreign(lambda _: True)  # of one that was begun, its plan will tell

    def one(self, part: Partition) -> _Done:
        """Build a part, or see that it is built."""
        found = survey(self.place(part))
        report, export = self.made_before(part, found), self.making.export
        if report is not None and found.manifest is not None:
            manifest = found.manifest
            self.table.check(manifest["categories"], part)
            self.table.labels = manifest["configuration"].get("labels")
            return _Done(report, manifest["inputs"]["annotations"]["sha256"], manifest["categories"])
        plan = self.making.planned(part)
        digest = table_digest(plan.dataset.categories)
        self.table.check(digest, part)
        self.categories = plan.dataset.categories
        if export.format == "yolo" and self.table.labels is None:
            self.table.labels = labels_of([plan])
        asked = Asked(plan, self.place(part), export, self.table.labels)
        report = asked.finished() or asked.run(self.begin)
        self.changed = self.changed or not report.unchanged
        return _Done(report, plan.dataset.source.sha256, digest)

    def made_before(self, part: Partition, found: Found) -> BuildReport | None:
        """Return what a part comes to that is finished, without reading more of its files than their checksums."""
        export = self.making.export
        if export.overwrite and self.start.resumed:  # this very run may have built it before it was interrupted
            with contextlib.suppress(OutputError):
                return self._as_recorded(part, found, replace(export, overwrite=False, verify=True))
        return self._as_recorded(part, found, export)

    def _as_recorded(self, part: Partition, found: Found, export: ExportConfig) -> BuildReport | None:
        """Return what a part comes to when it is finished and its files are those that it was made from."""
        if not found.finished or self.making.plan.sampler not in BUILT_IN or export.overwrite:
            return None
        with contextlib.suppress(OSError):  # the reader says what is wrong with the file
            record = {**self.making.record(part), "inputs": input_record(part.coco, part.proposals)}
            return already_built(found, record, export)
        return None

    def begin(self) -> None:
        """Make the folder one that was begun, before anything changes.

        A finished one stays so while lost files are made again, and while parts are added: they may fail.
        """
        if self.start.finished is None:
            self.output.begin()

    def finish(self, done: Mapping[str, _Done]) -> bool:
        """Write what speaks of all parts; return whether that was not there already."""
        reports = {folder: one.report for folder, one in done.items()}
        facts = {"parts": [_facts(part, done[part.folder]) for part in self.parts]}
        staging, before = self.output.staging("tables"), self.start.finished
        names = {part.folder: part.name for part in self.parts}
        table = self._categories() if self.making.export.format == "webdataset" else None
        staging.write(CARD, parts_card(names, reports, table, self.making.export).encode())
        if self.making.export.format == "yolo":
            places = {self.making.export.split: [f"{part.folder}/images" for part in self.parts]}
            staging.write(DATA, data_yaml(class_names(self._categories()), places))
        if before is not None:
            listed = {file.path: file for file in self.output.found.listed}
            same = listed == {file.path: file for file in staging.written} and before.get("parts") == facts["parts"]
            if same and not self.start.lost:
                return False
            self.output.reopen((), Entry(()), ())
        self.output.finish(staging, facts, ())
        return True

    def _categories(self) -> Categories:
        """Return the category table: when no part was read now, the first is."""
        if self.categories is None:
            self.categories = self.making.read(self.parts[0]).categories
        return self.categories


def _facts(part: Partition, done: _Done) -> dict[str, Any]:
    """Return what the manifest says of a part."""
    return {
        "folder": part.folder,
        "annotations": part.name,
        "sha256": done.annotations,
        "chips": done.report.chips,
        "shards": done.report.shards,
        "chips_sha256": done.report.sha256,
    }

"""The build: what is there already, what is to be done, and one commit after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chipgen.additions import GONE
from chipgen.card import CARD, card
from chipgen.digests import sha256_of_all
from chipgen.errors import DataError
from chipgen.export_config import ExportConfig, ExportSettings
from chipgen.findings import Findings, merge
from chipgen.fingerprint import record_of
from chipgen.finished import BuildReport, already_built, counts_of, report_finished, said_of_labels, told
from chipgen.inputs import image_root, refuse_changed, refuse_look, refuse_missing, refuse_nesting
from chipgen.remote import path_of
from chipgen.reopen import finished_shards, is_planned, other_files
from chipgen.stopping import Stopped
from chipgen.store import Entry, Output, Staging, Start, refuse_splits, survey
from chipgen.workers import Job, Losses, ShardDone, do_shards
from chipgen.writers import Format, Labels, Written, format_of
from chipgen.writers.tables import write_ledger, write_plan, write_skipped, write_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from typing_extensions import Unpack

    from chipgen.dataset import Skipped
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan


def export(
    plan: Plan,
    out: str | os.PathLike[str],
    format: str = "parquet",  # noqa: A002 -- the option's name
    **settings: Unpack[ExportSettings],
) -> BuildReport:
    """Cut the chips of a plan and write them; go on where an interrupted export of the same plan stopped.

    Parameters
    ----------
    plan
        What `plan` returned.
    out
        The output folder: new, empty, or of the same build, finished or not.
    format
        ``parquet``, ``coco``, ``yolo`` or ``webdataset``.
    **settings
        Other fields of `ExportConfig`, such as ``ignored="paint"`` or ``image_format="png"``.

    Returns
    -------
    BuildReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError
        With the reason; the folder is as it was.
    OutputError
        With the reason: the folder is another build's, somebody else's, or locked; or an image has changed meanwhile.
    StorageError, WorkerError
        With the reason; shards that were finished stay, and the same call goes on with the others.
    """
    return run(plan, path_of(out), ExportConfig(format=format, **settings))


def run(plan: Plan, out: Path, config: ExportConfig) -> BuildReport:
    """Export a plan as a configuration says; see `export`."""
    asked = Asked(plan, out, config)
    return asked.finished() or asked.run()


@dataclass(frozen=True)
class Asked:
    """A build that is asked for.

    Parameters
    ----------
    plan, out, config
        What is built, where, and how.
    labels
        What labels of YOLO are, ``outlines`` or ``boxes``, the same in all splits; None to see what this dataset has.
    """

    plan: Plan
    out: Path
    config: ExportConfig
    labels: str | None = None

    @cached_property
    def record(self) -> dict[str, Any]:
        """Return what it is made from."""
        return record_of(self.plan, self.config, self.labels)

    def finished(self) -> BuildReport | None:
        """Look at what is there: return what the finished build comes to, None when there is work to do.

        Raises
        ------
        UsageError, DataError, OutputError, StorageError
            It cannot be done; nothing has changed.
        """
        found = survey(self.out)
        report = already_built(found, self.record, self.config)
        if report is None:
            refuse_look(self.config)
            refuse_splits(self.out)
            refuse_nesting(self.out, image_root(self.plan), path_of(self.plan.dataset.source.path))
            found.refuse_stranger()
            found.refuse_foreign(self.is_planned)
        return report

    def is_planned(self, path: str) -> bool:
        """Tell whether a file belongs to a shard."""
        return is_planned(self.plan, self.config, path)

    def run(self, before: Callable[[], object] = lambda: None) -> BuildReport:
        """Do what is to be done; `before` is called before anything changes."""
        with Output(self.out, overwrite=self.config.overwrite, before=before) as output:
            build = _Build(self, image_root(self.plan), output)
            try:
                return build.run()
            except Stopped as stop:
                stop.told = f"{output.finished_shards} of {len(self.plan.shards) - 1} shards are finished"
                raise


@dataclass(frozen=True)
class _Build:
    """One run of a build.

    Parameters
    ----------
    asked
        What is built.
    root
        Where the images are.
    output
        The folder it is built in, locked.
    """

    asked: Asked
    root: Path
    output: Output

    @property
    def plan(self) -> Plan:
        """Return the plan."""
        return self.asked.plan

    @property
    def config(self) -> ExportConfig:
        """Return how chips are written."""
        return self.asked.config

    def run(self) -> BuildReport:
        """Find out what is there, and make the rest."""
        config, count = self.config, len(self.plan.shards) - 1
        asked, rising = self.asked, config.may_rise
        start = self.output.start(asked.record, asked.is_planned, may_rise=rising, by_content=config.verify)
        if start.finished is not None:
            return self.make_again(start)
        kept = {shard.index: shard for shard in map(ShardDone.of, start.kept)}
        self.refuse_skipped(merge(shard.findings for shard in kept.values()))
        new = self.make([index for index in range(count) if index not in kept], kept, held=False)
        notes = list(told(start))
        if config.retry_skipped and any(shard.findings.images for shard in kept.values()):
            notes.append("images that an earlier run skipped are tried again in a finished build: run this once more")
        return self.finish({**kept, **new}, len(kept), notes)

    def make_again(self, start: Start) -> BuildReport:
        """Make some shards of a finished build again: lost ones, and those with skipped images to be retried.

        The build stays finished until all of them are there. No image that it holds is ever lost in this way.
        """
        manifest, config = start.finished, self.config
        assert manifest is not None
        there = finished_shards(self.plan, self.output.out, manifest)
        lost = {index for index, shard in there.items() if {file.path for file in shard.files} & set(start.lost)}
        retried = {index for index, shard in there.items() if config.retry_skipped and shard.findings.images}
        kept = {index: shard for index, shard in there.items() if index not in lost | retried}
        self.refuse_skipped(merge(shard.findings for shard in kept.values()))
        new = self.make(sorted(set(range(len(self.plan.shards) - 1)) - kept.keys()), there, held=True)
        same = all(index in there and {*shard.files} == {*there[index].files} for index, shard in new.items())
        if same and not start.lost:
            return report_finished(self.output.found, config)
        tables, added = other_files(self.plan, manifest)
        lost_of = {name: {file.path for file in entry.files} & set(start.lost) for name, entry in added.items()}
        stay = [name for name in added if same and not lost_of[name]]
        self.output.reopen([shard.entry for shard in kept.values()], tables, stay)
        for shard in new.values():
            self.publish(shard)
        notes = [*told(start), *(GONE[name] for name, entry in added.items() if entry.files and name not in stay)]
        return self.finish({**kept, **new}, len(kept), notes)

    @property
    def form(self) -> Format:
        """Return the format."""
        return format_of(self.config.format, self.config.layout)

    @cached_property
    def labels(self) -> Labels:
        """Return what writers need to know of the dataset."""
        outlines = self.asked.record["configuration"].get("labels") == "outlines"
        return Labels(self.plan.dataset.categories, outlines)

    @cached_property
    def job(self) -> Job:
        """Return what workers need to know."""
        return Job(self.labels, self.root, self.output.stage, self.config, os.getpid())

    @cached_property
    def losses(self) -> Losses:
        """Return what is lost along the way."""
        return Losses()

    def make(self, todo: list[int], before: dict[int, ShardDone], *, held: bool) -> dict[int, ShardDone]:
        """Make shards and publish each as soon as it is there, or hold all of them back.

        Raises
        ------
        DataError
            Something could not be used, and nothing may be skipped; the folder is as it was.
        """
        strict = self.config.on_error == "fail"
        if strict:
            refuse_missing(self.plan, todo, self.root, follow_symlinks=self.config.follow_symlinks)
        known = merge(shard.findings for shard in before.values())
        done: dict[int, ShardDone] = {}
        skipped = False
        with contextlib.closing(do_shards(self.plan, todo, self.job, self.losses)) as shards:
            for shard in shards:
                refuse_changed(self.plan, self.root, known, shard.findings, may_go=not held)
                done[shard.index] = shard
                skipped = skipped or bool(shard.findings.skipped)
                if not held and not (strict and skipped):
                    self.publish(shard)
        if strict and skipped:
            self.output.undo()
            self.refuse_skipped(merge(shard.findings for shard in done.values()))
        return done

    def publish(self, shard: ShardDone) -> None:
        """Publish a shard."""
        files = [file.path for file in shard.files]
        self.output.publish(self.job.staging(shard.staging), self.form.units(shard.path, files), shard.entry)

    def refuse_skipped(self, findings: Findings) -> None:
        """Refuse to go on without something, unless that was asked for.

        Raises
        ------
        DataError
            With everything that could not be used.
        """
        if self.config.on_error == "fail" and findings.skipped:
            raise DataError(map(self.plan.dataset.source.problem, findings.skipped))

    def finish(self, shards: dict[int, ShardDone], kept: int, notes: Sequence[str]) -> BuildReport:
        """Write the tables and the card, then the manifest."""
        done = [shards[index] for index in sorted(shards)]
        findings = merge(shard.findings for shard in done)
        skipped = [*self.plan.skipped, *findings.skipped]  # what was skipped when it was read is no error any more
        reasons = dict(Counter(entry.reason for entry in skipped))
        staging = self.output.staging("tables")
        ledger, summary = self.plan.ledger(findings.images), self.plan.summary()
        self.write_tables(staging, findings, skipped, ledger)
        written = Written(self.config.split, self.labels, [shard.path for shard in done], self.output.read)
        for path, pieces in self.form.whole(written):
            staging.write_all(path, pieces)
        naming = {file.path: file for shard in done for file in shard.files if file.path == shard.path}
        chips = sum(shard.rows for shard in done)
        listed = [{**dataclasses.asdict(naming[shard.path]), "rows": shard.rows} for shard in done]
        files = sorted((file for shard in done for file in shard.files), key=lambda file: file.path)
        sha256 = sha256_of_all(file.sha256 for file in files)
        staging.write(CARD, card(self.plan, summary, self.config, reasons, sha256).encode())
        facts = {"counts": {"chips": chips, **counts_of(summary, ledger, reasons)}, "shards": listed}
        length = self.output.finish(staging, facts, [Entry(shard.files) for shard in done])
        return BuildReport(
            out=str(self.output.out),
            chips=chips,
            shards=len(done),
            bytes=length,
            skipped=reasons,
            notes=(*findings.remarks(), *self.losses.told(), *notes, *said_of_labels(self.plan, self.config)),
            within_limit=len(skipped) <= self.config.max_skipped,
            sha256=sha256,
            kept=kept,
        )

    def write_tables(self, staging: Staging, findings: Findings, skipped: list[Skipped], ledger: Ledger) -> None:
        """Write the tables."""
        write_plan(self.plan, findings.images, staging)
        write_ledger(self.plan.dataset, ledger, staging)
        write_skipped(skipped, staging)
        write_sources(self.plan, findings, staging)

"""``chipgen build`` of several splits, each in a folder of its own."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chipgen.cli.options import say
from chipgen.cli.report import build_lines, heading
from chipgen.errors import UsageError
from chipgen.remote import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chipgen.cli.sources import Source
    from chipgen.collection import CollectionReport
    from chipgen.dataset import Dataset
    from chipgen.export_config import ExportConfig
    from chipgen.plan import Plan


def is_collection(sources: Mapping[str, Source], options: Mapping[str, Any]) -> bool:
    """Tell whether there are several splits, or one in a layout that has a folder for each."""
    if options["group_by"] is not None and options["val_fraction"] is None:
        todo = "add --val-fraction, such as 0.1"
        raise UsageError.one("--group-by", options["group_by"], "means nothing without a split", todo)
    if len(sources) > 1 and options["val_fraction"] is not None:
        todo = "leave it out, or give one annotation file"
        raise UsageError.one("--val-fraction", f"{options['val_fraction']:g}", "the files are splits already", todo)
    return len(sources) > 1 or options["val_fraction"] is not None or options["layout"] == "roboflow"


def check_splitting(options: Mapping[str, Any], sources: Mapping[str, Source]) -> None:
    """Refuse a split that cannot be meant before anything is read."""
    from chipgen.splitting import VAL, Splitting  # noqa: PLC0415 -- heavy, and not needed for --help

    if options["val_fraction"] is not None:
        Splitting(options["val_fraction"], options["group_by"], options["seed"])
        if VAL in sources:
            raise UsageError.one("--split", VAL, "is what --val-fraction calls the other side", "choose another name")


def read_splits(
    sources: Mapping[str, Source], options: Mapping[str, Any], read: Callable[[Source], Dataset]
) -> dict[str, tuple[Dataset, Source]]:
    """Read the dataset of each split, or read one and split it."""
    from chipgen.splits import split  # noqa: PLC0415
    from chipgen.splitting import VAL, one_table  # noqa: PLC0415

    datasets = one_table({name: read(source) for name, source in sources.items()})
    if options["val_fraction"] is None:
        return {name: (datasets[name], source) for name, source in sources.items()}
    (name, source), (whole,) = next(iter(sources.items())), datasets.values()
    sides = split(whole, options["val_fraction"], options["group_by"], seed=options["seed"], names=(name, VAL))
    return {name: (side, source) for name, side in sides.items()}


def build_splits(plans: dict[str, Plan], export: ExportConfig, options: Mapping[str, Any]) -> bool:
    """Build all splits, or with ``--dry-run`` show what they come to; tell whether little enough was skipped."""
    from chipgen.collection import run_splits  # noqa: PLC0415

    report = None if options["dry_run"] else run_splits(plans, path_of(options["out"]), export)
    if not options["quiet"]:
        _show(plans, report, as_json=options["as_json"])
    return report is None or report.within(export.max_skipped)


def _show(plans: Mapping[str, Plan], report: CollectionReport | None, *, as_json: bool) -> None:
    """Print what was planned and, if so, written."""
    from chipgen.text import counted  # noqa: PLC0415

    if as_json:
        built = {} if report is None else report.splits
        splits = {
            name: {"plan": plan.summary().to_dict(), "build": asdict(built[name]) if name in built else None}
            for name, plan in plans.items()
        }
        notes = [] if report is None else list(report.notes)
        say(json.dumps({"out": None if report is None else report.out, "splits": splits, "notes": notes}, indent=1))
        return
    for name, plan in plans.items():
        say(f"{heading(name)}\n")
        say(str(plan.summary()))
        if report is not None:
            for line in build_lines(report.splits[name]):
                say(line)
        say("")
    if report is None:
        say("dry run      nothing was written")
        return
    done = "finished" if report.unchanged else "written "
    say(f"{done}     {counted(len(plans), 'split')}, {' and '.join(plans)}: {report.out}")
    for note in report.notes:
        say(f"note         {note}")

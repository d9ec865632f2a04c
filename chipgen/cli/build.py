"""``chipgen build``."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from chipgen.cli import completion
from chipgen.cli.groups import GroupedCommand
from chipgen.cli.options import (
    COMMON_OPTIONS,
    NEGATIVE_OPTIONS,
    PLAN_OPTIONS,
    given_proposals,
    plan_settings,
    say,
    scales_and_ranges,
    setting,
    tell,
    with_options,
)
from chipgen.cli.partitions import build_parts, given_parts
from chipgen.cli.report import build_lines
from chipgen.cli.sources import given_sources
from chipgen.cli.splits import build_splits, check_splitting, is_collection, read_splits
from chipgen.config import PlanConfig
from chipgen.errors import StorageError, UsageError
from chipgen.export_config import CHOICES, ExportConfig, installed_imaging, parse_fill
from chipgen.remote import path_of, place_of

if TYPE_CHECKING:
    from chipgen.cli.sources import Source
    from chipgen.dataset import Dataset
    from chipgen.finished import BuildReport
    from chipgen.partitions.files import Partition
    from chipgen.partitions.making import Making
    from chipgen.plan import Plan
    from chipgen.proposals import ProposalFile

TOO_MUCH_SKIPPED = 3


def _choice(name: str) -> click.Choice[str]:
    """Return the choices of an export setting."""
    return click.Choice(CHOICES[name])


OUTPUT_OPTIONS = (
    click.option(
        "--coco",
        required=True,
        multiple=True,
        metavar="[SPLIT=]PATH",
        shell_complete=completion.files,
        help="COCO annotation file, path or URL, JSON or Parquet; or one for each split: --coco train=a.json "
        "--coco val=b.json; or several built one after the other: a pattern in quotes, 'parts/*.json', or a folder of "
        "Parquet files.",
    ),
    click.option(
        "--val-fraction", type=float, help="Share of the images, not of the chips, that become a split named val."
    ),
    click.option(
        "--group-by",
        help="What images that must stay on one side have in common: a regular expression with brackets on the file "
        "name, such as '^(.*)_', or a field of the images.",
    ),
    click.option(
        "--out",
        type=click.Path(),
        default="chips",
        show_default=True,
        help="Output folder: new, empty, or with this build begun.",
    ),
    setting(ExportConfig, "format", _choice("format"), "Kind of shards."),
    setting(ExportConfig, "layout", _choice("layout"), "With --format coco: names and category ids as of Roboflow."),
    setting(ExportConfig, "split", str, "Name of the split, part of the shards' names."),
    click.option(
        "--ignored",
        type=_choice("ignored"),
        help="What becomes of ignored boxes.  [default: crowd; paint with --format yolo]",
    ),
    click.option("--pad/--no-pad", default=True, show_default=True, help="Pad chips of small images to the chip size."),
    click.option(
        "--fill",
        default="124,116,104",
        show_default=True,
        help="Colour of padding and of painted boxes: R,G,B or #rrggbb or one grey value.",
    ),
    setting(ExportConfig, "bands", str, "Bands of TIFFs to show as R,G,B, or one for grey, counted from 1: 3,2,1."),
    setting(
        ExportConfig, "stretch", str, "Values of TIFFs that become 0 and 255: 200,3000, or of each band 2%,98% of them."
    ),
    setting(ExportConfig, "resample", _choice("resample"), "Filter; antialiased when shrinking, except nearest."),
    click.option(
        "--imaging",
        type=_choice("imaging"),
        help="Who decodes, scales and encodes.  [default: opencv when installed]",
    ),
    setting(ExportConfig, "image_format", _choice("image_format"), "Encoding of the chips."),
    setting(ExportConfig, "quality", int, "Quality of JPEG and WebP, 1 to 100."),
    setting(PlanConfig, "chips_per_shard", int, "Chips a shard should hold.  [default: 50 to 500, by their number]"),
    setting(ExportConfig, "workers", int, "Processes, or shards that a cluster makes at a time.  [default: all cores]"),
    setting(ExportConfig, "backend", _choice("backend"), "Who makes shards: processes, threads, or a cluster."),
    setting(ExportConfig, "scheduler", str, "Address of the cluster.  [default: one of this machine, for this run]"),
    setting(ExportConfig, "on_error", _choice("on_error"), "List every problem and stop, or leave out what is wrong."),
    setting(ExportConfig, "max_skipped", int, "With --on-error skip: more than this exits with 3."),
    setting(ExportConfig, "max_pixels", int, "Refuse larger images."),
    click.option("--follow-symlinks", is_flag=True, help="Let links lead out of the image folder."),
    click.option("--overwrite", is_flag=True, help="Replace another build in the output folder."),
    click.option("--retry-skipped", is_flag=True, help="Try the skipped images of a finished build again, only these."),
    click.option("--verify", is_flag=True, help="Check what an earlier run finished by checksums, not by lengths."),
    click.option("--dry-run", is_flag=True, help="Plan and report only."),
)


@click.command(cls=GroupedCommand)
@with_options(OUTPUT_OPTIONS, PLAN_OPTIONS, NEGATIVE_OPTIONS, COMMON_OPTIONS)
def build(**options: Any) -> int:
    """Plan, crop and write the chips of a COCO dataset.

    Run again, the same command goes on where it was interrupted; when all is done it does nothing.

    \b
    chipgen build --coco instances.json --scales 512,1024,2048
    chipgen build --coco instances.json --preset sniper-coco --format coco --out chips-coco
    chipgen build --coco instances.json --scales 3x,1x --proposals rpn.parquet --negatives-per-image 2
    chipgen build --coco instances.json --scales 3x,1x --val-fraction 0.1 --group-by video_id --format yolo
    chipgen build --coco 'parts/*.json' --images train2017 --preset sniper-coco
    """  # noqa: D301 -- click's mark for "do not rewrap"
    plan_config, export_config = _configs(options)
    sources = given_sources(options)
    plan_config.negative.mode(proposals=any(source.proposals for source in sources.values()))
    if parts := given_parts(sources, options):
        ((name, source),) = sources.items()
        making = _making(options, source, plan_config, replace(export_config, split=name))
        return 0 if build_parts(parts, making, options) else TOO_MUCH_SKIPPED
    if is_collection(sources, options):
        check_splitting(options, sources)
        read = read_splits(sources, options, partial(_read, options))
        plans = {name: _plan(options, source, dataset, plan_config) for name, (dataset, source) in read.items()}
        return 0 if build_splits(plans, export_config, options) else TOO_MUCH_SKIPPED
    ((name, source),) = sources.items()
    return _build_one(options, source, plan_config, replace(export_config, split=name))


def _build_one(options: dict[str, Any], source: Source, plan_config: PlanConfig, export_config: ExportConfig) -> int:
    """Build the chips of one annotation file."""
    done = None if options["dry_run"] else _already_built(options, source, plan_config, export_config)
    if done is not None:
        _show(None, done, options)
        return 0 if done.within_limit else TOO_MUCH_SKIPPED
    plan = _plan(options, source, _read(options, source), plan_config)
    if options["dry_run"]:
        _show(plan, None, options)
        return 0
    from chipgen.build import run  # noqa: PLC0415 -- heavy, and not needed for --help

    report = run(plan, path_of(options["out"]), export_config)
    _show(plan, report, options)
    return 0 if report.within_limit else TOO_MUCH_SKIPPED


def _making(options: dict[str, Any], source: Source, plan: PlanConfig, export: ExportConfig) -> Making:
    """Return how each of several parts is made."""
    from chipgen.partitions.making import Making  # noqa: PLC0415 -- heavy, and not needed for --help

    def of(part: Partition) -> Source:
        return replace(source, coco=part.coco, proposals=part.proposals)

    def proposals(part: Partition) -> ProposalFile | None:
        return given_proposals(part.proposals, options, options["on_error"])

    return Making(plan, export, lambda part: _read(options, of(part)), proposals, options["limit"])


def _configs(options: dict[str, Any]) -> tuple[PlanConfig, ExportConfig]:
    """Make the configurations of plan and export; every wrong value ends here, before anything is read."""
    scales, ranges = scales_and_ranges(options["scales"], options["valid_ranges"], options["preset"])
    if scales is None:
        todo = "give --scales, or --preset sniper-coco; chipgen stats suggests some"
        raise UsageError.one("--scales", "", "is missing", todo)
    plan = PlanConfig.parse(scales, ranges, **plan_settings(options))
    settings = {field.name: options[field.name] for field in fields(ExportConfig) if field.name in options}
    settings |= {"fill": parse_fill(options["fill"]), "progress": not options["quiet"]}
    settings["imaging"] = settings["imaging"] or installed_imaging()
    return plan, ExportConfig(**settings)


def _already_built(
    options: dict[str, Any], source: Source, plan: PlanConfig, export: ExportConfig
) -> BuildReport | None:
    """Look at the output folder before anything is read: it may be finished, locked, or another build's."""
    from chipgen.coco import MAX_JSON_BYTES  # noqa: PLC0415 -- heavy, and not needed for --help
    from chipgen.fingerprint import early_record, input_record  # noqa: PLC0415
    from chipgen.finished import already_built  # noqa: PLC0415
    from chipgen.samplers import BUILT_IN  # noqa: PLC0415
    from chipgen.store import refuse_other, refuse_splits, survey  # noqa: PLC0415

    found = survey(path_of(options["out"]))
    refuse_splits(found.out)
    if found.record is None or export.overwrite or options["limit"] is not None:
        return None
    record = early_record(plan, export, None)
    refuse_other(found, record, export.may_rise)
    if plan.sampler not in BUILT_IN:  # only its plan tells whether it still does the same
        return None
    most = options["max_json_bytes"] or MAX_JSON_BYTES
    try:
        inputs = input_record(source.coco, source.proposals, most)
        return already_built(found, {**record, "inputs": inputs}, export)
    except StorageError:
        raise
    except OSError:  # the reader says what is wrong with the file
        return None


def _read(options: dict[str, Any], source: Source) -> Dataset:
    """Read a dataset."""
    from chipgen.coco import MAX_JSON_BYTES, read_coco  # noqa: PLC0415

    tell(options, f"reading: {place_of(source.coco)}")
    dataset = read_coco(
        source.coco,
        source.images,
        on_error=options["on_error"] if options["limit"] is None else "skip",
        max_json_bytes=options["max_json_bytes"] or MAX_JSON_BYTES,
    )
    if options["limit"] is not None:
        dataset = dataset.first(options["limit"])
        if options["on_error"] == "fail":  # only what a try on these images would meet
            dataset.refuse_skipped()
    return dataset


def _plan(options: dict[str, Any], source: Source, dataset: Dataset, config: PlanConfig) -> Plan:
    """Plan a dataset."""
    from chipgen.plan import make_plan  # noqa: PLC0415

    plan = make_plan(dataset, config, proposals=given_proposals(source.proposals, options, options["on_error"]))
    tell(options, f"images: {plan.dataset.source.root}")
    tell(options, f"planned: {len(plan.chips):,} chips, {len(plan.shards) - 1:,} shards")
    return plan


def _show(plan: Plan | None, report: BuildReport | None, options: dict[str, Any]) -> None:
    """Print what was planned and, if so, written."""
    if options["quiet"]:
        return
    if options["as_json"]:
        summary = plan.summary().to_dict() if plan else None
        say(json.dumps({"plan": summary, "build": asdict(report) if report else None}, indent=1))
        return
    if plan is not None:
        say(str(plan.summary()))
    if report is None:
        say("dry run      nothing was written")
        return
    for line in build_lines(report):
        say(line)

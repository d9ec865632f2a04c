"""The dataset card: what was built and how, for the person who finds the folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from chipgen.dataset import Categories
from chipgen.digests import sha256_of_all
from chipgen.images import EXTENSIONS
from chipgen.partition_ids import STEP
from chipgen.writers.dump import dump_yaml, yaml_word
from chipgen.writers.schema import sample_features

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chipgen.config import PlanConfig
    from chipgen.export_config import ExportConfig
    from chipgen.finished import BuildReport
    from chipgen.plan import Plan
    from chipgen.summary import Summary

CARD = "README.md"

IGNORED_FORMS = {
    "crowd": (
        "are written with `iscrowd` set. Trainers that honour crowds (COCOeval, detectron2 and mmdetection in part) "
        "leave them out of targets; most others drop them, and their pixels then count as background."
    ),
    "drop": (
        "are left out. Every trainer then takes their pixels for background: use this only where few were ignored."
    ),
    "keep": (
        "are written as ordinary boxes. Every trainer learns them; filter by `valid` or `ignore_reason` yourself."
    ),
    "paint": (
        "are left out and their pixels filled with a flat colour, except where a valid box lies. Every trainer "
        "honours this form."
    ),
}

TRAINERS = """\
| trainer | `crowd` | `drop` | `keep` | `paint` |
|---|---|---|---|---|
| COCOeval | ignored | background | ordinary | not there |
| detectron2 | left out of training: background | background | ordinary | not there |
| mmdetection | `gt_bboxes_ignore`, where the head uses it | background | ordinary | not there |
| torchvision, transformers | as your code says: look at `iscrowd` or `valid` | background | ordinary | not there |
| ultralytics, RF-DETR | dropped: background | background | ordinary | not there |
"""

PARQUET = "- `data/`: Parquet shards, one row a chip; `image px = chip px / factor + (x0, y0)` by `transform`"
WEBDATASET = (
    "- `data/`: tar shards of WebDataset, for each chip a picture and a `.json` with the columns of the Parquet "
    "format; `image px = chip px / factor + (x0, y0)` by `transform`; masks and extra fields are JSON in a text\n"
    "- `_categories.json`: the category table, in the order in which `category` counts"
)
COCO = "- `annotations.json`: all chips in COCO format; `shards/`: the same in parts, with the images"
ROBOFLOW = (
    "- `_annotations.coco.json`: all chips in COCO format, categories numbered from 0 in the order of their table; "
    "`shards/`: the same in parts, with the images"
)
YOLO = (
    "- `images/`, `labels/`: the chips and their labels, a line for each object to learn: class, and centre and size, "
    "or where the dataset has masks an outline, as shares of the chip\n"
    "- `data.yaml`: names of the classes, for the trainer\n- `shards/`: the pictures of each shard"
)
DATA = {
    ("parquet", "plain"): PARQUET,
    ("webdataset", "plain"): WEBDATASET,
    ("coco", "plain"): COCO,
    ("coco", "roboflow"): ROBOFLOW,
    ("yolo", "plain"): YOLO,
}
"""What lies where, by format and layout."""

CONFIGS = """\
configs:
- config_name: default
  description: build {build}
  data_files:
"""


def card(plan: Plan, summary: Summary, config: ExportConfig, skipped: Mapping[str, int], sha256: str) -> str:
    """Return the card as Markdown with a YAML head for Hugging Face.

    Parameters
    ----------
    plan, summary, config
        What was built, and how.
    skipped
        Things left out, by reason.
    sha256
        One checksum for all shards.
    """
    parts = [
        _yaml({config.split: "data"}, config, plan.dataset.categories, sha256),
        "# SNIPER chips\n",
        _how(plan, config),
        f"```\n{summary}\n```\n",
        _skipped(skipped),
        f"## Ignored boxes\n\nIgnored boxes {IGNORED_FORMS[str(config.ignored)]}\n\n{TRAINERS}",
        _files(config),
    ]
    return "\n".join(part for part in parts if part)


def collection_card(
    folders: Mapping[str, str], reports: Mapping[str, BuildReport], categories: Categories, config: ExportConfig
) -> str:
    """Return the card of several splits, each of which has one of its own."""
    sha256 = sha256_of_all(report.sha256 for report in reports.values())
    rows = "".join(
        f"| {name} | [{folder}]({folder}/README.md) | {reports[name].chips:,} | {reports[name].shards:,} |\n"
        for name, folder in folders.items()
    )
    return (
        f"{_yaml({name: f'{folder}/data' for name, folder in folders.items()}, config, categories, sha256)}\n"
        f"# SNIPER chips\n\n| split | folder | chips | shards |\n|---|---|---|---|\n{rows}\n"
        "Each folder is a build by itself, with a card that says how it was made. The splits were made of source "
        "images, not of chips: no picture shows in two of them unless the annotation files name it twice.\n"
    )


def parts_card(
    names: Mapping[str, str], reports: Mapping[str, BuildReport], categories: Categories | None, config: ExportConfig
) -> str:
    """Return the card of a dataset in several parts, each of which has one of its own.

    Parameters
    ----------
    names
        Name of the annotation file of each part, by its folder.
    reports
        What became of each, by the same.
    categories
        The category table; None will do for formats whose shards hold it.
    config
        How chips are written.
    """
    sha256 = sha256_of_all(report.sha256 for report in reports.values())
    table = Categories(np.empty(0, dtype=np.int64), (), ()) if categories is None else categories
    rows = "".join(
        f"| [{folder}]({folder}/README.md) | {_cell(name)} | {reports[folder].chips:,} | {reports[folder].shards:,} |\n"
        for folder, name in names.items()
    )
    return (
        f"{_yaml({config.split: 'part-*/data'}, config, table, sha256)}\n"
        f"# SNIPER chips\n\n| part | annotations | chips | shards |\n|---|---|---|---|\n{rows}\n"
        "Each folder is a build by itself, with a card that says how it was made; together they are one dataset. To "
        f"ids of images, annotations, chips and boxes of part p, p times {STEP:,} is added: no two parts share one.\n"
    )


def _cell(name: str) -> str:
    """Return the name of a file as a cell of a table; an odd one in quotes."""
    return name if re.fullmatch(r"[\w.-]+", name, re.ASCII) else dump_yaml(name).replace("|", "\\|")


def _yaml(folders: Mapping[str, str], config: ExportConfig, categories: Categories, sha256: str) -> str:
    """Return the YAML head of some splits, given the folder of the shards of each.

    `datasets` keeps what it has read under the name of the folder and what the head says, and looks no more at the
    files: without the checksum it would go on to give the chips of an earlier build.
    """
    ending = {"parquet": "parquet", "webdataset": "tar"}.get(config.format)
    files = "".join(
        f"  - split: {yaml_word(name)}\n    path: {folder}/{name}-*.{ending}\n" for name, folder in folders.items()
    )
    configs = f"{CONFIGS.format(build=sha256[:16])}{files}" if ending else ""
    if config.format == "webdataset":
        features = sample_features(categories, EXTENSIONS[config.image_format])
        configs += f"dataset_info: {dump_yaml({'features': features})}\n"
    return f"---\ntask_categories:\n- object-detection\ntags:\n- chipgen\n- sniper\n{configs}---\n"


def _how(plan: Plan, config: ExportConfig) -> str:
    """Say how the chips were made."""
    made = plan.config
    padded = f", padded right and bottom with {config.fill}" if config.pad else ", not padded"
    quality = "" if config.image_format == "png" else f" at quality {config.quality}"
    subsampling = ", no colour subsampling" if config.image_format == "jpeg" else ""
    return (
        f"Fixed-size crops of {made.chip_size} x {made.chip_size} px{padded}, each cut at the scale where its objects "
        "have the size a detector learns best (Singh, Najibi, Davis, "
        '"SNIPER: Efficient Multi-Scale Training", NeurIPS 2018).\n\n'
        f"- scales: `{made.scale_tokens}`; valid ranges, sqrt(w*h) in source pixels: `{made.range_tokens}`\n"
        f"- {_sampler(made)}, stride {made.stride}, seed {made.seed}\n"
        f"- a box is learnt in a chip when at least {made.min_visibility:g} of it is visible and both sides are at "
        f"least {made.min_box:g} px\n"
        f"{_assigned(plan)}"
        f"{_negatives(plan)}"
        f"- pixels: RGB, {config.resample}, {config.image_format}{quality}{subsampling}\n"
        f"{_look(config)}"
    )


def _look(config: ExportConfig) -> str:
    """Say how bands became colours, if that was asked for."""
    told = {
        "bands": "bands `{}` shown as red, green and blue",
        "stretch": "values `{}` of rasters spread over 0 to 255",
    }
    asked = [told[name].format(value) for name, value in config.look.recorded().items() if value is not None]
    return f"- {'; '.join(asked)}\n" if asked else ""


def _sampler(config: PlanConfig) -> str:
    """Name the sampler and its options."""
    options = ", ".join(f"{name} `{value}`" for name, value in config.recorded()["sampler_options"].items())
    return f"sampler `{config.sampler}`" + (f" ({options})" if options else "")


def _assigned(plan: Plan) -> str:
    """Say where an object is learnt that several chips show, if not in all of them."""
    if plan.config.assign == "all":
        return ""
    return (
        "- an object is learnt in one chip of a level, the one that shows most of it; in others that show enough of it "
        "it is ignored as `assigned_elsewhere`\n"
    )


def _negatives(plan: Plan) -> str:
    """Say where the negative chips come from."""
    told = {
        "none": "no negative chips: all chips hold objects to learn",
        "random": "negative chips: random background that shows no annotated object",
        "proposals": f"negative chips: background in which a detector proposed objects, {plan.mining.minimum}; none "
        "holds an object to learn, ignored ones take up at most "
        f"{plan.config.negative.max_ignored_area:g} of it",
    }
    return f"- {told[plan.mining.mode]}\n"


def _skipped(skipped: Mapping[str, int]) -> str:
    """Say what was left out."""
    if not skipped:
        return ""
    what = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return (
        f"Skipped, and listed in `_skipped.jsonl`: {what}. The table above shows the plan, made before images were "
        "read.\n"
    )


def _files(config: ExportConfig) -> str:
    """Say what lies where."""
    return (
        f"## Files\n\n{DATA[config.format, config.layout]}\n- `_plan.parquet`: one row a chip, without pixels\n"
        "- `_ledger.parquet`: one row a source annotation: where it is learnt, or why nowhere\n"
        "- `_sources.parquet`: one row an image that chips were cut from, with its checksum\n"
        "- `_skipped.jsonl`: what could not be used\n- `_manifest.json`: configuration, digests, checksums\n"
    )

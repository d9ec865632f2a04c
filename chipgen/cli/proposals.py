"""``chipgen proposals``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from chipgen.cli.options import REPORT_OPTIONS, say, with_options

TOO_MUCH_SKIPPED = 3

OPTIONS = (
    click.option("--trust-pickle", is_flag=True, help="Read a pickle: arrays and plain containers, nothing else."),
    click.option(
        "--coco",
        type=click.Path(),
        help="COCO annotation file of the images, for pickles without image ids: the very file that was used when "
        "the proposals were made, because the order of its images counts.",
    ),
    click.option(
        "--box-format",
        type=click.Choice(["xywh", "xyxy", "xyxy-inclusive"]),
        help="How the file writes boxes; inclusive: the right and lower end are pixels of the box.  "
        "[default: xywh; for pickles what their maker writes]",
    ),
    click.option(
        "--on-error",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="List every faulty proposal and stop, or leave them out.",
    ),
    click.option(
        "--max-skipped",
        type=int,
        default=0,
        show_default=True,
        help="With --on-error skip: more than this exits with 3.",
    ),
    click.option("--overwrite", is_flag=True, help="Replace what chipgen proposals wrote to OUT before."),
)


@click.command()
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("out", metavar="OUT.parquet", type=click.Path())
@with_options(OPTIONS, REPORT_OPTIONS)
def proposals(source: str, out: str, **options: Any) -> int:
    """Write proposals of any kind as Parquet, sorted by image, for chipgen build --proposals.

    IN is a path or URL, and told by its content, not by its name: COCO results (JSON, or JSON lines with one object a
    line) of image_id, bbox and perhaps score; Parquet with columns image_id, x, y, w, h and perhaps score; NPZ with
    arrays image_id, bbox and perhaps score; or a pickle of Detectron2, MMDetection or the original SNIPER.

    \b
    chipgen proposals detections.bbox.json proposals.parquet
    chipgen proposals lines.jsonl proposals.parquet --on-error skip --max-skipped 100
    chipgen proposals table.parquet proposals.parquet --box-format xyxy
    chipgen proposals arrays.npz proposals.parquet
    chipgen proposals detectron2.pkl proposals.parquet --trust-pickle
    chipgen proposals mmdetection.pkl proposals.parquet --trust-pickle --coco instances_train2017.json
    chipgen proposals sniper.pkl proposals.parquet --trust-pickle --coco instances_train2014.json \\
        --box-format xyxy-inclusive
    """  # noqa: D301 -- click's mark for "do not rewrap"
    from chipgen.proposals import convert_proposals  # noqa: PLC0415 -- heavy, and not needed for --help

    report = {name: options.pop(name) for name in ("as_json", "quiet", "debug")}
    done = convert_proposals(source, out, **options)
    if not report["quiet"]:
        say(json.dumps(asdict(done), indent=1) if report["as_json"] else str(done))
    return 0 if done.within_limit else TOO_MUCH_SKIPPED

"""``chipgen epochs``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from chipgen.cli.options import REPORT_OPTIONS, say, with_options


@click.command()
@click.argument("out", type=click.Path())
@click.option("--epochs", type=int, default=7, show_default=True, help="Number of epochs.")
@click.option(
    "--negatives-per-image", help="At most so many an image, or all.  [default: 2; all with --negative-ratio]"
)
@click.option("--negative-ratio", type=float, help="So many for each positive chip.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draw.")
@click.option("--overwrite", is_flag=True, help="Replace epochs written there before.")
@with_options(REPORT_OPTIONS)
def epochs(out: str, **options: Any) -> int:
    """Draw the negative chips that each epoch of training shows.

    OUT is the output folder of a build that keeps all negative chips. Each epoch shows all positive chips and other
    negative ones; OUT/epochs/epoch-0.parquet and so on list them, no pixel is written again.

    \b
    chipgen build --coco instances.json --scales 3x,1x --proposals rpn.parquet --negatives-per-image all
    chipgen epochs chips --epochs 7 --negatives-per-image 2 --seed 0
    """  # noqa: D301 -- click's mark for "do not rewrap"
    from chipgen.epochs import write_epochs  # noqa: PLC0415 -- heavy, and not needed for --help

    report = write_epochs(
        out,
        epochs=options["epochs"],
        negatives_per_image=options["negatives_per_image"],
        negative_ratio=options["negative_ratio"],
        seed=options["seed"],
        overwrite=options["overwrite"],
    )
    if not options["quiet"]:
        say(json.dumps(asdict(report), indent=1) if options["as_json"] else str(report))
    return 0

"""``chipgen view``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from chipgen.cli.options import REPORT_OPTIONS, say, with_options


@click.command()
@click.argument("out", type=click.Path())
@click.option(
    "--images",
    type=click.Path(),
    help="Folder of the source images, path or URL, to see them with all their chips; without it, chips stand in their "
    "place.",
)
@click.option(
    "--limit",
    type=int,
    default=200,
    show_default=True,
    help="Chips in the page, spread over levels, kinds and images; at most 2000.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the choice.")
@click.option("--overwrite", is_flag=True, help="Replace what was drawn there before.")
@with_options(REPORT_OPTIONS)
def view(out: str, **options: Any) -> int:
    """Draw chips with their boxes: a page for the browser, and contact sheets.

    OUT is the output folder of a build. OUT/view/index.html is one file that opens without a server, about 0.1 MB a
    chip and never more than 40 MB; beside it lie contact sheets (PNG) by level, kind and class. Valid boxes are drawn
    solid, ignored ones dashed with the reason.

    \b
    chipgen view chips
    chipgen view chips --images train2017 --limit 500
    """  # noqa: D301 -- click's mark for "do not rewrap"
    from chipgen.viewing import view as draw  # noqa: PLC0415 -- heavy, and not needed for --help

    report = draw(
        out,
        options["images"],
        limit=options["limit"],
        seed=options["seed"],
        overwrite=options["overwrite"],
    )
    if not options["quiet"]:
        say(json.dumps(asdict(report), indent=1) if options["as_json"] else str(report))
    return 0

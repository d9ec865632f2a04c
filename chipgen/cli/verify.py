"""``chipgen verify``."""

from __future__ import annotations

import json
from typing import Any

import click

from chipgen.cli.options import REPORT_OPTIONS, complain, say, with_options

FAULTY = 1


@click.command()
@click.argument("out", type=click.Path())
@click.option(
    "--sources",
    type=click.Path(),
    help="Folder of the images, or the annotation file near which they are found, path or URL: compare them with "
    "what they were.",
)
@with_options(REPORT_OPTIONS)
def verify(out: str, **options: Any) -> int:
    """Check that a finished build is what it promises to be.

    OUT is the output folder of a build, path or URL. Every file is compared with its checksum, and everything the files
    say with each other: manifest, plan, ledger, shards, lists. Each fault is one line on stderr, and the exit code is
    then 1. With --sources the images that chips were cut from are compared with what they were, too.

    \b
    chipgen verify chips
    chipgen verify chips --sources train2017
    """  # noqa: D301 -- click's mark for "do not rewrap"
    from chipgen.verification import verify as check  # noqa: PLC0415 -- heavy, and not needed for --help

    report = check(out, options["sources"])
    for fault in report.faults:
        complain(str(fault))
    if not options["quiet"]:
        say(json.dumps(report.to_dict(), indent=1) if options["as_json"] else str(report))
    return 0 if report.ok else FAULTY

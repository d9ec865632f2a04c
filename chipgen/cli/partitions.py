"""``chipgen build`` of a dataset in several parts, one after the other."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chipgen.cli.options import say
from chipgen.errors import UsageError
from chipgen.remote import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chipgen.cli.sources import Source
    from chipgen.finished import BuildReport
    from chipgen.partitions.files import Partition
    from chipgen.partitions.making import Making
    from chipgen.partitions.running import PartitionsReport


def given_parts(sources: Mapping[str, Source], options: Mapping[str, Any]) -> list[Partition]:
    """Return the parts that are asked for; none where one annotation file is named, or one for each split.

    Raises
    ------
    UsageError, DataError
        They cannot be meant, or are not there.
    """
    from chipgen.partitions.files import matching, names_several, partitions  # noqa: PLC0415 -- not needed for --help

    several = next((source for source in sources.values() if names_several(source.coco)), None)
    if several is None:
        return []
    if len(sources) > 1:
        todo = "build each split to a folder of its own"
        raise UsageError.one("--coco", several.coco, "is several files, and so are the splits", todo)
    for option in ("val_fraction", "group_by"):
        if options[option] is not None:
            what = "means nothing for a dataset in several files"
            todo = "leave it out, and name the files of each split by a pattern of their own"
            raise UsageError.one(f"--{option.replace('_', '-')}", f"{options[option]}", what, todo)
    if several.proposals is None:
        return partitions(matching(several.coco))
    if not names_several(several.proposals):
        todo = "give a pattern or folder, with a file named as each annotation file but for the ending"
        raise UsageError.one("--proposals", several.proposals, "is one file for several annotation files", todo)
    return partitions(matching(several.coco), matching(several.proposals))


def build_parts(parts: Sequence[Partition], making: Making, options: Mapping[str, Any]) -> bool:
    """Build all parts, or with ``--dry-run`` show what they come to; tell whether little enough was skipped."""
    if options["dry_run"]:
        _try(parts, making, options)
        return True
    from chipgen.partitions.running import run_partitions  # noqa: PLC0415 -- heavy, and not needed for --help

    shown = not options["quiet"] and not options["as_json"]

    def told(part: Partition, report: BuildReport) -> None:
        if shown:
            say(_line(part, report))

    report = run_partitions(parts, path_of(options["out"]), making, told)
    if options["as_json"] and not options["quiet"]:
        parts_ = {folder: {"annotations": report.files[folder], **asdict(one)} for folder, one in report.parts.items()}
        say(json.dumps({"out": report.out, "parts": parts_}, indent=1))
    elif shown:
        _sum(report)
    return report.within(making.export.max_skipped)


def _line(part: Partition, report: BuildReport) -> str:
    """Return the line about a part, as soon as it is finished."""
    from chipgen.text import counted, human_bytes  # noqa: PLC0415

    what = f"{counted(report.chips, 'chip')} in {counted(report.shards, 'shard')}, {human_bytes(report.bytes)}"
    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(report.skipped.items()))
    before = " (finished before)" if report.unchanged else ""
    notes = "".join(f"\nnote         {note}" for note in report.notes)
    return f"{part.folder:<12} {part.name}: {what}{before}{'; skipped ' + skipped if skipped else ''}{notes}"


def _sum(report: PartitionsReport) -> None:
    """Print what all parts come to."""
    from chipgen.text import counted, human_bytes  # noqa: PLC0415

    done, skipped = report.parts.values(), Counter[str]()
    for one in done:
        skipped.update(one.skipped)
    chips, shards, length = (sum(getattr(one, name) for one in done) for name in ("chips", "shards", "bytes"))
    inside = f"{counted(chips, 'chip')} in {counted(shards, 'shard')}"
    what = f"{counted(len(done), 'part')}, {inside}, {human_bytes(length)}"
    say(f"{'finished' if report.unchanged else 'written '}     {what}: {report.out}")
    if report.unchanged:
        say("             nothing to do: this build was finished before")
    say(f"skipped      {', '.join(f'{count} {reason}' for reason, count in sorted(skipped.items())) or 'nothing'}")


def _try(parts: Sequence[Partition], making: Making, options: Mapping[str, Any]) -> None:
    """Plan all parts and print what they come to."""
    from chipgen.partitions.making import plan_partitions  # noqa: PLC0415 -- heavy, and not needed for --help
    from chipgen.text import counted, human_bytes, listed  # noqa: PLC0415

    total, ledger = Counter[str](), Counter[str]()
    for part, plan in plan_partitions(parts, making):
        summary = plan.summary()
        del plan
        ledger.update(summary.ledger)
        total.update(images=summary.images, chips=summary.chips, positive=summary.positive, pairs=summary.pairs)
        total.update(covered=summary.covered, annotations=summary.annotations, expected_bytes=summary.expected_bytes)
        if not options["quiet"] and not options["as_json"]:
            say(f"{part.folder:<12} {part.name}: {counted(summary.images, 'image')}, {counted(summary.chips, 'chip')}")
    if options["quiet"]:
        return
    if options["as_json"]:
        say(json.dumps({"parts": len(parts), **total, "ledger": ledger}, indent=1))
        return
    negative = total["chips"] - total["positive"]
    share = total["covered"] / total["pairs"] if total["pairs"] else 1.0
    say(f"chips        {total['chips']:,}, {total['positive']:,} positive and {negative:,} negative")
    say(f"coverage     {share:.2%} of {total['pairs']:,} valid (box, level) pairs")
    say(f"annotations  {listed(dict(sorted(ledger.items())))}")
    say(f"expected     {human_bytes(total['expected_bytes'])} as JPEG at quality 95")
    say(f"dry run      {counted(len(parts), 'part')}, {counted(total['images'], 'image')}: nothing was written")

"""What a finished build comes to when the same one is asked for again: nothing is to be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.digests import sha256_of_all
from chipgen.errors import DataError, Problem
from chipgen.store import differing, refuse_other
from chipgen.text import counted
from chipgen.writers import format_of
from chipgen.writers.tables import SKIPPED, read_skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.export_config import ExportConfig
    from chipgen.ledger import Ledger
    from chipgen.plan import Plan
    from chipgen.store import Found, Start
    from chipgen.summary import Summary

NAMED = 3
"""Files named one by one in a report before they are only counted."""


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Parameters
    ----------
    out
        The output folder.
    chips, shards, bytes
        Chips and shards of the build, and the length of all files.
    skipped
        Things left out, by reason; the lines of ``_skipped.jsonl``.
    notes
        Remarks, about images with how many each applies to.
    within_limit
        Whether no more was skipped than allowed.
    sha256
        One checksum for all files of all shards: another wherever a chip or a box is.
    kept
        Shards that an earlier run had finished.
    unchanged
        Whether the build was finished already, and nothing was written.
    """

    out: str
    chips: int
    shards: int
    bytes: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    within_limit: bool
    sha256: str
    kept: int = 0
    unchanged: bool = False


def counts_of(summary: Summary, ledger: Ledger, skipped: dict[str, int]) -> dict[str, Any]:
    """Return the counts of a manifest, besides that of its chips."""
    return {
        "images": summary.images,
        "annotations": summary.annotations,
        "categories": summary.categories,
        "valid_pairs": summary.pairs,
        "negatives": asdict(summary.negatives),
        "single_scale_pixels": summary.single_scale_pixels,
        "pyramid_pixels": summary.pyramid_pixels,
        "ledger": ledger.counts(),
        "skipped": skipped,
    }


def already_built(found: Found, record: dict[str, Any], config: ExportConfig) -> BuildReport | None:
    """Return what a finished build comes to, when it is the one asked for and whole; None when there is work to do.

    Parameters
    ----------
    found
        What lies in the output folder.
    record
        What the build asked for is made from, as far as it is known.
    config
        How it is exported.

    Raises
    ------
    OutputError
        Another build lies there.
    DataError
        Something was skipped in it, and nothing may be skipped.
    """
    if config.overwrite:
        return None
    refuse_other(found, record, config.may_rise)
    if not found.finished or differing(found.out, found.listed, by_content=config.verify):
        return None
    if config.retry_skipped and "image" in {entry.kind for entry in read_skipped(found.out)}:
        return None
    return report_finished(found, config)


def report_finished(found: Found, config: ExportConfig) -> BuildReport:
    """Return what a finished build comes to.

    Raises
    ------
    DataError
        Something was skipped in it, and nothing may be skipped.
    """
    manifest = found.manifest
    assert manifest is not None
    skipped = manifest["counts"]["skipped"]
    folders = tuple(f"{folder}/" for folder in format_of(config.format, config.layout).folders)
    if config.on_error == "fail" and skipped:
        raise DataError(_problems(found))
    return BuildReport(
        out=str(found.out),
        chips=manifest["counts"]["chips"],
        shards=len(manifest["shards"]),
        bytes=sum(file.bytes for file in found.listed),
        skipped=skipped,
        notes=(),
        within_limit=sum(skipped.values()) <= config.max_skipped,
        sha256=sha256_of_all(file.sha256 for file in found.listed if file.path.startswith(folders)),
        kept=len(manifest["shards"]),
        unchanged=True,
    )


def _problems(found: Found) -> Iterator[Problem]:
    """Yield what was skipped as problems."""
    todo = "mend it, then try again with --on-error skip --retry-skipped, or go on with --on-error skip"
    for entry in read_skipped(found.out):
        of_image = f"image {entry.image_id}"
        where = of_image if entry.annotation_id is None else f"annotation {entry.annotation_id} of {of_image}"
        yield Problem(str(found.out / SKIPPED), where, f"{entry.message} ({entry.reason})", todo)


def told(start: Start) -> Iterator[str]:
    """Say which files of an earlier run had to be made again."""
    if len(start.lost) > NAMED:
        yield f"{len(start.lost):,} files were missing or damaged and have been made again, such as {start.lost[0]}"
    else:
        yield from (f"{path} was missing or damaged and has been made again" for path in start.lost)


def said_of_labels(plan: Plan, config: ExportConfig) -> Iterator[str]:
    """Say what becomes of ignored boxes where labels know only boxes to learn."""
    ignored = int(np.count_nonzero(plan.boxes.state))
    if config.format != "yolo" or not ignored:
        return
    words = {
        "paint": "painted over in the pictures",
        "drop": "left out, so that trainers take what they show for background",
        "keep": "written as boxes to learn",
    }
    yield f"{counted(ignored, 'ignored box')} {words[str(config.ignored)]}: labels of YOLO know no ignored boxes"

"""The loop: shards to do, workers that do them, one commit."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from joblib.externals.loky.process_executor import BrokenProcessPool
from tqdm import tqdm

from chipgen import _version
from chipgen.card import card
from chipgen.coco.find import fullest
from chipgen.dataset import Skipped
from chipgen.errors import DataError, UnusableError, UsageError, WorkerError
from chipgen.export_config import ExportConfig, ExportSettings
from chipgen.findings import Findings, merge
from chipgen.images import locate
from chipgen.render import render
from chipgen.shard import Shard, take_shard
from chipgen.store import Output, Staging, Written
from chipgen.writers import WRITERS, shard_path
from chipgen.writers.coco import merge_coco
from chipgen.writers.tables import write_ledger, write_plan, write_skipped, write_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from chipgen.dataset import Categories
    from chipgen.plan import Plan

FORMAT_VERSION = 1
MERGED = "annotations.json"
CARD = "README.md"


@dataclass(frozen=True)
class ShardDone:
    """What a worker reports about one shard.

    Parameters
    ----------
    index, path, rows
        Which shard, the file that names it, and its chips.
    files
        All its files.
    findings
        What came up.
    """

    index: int
    path: str
    rows: int
    files: tuple[Written, ...]
    findings: Findings


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Parameters
    ----------
    out
        The output folder.
    chips, shards, bytes
        Chips and shards written, and the length of all files.
    skipped
        Things left out, by reason; the lines of ``_skipped.jsonl``.
    notes
        Remarks about images, with how many each applies to.
    within_limit
        Whether no more was skipped than allowed.
    """

    out: str
    chips: int
    shards: int
    bytes: int
    skipped: dict[str, int]
    notes: tuple[str, ...]
    within_limit: bool


def export(
    plan: Plan,
    out: str | os.PathLike[str],
    format: str = "parquet",  # noqa: A002 -- the option's name
    **settings: Unpack[ExportSettings],
) -> BuildReport:
    """Cut the chips of a plan and write them.

    Parameters
    ----------
    plan
        What `plan` returned.
    out
        The output folder: new or empty.
    format
        ``parquet`` or ``coco``.
    **settings
        Other fields of `ExportConfig`, such as ``ignored="paint"`` or ``image_format="png"``.

    Returns
    -------
    BuildReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError, WorkerError
        With the reason; nothing is left under a final name then.
    """
    return run(plan, Path(out), ExportConfig(format=format, **settings))


def run(plan: Plan, out: Path, config: ExportConfig) -> BuildReport:
    """Export a plan as a configuration says; see `export`."""
    root = _root(plan)
    _refuse_nesting(out, root, Path(plan.dataset.source.path))
    with Output(out, overwrite=config.overwrite) as output:
        if config.on_error == "fail":
            _refuse_missing(plan, root, config)
        done = sorted(_do_shards(plan, root, output, config), key=lambda shard: shard.index)
        findings = merge(shard.findings for shard in done)
        if config.on_error == "fail" and findings.skipped:
            raise DataError(map(plan.dataset.source.problem, findings.skipped))
        return _commit(plan, output, config, done, findings)


def _root(plan: Plan) -> Path:
    """Return the image root.

    Raises
    ------
    DataError
        No image was found anywhere.
    """
    source, file_names = plan.dataset.source, plan.dataset.images.file_name
    # The reader looked for a few images only; before giving up, look for all of them.
    root = source.root or fullest(source.looked_in, file_names)
    if root is None and len(plan.chips):
        what = f"{file_names[0]!r} and the other images were not found in {', '.join(source.looked_in)}"
        raise DataError.one(source.path, "images", what, "name their folder with --images")
    return Path(root or Path(source.path).parent)


def _refuse_nesting(out: Path, root: Path, annotations: Path) -> None:
    """Refuse an output folder that would mix with the input.

    A folder beside the annotation file is fine even when the images lie there too: it is the default.

    Raises
    ------
    UsageError
        It is the image root, or lies in a folder of images.
    """
    target, images, beside = (Path(os.path.realpath(path)) for path in (out, root, annotations.parent))
    if target == images or (target.is_relative_to(images) and images != beside):
        what = f"lies in the image folder {root}"
        raise UsageError.one("--out", str(out), what, "choose a folder outside it")


def _refuse_missing(plan: Plan, root: Path, config: ExportConfig) -> None:
    """Look for all images before the first is decoded, so that a missing one is known in seconds.

    Raises
    ------
    DataError
        With every image that is not there.
    """
    source, problems = plan.dataset.source, []
    for image in sorted(set(plan.chips.image.tolist())):
        name = plan.dataset.images.file_name[image]
        try:
            locate(root, name, follow_symlinks=config.follow_symlinks)
        except UnusableError as error:
            image_id = int(plan.dataset.images.id[image])
            problems.append(source.problem(Skipped("image", image_id, None, name, error.reason, error.message)))
    if problems:
        raise DataError(problems)


def _do_shards(plan: Plan, root: Path, output: Output, config: ExportConfig) -> Iterator[ShardDone]:
    """Give every shard to a worker and yield what comes back, in any order.

    Raises
    ------
    WorkerError
        A worker process died or ran out of memory.
    """
    count = len(plan.shards) - 1
    workers = min(config.workers or os.cpu_count() or 1, count)
    tasks = (
        joblib.delayed(_do_shard)(take_shard(plan, index), plan.dataset.categories, root, output.staging(), config)
        for index in range(count)
    )
    bar = tqdm(total=len(plan.chips), unit="chip", disable=not (config.progress and sys.stderr.isatty()), leave=False)
    try:
        with bar, joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
            for done in parallel(tasks):
                bar.update(int(plan.shards[done.index + 1] - plan.shards[done.index]))
                yield done
    except (BrokenProcessPool, MemoryError) as error:
        what = "a worker process died or ran out of memory"
        todo = "run the same command again, with fewer --workers or a lower --max-pixels"
        raise WorkerError.one(output.out, "", what, todo) from error


def _do_shard(shard: Shard, categories: Categories, root: Path, staging: Staging, config: ExportConfig) -> ShardDone:
    """Make and write one shard: what a worker does."""
    path = shard_path(config.format, config.split, shard.index, shard.count)
    findings = Findings()
    rows = WRITERS[config.format](render(shard, root, config, findings), categories, staging, path)
    return ShardDone(shard.index, path, rows, tuple(staging.written), findings)


def _commit(plan: Plan, output: Output, config: ExportConfig, done: list[ShardDone], findings: Findings) -> BuildReport:
    """Write the tables and the card, then publish everything."""
    skipped = [*plan.skipped, *findings.skipped]  # what was skipped when it was read is no error any more
    staging = output.staging()
    ledger = plan.ledger(findings.images)
    write_plan(plan, findings.images, staging)
    write_ledger(plan.dataset, ledger, staging)
    write_skipped(skipped, staging)
    write_sources(plan, findings, staging)
    reasons = dict(Counter(entry.reason for entry in skipped))
    summary = plan.summary()
    staging.write(CARD, card(plan, summary, config, reasons).encode())
    if config.format == "coco":
        merge_coco([shard.path for shard in done], staging.read, staging, MERGED)
    chips = sum(shard.rows for shard in done)
    counts = {
        "images": summary.images,
        "annotations": summary.annotations,
        "categories": summary.categories,
        "chips": chips,
        "valid_pairs": summary.pairs,
        "negatives": dataclasses.asdict(summary.negatives),
        "single_scale_pixels": summary.single_scale_pixels,
        "pyramid_pixels": summary.pyramid_pixels,
        "ledger": ledger.counts(),
        "skipped": reasons,
    }
    files = [*staging.written, *(file for shard in done for file in shard.files)]
    output.publish(files, _manifest(plan, config, done, counts))
    return BuildReport(
        out=str(output.out),
        chips=chips,
        shards=len(done),
        bytes=sum(file.bytes for file in files),
        skipped=reasons,
        notes=findings.remarks(),
        within_limit=len(skipped) <= config.max_skipped,
    )


def _manifest(plan: Plan, config: ExportConfig, done: list[ShardDone], counts: dict[str, Any]) -> dict[str, Any]:
    """Return what the manifest says, besides the list of files."""
    naming = {file.path: file for shard in done for file in shard.files}
    return {
        "format_version": FORMAT_VERSION,
        "chipgen_version": _version.__version__,
        "configuration": {**plan.config.recorded(), **config.recorded()},
        "encoders": _version.encoder_versions(),
        "inputs": _inputs(plan),
        "counts": counts,
        "shards": [{**dataclasses.asdict(naming[shard.path]), "rows": shard.rows} for shard in done],
    }


def _inputs(plan: Plan) -> dict[str, dict[str, str]]:
    """Return the digest of each input file."""
    digests = {"annotations": {"sha256": plan.dataset.source.sha256}}
    return digests if plan.proposals is None else {**digests, "proposals": {"sha256": plan.proposals.sha256}}

"""Chips of a dataset in several parts, in one call."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from chipgen.coco import read_coco
from chipgen.config import PlanConfig, PlanSettings
from chipgen.export_config import ExportConfig, ExportSettings
from chipgen.partitions.files import Partition, matching, names_several, partitions
from chipgen.partitions.making import Making
from chipgen.partitions.running import run_partitions
from chipgen.proposals import read_proposals
from chipgen.remote import path_of
from chipgen.samplers import find_sampler, name_of
from chipgen.samplers.options import bind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Unpack

    from chipgen.dataset import Dataset
    from chipgen.partitions.running import PartitionsReport
    from chipgen.proposals import ProposalFile
    from chipgen.samplers import Sampler

    Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class PartitionSettings(PlanSettings, ExportSettings, total=False):
    """What may be said besides the files and scales, as keyword arguments."""

    valid_ranges: str
    sampler: Sampler | str
    images: str | os.PathLike[str] | None
    proposals: Paths | None


def export_partitions(
    coco: Paths,
    out: str | os.PathLike[str],
    scales: str,
    format: str = "parquet",  # noqa: A002 -- the option's name
    **settings: Unpack[PartitionSettings],
) -> PartitionsReport:
    """Read, plan and cut a dataset in several annotation files, one after the other, each into a folder of its own.

    No more than one of them is in memory at a time. To all ids of the file of number p, p times 10**12 is added, where
    p counts the sorted names of the files: one that sorts behind all others may be added later.

    Parameters
    ----------
    coco
        A pattern, ``"parts/*.json"``, a folder of Parquet files, or the files, in any order.
    out
        The folder that holds all parts: new, empty, or of the same parts, finished or not.
    scales
        As for `plan`.
    format
        ``parquet``, ``coco``, ``yolo`` or ``webdataset``.
    **settings
        ``valid_ranges``, ``sampler`` and all else that `plan` and `export` take; ``images``, the image folder of all
        files, else it is looked for near each; ``proposals``, a pattern, a folder or files named as the annotation
        files but for the ending.

    Returns
    -------
    PartitionsReport
        What was written and what was skipped.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError, WorkerError
        As `read_coco`, `plan` and `export` raise them; parts that were finished stay, and the same call goes on.
    """
    given: dict[str, Any] = {**settings}
    images, proposals = given.pop("images", None), given.pop("proposals", None)
    exported = {field.name: given.pop(field.name) for field in fields(ExportConfig) if field.name in given}
    export = ExportConfig(format=format, **exported)
    plan, sampler = _planned(scales, **given)

    def read(part: Partition) -> Dataset:
        return read_coco(part.coco, images, on_error=export.on_error)

    def offered(part: Partition) -> ProposalFile | None:
        return None if part.proposals is None else read_proposals(part.proposals, on_error=export.on_error)

    plan.negative.mode(proposals=proposals is not None)
    parts = partitions(_files(coco), None if proposals is None else _files(proposals))
    return run_partitions(parts, path_of(out), Making(plan, export, read, offered, sampler=sampler))


def _planned(scales: str, sampler: Sampler | str = "sniper", **settings: Any) -> tuple[PlanConfig, Sampler]:
    """Return the configuration of a plan, with all options of the sampler, and the sampler."""
    name = sampler if isinstance(sampler, str) else name_of(sampler)
    found = find_sampler(sampler) if isinstance(sampler, str) else sampler
    config = PlanConfig.parse(scales, sampler=name, **settings)
    _, options = bind(found, dict(config.sampler_options), name)
    return replace(config, sampler_options=options), found


def _files(given: Paths) -> list[str]:
    """Return the files that a pattern, a folder or a list names."""
    if isinstance(given, (str, os.PathLike)):
        path = os.fspath(given)
        return matching(path) if names_several(path) else [path]
    return [os.fspath(path) for path in given]

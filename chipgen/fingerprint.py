"""What a build is made from, exactly: two builds with the same record hold the same bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen import _version
from chipgen.digests import sha256_of
from chipgen.masks.joined import some_mask
from chipgen.remote import fetched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from os import PathLike

    from chipgen.config import PlanConfig
    from chipgen.dataset import Categories
    from chipgen.export_config import ExportConfig
    from chipgen.plan import Plan
    from chipgen.splitting import Splitting

FORMAT_VERSION = 1


def record_of(plan: Plan, config: ExportConfig, labels: str | None = None) -> dict[str, Any]:
    """Return what a build is made from, as the manifest says it.

    Parameters
    ----------
    plan, config
        What is built, and how.
    labels
        What labels of YOLO are, as `labels_of` says it of all splits; None where there is but this one.
    """
    dataset = plan.dataset
    record = early_record(plan.config, config, dataset.limit, dataset.splitting, dataset.source.partition)
    if config.format == "yolo":
        record["configuration"]["labels"] = labels or labels_of([plan])
    inputs = {"annotations": {"sha256": dataset.source.sha256}}
    if plan.proposals is not None:
        inputs["proposals"] = {"sha256": plan.proposals.sha256}
    return {**record, "inputs": inputs, "categories": table_digest(dataset.categories), "plan": plan_digest(plan)}


def table_digest(categories: Categories) -> str:
    """Return the checksum of a category table."""
    return hashlib.sha256(b"\n".join(categories.raw)).hexdigest()


def labels_of(plans: Iterable[Plan]) -> str:
    """Return what labels are where they can be of one kind only: outlines where some object to learn has a mask."""
    masked = any(some_mask(plan.dataset.annotations.learnable()) for plan in plans)
    return "outlines" if masked else "boxes"


def early_record(
    plan: PlanConfig,
    export: ExportConfig,
    limit: int | None,
    splitting: Splitting | None = None,
    partition: int | None = None,
) -> dict[str, Any]:
    """Return the part of the record that is known before anything is read."""
    split = {"val_fraction": None, "group_by": None} if splitting is None else splitting.recorded()
    return {
        "format_version": FORMAT_VERSION,
        "chipgen_version": _version.__version__,
        "configuration": {**plan.recorded(), **export.recorded(), **split, "limit": limit, "partition": partition},
        "encoders": dict(_version.encoder_versions(export.imaging)),
    }


def input_record(
    annotations: PathLike[str] | str, proposals: PathLike[str] | str | None, most_bytes: int | None = None
) -> dict[str, Any]:
    """Return the digests of input files, as in the record.

    Parameters
    ----------
    annotations, proposals
        The files, or their URLs: they are fetched then, and whoever reads them need not fetch them again.
    most_bytes
        Longer annotations are not fetched.

    Raises
    ------
    OSError
        One cannot be read, or is no regular file.
    DataError, StorageError
        One cannot be fetched.
    """
    found = {"annotations": {"sha256": sha256_of(fetched(annotations, most_bytes))}}
    return found if proposals is None else {**found, "proposals": {"sha256": sha256_of(fetched(proposals))}}


def plan_digest(plan: Plan) -> str:
    """Return the checksum of a plan: of every chip, every box and every boundary of a shard, to the last bit.

    It depends on no library's file format, so that it is the same on any machine.
    """
    digest = hashlib.sha256()
    for column in _columns(plan):
        portable = np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<"))
        digest.update(f"{portable.dtype.str}{portable.shape}".encode())
        digest.update(portable.data if portable.size else b"")
    return digest.hexdigest()


def _columns(plan: Plan) -> Iterator[np.typing.NDArray[Any]]:
    """Yield all that a plan says, in a fixed order."""
    chips, boxes, cell = plan.chips, plan.boxes, (plan.chips.image, plan.chips.level)
    yield from (plan.dataset.images.id, plan.dataset.images.size_img, plan.dataset.annotations.id)
    yield from (chips.image, chips.level, chips.kind, chips.origin_scaled, chips.content, chips.proposals)
    yield from (plan.levels.factor[cell], plan.levels.range_img[cell])
    yield from (boxes.chip, boxes.annotation, boxes.xyxy_chip, boxes.visibility, boxes.state, plan.shards)

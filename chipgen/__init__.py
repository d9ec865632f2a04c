"""chipgen turns a COCO dataset into SNIPER chips.

::

    dataset = chipgen.read_coco("ann.json", images="train2017")
    plan = chipgen.plan(dataset, scales="3x,1.667x,512", valid_ranges="0-80,32-150,120-")
    print(plan.summary())
    chipgen.export(plan, "chips", format="parquet")
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from chipgen.errors import (
    REASONS,
    ChipgenError,
    DataError,
    OutputError,
    SamplerError,
    StorageError,
    UnusableError,
    UsageError,
    WorkerError,
)

if TYPE_CHECKING:
    from chipgen._version import __version__
    from chipgen.build import export
    from chipgen.coco import read_coco
    from chipgen.collection import CollectionReport, export_splits
    from chipgen.dataset import Dataset
    from chipgen.epochs import EpochsReport, write_epochs
    from chipgen.finished import BuildReport
    from chipgen.partitions.exporting import export_partitions
    from chipgen.partitions.running import PartitionsReport
    from chipgen.plan import Plan, plan
    from chipgen.proposals import ProposalFile, convert_proposals, read_proposals
    from chipgen.report import built_stats, stats
    from chipgen.samplers import Sampler, View, compact, grid, random_object, sniper
    from chipgen.splits import read_splits, split
    from chipgen.suggestion import Suggestion, suggest
    from chipgen.summary import Summary
    from chipgen.verification import VerifyReport, verify
    from chipgen.viewing import ViewReport, view

__all__ = [  # noqa: RUF022 -- by letter, constants among the others
    "BuildReport",
    "ChipgenError",
    "CollectionReport",
    "DataError",
    "Dataset",
    "EpochsReport",
    "OutputError",
    "PartitionsReport",
    "Plan",
    "ProposalFile",
    "REASONS",
    "Sampler",
    "SamplerError",
    "StorageError",
    "Suggestion",
    "Summary",
    "UnusableError",
    "UsageError",
    "VerifyReport",
    "View",
    "ViewReport",
    "WorkerError",
    "__version__",
    "built_stats",
    "compact",
    "convert_proposals",
    "export",
    "export_partitions",
    "export_splits",
    "grid",
    "plan",
    "random_object",
    "read_coco",
    "read_proposals",
    "read_splits",
    "sniper",
    "split",
    "stats",
    "suggest",
    "verify",
    "view",
    "write_epochs",
]

_LAZY = {
    "BuildReport": "finished",
    "CollectionReport": "collection",
    "Dataset": "dataset",
    "EpochsReport": "epochs",
    "PartitionsReport": "partitions.running",
    "Plan": "plan",
    "ProposalFile": "proposals",
    "Sampler": "samplers",
    "Suggestion": "suggestion",
    "Summary": "summary",
    "VerifyReport": "verification",
    "View": "samplers",
    "ViewReport": "viewing",
    "built_stats": "report",
    "compact": "samplers",
    "convert_proposals": "proposals",
    "export": "build",
    "export_partitions": "partitions.exporting",
    "export_splits": "collection",
    "grid": "samplers",
    "plan": "plan",
    "random_object": "samplers",
    "read_coco": "coco",
    "read_proposals": "proposals",
    "read_splits": "splits",
    "sniper": "samplers",
    "split": "splits",
    "stats": "report",
    "suggest": "suggestion",
    "verify": "verification",
    "view": "viewing",
    "write_epochs": "epochs",
}
"""Names whose modules import the heavy libraries, loaded when first used: ``chipgen --help`` must be quick."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name == "__version__":
        return importlib.import_module("chipgen._version").__version__
    if name in _LAZY:
        return getattr(importlib.import_module(f"chipgen.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'chipgen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


class _Package(ModuleType):
    """The package, in which ``plan`` is the function: the module of that name must not take its place."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "plan" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

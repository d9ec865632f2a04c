"""How each part of a dataset is made, and what all of them must have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chipgen.errors import DataError, Problem, UsageError
from chipgen.fingerprint import early_record, table_digest
from chipgen.inputs import refuse_look
from chipgen.partition_ids import PartProposals, shifted
from chipgen.plan import make_plan
from chipgen.remote import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.export_config import ExportConfig
    from chipgen.partitions.files import Partition
    from chipgen.plan import Plan
    from chipgen.samplers import Sampler
    from chipgen.scored import ProposalSource


@dataclass(frozen=True)
class Making:
    """How each part is made.

    Parameters
    ----------
    plan, export
        The configurations.
    read
        Returns the dataset of a part, with the ids that its file says.
    read_proposals
        Returns its proposals, likewise; None where it has none.
    limit
        How many images of each are looked at; None for all.
    sampler
        Where it is not one that the configuration names.
    """

    plan: PlanConfig
    export: ExportConfig
    read: Callable[[Partition], Dataset]
    read_proposals: Callable[[Partition], ProposalSource | None]
    limit: int | None = None
    sampler: Sampler | None = None

    def record(self, part: Partition) -> dict[str, Any]:
        """Return what a part is made from, as far as it is known before anything is read."""
        return early_record(self.plan, self.export, self.limit, partition=part.number)

    def planned(self, part: Partition) -> Plan:
        """Read a part and plan it."""
        dataset, proposals = shifted(self.read(part), part.number), self.read_proposals(part)
        shared = None if proposals is None else PartProposals(proposals, part.number)
        return make_plan(dataset, self.plan, self.sampler, shared)


@dataclass
class Table:
    """What all parts share, as the first of them has it: the category table and, for YOLO, what labels are.

    Parameters
    ----------
    digest
        Its checksum; None as long as no part was looked at.
    owner
        The file that it comes from.
    labels
        ``outlines`` or ``boxes``; None where that is no question.
    """

    digest: str | None = None
    owner: str = ""
    labels: str | None = None

    def check(self, digest: str, part: Partition) -> None:
        """Refuse another one.

        Raises
        ------
        DataError
            Naming both files.
        """
        if self.digest is None:
            self.digest, self.owner = digest, part.coco
        if digest != self.digest:
            what = f"are not those of {self.owner}, to the letter and in their order"
            raise DataError.one(part.coco, "categories", what, "give all files the same list of categories")


def refuse_unfit(parts: Sequence[Partition], export: ExportConfig) -> None:
    """Refuse what cannot be written in parts, and files that are not there, before anything is read.

    Raises
    ------
    UsageError, DataError
        With the reason, or every file that is missing.
    """
    if export.layout != "plain":
        todo = "leave it out, or give one annotation file"
        raise UsageError.one("--layout", export.layout, "knows no dataset in several files", todo)
    refuse_look(export)
    problems = [
        Problem(path, "", "is no file", "see what is there")
        for part in parts
        for path in (part.coco, part.proposals)
        if path is not None and not _is_file(path)
    ]
    if problems:
        raise DataError(problems)


def _is_file(path: str) -> bool:
    """Tell whether there is a file."""
    try:
        return path_of(path).is_file()
    except (OSError, ValueError):
        return False


def plan_partitions(parts: Sequence[Partition], making: Making) -> Iterator[tuple[Partition, Plan]]:
    """Plan one part after the other; whoever asks for the next has done with the one before.

    Raises
    ------
    UsageError, DataError
        As `run_partitions` raises them.
    """
    refuse_unfit(parts, making.export)
    table = Table()
    for part in parts:
        plan = making.planned(part)
        table.check(table_digest(plan.dataset.categories), part)
        yield part, plan
        del plan  # before the next is read

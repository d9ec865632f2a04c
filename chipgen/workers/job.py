"""What a worker does, wherever it is: make and write one shard."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chipgen.errors import WorkerError
from chipgen.findings import Findings
from chipgen.render import render
from chipgen.store import Entry, Staging, Written
from chipgen.writers import format_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chipgen.export_config import ExportConfig
    from chipgen.shard import Shard
    from chipgen.writers import Labels

LESS = "run the same command again, with fewer --workers or a lower --max-pixels"
"""What to do where workers need too much."""


@dataclass(frozen=True)
class Job:
    """What all workers of a run need to know.

    Parameters
    ----------
    labels
        What writers must know of the dataset.
    root
        The image root.
    stage
        Where temporary files are written.
    config
        How chips are drawn and written.
    parent
        The process whose death ends the work of processes that it started.
    """

    labels: Labels
    root: Path
    stage: Path
    config: ExportConfig
    parent: int

    @property
    def out(self) -> Path:
        """Return the output folder."""
        return self.stage.parent.parent

    def staging(self, name: str) -> Staging:
        """Return where a try at a shard is written."""
        return Staging(self.stage / name)

    def path(self, shard: Shard) -> str:
        """Return the path that names a shard."""
        return format_of(self.config.format, self.config.layout).shard_path(self.config.split, shard.index, shard.count)


@dataclass(frozen=True)
class ShardDone:
    """A finished shard.

    Parameters
    ----------
    index, path, rows
        Which shard, the file that names it, and its chips.
    files
        All its files.
    findings
        What came up.
    staging
        Name of the folder in which they wait to be published; empty when they are.
    """

    index: int
    path: str
    rows: int
    files: tuple[Written, ...]
    findings: Findings
    staging: str = ""

    @property
    def entry(self) -> Entry:
        """Return the line of the journal."""
        facts = {"shard": self.index, "path": self.path, "rows": self.rows, "findings": self.findings.to_plain()}
        return Entry(self.files, facts)

    @classmethod
    def of(cls, entry: Entry) -> ShardDone:
        """Return what a line of the journal says."""
        facts: dict[str, Any] = entry.facts
        findings = Findings.from_plain(facts["findings"])
        return cls(facts["shard"], facts["path"], facts["rows"], entry.files, findings)


@dataclass(frozen=True)
class Died:
    """Workers that died.

    Parameters
    ----------
    suspects
        The shards that were in their hands; where several were, nobody knows which of them is to blame.
    what
        What is known of it.
    deaths
        How many workers died over each of them.
    """

    suspects: frozenset[int]
    what: str = ""
    deaths: int = 1


def new_try(index: int) -> str:
    """Return a name for a try at a shard that no other has: a worker thought dead may still be at the same shard."""
    return f"{index:05d}-{secrets.token_hex(4)}"


def make_shard(shard: Shard, job: Job, staging: Staging, jot: Callable[[str], object]) -> ShardDone:
    """Make and write one shard.

    Parameters
    ----------
    shard, job
        What is made.
    staging
        Where it is written.
    jot
        Called with what is being done before each image is read.

    Raises
    ------
    WorkerError
        There is not enough memory, saying for what.
    """
    form, findings, path = format_of(job.config.format, job.config.layout), Findings(), job.path(shard)
    at = [f"shard {shard.index} ({path})"]

    def tell(image_id: int, file_name: str) -> None:
        at[1:] = [f"image {image_id} ({file_name})"]
        jot(", ".join(at))

    try:
        written = form.write(render(shard, job.root, job.config, findings, tell), job.labels, staging, path)
        staging.settle()
    except MemoryError as error:
        raise WorkerError.one(job.out, ", ".join(at), "a worker ran out of memory", LESS) from error
    return ShardDone(shard.index, path, written, tuple(staging.written), findings, staging.folder.name)

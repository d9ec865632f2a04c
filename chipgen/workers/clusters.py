"""Workers of a cluster, on this machine or on others: they need not see our disk, and may be lost at any time."""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import secrets
import socket
import tempfile
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from chipgen.errors import Problem, WorkerError
from chipgen.remote import is_remote
from chipgen.store import Staging
from chipgen.text import human_bytes
from chipgen.workers.job import Died, make_shard, new_try
from chipgen.workers.likeness import SAME, Needs, other_version, unlike

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from chipgen.export_config import ExportConfig
    from chipgen.shard import Shard
    from chipgen.workers.giving import Losses
    from chipgen.workers.job import Job, ShardDone

MOST_BYTES = 1_000_000_000
"""Bytes of a shard that are sent back by a worker that does not see our disk."""
SEEN = "seen"
"""Name of the file by which a worker sees that the folder for temporary files is ours."""


class LostError(Exception):
    """A worker was lost, and with it a shard.

    Parameters
    ----------
    what
        What the cluster says.
    deaths
        How many workers were lost over it.
    """

    def __init__(self, what: str, deaths: int) -> None:
        super().__init__(what)
        self.what, self.deaths = what, deaths


class Cluster(Protocol):
    """What a cluster can do; shards go by their number."""

    name: str
    """What people call it."""

    def slots(self) -> int:
        """Return how many shards it makes at a time."""

    def submit(
        self, index: int, call: Callable[..., Any], arguments: tuple[Any, ...], done: Callable[[int], object]
    ) -> None:
        """Have something called by a worker; `done` is then called, with the number."""

    def outcome(self, index: int) -> Any:
        """Return what came of it.

        Raises
        ------
        LostError
            The worker was lost; what it raised itself is raised as it is.
        """

    def cancel(self) -> None:
        """Forget about all that nobody has asked the outcome of."""

    def everywhere(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return what comes of a call on each worker or machine, by its name; an exception where it is one."""

    def gone(self) -> int:
        """Return how many workers were lost of which nothing was told."""


@dataclass(frozen=True)
class Sent:
    """What travels to a worker besides the shard.

    Parameters
    ----------
    job
        What is made; its paths do not depend on the folder that a process is in.
    mark
        What is written where temporary files are, to be seen.
    needs
        What the worker must have.
    """

    job: Job
    mark: str
    needs: Needs

    def sees_stage(self) -> bool:
        """Tell whether this process sees the folder for temporary files."""
        try:
            return (self.job.stage / self.mark / SEEN).is_file()
        except OSError:
            return False


@dataclass(frozen=True)
class Made:
    """What a worker sends back.

    Parameters
    ----------
    done
        The shard.
    content
        Its files, where the worker could not write them where they belong.
    """

    done: ShardDone
    content: tuple[bytes, ...] | None = None


def make_there(shard: Shard, sent: Sent) -> Made:
    """Make and write one shard: what a worker of a cluster does.

    Raises
    ------
    WorkerError
        The worker cannot do as we would.
    """
    lack = unlike(sent.needs)
    if lack is not None:
        raise WorkerError.one(f"worker {socket.gethostname()}", "", *lack)
    name = new_try(shard.index)
    if sent.sees_stage():
        return Made(make_shard(shard, sent.job, sent.job.staging(name), _unheard))
    with tempfile.TemporaryDirectory(prefix="chipgen-") as folder:
        done = make_shard(shard, sent.job, Staging(Path(folder) / name), _unheard)
        length = sum(file.bytes for file in done.files)
        if length > MOST_BYTES:
            what = f"does not see {sent.job.stage}, and {human_bytes(length)} are too much to be sent back"
            todo = "choose an --out that all workers see, or fewer --chips-per-shard"
            raise WorkerError.one(f"worker {socket.gethostname()}", sent.job.path(shard), what, todo)
        return Made(done, tuple((Path(folder) / name / file.path).read_bytes() for file in done.files))


def _unheard(_: str) -> None:
    """Say nothing: nobody could read it should the worker die."""


class Clustered:
    """The workers of a cluster; see `chipgen.workers.giving.Backend`.

    Parameters
    ----------
    job
        What they make.
    cluster
        Who they are.
    """

    def __init__(self, job: Job, cluster: Cluster) -> None:
        self.job, self.cluster = job, cluster
        root, stage = _absolute(job.root), _absolute(job.stage)
        mark = f"mark-{secrets.token_hex(8)}"
        self.sent = Sent(replace(job, root=root, stage=stage), mark, Needs.here(job.config.imaging, root))
        staging = Staging(job.stage / mark)
        staging.write(SEEN, mark.encode())
        staging.settle()

    def refuse_unlike(self) -> None:
        """Refuse workers that would not do as we do, before any of them begins.

        Raises
        ------
        WorkerError
            With each of them.
        """
        # A function of Python's own first: another chipgen may not have ours.
        for find in (self._of_other_version, self._unlike):
            problems = [Problem(f"worker {name}", "", *lack) for name, lack in find()]
            if problems:
                raise WorkerError(problems)

    def _of_other_version(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the workers that have another chipgen."""
        for name, there in sorted(self.cluster.everywhere(version, "chipgen").items()):
            what = other_version(there)
            if what is not None:
                yield name, (what, SAME)

    def _unlike(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the workers that lack something."""
        for name, lack in sorted(self.cluster.everywhere(unlike, self.sent.needs).items()):
            if isinstance(lack, Exception):
                yield name, (f"cannot load chipgen ({type(lack).__name__}: {' '.join(str(lack).split())})", SAME)
            elif lack is not None:
                yield name, lack

    def give(self, shards: Iterator[Shard], count: int) -> Generator[ShardDone | Died, None, None]:  # noqa: ARG002
        """Have shards made; what a lost worker was at is told alone, and all others go on."""
        finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        running: set[int] = set()
        try:
            self._fill(shards, running, finished)
            while running:
                index = finished.get()
                running.discard(index)
                yield self._outcome(index)
                self._fill(shards, running, finished)
        finally:
            self.cluster.cancel()

    def _fill(self, shards: Iterator[Shard], running: set[int], finished: queue.SimpleQueue[int]) -> None:
        """Give out so many shards that each worker has one, and one in store."""
        most = self.job.config.workers if self.job.config.scheduler else None
        room = (most or 2 * max(1, self.cluster.slots())) - len(running)
        for shard in itertools.islice(shards, max(0, room)):
            running.add(shard.index)
            self.cluster.submit(shard.index, make_there, (shard, self.sent), finished.put)

    def _outcome(self, index: int) -> ShardDone | Died:
        """Return what became of a shard."""
        try:
            made: Made = self.cluster.outcome(index)
        except LostError as error:
            return Died(frozenset({index}), f"shard {index}, {error.what}", error.deaths)
        return self._as_here(self._received(made))

    def _received(self, made: Made) -> ShardDone:
        """Write the files of a shard that were sent back where they belong.

        Raises
        ------
        WorkerError
            They are not what the worker made.
        """
        done = made.done
        if made.content is None:
            return done
        staging = self.job.staging(done.staging)
        for file, data in zip(done.files, made.content, strict=True):
            staging.write(file.path, data)
        staging.settle()
        if tuple(staging.written) != done.files:
            what = "is not what the worker sent"
            raise WorkerError.one(self.job.out, done.path, what, "run the same command again")
        return done

    def _as_here(self, done: ShardDone) -> ShardDone:
        """Call the image root as it is called here, in what the worker found: not a byte depends on who found it."""
        there, here = str(self.sent.job.root), str(self.job.root)
        findings = done.findings
        told = [replace(entry, message=entry.message.replace(there, here)) for entry in findings.skipped]
        return replace(done, findings=replace(findings, skipped=told)) if there != here else done


def _absolute(path: Path) -> Path:
    """Return a path that does not depend on the folder that a process is in."""
    remote: bool = is_remote(path)
    return path if remote else Path(os.path.abspath(path))  # noqa: PTH100 -- links stay as they are called


@contextlib.contextmanager
def working(job: Job, losses: Losses) -> Iterator[Clustered]:
    """Return the workers of a cluster, which is there for the time of the block, unless it was there before.

    Raises
    ------
    WorkerError
        There is no such cluster, or its workers would not do as we do.
    """
    with _cluster(job.config) as cluster:
        clustered = Clustered(job, cluster)
        clustered.refuse_unlike()
        yield clustered
        losses.left += cluster.gone()


def _cluster(config: ExportConfig) -> contextlib.AbstractContextManager[Cluster]:
    """Return a cluster."""
    workers = config.workers or os.cpu_count() or 1
    if config.backend == "dask":
        from chipgen.workers.dask_cluster import dask_cluster  # noqa: PLC0415 -- it may not be installed

        return dask_cluster(config.scheduler, workers)
    from chipgen.workers.ray_cluster import ray_cluster  # noqa: PLC0415

    return ray_cluster(config.scheduler, workers)


def no_cluster(address: str | None, kind: str, error: Exception) -> WorkerError:
    """Return the error of a cluster that is not there."""
    what = f"cannot be used ({type(error).__name__}: {' '.join(str(error).split())})"
    if address is None:
        todo = "use --backend loky, or start a cluster and name it with --scheduler"
        return WorkerError([Problem("--backend", kind, what, todo)])
    return WorkerError([Problem("--scheduler", address, what, "see that it runs, and that it has workers")])

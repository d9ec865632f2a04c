"""Making shards: workers that render and write them, and what happens when one dies."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import sys
import threading
import warnings
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from chipgen.errors import WorkerError
from chipgen.findings import Findings
from chipgen.render import render
from chipgen.shard import Shard, take_shard
from chipgen.stopping import deaf_children
from chipgen.store import Entry, Staging, Written, noting
from chipgen.writers import format_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from chipgen.export_config import ExportConfig
    from chipgen.plan import Plan
    from chipgen.writers import Labels

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # where there can be no workers, joblib says so when it is imported
    import joblib
    from joblib.externals.loky.process_executor import BrokenProcessPool

QUIET = "ignore:resource_tracker:UserWarning"
"""Option for the processes that watch what workers share: that it is gone with them is no line for users."""
HEARTBEAT = 0.5
"""Seconds after which a worker sees that its parent is gone."""

DOING = ".doing"
"""Files in which a worker says what it is at, so that it can be told when it dies."""


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
        The process whose death ends the work.
    """

    labels: Labels
    root: Path
    stage: Path
    config: ExportConfig
    parent: int

    def staging(self, index: int) -> Staging:
        """Return where a shard is written."""
        return Staging(self.stage / f"{index:05d}")


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
    """

    index: int
    path: str
    rows: int
    files: tuple[Written, ...]
    findings: Findings

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


def do_shards(plan: Plan, shards: Sequence[int], job: Job) -> Generator[ShardDone, None, None]:
    """Give shards to workers and yield what comes back, in any order.

    Raises
    ------
    WorkerError
        A worker process died or ran out of memory.
    """
    chips = sum(int(plan.shards[index + 1] - plan.shards[index]) for index in shards)
    bar = tqdm(total=chips, unit="chip", disable=not (job.config.progress and sys.stderr.isatty()), leave=False)
    try:
        with bar, contextlib.closing(_done(plan, shards, job)) as results:
            for done in results:
                bar.update(int(plan.shards[done.index + 1] - plan.shards[done.index]))
                yield done
    except (BrokenProcessPool, MemoryError) as error:
        what = "a worker process died or ran out of memory"
        todo = "run the same command again, with fewer --workers or a lower --max-pixels"
        raise WorkerError.one(job.stage.parent.parent, _unfinished(job.stage), what, todo) from error


def _done(plan: Plan, shards: Sequence[int], job: Job) -> Generator[ShardDone, None, None]:
    """Yield finished shards: of workers, or, where there can be none, of this process."""
    if not _has_semaphores():
        yield from (_do_shard(take_shard(plan, index), job) for index in shards)
        return
    workers = max(1, min(job.config.workers or os.cpu_count() or 1, len(shards)))
    tasks = (joblib.delayed(_do_shard)(take_shard(plan, index), job) for index in shards)
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        # Workers watch their parent from the start: it may be killed before they have anything to do. Shards are small:
        # passing them through a file in shared memory would only leave litter when we are killed.
        parallel = joblib.Parallel(
            workers,
            return_as="generator_unordered",
            pre_dispatch="2*n_jobs",
            max_nbytes=None,
            initializer=_die_with,
            initargs=(job.parent,),
        )
        results = _started(parallel, tasks, job)
        with _abandoned(results):
            for done in results:  # noqa: UP028 -- "yield from" would end them outside of the block
                yield done


def _has_semaphores() -> bool:
    """Tell whether processes can wait for each other; without shared memory, as in some containers, they cannot."""
    forks = "fork" in multiprocessing.get_all_start_methods()  # a lock to be inherited needs no process to watch it
    try:
        multiprocessing.get_context("fork" if forks else "spawn").Lock()
    except (ImportError, OSError):
        return False
    return True


def _started(parallel: Any, tasks: Iterable[Any], job: Job) -> Generator[ShardDone, None, None]:
    """Start the workers.

    Raises
    ------
    WorkerError
        The system grants no more processes, handles or memory; libraries raise whatever they like then.
    """
    try:
        with _quiet_watchers():
            resource_tracker.ensure_running()  # it would end the deafness of those that come after it
            with deaf_children():
                results: Generator[ShardDone, None, None] = parallel(tasks)
    except Exception as error:
        what = f"worker processes cannot be started ({type(error).__name__}: {error})"
        todo = "run the same command again with fewer --workers, or raise the limits of the system (ulimit -n, -u)"
        raise WorkerError.one(job.stage.parent.parent, "", what, todo) from error
    return results


@contextlib.contextmanager
def _quiet_watchers() -> Iterator[None]:
    """Let the processes that are started meanwhile say nothing about what workers left."""
    sys.warnoptions.append(QUIET)
    try:
        yield
    finally:
        sys.warnoptions.remove(QUIET)


@contextlib.contextmanager
def _abandoned(results: Generator[ShardDone, None, None]) -> Iterator[None]:
    """End the workers when we are interrupted; that their work is lost is no surprise worth a warning."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()


def _do_shard(shard: Shard, job: Job) -> ShardDone:
    """Make and write one shard: what a worker does."""
    _die_with(job.parent)
    form = format_of(job.config.format, job.config.layout)
    path = form.shard_path(job.config.split, shard.index, shard.count)
    staging, findings = job.staging(shard.index), Findings()
    with noting(job.stage / f"{shard.index:05d}{DOING}") as jot:

        def tell(image_id: int, file_name: str) -> None:
            jot(f"shard {shard.index} ({path}), image {image_id} ({file_name})")

        rows = render(shard, job.root, job.config, findings, tell)
        written = form.write(rows, job.labels, staging, path)
        staging.settle()
    return ShardDone(shard.index, path, written, tuple(staging.written), findings)


def _unfinished(stage: Path) -> str:
    """Return what workers were at."""
    notes = []
    for path in sorted(stage.glob(f"*{DOING}")):
        with contextlib.suppress(OSError):
            notes.append(path.read_text("utf-8", "replace"))
    return " or ".join(notes)


def _die_with(parent: int) -> None:
    """End this worker soon after its parent has ended: nobody would publish what it makes.

    Should the worker die itself, of a broken decoder say, the parent tells it in one line: no pages are needed.
    """
    if os.getpid() == parent:
        return
    faulthandler.disable()
    if not any(thread.name == "heartbeat" for thread in threading.enumerate()):
        threading.Thread(target=_watch, args=(parent,), name="heartbeat", daemon=True).start()


def _watch(parent: int) -> None:
    """Wait for the parent to end, then end at once."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(HEARTBEAT)
    os._exit(1)

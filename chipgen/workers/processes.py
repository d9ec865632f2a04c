"""Workers that are processes of this machine, and what to do when one dies."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import sys
import threading
import warnings
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from chipgen.errors import WorkerError
from chipgen.remote import is_remote
from chipgen.stopping import deaf_children
from chipgen.store import noting
from chipgen.workers.job import Died, make_shard, new_try

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from chipgen.shard import Shard
    from chipgen.workers.job import Job, ShardDone

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


class Processes:
    """Processes of this machine; see `chipgen.workers.giving.Backend`.

    Parameters
    ----------
    job
        What they make.
    workers
        How many. One alone is this process; where there can be no others, it is so however many are asked for.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self.job, self.workers = job, workers
        self._died = False
        self._known: set[str] = set()

    def give(self, shards: Iterator[Shard], count: int) -> Generator[ShardDone | Died, None, None]:
        """Have shards made. When a worker dies, all of them end, and new ones come with the next call."""
        if not has_semaphores():
            yield from (_make(shard, self.job) for shard in shards)
            return
        given: set[int] = set()
        tasks = (joblib.delayed(_make)(shard, self.job) for shard in _noted(shards, given))
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            # Workers watch their parent from the start: it may be killed before they have anything to do. Shards are
            # small: passing them through a file in shared memory would only leave litter when we are killed.
            parallel = joblib.Parallel(
                self._workers(count),
                return_as="generator_unordered",
                pre_dispatch="2*n_jobs",
                batch_size=1,
                max_nbytes=None,
                initializer=_die_with,
                initargs=(self.job.parent,),
            )
            try:
                results = _started(parallel, tasks, self.job)
                with abandoned(results):
                    for done in results:
                        given.discard(done.index)
                        yield done
            except BrokenProcessPool:
                yield self._death(given)

    def _workers(self, count: int) -> int:
        """Return how many processes there should be; over a shard over which one died, this one shall not die."""
        return max(2 if self._died else 1, min(self.workers, count))

    def _death(self, given: set[int]) -> Died:
        """Return which shards workers were at when one died, by what they left."""
        stage = self.job.stage
        paths = [] if is_remote(stage) else sorted(stage.glob(f"*{DOING}"))
        notes = {path.name: path for path in paths if path.name not in self._known}
        self._known.update(notes)
        self._died = True
        told = []
        for path in notes.values():
            with contextlib.suppress(OSError):
                told.append(path.read_text("utf-8", "replace"))
        return Died(frozenset(int(name.partition("-")[0]) for name in notes) or frozenset(given), " or ".join(told))


def _noted(shards: Iterator[Shard], given: set[int]) -> Iterator[Shard]:
    """Note which shards are given out."""
    for shard in shards:
        given.add(shard.index)
        yield shard


def has_semaphores() -> bool:
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
        with unheard():
            results: Generator[ShardDone, None, None] = parallel(tasks)
    except BrokenProcessPool:  # started they were
        raise
    except Exception as error:
        what = f"worker processes cannot be started ({type(error).__name__}: {error})"
        todo = "run the same command again with fewer --workers, or raise the limits of the system (ulimit -n, -u)"
        raise WorkerError.one(job.out, "", what, todo) from error
    return results


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Let processes that are started meanwhile hear no signals meant for us, and say nothing when we end."""
    with _quiet_watchers():
        resource_tracker.ensure_running()  # it would end the deafness of those that come after it
        with deaf_children():
            yield


@contextlib.contextmanager
def _quiet_watchers() -> Iterator[None]:
    """Let the processes that are started meanwhile say nothing about what workers left."""
    sys.warnoptions.append(QUIET)
    try:
        yield
    finally:
        sys.warnoptions.remove(QUIET)


@contextlib.contextmanager
def abandoned(results: Generator[ShardDone, None, None]) -> Iterator[None]:
    """End the workers when we are interrupted; that their work is lost is no surprise worth a warning."""
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()


def _make(shard: Shard, job: Job) -> ShardDone:
    """Make and write one shard, and leave word of what is being done."""
    _die_with(job.parent)
    name = new_try(shard.index)
    with contextlib.nullcontext(len) if is_remote(job.stage) else noting(job.stage / f"{name}{DOING}") as jot:
        return make_shard(shard, job, job.staging(name), jot)


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

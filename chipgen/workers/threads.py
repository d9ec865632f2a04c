"""Workers that are threads of this process: for where processes are forbidden, or memory is short."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import joblib

from chipgen.workers.job import make_shard, new_try
from chipgen.workers.processes import abandoned, has_semaphores

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from chipgen.shard import Shard
    from chipgen.workers.job import Died, Job, ShardDone


class _HaltedError(Exception):
    """Nobody waits for the shard any more."""


class Threads:
    """Threads of this process; see `chipgen.workers.giving.Backend`.

    Parameters
    ----------
    job
        What they make.
    workers
        How many.
    """

    def __init__(self, job: Job, workers: int) -> None:
        self.job, self.workers = job, workers
        self._halted = False
        self._busy = 0
        self._changed = threading.Condition()

    def give(self, shards: Iterator[Shard], count: int) -> Generator[ShardDone | Died, None, None]:
        """Have shards made. When it ends, no thread is at work: nothing is written into a folder that goes."""
        workers = max(1, min(self.workers, count)) if has_semaphores() else 1
        tasks = (joblib.delayed(self._make)(shard) for shard in shards)
        with joblib.parallel_config(backend="threading"):
            parallel = joblib.Parallel(workers, return_as="generator_unordered", pre_dispatch="2*n_jobs", batch_size=1)
            results: Generator[ShardDone, None, None] = parallel(tasks)
            try:
                with abandoned(results), self._halting():
                    for done in results:  # noqa: UP028 -- "yield from" would end them outside of the block
                        yield done
            finally:
                with self._changed:
                    self._changed.wait_for(lambda: not self._busy)

    @contextlib.contextmanager
    def _halting(self) -> Iterator[None]:
        """Let threads stop at their next image when the block ends."""
        self._halted = False
        try:
            yield
        finally:
            self._halted = True

    def _make(self, shard: Shard) -> ShardDone:
        """Make and write one shard, as long as somebody waits for it."""
        with self._changed:
            self._busy += 1
        try:
            self._go_on("")
            return make_shard(shard, self.job, self.job.staging(new_try(shard.index)), self._go_on)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _go_on(self, _: str) -> None:
        """Go on with the next image, unless nobody waits."""
        if self._halted:
            raise _HaltedError

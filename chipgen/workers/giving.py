"""Giving shards to workers, and giving those out again whose worker died."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tqdm import tqdm

from chipgen.errors import WorkerError
from chipgen.shard import take_shard
from chipgen.text import counted
from chipgen.workers.job import LESS, Died
from chipgen.workers.processes import Processes
from chipgen.workers.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from chipgen.plan import Plan
    from chipgen.shard import Shard
    from chipgen.workers.job import Job, ShardDone

MOST_DEATHS = 3
"""Workers that may die over a shard before it is given up."""
ALONE = 2
"""Deaths from which on a shard is made while no other is, so that a death can only be its own doing."""


class Backend(Protocol):
    """Those who make shards."""

    def give(self, shards: Iterator[Shard], count: int) -> Generator[ShardDone | Died, None, None]:
        """Have shards made, and yield what becomes of them, in any order.

        Parameters
        ----------
        shards
            Cut out of the plan when they are asked for.
        count
            How many there are.

        Yields
        ------
        ShardDone or Died
            A backend whose workers all went with the one that died ends there; what is left is given out again.
        """


@dataclass
class Losses:
    """What was lost in a run.

    Parameters
    ----------
    workers
        Times that workers died.
    left
        Workers that a cluster lost, without a word about shards: it gave them to others by itself.
    shards
        Shards that those who died were at.
    """

    workers: int = 0
    left: int = 0
    shards: set[int] = field(default_factory=set)

    def told(self) -> Iterator[str]:
        """Say what was lost."""
        if self.workers:
            its = "its" if self.workers == 1 else "their"
            were = "shard was" if len(self.shards) == 1 else f"{len(self.shards):,} shards were"
            yield f"{counted(self.workers, 'worker')} died and {its} {were} made again"
        if self.left:
            it = "it was" if self.left == 1 else "they were"
            yield f"{counted(self.left, 'worker')} left the cluster; what {it} at was made again by others"


def do_shards(plan: Plan, shards: Sequence[int], job: Job, losses: Losses) -> Generator[ShardDone, None, None]:
    """Give shards to workers and yield what comes back, in any order.

    Parameters
    ----------
    plan, shards
        What is made.
    job
        How.
    losses
        Counts the workers that die: what they were at is given to others.

    Raises
    ------
    WorkerError
        Workers ran out of memory, or died over the same shard again and again.
    """
    if not shards:
        return
    chips = sum(int(plan.shards[index + 1] - plan.shards[index]) for index in shards)
    bar = tqdm(total=chips, unit="chip", disable=not (job.config.progress and sys.stderr.isatty()), leave=False)
    try:
        with (
            bar,
            _backend(job, len(shards), losses) as backend,
            contextlib.closing(_Giving(plan, shards, backend, job, losses).results()) as results,
        ):
            for done in results:
                bar.update(int(plan.shards[done.index + 1] - plan.shards[done.index]))
                yield done
    except MemoryError as error:
        raise WorkerError.one(job.out, "", "a worker process died or ran out of memory", LESS) from error


@contextlib.contextmanager
def _backend(job: Job, count: int, losses: Losses) -> Iterator[Backend]:
    """Return those who make the shards; a cluster is there for the time of the block."""
    config = job.config
    if config.backend in {"dask", "ray"}:
        from chipgen.workers.clusters import working  # noqa: PLC0415 -- what speaks with clusters need not be installed

        with working(job, losses) as cluster:
            yield cluster
        return
    workers = max(1, min(config.workers or os.cpu_count() or 1, count))
    yield Threads(job, workers) if config.backend == "threading" else Processes(job, workers)


class _Giving:
    """Shards on their way; see `do_shards`."""

    def __init__(self, plan: Plan, shards: Sequence[int], backend: Backend, job: Job, losses: Losses) -> None:
        self.plan, self.backend, self.job, self.losses = plan, backend, job, losses
        self.left = dict.fromkeys(shards)
        self.deaths: Counter[int] = Counter()

    def results(self) -> Generator[ShardDone, None, None]:
        """Yield finished shards until none is left."""
        while self.left:
            alone = [index for index in self.left if self.deaths[index] >= ALONE]
            given = alone[:1] or list(self.left)
            shards = (take_shard(self.plan, index) for index in given)
            with contextlib.closing(self.backend.give(shards, len(given))) as outcomes:
                for outcome in outcomes:
                    if isinstance(outcome, Died):
                        self.mourn(outcome, given)
                    else:
                        del self.left[outcome.index]
                        yield outcome

    def mourn(self, died: Died, given: Sequence[int]) -> None:
        """Note over which shards a worker died.

        Raises
        ------
        WorkerError
            Too many have died over one of them.
        """
        suspects = died.suspects & self.left.keys() or self.left.keys() & set(given)
        self.losses.workers += 1
        self.losses.shards |= suspects
        for index in suspects:
            self.deaths[index] += died.deaths
        hopeless = [index for index in sorted(suspects) if self.deaths[index] >= MOST_DEATHS]
        if hopeless:
            where = died.what or " or ".join(f"shard {index}" for index in hopeless)
            what = f"a worker process died or ran out of memory at least {MOST_DEATHS} times"
            raise WorkerError.one(self.job.out, where, what, LESS)

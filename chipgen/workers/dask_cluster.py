"""Dask: a cluster that somebody runs, or one of processes of this machine."""

from __future__ import annotations

import contextlib
import itertools
import logging
import warnings
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any

import distributed

from chipgen.store import remove_scratch, scratch_folder, tidy_scratch
from chipgen.workers.clusters import LostError, no_cluster
from chipgen.workers.giving import ALONE
from chipgen.workers.processes import unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTING, WAITING = 20, 60
"""Seconds within which a scheduler must answer, and within which it must have a worker."""


class Dask:
    """A cluster of Dask; see `chipgen.workers.clusters.Cluster`.

    Its scheduler itself gives what a lost worker was at to others, until too many are lost.
    """

    name = "dask"

    def __init__(self, client: distributed.Client) -> None:
        self.client = client
        self._futures: dict[int, distributed.Future] = {}
        self._numbers = itertools.count()
        self._workers = set(client.nthreads())

    def slots(self) -> int:
        """Return the threads of all workers there are now."""
        return sum(self.client.nthreads().values())

    def submit(
        self, index: int, call: Callable[..., Any], arguments: tuple[Any, ...], done: Callable[[int], object]
    ) -> None:
        """Have something called by a worker."""
        key = f"chipgen-shard-{index:05d}-{self.client.id}-{next(self._numbers)}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is large: it is small beside the pictures of a shard
            future = self.client.submit(call, *arguments, key=key, pure=False)
        self._futures[index] = future
        future.add_done_callback(lambda _: done(index))

    def outcome(self, index: int) -> Any:
        """Return what came of a call; see `chipgen.workers.clusters.Cluster`."""
        future = self._futures.pop(index)
        if future.status == "error":
            error = future.exception()
            if isinstance(error, distributed.KilledWorker):
                # So many were lost that it may be the shard; but it was not alone.
                raise LostError(f"worker {error.last_worker.address} and others before it", ALONE)
            raise error
        try:
            return future.result()
        except (CancelledError, OSError, RuntimeError) as error:
            raise no_cluster(self.client.scheduler.address, self.name, error) from error

    def cancel(self) -> None:
        """Forget about all that nobody has asked the outcome of: the scheduler does as well then."""
        self._futures.clear()

    def everywhere(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return what comes of a call on each worker."""
        found: dict[str, Any] = self.client.run(call, *arguments, on_error="return")
        return found

    def gone(self) -> int:
        """Return how many workers of the beginning are there no more."""
        return len(self._workers - set(self.client.nthreads()))


@contextlib.contextmanager
def dask_cluster(address: str | None, workers: int) -> Iterator[Dask]:
    """Return a cluster of Dask.

    Parameters
    ----------
    address
        Of its scheduler; None for a cluster of processes of this machine, which ends with the block.
    workers
        How many processes.

    Raises
    ------
    WorkerError
        There is no such cluster, or it has no workers.
    """
    with contextlib.ExitStack() as stack:
        try:
            client = stack.enter_context(_client(address, workers, stack))
            client.wait_for_workers(1, timeout=WAITING)
            cluster = Dask(client)
        except Exception as error:
            raise no_cluster(address, "dask", error) from error
        yield cluster


def _client(address: str | None, workers: int, stack: contextlib.ExitStack) -> distributed.Client:
    """Return what speaks with a scheduler; what is started for it ends with the stack."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other versions of Dask there; we have a word of our own about versions
        if address is not None:
            return distributed.Client(address, timeout=CONNECTING, set_as_default=False)
        tidy_scratch()
        scratch = scratch_folder()
        stack.callback(remove_scratch, scratch)
        with unheard():
            local = distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # of any number, so that nobody is in the way
                silence_logs=logging.CRITICAL,
                memory_limit=0,  # what an image may need is bounded; a worker must not die of what others use
                local_directory=str(scratch),
            )
        return distributed.Client(stack.enter_context(local), set_as_default=False)

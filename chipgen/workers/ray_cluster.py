"""Ray: a cluster that somebody runs, or one of processes of this machine."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from chipgen.stopping import SIGNALS
from chipgen.workers.clusters import LostError, no_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDRESS = re.compile(r"(?:ray://)?([^:/]+):(\d{1,5})")
CONNECTING = 20
"""Seconds within which a cluster must answer."""
STORE = 200_000_000
"""Bytes that a cluster of this machine holds for what is sent: shards are small, and their files go to the disk."""


class Ray:
    """A cluster of Ray; see `chipgen.workers.clusters.Cluster`."""

    name = "ray"

    def __init__(self) -> None:
        self._refs: dict[int, Any] = {}
        self._futures: dict[int, Any] = {}

    def slots(self) -> int:
        """Return the cores of all machines there are now."""
        return int(ray.cluster_resources().get("CPU", 0))

    def submit(
        self, index: int, call: Callable[..., Any], arguments: tuple[Any, ...], done: Callable[[int], object]
    ) -> None:
        """Have something called by a worker. A shard that is lost is not Ray's to give out again: we count."""
        ref = ray.remote(call).options(num_cpus=1, max_retries=0, name=f"chipgen shard {index:05d}").remote(*arguments)
        self._refs[index], self._futures[index] = ref, ref.future()
        self._futures[index].add_done_callback(lambda _: done(index))

    def outcome(self, index: int) -> Any:
        """Return what came of a call; see `chipgen.workers.clusters.Cluster`."""
        del self._refs[index]
        return _value(self._futures.pop(index))

    def cancel(self) -> None:
        """End all that nobody has asked the outcome of."""
        refs = list(self._refs.values())
        self._refs.clear()
        self._futures.clear()
        for ref in refs:
            with contextlib.suppress(Exception):  # it may have ended, or the cluster be gone
                ray.cancel(ref, force=True)

    def everywhere(self, call: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Return what comes of a call on each machine."""
        asked = {}
        for node in ray.nodes():
            if node["Alive"]:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                remote = ray.remote(call).options(num_cpus=0, max_retries=1, scheduling_strategy=there)
                asked[str(node["NodeManagerAddress"])] = remote.remote(*arguments).future()
        return {name: _answer(future) for name, future in asked.items()}

    def gone(self) -> int:
        """Return 0: each loss is told."""
        return 0


def _value(future: Any) -> Any:
    """Return what came of a call.

    Raises
    ------
    LostError
        The worker was lost.
    Exception
        What the call raised.
    """
    try:
        return future.result()
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise LostError(f"{type(error).__name__}", 1) from error


def _answer(future: Any) -> Any:
    """Return what came of a call, be it an exception."""
    try:
        return _value(future)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is the answer
        return error


@contextlib.contextmanager
def ray_cluster(address: str | None, workers: int) -> Iterator[Ray]:
    """Return a cluster of Ray; one that this program has joined before is used as it is.

    Parameters
    ----------
    address
        Of the cluster, ``host:port``, ``ray://host:port`` or ``auto``; None for one of processes of this machine,
        which ends with the block.
    workers
        How many processes.

    Raises
    ------
    WorkerError
        There is no such cluster.
    """
    joined = ray.is_initialized()
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in SIGNALS if in_main}
    try:
        if not joined:
            _join(address, workers)
        for number, handler in handlers.items():
            signal.signal(number, handler)  # Ray takes SIGTERM for itself
        with contextlib.redirect_stdout(sys.stderr):  # where Ray tells of workers that die
            yield Ray()
    finally:
        if not joined:
            ray.shutdown()


def _join(address: str | None, workers: int) -> None:
    """Join a cluster, or start one; where nobody answers Ray would ask for minutes."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    local = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": STORE}
    try:
        if address is not None and (at := ADDRESS.fullmatch(address)):
            socket.create_connection((at[1], int(at[2])), CONNECTING).close()
        ray.init(address=address or "local", **quiet, **({} if address else local))
    except Exception as error:
        raise no_cluster(address, "ray", error) from error

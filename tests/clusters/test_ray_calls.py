"""What becomes of single calls on a cluster of Ray."""

from __future__ import annotations

import os
import signal
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from long_set import wait_for

from chipgen.errors import DataError
from chipgen.workers import ray_cluster
from chipgen.workers.clusters import LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def cluster() -> Iterator[ray_cluster.Ray]:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with ray_cluster.ray_cluster(None, 2) as cluster:
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
        yield cluster


def _refusing() -> Callable[[], None]:
    """Return a function that travels by what it is: workers need not find this file."""

    def refuse() -> None:
        raise DataError.one("a", "b", "c", "d")

    return refuse


def _deadly() -> Callable[[], None]:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def test_what_a_call_raises_is_raised_as_it_is(cluster: ray_cluster.Ray) -> None:
    finished: list[int] = []
    cluster.submit(1, _refusing(), (), finished.append)
    assert wait_for(lambda: finished)
    with pytest.raises(DataError, match=r"^a: b: c: d$"):
        cluster.outcome(1)


def test_call_whose_worker_dies_is_lost(cluster: ray_cluster.Ray) -> None:
    finished: list[int] = []
    cluster.submit(2, _deadly(), (), finished.append)
    assert wait_for(lambda: finished)
    with pytest.raises(LostError, match="WorkerCrashedError") as lost:
        cluster.outcome(2)
    assert lost.value.deaths == 1


def test_every_machine_is_asked(cluster: ray_cluster.Ray) -> None:
    assert list(cluster.everywhere(version, "chipgen").values()) == [version("chipgen")]
    (answer,) = cluster.everywhere(_refusing()).values()
    assert isinstance(answer, DataError)


def test_cores_are_those_of_the_cluster(cluster: ray_cluster.Ray) -> None:
    assert cluster.slots() == 2

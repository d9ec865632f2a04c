"""Builds on a real cluster of Dask, of two processes: killed, interrupted, of another version, without our disk."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import warnings
from typing import TYPE_CHECKING, Any

import distributed
import pytest
from long_set import (
    PATIENCE,
    arguments,
    reference_tree,
    running,
    shards_in,
    tree,
    wait_for,
    write_long_set,
)
from run_cli import chipgen
from zoo.running import run_here

from chipgen.workers import clusters, dask_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOON = 30


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("dask") / "in")


@pytest.fixture(scope="module")
def reference(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return reference_tree(coco, tmp_path_factory.mktemp("reference") / "out")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[distributed.Client]:
    """Return what speaks with a cluster of two processes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with (
            distributed.LocalCluster(
                n_workers=2,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=50,
                local_directory=str(tmp_path_factory.mktemp("scratch")),
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            yield client


def _options(client: distributed.Client) -> tuple[str, ...]:
    return "--backend", "dask", "--scheduler", str(client.scheduler.address)


@pytest.mark.row("J96", "K104")
def test_killed_worker_changes_no_byte(
    client: distributed.Client, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    pids = client.run(os.getpid)
    with running(coco, out, "--json", *_options(client), quiet=False) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        os.kill(next(iter(pids.values())), signal.SIGKILL)
        report, err = program.communicate(timeout=PATIENCE)
    assert (program.returncode, err) == (0, "")
    (note,) = json.loads(report)["build"]["notes"]
    assert note == "1 worker left the cluster; what it was at was made again by others"
    assert tree(out) == reference
    client.wait_for_workers(2, timeout=PATIENCE)


@pytest.mark.row("J99", "J100")
def test_interrupted_takes_its_shards_back_and_leaves_the_cluster(
    client: distributed.Client, coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out, *_options(client)) as program:
        assert wait_for(lambda: len(shards_in(out)) >= 2, program)
        program.send_signal(signal.SIGTERM)
        _, err = program.communicate(timeout=SOON)
    assert program.returncode == 143
    assert re.fullmatch(r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n", err)
    assert wait_for(lambda: not any(client.processing().values()))
    # A worker may still write what it was at when nobody waits for it any more: the next run removes that.
    assert {path.name for path in out.iterdir()} - {".tmp"} == {"data", "_run.json", "_journal.jsonl"}
    client.run(_hide_the_folder)
    try:
        assert chipgen(*arguments(coco, out, *_options(client))).expect(0).err == ""
    finally:
        client.run(_show_the_folder)
    assert tree(out) == reference


def _hide_the_folder() -> None:
    """Let a worker not see where temporary files are: it has to send its shards back."""
    clusters.SEEN = "unseen"


def _show_the_folder() -> None:
    clusters.SEEN = "seen"


def _be_another_version() -> None:
    real = importlib.metadata.version
    setattr(importlib.metadata, "version", lambda name: "0.3.9" if name == "chipgen" else real(name))  # noqa: B010


def test_other_version_is_refused_with_one_line_a_worker(
    client: distributed.Client, coco: Path, tmp_path: Path
) -> None:
    first, second = client.nthreads()
    client.run(_be_another_version, workers=[first])
    try:
        refused = chipgen(*arguments(coco, tmp_path / "out", *_options(client))).expect(1)
    finally:
        client.restart_workers([first], timeout=PATIENCE)
    (line,) = refused.err.splitlines()
    assert re.fullmatch(
        rf"worker {first}: chipgen 0\.3\.9 there, \S+ here: install the same versions there as here", line
    )
    assert second not in line
    assert not (tmp_path / "out").exists()


def test_scheduler_that_is_not_there_is_told(coco: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECTING", 0.5)
    more = ("--backend", "dask", "--scheduler", "tcp://127.0.0.1:1")
    outcome = run_here(arguments(coco, tmp_path / "out", *more))
    (line,) = outcome.stderr.splitlines()
    assert outcome.code == 1
    assert re.match(r"--scheduler: tcp://127\.0\.0\.1:1: cannot be used \(.*\): see that it runs", line)
    assert not (tmp_path / "out").exists()


def _lose(_: Any, __: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_call_that_kills_its_workers_is_told_as_lost(client: distributed.Client) -> None:
    """Joblib's own backend for Dask would wait for it for ever."""
    finished: list[int] = []
    cluster = dask_cluster.Dask(client)
    cluster.submit(5, _lose, (1, 2), finished.append)
    assert wait_for(lambda: finished == [5])
    with pytest.raises(clusters.LostError, match=r"worker tcp://\S+ and others before it") as lost:
        cluster.outcome(5)
    assert lost.value.deaths == 2
    assert cluster.gone() >= 1

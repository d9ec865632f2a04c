"""As `test_faulty_disk`, in object storage: whatever it refuses, and wherever the process ends, the same call again
gives what an undisturbed run gives on a disk, byte for byte.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import fsspec
import pytest
from fault_scenes import (
    SCENES,
    THOROUGH,
    Scene,
    check_invariants,
    make_scenes,
    make_source,
    numbered,
    outcomes,
    run_with,
    tree,
)
from faulty_disk import DEATHS, ERRORS, OPERATIONS, Disk

from chipgen.remote import path_of
from chipgen.store import lease

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOME = (
    *("fresh Parquet", "overwriting a finished build", "making a lost shard again", "replacing epochs"),
    *("fresh YOLO", "fresh splits", "a part more"),
)
"""Scenes that differ there from each other."""

DISK = {"rewrite", "open_lock", "lock", "write_lock", "sync_folder", "make_folder", "remove_folder"}
"""Operations that do nothing there, or only to files on their way."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    """Return everything that writes to an output folder, by name."""
    return make_scenes(make_source(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("scenes"))


@pytest.fixture
def out() -> Iterator[Path]:
    """Return an output folder in the memory of this process, which behaves as object storage does."""
    yield path_of("memory://bucket/out")
    _clear()


def _clear() -> None:
    system = fsspec.filesystem("memory")
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


@pytest.fixture(autouse=True)
def _mortal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be another one each time it takes a lock: those that died hold theirs no more."""
    lives = itertools.count()
    monkeypatch.setattr(lease, "born", lambda _: str(next(lives)))
    monkeypatch.setattr(lease, "BEAT", 1e6)


@pytest.mark.row("I86", "I90", "I93", "J98", "K108")
@pytest.mark.parametrize("faults", [tuple(ERRORS), DEATHS], ids=["errors", "deaths"])
@pytest.mark.parametrize("name", SCENES if THOROUGH else SOME)
def test_every_request_may_fail(
    name: str,
    faults: tuple[str, ...],
    scenes: dict[str, Scene],
    tmp_path: Path,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = scenes[name]
    reference = outcomes(scene, tmp_path / "reference")
    allowed = [reference, *([tree(scene.before)] if scene.before else [])]
    numbers = numbered(faults, scene, out, monkeypatch)
    _clear()
    for number, fault in numbers:
        disk = Disk(number, fault)
        scene.set_up(out)
        went_through = run_with(disk, scene, out, monkeypatch)
        check_invariants(out, allowed, scene, disk)
        scene.act(out)
        assert tree(out) == reference, (number, disk.log[number - 1])
        _clear()
        assert went_through or number <= len(disk.log)


def test_loop_covers_every_operation(scenes: dict[str, Scene], out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()
    for scene in scenes.values():
        disk = Disk()
        scene.set_up(out)
        with disk.installed(monkeypatch):
            scene.act(out)
        used |= {operation for operation, _ in disk.log}
        _clear()
    assert used >= set(OPERATIONS) - DISK

"""Whatever the disk does, and wherever the process ends: nothing under a final name is wrong, and the same call again
gives what an undisturbed run gives, byte for byte.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fault_scenes import SCENES, Scene, check_invariants, make_scenes, make_source, numbered, outcomes, run_with, tree
from faulty_disk import DEATHS, ERRORS, OPERATIONS, Disk

from chipgen.store import MANIFEST

REMOTE = {"put_new", "send"}
"""Operations of object storage only; see `test_faulty_storage`."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    """Return everything that writes to an output folder, by name."""
    return make_scenes(make_source(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("scenes"))


@pytest.mark.row("I86", "I90", "I93", "J98", "K108")
@pytest.mark.parametrize("faults", [tuple(ERRORS), DEATHS], ids=["errors", "deaths"])
@pytest.mark.parametrize("name", SCENES)
def test_every_operation_may_fail(
    name: str, faults: tuple[str, ...], scenes: dict[str, Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scenes[name]
    reference = outcomes(scene, tmp_path / "reference")
    allowed = [reference, *([tree(scene.before)] if scene.before else [])]
    out = tmp_path / "out"
    numbers = numbered(faults, scene, out, monkeypatch)
    shutil.rmtree(out)
    for number, fault in numbers:
        disk = Disk(number, fault)
        scene.set_up(out)
        went_through = run_with(disk, scene, out, monkeypatch)
        check_invariants(out, allowed, scene, disk)
        scene.act(out)
        assert tree(out) == reference, (number, disk.log[number - 1])
        assert not (out / ".tmp").exists()
        shutil.rmtree(out)
        assert went_through or number <= len(disk.log)


@pytest.mark.row("J102")
@pytest.mark.parametrize("name", SCENES)
def test_names_come_after_bytes_and_the_manifest_comes_last(
    name: str, scenes: dict[str, Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut may lose is only what was not yet flushed: so every rename waits for what it relies on."""
    scene, disk, out = scenes[name], Disk(), tmp_path / "out"
    scene.set_up(out)
    with disk.installed(monkeypatch):
        scene.act(out)
    synced: set[str] = set()
    folders_in_doubt: set[Path] = set()
    for operation, arguments in disk.log:
        if operation == "sync":
            synced.add(arguments[0].name)
        elif operation == "sync_folder":
            folders_in_doubt.discard(arguments[0])
        elif operation == "replace":
            _check_rename(arguments[0], arguments[1], out, synced, folders_in_doubt)
            if "replaced" not in arguments[0].parts:
                folders_in_doubt.add(arguments[1].parent)
    assert out not in folders_in_doubt


def _check_rename(source: Path, target: Path, out: Path, synced: set[str], folders_in_doubt: set[Path]) -> None:
    """Check that what gets a final name is on the disk, and the manifest after all names."""
    if target.parent.name == "replaced" or source.parent.name == "replaced":
        return  # moved, not made: its bytes were flushed when it was built
    made = [name for name in synced if Path(name) == source or Path(name).is_relative_to(source)]
    assert made, f"{target} got its name before its bytes were on the disk"
    if target == out / MANIFEST:
        assert not folders_in_doubt, f"the manifest came before the names in {folders_in_doubt}"


def test_loop_covers_every_operation(scenes: dict[str, Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()
    for number, scene in enumerate(scenes.values()):
        out, disk = tmp_path / str(number), Disk()
        scene.set_up(out)
        with disk.installed(monkeypatch):
            scene.act(out)
        used |= {operation for operation, _ in disk.log}
    assert used == set(OPERATIONS) - REMOTE


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the real disk: whether bytes arrive is not what is tested here, only in which order they are sent."""
    monkeypatch.setattr(os, "fsync", lambda _: None)

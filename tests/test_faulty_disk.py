"""Whatever the disk does, and wherever the process ends: nothing under a final name is wrong, and the same call again
gives what an undisturbed run gives, byte for byte.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from datasets_made import Coco
from faulty_disk import DEATHS, ERRORS, OPERATIONS, Disk, SuddenDeath
from small_set import texture

import chipgen
from chipgen.errors import OutputError, StorageError
from chipgen.store import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPERS = {"_journal.jsonl", "_run.json", ".lock"}
IMAGES = 3
THOROUGH = bool(os.environ.get("CHIPGEN_THOROUGH"))

Tree = dict[str, bytes]
Action = Callable[[Path], object]


def tree(folder: Path) -> Tree:
    """Return all files below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@dataclass(frozen=True)
class Scene:
    """Something that writes to an output folder.

    Parameters
    ----------
    name
        What it is.
    before
        The folder it begins with; None for none.
    act
        What is done.
    whole
        Whether all files are there that the manifest it begins with lists.
    step
        Of its operations only every so manieth fails: of those of many files of one kind all do the same.
    """

    name: str
    before: Path | None
    act: Action
    whole: bool = True
    step: int = 1

    def set_up(self, out: Path) -> None:
        """Make the folder it begins with."""
        if self.before is not None:
            shutil.copytree(self.before, out)


def _export(folder: Path, **settings: Any) -> Action:
    """Return an export of the three images, one a shard."""
    plan = _plan(folder)

    def act(out: Path) -> object:
        return chipgen.export(plan, out, workers=1, progress=False, **settings)

    return act


def _export_splits(folder: Path, **settings: Any) -> Action:
    """Return an export of two images, each a split, one chip in each."""
    sides = chipgen.split(chipgen.read_coco(folder / "instances.json").first(2), 0.5)
    plans = {name: chipgen.plan(side, "1x", chip_size=48, stride=16) for name, side in sides.items()}

    def act(out: Path) -> object:
        return chipgen.export_splits(plans, out, workers=1, progress=False, **settings)

    return act


def _export_parts(folder: Path, count: int, **settings: Any) -> Action:
    """Return an export of as many annotation files, one image and one chip in each."""
    files = [folder / "parts" / f"{number}.json" for number in range(1, count + 1)]

    def act(out: Path) -> object:
        return chipgen.export_partitions(
            files, out, "1x", chip_size=48, stride=16, images=folder, workers=1, progress=False, **settings
        )

    return act


def _plan(folder: Path) -> chipgen.Plan:
    """Plan the three images."""
    dataset = chipgen.read_coco(folder / "instances.json")
    return chipgen.plan(
        dataset, "1x", chip_size=48, chips_per_shard=2, stride=16, negatives="random", negatives_per_image="all"
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset of three small images."""
    folder = tmp_path_factory.mktemp("source")
    coco = Coco(categories=[{"id": 1, "name": "thing"}])
    for number in range(1, IMAGES + 1):
        coco.image(96, 64, number)
        coco.box(number, [4.0 * number, 8, 12, 10], category_id=1)
        texture(96, 64, number).save(folder / f"{number}.png")
    (folder / "instances.json").write_text(coco.text(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def scenes(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    """Return everything that writes to an output folder, by name."""
    folder = tmp_path_factory.mktemp("scenes")
    parquet, coco = _export(source), _export(source, format="coco")
    finished, begun = folder / "finished", folder / "begun"
    parquet(finished)
    lost = Path(shutil.copytree(finished, folder / "lost"))
    (lost / _second_shard(lost)).unlink()
    epochs = Path(shutil.copytree(finished, folder / "epochs"))
    chipgen.write_epochs(epochs, epochs=2)
    _begin(begun, parquet)
    found = [
        Scene("fresh Parquet", None, parquet),
        Scene("fresh COCO", None, coco),
        Scene("resumed", begun, parquet),
        Scene("overwriting a finished build", finished, _export(source, format="coco", overwrite=True)),
        Scene("overwriting an unfinished build", begun, _export(source, format="coco", overwrite=True)),
        Scene("making a lost shard again", lost, parquet, whole=False),
        Scene("retrying a skipped image", _without_an_image(source, folder), _retry(source)),
        Scene("adding epochs", finished, lambda out: chipgen.write_epochs(out, epochs=2)),
        Scene("replacing epochs", epochs, lambda out: chipgen.write_epochs(out, epochs=3, seed=1, overwrite=True)),
    ]
    more = (*_scenes_of_many_files(source, folder), *_scenes_of_parts(source, folder))
    return {scene.name: scene for scene in [*found, *more]}


def _scenes_of_many_files(source: Path, folder: Path) -> Iterator[Scene]:
    """Yield what writes shards of many files, and what writes several splits."""
    yolo, splits = _export(source, format="yolo"), _export_splits(source)
    finished, both = folder / "yolo", folder / "splits"
    yolo(finished)
    splits(both)
    lost = Path(shutil.copytree(finished, folder / "picture"))
    next((lost / "images").iterdir()).unlink()
    poor = Path(shutil.copytree(both, folder / "shard"))
    next((poor / "val" / "data").iterdir()).unlink()
    over = {"format": "yolo", "overwrite": True}
    yield Scene("fresh YOLO", None, yolo, step=3)
    yield Scene("fresh WebDataset", None, _export(source, format="webdataset"), step=4)
    yield Scene("overwriting YOLO", finished, _export(source, **over, quality=50), step=5)
    yield Scene("making a lost picture again", lost, yolo, whole=False, step=3)
    yield Scene("fresh splits", None, splits, step=4)
    yield Scene("overwriting splits", both, _export_splits(source, **over), step=5)
    yield Scene("splits over a build", finished, _export_splits(source, overwrite=True), step=5)
    yield Scene("making a lost shard of a split again", poor, splits, whole=False, step=3)


def _scenes_of_parts(source: Path, folder: Path) -> Iterator[Scene]:
    """Yield what writes a dataset in several parts."""
    document = json.loads((source / "instances.json").read_bytes())
    (source / "parts").mkdir()
    for image in document["images"]:
        own = [one for one in document["annotations"] if one["image_id"] == image["id"]]
        part = {**document, "images": [image], "annotations": own}
        (source / "parts" / f"{image['id']}.json").write_text(json.dumps(part), encoding="ascii")
    two = folder / "parts"
    _export_parts(source, 2)(two)
    yield Scene("fresh parts", None, _export_parts(source, 2), step=29)
    yield Scene("a part more", two, _export_parts(source, 3), whole=False, step=17)
    yield Scene("overwriting parts", two, _export_parts(source, 2, format="coco", overwrite=True), step=37)


def _second_shard(out: Path) -> str:
    """Return the path of the second shard."""
    return str(json.loads((out / MANIFEST).read_bytes())["shards"][1]["path"])


def _begin(out: Path, act: Action) -> None:
    """Leave a build that died after two shards."""
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk()
        with disk.installed(patch):
            act(out)
        renamed = [n for n, (name, paths) in enumerate(disk.log, 1) if name == "replace" and "data" in paths[1].parts]
        shutil.rmtree(out)
        with Disk(renamed[1], "dies after").installed(patch), pytest.raises(SuddenDeath):
            act(out)


def _without_an_image(source: Path, folder: Path) -> Path:
    """Return a finished build that had to skip an image."""
    poor = Path(shutil.copytree(source, folder / "poor"))
    act = _export(poor, on_error="skip")
    (poor / "2.png").unlink()
    act(folder / "skipped")
    return folder / "skipped"


def _retry(source: Path) -> Action:
    """Return an export that tries skipped images again."""
    return _export(source, on_error="skip", retry_skipped=True)


def outcomes(scene: Scene, folder: Path) -> Tree:
    """Return what an undisturbed run leaves."""
    scene.set_up(folder)
    scene.act(folder)
    return tree(folder)


def check_invariants(out: Path, allowed: list[Tree], scene: Scene, disk: Disk) -> None:
    """Check what must hold at any moment: whole files only, and a manifest only where all it lists is there."""
    found = tree(out) if out.exists() else {}
    final = {p: data for p, data in found.items() if ".tmp" not in Path(p).parts and Path(p).name not in HELPERS}
    for path, data in final.items():
        if Path(path).name != MANIFEST:
            assert any(one.get(path) == data for one in allowed), f"{path} is neither the old nor the new file"
    for manifest in (path for path in final if Path(path).name == MANIFEST):
        listed = {str(Path(manifest).parent / e["path"]): e for e in json.loads(final[manifest])["files"]}
        for path in (path for path in listed if path in final or scene.whole):
            assert hashlib.sha256(final[path]).hexdigest() == listed[path]["sha256"]
    if MANIFEST in final and scene.whole and {"splits", "parts"} & json.loads(final[MANIFEST])["configuration"].keys():
        assert final in allowed, "splits or parts of two builds pass for one"
    failed, _ = disk.log[min(disk.fail_at, len(disk.log)) - 1]
    if not disk.dead and not failed.startswith("remove"):
        assert not [path for path in found if path.startswith(".tmp/run-")]


def run_with(disk: Disk, scene: Scene, out: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run a scene on a disk that fails; return whether it went through all the same."""
    with disk.installed(monkeypatch):
        try:
            scene.act(out)
        except SuddenDeath:
            return False
        except (StorageError, OutputError) as error:
            return len(error.problems) != 1
    return True


SCENES = (
    *("fresh Parquet", "fresh COCO", "resumed", "overwriting a finished build", "overwriting an unfinished build"),
    *("making a lost shard again", "retrying a skipped image", "adding epochs", "replacing epochs"),
    *("fresh YOLO", "fresh WebDataset", "overwriting YOLO", "making a lost picture again", "fresh splits"),
    *("overwriting splits", "splits over a build", "making a lost shard of a split again"),
    *("fresh parts", "a part more", "overwriting parts"),
)


@pytest.mark.row("I86", "I90", "I93", "J98", "K108")
@pytest.mark.parametrize("faults", [tuple(ERRORS), DEATHS], ids=["errors", "deaths"])
@pytest.mark.parametrize("name", SCENES)
def test_every_operation_may_fail(
    name: str, faults: tuple[str, ...], scenes: dict[str, Scene], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scenes[name]
    reference = outcomes(scene, tmp_path / "reference")
    allowed = [reference, *([tree(scene.before)] if scene.before else [])]
    for number, fault in _numbered(faults, scene.step):
        out, disk = tmp_path / "out", Disk(number, fault)
        scene.set_up(out)
        went_through = run_with(disk, scene, out, monkeypatch)
        check_invariants(out, allowed, scene, disk)
        scene.act(out)
        assert tree(out) == reference, (number, disk.log[number - 1])
        assert not (out / ".tmp").exists()
        shutil.rmtree(out)
        if len(disk.log) < number:
            assert went_through
            return


def _numbered(faults: tuple[str, ...], step: int) -> Iterator[tuple[int, str]]:
    """Yield the number of every operation with each fault, or, to be quick, of some with the next one in turn."""
    for turn, number in enumerate(itertools.count(1, 1 if THOROUGH else step), 1):
        yield from ((number, fault) for fault in (faults if THOROUGH else [faults[turn % len(faults)]]))


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
    assert used == set(OPERATIONS)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the real disk: whether bytes arrive is not what is tested here, only in which order they are sent."""
    monkeypatch.setattr(os, "fsync", lambda _: None)

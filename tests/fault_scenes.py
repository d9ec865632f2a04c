"""Everything that writes to an output folder, and what must hold there at any moment: on a disk, in object storage."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from datasets_made import Coco
from faulty_disk import DEATHS, Disk, SuddenDeath
from small_set import texture

import chipgen
from chipgen.errors import OutputError, StorageError
from chipgen.remote import RemotePath
from chipgen.store import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator

HELPERS = re.compile(r"_journal\.jsonl|_run\.json|\.lock")
IMAGES = 3
THOROUGH = bool(os.environ.get("CHIPGEN_THOROUGH"))

FOLDERS = {"make_folder", "sync_folder", "remove_folder"}
"""Operations that do nothing in object storage."""

Tree = dict[str, bytes]
Action = Callable[[Path], object]


def tree(folder: Path) -> Tree:
    """Return all files below a folder."""
    if isinstance(folder, RemotePath):
        return {name: (folder / name).read_bytes() for name, _ in folder.below()}
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
    """

    name: str
    before: Path | None
    act: Action
    whole: bool = True

    def set_up(self, out: Path) -> None:
        """Make the folder it begins with."""
        if self.before is not None and isinstance(out, RemotePath):
            out.system.pipe({(out / name).whole: data for name, data in tree(self.before).items()})
        elif self.before is not None:
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


def make_source(folder: Path) -> Path:
    """Make a dataset of three small images in a folder."""
    coco = Coco(categories=[{"id": 1, "name": "thing"}])
    for number in range(1, IMAGES + 1):
        coco.image(96, 64, number)
        coco.box(number, [4.0 * number, 8, 12, 10], category_id=1)
        texture(96, 64, number).save(folder / f"{number}.png")
    (folder / "instances.json").write_text(coco.text(), encoding="utf-8")
    return folder


def make_scenes(source: Path, folder: Path) -> dict[str, Scene]:
    """Return everything that writes to an output folder, by name."""
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
    yield Scene("fresh YOLO", None, yolo)
    yield Scene("fresh WebDataset", None, _export(source, format="webdataset"))
    yield Scene("overwriting YOLO", finished, _export(source, **over, quality=50))
    yield Scene("making a lost picture again", lost, yolo, whole=False)
    yield Scene("fresh splits", None, splits)
    yield Scene("overwriting splits", both, _export_splits(source, **over))
    yield Scene("splits over a build", finished, _export_splits(source, overwrite=True))
    yield Scene("making a lost shard of a split again", poor, splits, whole=False)


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
    yield Scene("fresh parts", None, _export_parts(source, 2))
    yield Scene("a part more", two, _export_parts(source, 3), whole=False)
    yield Scene("overwriting parts", two, _export_parts(source, 2, format="coco", overwrite=True))


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
    final = {p: data for p, data in found.items() if ".tmp" not in Path(p).parts and not HELPERS.match(Path(p).name)}
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


def numbered(
    faults: tuple[str, ...], scene: Scene, out: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, str]]:
    """Run a scene undisturbed, and return the number of every operation with each fault.

    To be quick, only one of those that do the same to files of the same kind, the first and the last in turn, and half
    of these with errors, one kind after the other, the others with deaths. At the end stands one that is never reached.
    """
    disk = Disk()
    scene.set_up(out)
    with disk.installed(monkeypatch):
        scene.act(out)
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, (name, arguments) in enumerate(disk.log, 1):
        if isinstance(out, RemotePath) and name in FOLDERS:
            continue
        alike.setdefault((name, *(_kind(one, out) for one in arguments)), []).append(number)
    some = sorted({numbers[-(turn % 2)] for turn, numbers in enumerate(alike.values())})
    end = len(disk.log) + 1
    if THOROUGH:
        return [(number, fault) for number in range(1, end + 1) for fault in faults]
    half = some[int(faults == DEATHS) :: 2]
    return [(number, faults[turn % len(faults)]) for turn, number in enumerate([*half, end])]


def _kind(argument: object, out: Path) -> str:
    """Return what an argument has in common with others: of the name of a file its ending, or all but its numbers."""
    if isinstance(argument, bytes | int | list | memoryview):
        return ""
    name = Path(str(getattr(argument, "name", argument)).replace(str(out), "")).name
    return (not name.startswith("_") and Path(name).suffix) or re.sub(r"[0-9a-f]*[0-9][0-9a-f]*(-\w{8}$)?", "#", name)

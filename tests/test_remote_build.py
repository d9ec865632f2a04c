"""Everything in object storage, input and output: each command gives what it gives on a disk, byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from fault_scenes import tree
from small_set import SCALES, write_small_set
from zoo.running import Outcome, run_here

from chipgen.remote import path_of

if TYPE_CHECKING:
    from pathlib import Path

    from object_store import ObjectStore


@pytest.fixture(scope="module")
def place(storage: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset, and one for what is built; the same lies in the bucket `set`."""
    folder = tmp_path_factory.mktemp("place")
    write_small_set(folder / "set")
    document = json.loads((folder / "set" / "instances.json").read_bytes())
    (folder / "set" / "parts").mkdir()
    for side in range(2):
        images = document["images"][side::2]
        own = [one for one in document["annotations"] if one["image_id"] in {image["id"] for image in images}]
        part = {**document, "images": images, "annotations": own}
        (folder / "set" / "parts" / f"{side}.json").write_text(json.dumps(part), encoding="ascii")
    storage.put_tree(folder / "set", "s3://set")
    storage.put("s3://out/somebody.txt", b"another's")
    return folder


def _both(place: Path, name: str, *command: str) -> Outcome:
    """Run a command on the disk and in the storage, and see that it leaves the same."""
    outcomes = []
    for source, out in ((f"{place}/set", f"{place}/{name}"), ("s3://set", f"s3://out/{name}")):
        outcomes.append(run_here([part.format(source=source, out=out) for part in command]))
        assert outcomes[-1].code == 0, outcomes[-1].stderr
    here, there = outcomes
    assert tree(place / name) == tree(path_of(f"s3://out/{name}"))
    assert there.stdout == here.stdout.replace(f"{place}/set", "s3://set").replace(
        f"{place}/{name}", f"s3://out/{name}"
    )
    return there


def test_build_and_what_is_added_to_it(place: Path) -> None:
    for command in (
        [
            "build",
            "--coco",
            "{source}/instances.json",
            *SCALES,
            "--negatives",
            "random",
            "--out",
            "{out}",
            "--workers",
            "1",
        ],
        [
            "build",
            "--coco",
            "{source}/instances.json",
            *SCALES,
            "--negatives",
            "random",
            "--out",
            "{out}",
            "--workers",
            "1",
        ],
        ["epochs", "{out}", "--epochs", "2"],
        ["view", "{out}", "--images", "{source}/images"],
        ["verify", "{out}", "--sources", "{source}/images"],
        ["stats", "{out}"],
    ):
        _both(place, "one", *command)


@pytest.mark.parametrize("form", ["coco", "yolo", "webdataset"])
def test_other_formats(form: str, place: Path) -> None:
    more = ("--format", form, "--workers", "1", "--out", "{out}")
    _both(place, form, "build", "--coco", "{source}/instances.json", *SCALES, *more)
    _both(place, form, "verify", "{out}")


def test_splits_and_parts(place: Path) -> None:
    more = (*SCALES, "--workers", "1", "--out", "{out}")
    _both(place, "splits", "build", "--coco", "{source}/instances.json", "--val-fraction", "0.4", *more)
    _both(place, "parts", "build", "--coco", "{source}/parts/*.json", "--images", "{source}/images", *more)
    for name in ("splits", "parts"):
        _both(place, name, "verify", "{out}")
        _both(place, name, "stats", "{out}")


def test_page_of_a_build_lies_beside_it(place: Path) -> None:
    _both(
        place, "paged/build", "build", "--coco", "{source}/instances.json", *SCALES, "--out", "{out}", "--workers", "1"
    )
    assert run_here(["stats", "s3://out/paged/build", "--html", "s3://out/paged/page.html"]).code == 0
    assert path_of("s3://out/paged/page.html").read_bytes().startswith(b"<!DOCTYPE html>")
    inside = run_here(["stats", "s3://out/paged/build", "--html", "s3://out/paged/build/page.html"])
    assert inside.code == 4
    again = run_here(["stats", "s3://out/paged/build", "--html", "s3://out/paged/page.html"])
    assert (again.code, again.stderr.count("\n")) == (4, 1)


def test_changed_object_is_named(storage: ObjectStore, place: Path) -> None:
    _both(place, "changed", "build", "--coco", "{source}/instances.json", *SCALES, "--out", "{out}", "--workers", "1")
    listed = json.loads(storage.get("s3://out/changed/_manifest.json"))["files"]
    shard = next(file["path"] for file in listed if file["path"].startswith("data/"))
    data = storage.get(f"s3://out/changed/{shard}")
    storage.put(f"s3://out/changed/{shard}", data[:-1] + bytes([data[-1] ^ 1]))
    storage.put("s3://out/changed/more.txt", b"")
    said = run_here(["verify", "s3://out/changed"])
    assert said.code == 1
    assert shard in said.stderr
    assert "more.txt" in said.stderr
    storage.delete("s3://out/changed/more.txt")
    again = ["build", "--coco", "s3://set/instances.json", *SCALES, "--out", "s3://out/changed", "--workers", "1"]
    assert run_here([*again, "--verify"]).code == 0
    assert storage.get(f"s3://out/changed/{shard}") == data
    storage.put(f"s3://out/changed/{shard}", data[:-9])  # another length is seen without a look at the content
    assert run_here(again).code == 0
    assert storage.get(f"s3://out/changed/{shard}") == data

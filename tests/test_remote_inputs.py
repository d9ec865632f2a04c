"""Annotations, images and proposals in object storage and on a web server give the build that a disk gives."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import fsspec
import numpy as np
import pytest
import tifffile
from datasets_made import Coco
from object_store import KEY_ID, SECRET
from run_cli import Finished, tree
from run_cli import chipgen as program
from small_set import SCALES, small_proposals, texture, write_small_set
from web_server import SIGNED, web_server
from zoo import running

import chipgen
from chipgen.coco.stored import StoredText
from chipgen.remote import fetched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from object_store import ObjectStore

ODD = {5: "a b.png", 3: "ünï%41.png", 11: "deep/#1?x=y.png", 8: "a+b&c.png"}
"""Names that mean something else in a URL."""


@pytest.fixture(scope="module")
def place(storage: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset with proposals, which lies at s3://bucket/data, too, and builds of it from the disk."""
    folder = tmp_path_factory.mktemp("local")
    write_small_set(folder / "data")
    images = folder / "data" / "images"
    path = folder / "data" / "instances.json"
    dataset = json.loads(path.read_text())
    for image in dataset["images"]:
        target = images / ODD[image["id"]]
        target.parent.mkdir(exist_ok=True)
        (images / image["file_name"]).rename(target)
        image["file_name"] = ODD[image["id"]]
    path.write_text(json.dumps(dataset))
    (folder / "data" / "proposals.json").write_text(json.dumps(small_proposals()))
    storage.put_tree(folder / "data", "s3://bucket/data")
    for name in ("parquet", "coco"):
        assert run_here(build(folder / "data", folder / name, "--format", name)).code == 0
    return folder


def build(data: object, out: Path, *more: str) -> list[str]:
    """Return the command that builds a dataset."""
    inputs = ("--coco", f"{data}/instances.json", "--proposals", f"{data}/proposals.json")
    return ["build", *inputs, *SCALES, "--workers", "1", "--out", str(out), *more]


def run_here(arguments: list[str]) -> Finished:
    """Run the program in this process."""
    done = running.run_here(arguments)
    return Finished(done.code, done.stdout, done.stderr)


# -- the same build --------------------------------------------------------------------------------------------------


def test_a_build_by_workers_is_the_one_from_a_disk(place: Path, storage: ObjectStore, tmp_path: Path) -> None:
    assert storage
    done = program(*build("s3://bucket/data", tmp_path / "out", "--workers", "2")).expect(0)
    assert done.err == ""
    assert tree(tmp_path / "out") == tree(place / "parquet")


@pytest.mark.parametrize("name", ["parquet", "coco"])
def test_a_build_from_a_storage_is_the_one_from_a_disk(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    command = build("s3://bucket/data", tmp_path / "out", "--format", name)
    assert run_here(command).code == 0
    assert tree(tmp_path / "out") == tree(place / name)
    monkeypatch.setattr("chipgen.remote.copies._COPIES", {})  # as in another process
    with storage.counting() as asked:
        done = run_here(command)
    assert "finished" in done.out
    assert asked["GET"] == 2, "to know that nothing is to be done takes both files once"
    # What was built from the one is finished for the other.
    local = build(place / "data", tmp_path / "out", "--format", name)
    assert "finished" in run_here(local).out


def test_annotations_here_and_images_there_and_the_other_way_round(
    place: Path, storage: ObjectStore, tmp_path: Path
) -> None:
    assert storage
    for number, (data, images) in enumerate(
        [(place / "data", "s3://bucket/data/images"), ("s3://bucket/data", place / "data" / "images")]
    ):
        out = tmp_path / str(number)
        done = run_here([*build(data, out), "--images", str(images)])
        assert done.code == 0, done.err
        assert tree(out) == tree(place / "parquet")


def test_each_image_is_asked_for_once(place: Path, storage: ObjectStore, tmp_path: Path) -> None:
    before = len(storage.asked)
    command = [*build(place / "data", tmp_path / "out"), "--images", "s3://bucket/data/images"]
    assert run_here([*command, "--chips-per-shard", "100"]).code == 0  # an image may have chips in several shards
    asked = [path for verb, path in storage.asked[before:] if verb == "GET" and path.startswith("/bucket/data/images/")]
    assert sorted(asked) == sorted(f"/bucket/data/images/{name}" for name in ODD.values())


def test_stats_and_proposals_read_urls(place: Path, storage: ObjectStore, tmp_path: Path) -> None:
    assert storage
    there, here = (run_here(["stats", f"{data}/instances.json"]) for data in ("s3://bucket/data", place / "data"))
    assert (there.code, there.out) == (0, here.out.replace(str(place / "data"), "s3://bucket/data"))
    for number, data in enumerate(("s3://bucket/data", place / "data")):
        assert run_here(["proposals", f"{data}/proposals.json", str(tmp_path / f"{number}.parquet")]).code == 0
    assert (tmp_path / "0.parquet").read_bytes() == (tmp_path / "1.parquet").read_bytes()


def test_splits_by_a_field_of_the_images_read_the_file_again(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storage
    monkeypatch.setattr("chipgen.coco.STREAMED_ABOVE", 0)  # so that the text stays in the copy, for workers, too
    trees = []
    for number, data in enumerate(("s3://bucket/data", place / "data")):
        more = ("--val-fraction", "0.5", "--group-by", "file_name", "--workers", str(2 - number))
        assert run_here([*build(data, tmp_path / str(number)), *more]).code == 0
        trees.append(tree(tmp_path / str(number)))
    assert trees[0] == trees[1]


def test_within_one_process_memory_is_a_storage(place: Path, tmp_path: Path) -> None:
    system = fsspec.filesystem("memory")
    system.put(str(place / "data"), "/set", recursive=True)
    try:
        dataset = chipgen.read_coco("memory://set/instances.json")
        assert (dataset.source.path, dataset.source.root) == ("memory://set/instances.json", "memory://set/images")
        settings: dict[str, Any] = {"scales": "1x,2x,256", "valid_ranges": "20-120,0-60,60-", "chip_size": 256}
        plan = chipgen.plan(dataset, **settings, proposals=chipgen.read_proposals("memory://set/proposals.json"))
        chipgen.export(plan, tmp_path / "there", backend="threading")  # it is the memory of this process
    finally:
        system.rm("/set", recursive=True)
    dataset = chipgen.read_coco(place / "data" / "instances.json")
    plan = chipgen.plan(dataset, **settings, proposals=chipgen.read_proposals(place / "data" / "proposals.json"))
    chipgen.export(plan, tmp_path / "here")
    assert tree(tmp_path / "there") == tree(tmp_path / "here")


# -- a web server ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def web(place: Path) -> Iterator[str]:
    """Return where a web server shows the dataset."""
    with web_server(place) as url:
        yield f"{url}/data"


def test_a_web_server_gives_annotations_and_images(place: Path, web: str, tmp_path: Path) -> None:
    inputs = ("--coco", f"{web}/instances.json{SIGNED}", "--proposals", f"{web}/proposals.json{SIGNED}")
    done = program("build", *inputs, *SCALES, "--workers", "2", "-v", "--out", str(tmp_path / "out")).expect(0)
    assert tree(tmp_path / "out") == tree(place / "parquet")
    assert f"images: {web}/images\n" in done.err
    assert "secret" not in done.out + done.err


def test_what_a_web_server_keeps_to_itself_is_unreadable(place: Path, web: str, tmp_path: Path) -> None:
    command = [*build(place / "data", tmp_path / "out"), "--images", f"{web}/images", "--on-error", "skip"]
    done = run_here([*command, "--max-skipped", "9"])
    assert done.code == 0, done.err
    assert "4 unreadable" in done.out


# -- what is not there -----------------------------------------------------------------------------------------------


@pytest.fixture
def lacking(place: Path, storage: ObjectStore) -> Iterator[str]:
    """Return where the dataset lies without one image."""
    storage.put_tree(place / "data", "s3://lacking")
    storage.delete("s3://lacking/images/a b.png")
    yield "s3://lacking"
    for name in storage.keys("s3://lacking"):
        storage.delete(f"s3://lacking/{name}")


@pytest.mark.parametrize("asked", [50, 0])
def test_a_missing_image_is_told_before_any_is_read(
    lacking: str, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    monkeypatch.setattr("chipgen.images.listed.ASKED", asked)
    before = len(storage.asked)
    done = run_here(build(lacking, tmp_path / "out"))
    assert done.code == 1
    line = "s3://lacking/images/a b.png: image 5: no such file in s3://lacking/images (missing): mend it"
    assert done.err.startswith(line)
    assert done.err.count("\n") == 1
    read = [path for verb, path in storage.asked[before:] if verb == "GET" and path.endswith(".png")]
    assert not read


@pytest.mark.parametrize("folders", [50, 0])
def test_a_list_of_a_folder_is_asked_for_once(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: int
) -> None:
    monkeypatch.setattr("chipgen.images.listed.ASKED", 0)
    monkeypatch.setattr("chipgen.images.listed.FOLDERS", folders)
    before = len(storage.asked)
    done = run_here([*build(place / "data", tmp_path / "out"), "--images", "s3://bucket/data/images"])
    assert done.code == 0, done.err
    lists = [path for _, path in storage.asked[before:] if "list-type" in path and "max-keys=1&" not in path]
    assert len(lists) == (2 if folders else 1)  # images/ and images/deep/
    assert not [path for verb, path in storage.asked[before:] if verb == "HEAD" and path.endswith(".png")]


def test_who_may_read_images_need_not_be_allowed_to_list_them(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipgen.images.listed.ASKED", 0)
    monkeypatch.setattr(storage, "fault", lambda verb, path: None if verb == "GET" and path.endswith(".png") else 403)
    done = run_here([*build(place / "data", tmp_path / "out"), "--images", "s3://bucket/data/images"])
    assert done.code == 0, done.err
    assert tree(tmp_path / "out") == tree(place / "parquet")


def test_a_missing_image_may_be_skipped(lacking: str, tmp_path: Path) -> None:
    done = run_here([*build(lacking, tmp_path / "out"), "--on-error", "skip", "--max-skipped", "1"])
    assert done.code == 0, done.err
    (line,) = (tmp_path / "out" / "_skipped.jsonl").read_text().splitlines()
    assert json.loads(line) | {"message": ""} == {
        "kind": "image",
        "image_id": 5,
        "annotation_id": None,
        "file_name": "a b.png",
        "reason": "missing",
        "message": "",
    }


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("s3://no-bucket/a.json", "s3://no-bucket/a.json: cannot be read (The specified bucket does not exist)"),
        ("s3://bucket/data/none.json", "s3://bucket/data/none.json: cannot be read (No such file or directory)"),
        ("s3://bucket/data/images", "s3://bucket/data/images: cannot be read (Is a directory)"),
        ("http://127.0.0.1:9/a.json?sig=secret", "http://127.0.0.1:9/a.json: reading: Connect call failed"),
        ("ftp://host/a.json", "ftp://host/a.json: ftp:// is not known"),
    ],
)
@pytest.mark.parametrize("option", ["--coco", "--proposals"])
def test_a_file_that_is_not_there_is_one_line(
    place: Path, storage: ObjectStore, tmp_path: Path, url: str, what: str, option: str
) -> None:
    assert storage
    command = build(place / "data", tmp_path / "out")
    command[command.index(option) + 1] = url
    done = run_here(command)
    assert done.code == (2 if url.startswith("ftp") else 1)
    assert done.err.startswith(what)
    assert done.err.count("\n") == 1
    assert "secret" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_file_name_that_is_a_url_or_leaves_the_root_is_refused(
    place: Path, storage: ObjectStore, tmp_path: Path
) -> None:
    assert storage
    dataset = json.loads((place / "data" / "instances.json").read_text())
    names = ["s3://bucket/data/images/a b.png", "../proposals.json", "/etc/passwd", "deep/../../images/a+b&c.png"]
    for image, name in zip(dataset["images"], names, strict=True):
        image["file_name"] = name
    (tmp_path / "a.json").write_text(json.dumps(dataset))
    command = ["build", "--coco", str(tmp_path / "a.json"), *SCALES, "--images", "s3://bucket/data/images"]
    done = run_here([*command, "--out", str(tmp_path / "out"), "--on-error", "skip", "--max-skipped", "9"])
    assert done.code == 0, done.err
    assert "1 bad_name" in done.out
    assert "2 outside_root" in done.out


def test_files_that_are_too_long_are_not_fetched(place: Path, storage: ObjectStore, tmp_path: Path) -> None:
    assert place
    with storage.counting() as asked:
        done = run_here([*build("s3://bucket/data", tmp_path / "out"), "--max-json-bytes", "1000"])
    assert done.code == 1
    assert "bytes are more than the 1,000 allowed: raise --max-json-bytes" in done.err
    assert asked["GET"] == 0


# -- a storage that does not answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [503, 500, 429, 401])
def test_a_storage_that_does_not_answer_loses_no_image(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("chipgen.remote.systems.PAUSES", (0.0, 0.0))
    monkeypatch.setattr(storage, "fault", lambda _, path: status if path.endswith("/a b.png") else None)
    command = [*build(place / "data", tmp_path / "out"), "--images", "s3://bucket/data/images", "--on-error", "skip"]
    done = run_here(command)
    assert done.code == 1
    assert done.err.startswith("s3://bucket/data/images/a b.png: reading: ")
    assert "run the same command again" in done.err
    assert done.err.count("\n") == 1
    monkeypatch.setattr(storage, "fault", lambda *_: None)
    assert run_here(command).code == 0
    assert tree(tmp_path / "out")["_plan.parquet"] == tree(place / "parquet")["_plan.parquet"]


def test_what_fails_once_is_tried_again(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chipgen.remote.systems.PAUSES", (0.0, 0.0))
    failed: set[tuple[str, str]] = set()

    def fault(verb: str, path: str) -> int | None:
        first = (verb, path) not in failed
        failed.add((verb, path))
        return 503 if first else None

    monkeypatch.setattr(storage, "fault", fault)
    done = run_here(build("s3://bucket/data", tmp_path / "out"))
    assert done.code == 0, done.err
    assert tree(tmp_path / "out") == tree(place / "parquet")


@pytest.mark.parametrize(
    "environment",
    [
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
    ],
)
def test_without_server_or_credentials_it_ends_within_seconds(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    assert place
    assert storage
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [*build("s3://bucket/data", tmp_path / "out"), "--on-error", "skip"]
    done = program(*command, timeout=30).expect(1)
    assert done.err.startswith("s3://bucket/data/instances.json: reading: ")
    assert "run the same command again once the storage answers" in done.err
    assert done.err.count("\n") == 1
    assert SECRET not in done.err
    assert KEY_ID not in done.err


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_credentials_that_no_longer_hold_lose_no_image(code: str) -> None:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    from chipgen.errors import StorageError  # noqa: PLC0415
    from chipgen.remote.systems import calling, refuse_silence  # noqa: PLC0415

    told: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    with pytest.raises(OSError, match="known") as caught, calling("s3://bucket/a"):
        raise PermissionError("not known") from ClientError(told, "GetObject")
    with pytest.raises(StorageError, match="run the same command again"):
        refuse_silence("s3://bucket/a", caught.value)


# -- copies ----------------------------------------------------------------------------------------------------------

LEAVES = """
import os, sys
from chipgen.remote import fetched
copy = fetched(sys.argv[1])
print(os.fspath(copy), os.path.getsize(copy), str(copy))
sys.exit(3) if sys.argv[2] == "exit" else 1 / 0
"""


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("end", ["exit", "error"])
def test_a_copy_goes_with_the_process(place: Path, tmp_path: Path, end: str) -> None:
    url = "s3://bucket/data/instances.json"
    done = subprocess.run(
        [sys.executable, "-c", LEAVES, url, end],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    name, length, told = done.stdout.split()
    assert Path(name).is_relative_to(tmp_path)
    assert (int(length), told) == ((place / "data" / "instances.json").stat().st_size, url)
    assert not list(tmp_path.iterdir())


def test_a_file_that_has_changed_is_fetched_again(storage: ObjectStore) -> None:
    storage.put("s3://bucket/a.json", b"one")
    first = fetched("s3://bucket/a.json")
    assert fetched("s3://bucket/a.json") is first
    storage.put("s3://bucket/a.json", b"two")
    assert (fetched("s3://bucket/a.json").read_bytes(), first.read_bytes()) == (b"two", b"one")


def test_a_text_in_a_copy_outlives_the_next_one(storage: ObjectStore) -> None:
    storage.put("s3://bucket/b.json", b"one")
    text = StoredText.of(fetched("s3://bucket/b.json"))
    storage.put("s3://bucket/b.json", b"two")
    assert fetched("s3://bucket/b.json").read_bytes() == b"two"
    gc.collect()
    again = pickle.loads(pickle.dumps(text))  # noqa: S301 -- our own
    assert (again[0:3], again.told) == (b"one", "s3://bucket/b.json")


def test_a_disk_without_room_for_a_copy_is_told(
    place: Path, storage: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert storage
    monkeypatch.setattr("chipgen.remote.copies._COPIES", {})
    monkeypatch.setattr("chipgen.remote.copies._write", mock.Mock(side_effect=_full))
    done = run_here(build("s3://bucket/data", tmp_path / "out"))
    assert done.code == 1
    assert place
    assert "No space left on device" in done.err


def _full(_: Any, __: bytes, place: Path) -> None:
    from chipgen.remote.copies import _no_room  # noqa: PLC0415

    raise _no_room(place, OSError(28, "No space left on device"))


# -- rasters ---------------------------------------------------------------------------------------------------------

SIDE = 4200
"""So long that a raster is read by window."""


@pytest.fixture(scope="module")
def raster(storage: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiled raster, its annotations, and where it lies in the storage, too."""
    folder = tmp_path_factory.mktemp("raster")
    tile = np.asarray(texture(SIDE, 64, 1))
    pixels = np.ascontiguousarray(np.tile(tile, (SIDE // 64 + 1, 1, 1))[:SIDE])
    tifffile.imwrite(folder / "a.tif", pixels, tile=(256, 256), photometric="rgb")
    coco = Coco(categories=[{"id": 1, "name": "car"}])
    coco.images.append({"id": 1, "file_name": "a.tif", "width": SIDE, "height": SIDE})
    coco.box(1, [3000, 2500, 40, 40], category_id=1)
    (folder / "a.json").write_text(coco.text())
    storage.put_tree(folder, "s3://raster")
    return folder


def test_of_a_raster_only_parts_are_read(raster: Path, storage: ObjectStore, tmp_path: Path) -> None:
    command = ["build", "--coco", str(raster / "a.json"), "--scales", "1x", "--chip-size", "256", "--workers", "1"]
    assert run_here([*command, "--out", str(tmp_path / "here")]).code == 0
    before, length = len(storage.asked), (raster / "a.tif").stat().st_size
    assert length > 50_000_000
    done = run_here([*command, "--out", str(tmp_path / "there"), "--images", "s3://raster"])
    assert done.code == 0, done.err
    assert tree(tmp_path / "there") == tree(tmp_path / "here")
    asked = [path for verb, path in storage.asked[before:] if verb == "GET" and path == "/raster/a.tif"]
    # The beginning; 64 samples that tell it from others; and what lies where the chip is.
    assert 66 <= len(asked) <= 80
    assert storage.sent["/raster/a.tif"] < length / 3

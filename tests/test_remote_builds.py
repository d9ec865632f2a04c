"""Finished builds that lie in object storage: looked at and verified there as on a disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from run_cli import Finished, tree
from web_server import SIGNED, web_server
from zoo import running

import chipgen
from chipgen.built import open_built
from chipgen.epochs import _chips
from chipgen.errors import StorageError
from chipgen.remote import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from object_store import ObjectStore

FORMATS = ("parquet", "coco", "yolo", "webdataset")


def run_here(*arguments: str) -> Finished:
    """Run the program in this process."""
    done = running.run_here(arguments)
    return Finished(done.code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def there(built: dict[str, Path], storage: ObjectStore) -> str:
    """Return where the builds lie, one below the other."""
    for name in FORMATS:
        storage.put_tree(built[name], f"s3://builds/{name}")
    storage.put_tree(built["parquet"].parent / "set", "s3://builds/set")
    return "s3://builds"


@pytest.fixture
def spoilt(built: dict[str, Path], storage: ObjectStore) -> Iterator[str]:
    """Return where a build lies that may be spoilt."""
    storage.put_tree(built["coco"], "s3://spoilt/out")
    yield "s3://spoilt/out"
    for name in storage.keys("s3://spoilt"):
        storage.delete(f"s3://spoilt/{name}")


@pytest.mark.parametrize("name", FORMATS)
def test_a_build_is_verified_where_it_lies(built: dict[str, Path], there: str, name: str) -> None:
    done, local = run_here("verify", f"{there}/{name}"), run_here("verify", str(built[name]))
    assert (done.code, done.err) == (0, "")
    assert done.out == local.out.replace(str(built[name]), f"{there}/{name}")


def test_sources_are_compared_where_they_lie(built: dict[str, Path], there: str, storage: ObjectStore) -> None:
    for sources in (f"{there}/set/images", f"{there}/set/instances.json"):
        done = run_here("verify", f"{there}/coco", "--sources", sources)
        assert (done.code, done.err) == (0, "")
        assert ", 4 source images" in done.out
    name = storage.keys("s3://builds/set/images")[0]
    whole = storage.get(f"s3://builds/set/images/{name}")
    storage.put(f"s3://builds/set/images/{name}", whole[:-1] + b"x")
    done = run_here("verify", str(built["coco"]), "--sources", f"{there}/set/images")
    assert done.code == 1
    assert done.err.startswith(f"s3://builds/set/images/{name}: image ")
    assert "has another content" in done.err
    storage.put(f"s3://builds/set/images/{name}", whole)
    assert run_here("verify", f"{there}/coco", "--sources", f"{there}/none").code == 1


def test_what_is_wrong_there_is_told_as_of_a_folder(
    built: dict[str, Path], spoilt: str, storage: ObjectStore, tmp_path: Path
) -> None:
    shutil.copytree(built["coco"], tmp_path / "out")
    names = storage.keys(spoilt)
    chip = next(name for name in names if name.startswith("shards/") and name.endswith(".jpg"))
    shard = next(name for name in names if name.startswith("shards/") and name.endswith(".json"))
    for name in ("x/y/z.txt", "x/y/u.txt", ".tmp/a", "shards/00000/no.png", shard):
        storage.put(f"{spoilt}/{name}", b"{}")
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_bytes(b"{}")
    storage.delete(f"{spoilt}/{chip}")
    (tmp_path / "out" / chip).unlink()
    remote, local = run_here("verify", spoilt), run_here("verify", str(tmp_path / "out"))
    told = sorted(remote.err.replace(spoilt, "OUT").splitlines())
    assert remote.code == local.code == 1
    assert told == sorted(local.err.replace(str(tmp_path / "out"), "OUT").splitlines())
    assert len(told) >= 5


def test_a_folder_that_is_gone_is_one_fault(spoilt: str, storage: ObjectStore) -> None:
    for name in storage.keys(f"{spoilt}/shards/00000"):
        storage.delete(f"{spoilt}/shards/00000/{name}")
    done = run_here("verify", spoilt)
    assert done.code == 1
    assert f"{spoilt}/shards/00000: is missing, and with it " in done.err


def test_what_is_no_build_is_told(there: str) -> None:
    for command in (("verify", f"{there}/none"), ("stats", f"{there}/set")):
        done = run_here(*command)
        assert (done.code, done.err.count("\n")) == (1, 1)
        assert "holds no finished build" in done.err


@pytest.mark.parametrize("name", ["parquet", "yolo"])
def test_figures_of_a_build_are_read_where_it_lies(
    built: dict[str, Path], there: str, tmp_path: Path, name: str
) -> None:
    done, local = run_here("stats", f"{there}/{name}"), run_here("stats", str(built[name]))
    assert (done.code, done.out) == (0, local.out)
    assert run_here("stats", f"{there}/{name}", "--html", str(tmp_path / "a.html")).code == 0
    assert f"{there}/{name}" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize("name", FORMATS)
def test_chips_are_read_where_they_lie(built: dict[str, Path], there: str, name: str) -> None:
    rows = np.arange(3)
    remote, local = (list(open_built(out).chips(rows)) for out in (f"{there}/{name}", built[name]))
    assert remote == local
    assert len(remote) == 3


def test_what_epochs_are_drawn_from_is_read_where_it_lies(built: dict[str, Path], there: str) -> None:
    remote, local = (_chips(path_of(place)) for place in (f"{there}/parquet", built["parquet"]))
    assert all(np.array_equal(one, other) for one, other in zip(remote, local, strict=True))


def test_source_pictures_of_a_view_lie_there(built: dict[str, Path], there: str, tmp_path: Path) -> None:
    for number, images in enumerate((f"{there}/set/images", str(built["parquet"].parent / "set" / "images"))):
        shutil.copytree(built["parquet"], tmp_path / str(number))
        done = run_here("view", str(tmp_path / str(number)), "--images", images)
        assert (done.code, done.err) == (0, "")
    assert tree(tmp_path / "0") == tree(tmp_path / "1")


def test_a_web_server_shows_builds_too(built: dict[str, Path]) -> None:
    with web_server(built["parquet"].parent) as url:
        out = f"{url}/parquet"
        done = run_here("verify", f"{out}{SIGNED}", "--sources", f"{url}/set/images{SIGNED}")
        assert (done.code, done.err) == (0, "")
        assert done.out.endswith(f", 4 source images: {out}\n")
        assert run_here("stats", f"{out}{SIGNED}").out == run_here("stats", str(built["parquet"])).out


@pytest.mark.parametrize("call", [chipgen.verify, chipgen.built_stats, open_built])
def test_a_storage_that_falls_silent_is_no_fault_of_the_build(
    there: str, storage: ObjectStore, monkeypatch: pytest.MonkeyPatch, call: object
) -> None:
    monkeypatch.setattr("chipgen.remote.systems.PAUSES", (0.0, 0.0))
    monkeypatch.setattr(storage, "fault", lambda _, path: 503 if path.endswith("_plan.parquet") else None)
    with pytest.raises(StorageError, match=r"_plan\.parquet: reading: .*run the same command again"):
        call(f"{there}/parquet")  # type: ignore[operator]


def test_so_it_is_where_the_checksum_was_right_before(
    there: str, storage: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fault(verb: str, path: str) -> int | None:
        if verb == "GET" and path.endswith("_plan.parquet"):
            asked.append(path)
        return 503 if len(asked) > 1 else None

    monkeypatch.setattr("chipgen.remote.systems.PAUSES", (0.0, 0.0))
    monkeypatch.setattr(storage, "fault", fault)
    with pytest.raises(StorageError, match="run the same command again"):
        chipgen.verify(f"{there}/parquet")

"""Output on S3 while the program is killed, the storage refuses, or a second run comes: the same bytes in the end."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from fault_scenes import THOROUGH, check_invariants, make_scenes, make_source, tree
from faulty_disk import Disk
from long_set import PATIENCE, arguments, group_is_gone, reference_tree, running, wait_for, write_long_set
from long_set import tree as sums
from object_store import SECRET
from zoo.running import run_here

from chipgen.errors import StorageError
from chipgen.remote import path_of
from chipgen.store import lease

if TYPE_CHECKING:
    from pathlib import Path

    from object_store import ObjectStore

KILLS = int(os.environ.get("CHIPGEN_KILLS", "8" if THOROUGH else "1"))
WRITES = {"PUT", "POST", "DELETE"}


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("killed") / "in")


@pytest.fixture
def out(storage: ObjectStore, tmp_path: Path) -> Any:
    storage.put("s3://bucket/readme.txt", b"somebody else's")
    return path_of(f"s3://bucket/{tmp_path.name}")


@pytest.mark.row("I86", "J98", "K108")
def test_killed_and_run_again_until_it_ends(storage: ObjectStore, coco: Path, out: Any, tmp_path: Path) -> None:
    reference, rng = reference_tree(coco, tmp_path / "reference"), random.Random(KILLS)  # noqa: S311 -- moments
    for _ in range(KILLS):
        before = _shards(storage, out)
        with running(coco, out) as program:
            more = before + rng.randint(1, 4)
            wait_for(lambda more=more: _shards(storage, out) >= more, program)  # type: ignore[misc]
            assert program.poll() is None, "it had ended before"
            if rng.random() < 0.5:
                program.kill()
            else:
                os.killpg(program.pid, 9)
            end = time.monotonic() + PATIENCE
            while not group_is_gone(program.pid):
                assert time.monotonic() < end, "workers outlived their parent"
                time.sleep(0.05)
        assert "_manifest.json" not in storage.keys(str(out))
    with running(coco, out) as program:
        _, err = program.communicate(timeout=PATIENCE)
        assert (program.returncode, err) == (0, "")
    assert sums(storage.get_tree(str(out), tmp_path / "down")) == reference


def _shards(storage: ObjectStore, out: Any) -> int:
    return sum(name.startswith("data/") for name in storage.keys(str(out)))


def test_second_run_stops_at_once(storage: ObjectStore, coco: Path, out: Any) -> None:
    with running(coco, out) as program:
        wait_for(lambda: _shards(storage, out), program)
        second = run_here(arguments(coco, out, "--workers", "1"))
        assert program.poll() is None, "it had ended before"
        assert (second.code, second.stderr.count("\n")) == (4, 1)
        assert f"is locked by pid {program.pid} of " in second.stderr


@pytest.mark.parametrize("case", [("fresh Parquet", 503, 23), ("overwriting a finished build", 403, 53)])
def test_every_write_may_be_refused(
    case: tuple[str, int, int], storage: ObjectStore, out: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, status, step = case
    monkeypatch.setattr(lease, "BEAT", 1e6)
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    source = make_source(_folder(tmp_path / "source"))
    scene = make_scenes(source, _folder(tmp_path / "scenes"))[name]
    local = tmp_path / "local"
    scene.set_up(local)
    scene.act(local)
    reference = tree(local)
    allowed = [reference, *([tree(scene.before)] if scene.before else [])]
    for number in itertools.count(1, 1 if THOROUGH else step):
        writes = itertools.count(1)
        place = out / str(number)
        if scene.before is not None:
            storage.put_tree(scene.before, str(place))

        def fault(verb: str, _: str, writes: Any = writes, number: int = number) -> int | None:
            return status if verb in WRITES and next(writes) == number else None

        monkeypatch.setattr(storage, "fault", fault)
        error = _attempt(scene.act, place)
        monkeypatch.setattr(storage, "fault", lambda *_: None)
        if next(writes) <= number:
            assert error is None
            assert number > 20, "what was counted is not what was written"
            return
        assert error is None or (len(error.problems) == 1 and SECRET not in str(error))
        check_invariants(place, allowed, scene, Disk(1, log=[("remove", ())]))
        scene.act(place)
        assert tree(place) == reference, number


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _attempt(act: Any, place: Any) -> StorageError | None:
    try:
        act(place)
    except StorageError as error:
        return error
    return None


def test_manifest_comes_last(storage: ObjectStore, out: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at any moment finds a manifest only when all that it lists is there."""
    scene = make_scenes(make_source(_folder(tmp_path / "source")), _folder(tmp_path / "scenes"))["fresh Parquet"]
    found: list[bool] = []
    looking: list[str] = []

    def look(verb: str, _: str) -> None:
        if verb in WRITES and not looking:
            looking.append(verb)
            names = storage.keys(str(out))
            if "_manifest.json" in names:
                listed = json.loads(storage.get(f"{out}/_manifest.json"))["files"]
                found.append({file["path"] for file in listed} <= {*names})
            looking.clear()

    monkeypatch.setattr(storage, "fault", look)
    scene.act(out)
    assert found
    assert all(found)

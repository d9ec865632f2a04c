"""Who makes shards: threads beside processes, and what all backends have in common, with a cluster that is none."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import warnings
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from long_set import PATIENCE, arguments, reference_tree, running, shards_in, tree, wait_for, write_long_set
from PIL import Image
from run_cli import chipgen as program
from small_set import LEVELS, write_small_set
from zoo.running import run_here

import chipgen
from chipgen.errors import DataError
from chipgen.export_config import ExportConfig
from chipgen.images.opening import pixel_limit, silent
from chipgen.remote import path_of
from chipgen.workers import clusters, likeness
from chipgen.workers.clusters import LostError
from chipgen.workers.giving import Losses
from chipgen.workers.likeness import Needs, unlike
from chipgen.workers.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_set(tmp_path_factory.mktemp("backends") / "in")


@pytest.fixture(scope="module")
def reference(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return reference_tree(coco, tmp_path_factory.mktemp("reference") / "out")


# -- threads -----------------------------------------------------------------------------------------------------------


@pytest.mark.row("K104")
def test_threads_change_no_byte_and_may_go_on_with_what_processes_began(
    coco: Path, tmp_path: Path, reference: dict[str, str]
) -> None:
    out = tmp_path / "out"
    with running(coco, out) as processes:
        assert wait_for(lambda: len(shards_in(out)) >= 2, processes)
        processes.send_signal(signal.SIGINT)
        processes.communicate(timeout=PATIENCE)
    assert shards_in(out)
    done = program(*arguments(coco, out, "--workers", "3", "--backend", "threading")).expect(0)
    assert done.err == ""
    assert tree(out) == reference


@pytest.mark.row("J99", "J100")
def test_threads_are_at_rest_before_the_folder_is_left(coco: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with running(coco, out, "--backend", "threading") as threads:
        assert wait_for(lambda: len(shards_in(out)) >= 2, threads)
        threads.send_signal(signal.SIGINT)
        _, err = threads.communicate(timeout=PATIENCE)
    assert threads.returncode == 130
    assert re.fullmatch(r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n", err)
    assert {path.name for path in out.iterdir()} == {"data", "_run.json", "_journal.jsonl"}


def test_threads_stop_at_their_next_image_and_are_waited_for() -> None:
    begun = threading.Event()
    ended: list[str] = []

    def make(shard: Any, _: object, __: object, jot: Callable[[str], object]) -> int:
        if not shard.index:
            begun.wait(PATIENCE)
            return 0
        try:
            begun.set()
            while time.monotonic() < end:
                jot("the next image")
            ended.append("was not told to stop")
        finally:
            threading.Event().wait(0.2)
            ended.append("done")
        return 1

    end = time.monotonic() + 5
    with mock.patch("chipgen.workers.threads.make_shard", make):
        results: Any = Threads(mock.Mock(), 2).give(iter([mock.Mock(index=0), mock.Mock(index=1)]), 2)
        assert next(results) == 0
        results.close()
    assert ended == ["done"]


def test_error_in_a_thread_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    (tmp_path / "set" / "images" / "5.png").write_bytes(b"no image")
    more = ("--chips-per-shard", "2", "--workers", "3", "--backend", "threading", "--out", str(tmp_path / "out"))
    outcome = run_here(["build", "--coco", str(coco), *LEVELS, *more])
    assert outcome.code == 1
    assert "image 5" in outcome.stderr
    assert not (tmp_path / "out").exists()


def _in_turns(first: Callable[[], Any], second: Callable[[], Any]) -> None:
    """Enter one block, then another in a second thread, leave the first, then the second."""
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with second():
            entered.set()
            left.wait(PATIENCE)

    thread = threading.Thread(target=other)
    with first():
        thread.start()
        entered.wait(PATIENCE)
    yielded = Image.MAX_IMAGE_PIXELS, Path("/proc/self/fd/2").readlink()
    left.set()
    thread.join()
    _in_turns.between = yielded  # type: ignore[attr-defined]


def test_what_is_set_for_the_process_lasts_as_long_as_a_thread_wants_it() -> None:
    limit, stderr, filters = Image.MAX_IMAGE_PIXELS, Path("/proc/self/fd/2").readlink(), list(warnings.filters)
    _in_turns(lambda: pixel_limit(7), lambda: pixel_limit(5))
    assert _in_turns.between[0] == 7  # type: ignore[attr-defined]
    _in_turns(lambda: pixel_limit(5), lambda: pixel_limit(7))
    assert _in_turns.between[0] == 7  # type: ignore[attr-defined]
    _in_turns(silent, silent)
    assert _in_turns.between[1] == Path(os.devnull)  # type: ignore[attr-defined]
    assert (Image.MAX_IMAGE_PIXELS, Path("/proc/self/fd/2").readlink()) == (limit, stderr)
    assert list(warnings.filters) == filters


# -- options -----------------------------------------------------------------------------------------------------------


def test_scheduler_belongs_to_clusters() -> None:
    with pytest.raises(chipgen.UsageError, match="--scheduler: tcp://a:1: names a cluster: add --backend dask"):
        ExportConfig(scheduler="tcp://a:1")


@pytest.mark.parametrize(("backend", "library"), [("dask", "distributed"), ("ray", "ray")])
def test_backend_that_is_not_installed_is_told_with_its_package(backend: str, library: str) -> None:
    line = rf"--backend: {backend}: needs {library}: pip install 'chipgen\[{backend}\]'"
    with (
        mock.patch("chipgen.export_config.find_spec", return_value=None),
        pytest.raises(chipgen.UsageError, match=line),
    ):
        ExportConfig(backend=backend, imaging="pillow")


def test_neither_is_part_of_what_a_build_is() -> None:
    assert ExportConfig(backend="dask", scheduler="tcp://a:1").recorded() == ExportConfig().recorded()


# -- a cluster that is none --------------------------------------------------------------------------------------------


class Fake:
    """A cluster of threads that loses what it is told to lose."""

    name = "fake"

    def __init__(self, losing: dict[int, int], answers: dict[str, Any] | None = None, lacks: Any = None) -> None:
        self.losing, self.answers, self.lacks = losing, answers or {"one": version("chipgen")}, lacks
        self.made: dict[int, Any] = {}
        self.given: list[int] = []
        self.cancelled = False

    def slots(self) -> int:
        return 2

    def submit(self, index: int, call: Any, given: tuple[Any, ...], done: Any) -> None:
        self.given.append(index)
        assert len(self.made) < 4
        self.made[index] = self.losing.get(index, 0) <= 0 and call(*given)
        self.losing[index] = self.losing.get(index, 0) - 1
        done(index)

    def outcome(self, index: int) -> Any:
        made = self.made.pop(index)
        if made is False:
            raise LostError("worker one", 1)
        return made

    def cancel(self) -> None:
        self.cancelled = True

    def everywhere(self, call: Any, *_: Any) -> dict[str, Any]:
        return self.answers if call is version else {"one": self.lacks}

    def gone(self) -> int:
        return 0


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> chipgen.Plan:
    path = write_small_set(tmp_path_factory.mktemp("fake") / "set")
    return chipgen.plan(chipgen.read_coco(path), *LEVELS[1:4:2], chip_size=256, chips_per_shard=3)


def _export(plan: chipgen.Plan, out: Path, fake: Fake, **settings: Any) -> chipgen.BuildReport:
    class Cluster:
        def __enter__(self) -> Fake:
            return fake

        def __exit__(self, *_: object) -> None:
            assert fake.cancelled or not fake.given

    with mock.patch.object(clusters, "_cluster", return_value=Cluster()):
        return chipgen.export(plan, out, backend="dask", **settings)


@pytest.fixture(scope="module")
def expected(planned: chipgen.Plan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("expected") / "out"
    chipgen.export(planned, out, workers=1)
    return tree(out)


def test_lost_shard_is_given_out_again_and_others_are_not(
    planned: chipgen.Plan, expected: dict[str, str], tmp_path: Path
) -> None:
    fake = Fake({1: 2, 3: 1})
    report = _export(planned, tmp_path / "out", fake)
    assert "3 workers died and their 2 shards were made again" in report.notes
    assert tree(tmp_path / "out") == expected
    assert sorted(fake.given) == sorted([*range(len(planned.shards) - 1), 1, 1, 3])


def test_shard_that_is_lost_three_times_ends_the_build(planned: chipgen.Plan, tmp_path: Path) -> None:
    fake = Fake({1: 3})
    with pytest.raises(chipgen.WorkerError, match=r"out: shard 1, worker one: a worker .* 3 times: run the same"):
        _export(planned, tmp_path / "out", fake)
    assert fake.given.count(1) == 3
    assert len(shards_in(tmp_path / "out")) == len(planned.shards) - 2


def test_shards_are_sent_back_by_workers_that_do_not_see_the_folder(
    planned: chipgen.Plan, expected: dict[str, str], tmp_path: Path
) -> None:
    with mock.patch.object(clusters.Sent, "sees_stage", return_value=False):
        _export(planned, tmp_path / "out", Fake({}))
        with (
            mock.patch.object(clusters, "MOST_BYTES", 1000),
            pytest.raises(chipgen.WorkerError, match=r"worker .*: data/train.*: does not see .*\.tmp/run-.*: choose"),
        ):
            _export(planned, tmp_path / "other", Fake({}))
    assert tree(tmp_path / "out") == expected
    assert not (tmp_path / "other").exists()


def test_workers_write_to_object_storage_themselves(planned: chipgen.Plan, expected: dict[str, str]) -> None:
    out: Any = path_of("memory://bucket/out")
    sees, seen = clusters.Sent.sees_stage, list[bool]()

    def look(sent: clusters.Sent) -> bool:
        seen.append(sees(sent))
        return seen[-1]

    try:
        with mock.patch.object(clusters.Sent, "sees_stage", look):
            _export(planned, out, Fake({1: 1}))
        assert len(seen) == len(planned.shards) - 1
        assert all(seen)
        assert {name: sha256((out / name).read_bytes()).hexdigest() for name, _ in out.below()} == expected
    finally:
        out.system.rm("/bucket", recursive=True)


def test_what_comes_back_otherwise_than_it_was_sent_is_refused(planned: chipgen.Plan, tmp_path: Path) -> None:
    class Garbling(Fake):
        def outcome(self, index: int) -> Any:
            made = super().outcome(index)
            return replace(made, content=tuple(data[:-1] + b"?" for data in made.content))

    with (
        mock.patch.object(clusters.Sent, "sees_stage", return_value=False),
        pytest.raises(chipgen.WorkerError, match="is not what the worker sent"),
    ):
        _export(planned, tmp_path / "out", Garbling({}))


def test_what_workers_say_of_images_does_not_depend_on_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_small_set(Path("set"))
    plan = chipgen.plan(chipgen.read_coco(path), *LEVELS[1:4:2], chip_size=256)
    (tmp_path / "set" / "images" / "5.png").unlink()
    chipgen.export(plan, "here", workers=1, on_error="skip")
    _export(plan, Path("there"), Fake({}), on_error="skip")
    assert "no such file in set/images" in Path("here/_skipped.jsonl").read_text()
    assert tree(Path("here")) == tree(Path("there"))


def test_what_a_worker_raises_ends_the_build(planned: chipgen.Plan, tmp_path: Path) -> None:
    with (
        mock.patch("chipgen.workers.job.render", side_effect=DataError.one("a", "b", "c", "d")),
        pytest.raises(DataError, match="a: b: c: d"),
    ):
        _export(planned, tmp_path / "out", Fake({}))
    with (
        mock.patch("chipgen.workers.job.render", side_effect=MemoryError),
        pytest.raises(chipgen.WorkerError, match=r"shard \d \(.*\): a worker ran out of memory: .* fewer --workers"),
    ):
        _export(planned, tmp_path / "out", Fake({}))
    assert not (tmp_path / "out").exists()


# -- workers that are not as we are ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "lacks", "line"),
    [
        ({"tcp://a:1": "0.3.9"}, None, f"worker tcp://a:1: chipgen 0.3.9 there, {version('chipgen')} here: install"),
        ({"b": PackageNotFoundError("chipgen")}, None, "worker b: chipgen is not installed there: install"),
        ({"b": ValueError("no\nidea")}, None, r"worker b: does not answer \(ValueError: no idea\): install"),
        (None, ("numpy 1 there, 2 here", "install"), "worker one: numpy 1 there, 2 here: install"),
        (None, ImportError("cv2"), r"worker one: cannot load chipgen \(ImportError: cv2\): install"),
    ],
)
def test_worker_of_another_kind_is_refused_before_any_shard(
    answers: dict[str, Any] | None, lacks: Any, line: str, planned: chipgen.Plan, tmp_path: Path
) -> None:
    fake = Fake({}, answers, lacks)
    with pytest.raises(chipgen.WorkerError, match=f"^{line}"):
        _export(planned, tmp_path / "out", fake)
    assert not fake.given
    assert not (tmp_path / "out").exists()


def test_worker_that_comes_later_looks_for_itself(planned: chipgen.Plan, tmp_path: Path) -> None:
    def other_numpy(imaging: str) -> tuple[tuple[str, str], ...]:
        return tuple((name, "0" if name == "numpy" else text) for name, text in real(imaging))

    real = likeness.versions_here
    likeness._unlike.cache_clear()
    with (
        mock.patch.object(Needs, "here", lambda imaging, root: Needs(imaging, other_numpy(imaging), root)),
        pytest.raises(chipgen.WorkerError, match=r"^worker .*: numpy .* there, 0 here: install the same versions"),
    ):
        _export(planned, tmp_path / "out", Fake({}))
    assert not (tmp_path / "out").exists()


def test_worker_needs_the_folder_of_the_images(tmp_path: Path) -> None:
    needs = Needs.here("pillow", tmp_path)
    assert unlike(needs) is None
    lack = unlike(replace(needs, root=tmp_path / "gone"))
    assert lack is not None
    assert lack[0] == f"there is no folder {tmp_path / 'gone'} there"
    assert "--images" in lack[1]


def test_versions_are_those_that_decide_bytes() -> None:
    named = dict(likeness.versions_here("opencv"))
    assert {"chipgen", "python", "numpy", "shapely", "pycocotools", "pillow", "pyarrow", "opencv", "simplejpeg"} <= {
        *named
    }
    assert "opencv" not in dict(likeness.versions_here("pillow"))


# -- what is told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "notes"),
    [
        (Losses(), []),
        (Losses(1, 0, {4}), ["1 worker died and its shard was made again"]),
        (Losses(1, 0, {4, 6}), ["1 worker died and its 2 shards were made again"]),
        (Losses(2, 0, {4, 6, 7}), ["2 workers died and their 3 shards were made again"]),
        (Losses(left=1), ["1 worker left the cluster; what it was at was made again by others"]),
        (Losses(left=2), ["2 workers left the cluster; what they were at was made again by others"]),
    ],
)
def test_losses_are_told(losses: Losses, notes: list[str]) -> None:
    assert list(losses.told()) == notes

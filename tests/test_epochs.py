"""Epochs of a finished build: what each shows, and what may be touched."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from run_cli import chipgen_here as chipgen
from small_set import SCALES, write_small_set

from chipgen import DataError, EpochsReport, OutputError, UsageError, write_epochs

POOL = ("--negatives", "random", "--negatives-per-image", "all", "--stride", "16")


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return builds that keep all negative chips, by format; not to be changed."""
    folder = tmp_path_factory.mktemp("pools")
    coco = write_small_set(folder / "set")
    for name in ("parquet", "coco"):
        arguments = ("--coco", str(coco), *SCALES, *POOL, "--format", name, "--out", str(folder / name))
        chipgen("build", *arguments).expect(0)
    return {name: folder / name for name in ("parquet", "coco")}


@pytest.fixture
def out(pools: dict[str, Path], tmp_path: Path) -> Path:
    """Return a copy of the Parquet build."""
    return Path(shutil.copytree(pools["parquet"], tmp_path / "out"))


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def epoch(out: Path, number: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out / "epochs" / f"epoch-{number}.parquet").to_pylist()
    return rows


def kinds(out: Path) -> dict[int, tuple[str, int]]:
    """Return kind and source image of every chip by id."""
    plan = pq.read_table(out / "_plan.parquet").to_pylist()
    return {row["image_id"]: (row["kind"], row["source"]["image_id"]) for row in plan}


def check_listed(out: Path) -> None:
    """Every file is listed in the manifest with its length and checksum, and no other."""
    listed = {file["path"]: file for file in json.loads((out / "_manifest.json").read_bytes())["files"]}
    found = tree(out)
    assert set(listed) == set(found) - {"_manifest.json"}
    for path, file in listed.items():
        assert (file["bytes"], file["sha256"]) == (len(found[path]), hashlib.sha256(found[path]).hexdigest())


def test_each_epoch_shows_all_positives_and_its_draw(out: Path) -> None:
    report = write_epochs(out, epochs=4, negatives_per_image=2)
    kind, pool = kinds(out), {identifier for identifier, (name, _) in kinds(out).items() if name == "negative"}
    ids = [[row["image_id"] for row in epoch(out, number)] for number in range(4)]
    seen = set()
    for shown, count in zip(ids, report.negatives, strict=True):
        assert shown == sorted(shown)
        negative = {identifier for identifier in shown if identifier in pool}
        assert set(shown) - negative == set(kind) - pool
        images = [kind[identifier][1] for identifier in negative]
        assert max(images.count(image) for image in images) == 2
        assert len(negative) == count
        seen |= negative
    assert all(before != after for before, after in itertools.pairwise(ids))
    assert (report.pool, report.shown, report.epochs) == (len(pool), len(seen), 4)
    check_listed(out)


def test_rows_are_those_of_the_shards(out: Path) -> None:
    write_epochs(out, epochs=1)
    ids = pq.read_table(out / "data")["image_id"].to_pylist()
    assert all(ids[row["row"]] == row["image_id"] for row in epoch(out, 0))


def test_coco_build_gets_an_annotation_file_for_each_epoch(pools: dict[str, Path], tmp_path: Path) -> None:
    out = Path(shutil.copytree(pools["coco"], tmp_path / "out"))
    before = tree(out)
    write_epochs(out, epochs=3, negatives_per_image=1)
    whole = json.loads((out / "annotations.json").read_bytes())
    for number in range(3):
        shown = {row["image_id"] for row in epoch(out, number)}
        part = json.loads((out / "epochs" / f"epoch-{number}.json").read_bytes())
        assert part["images"] == [image for image in whole["images"] if image["id"] in shown]
        assert part["annotations"] == [one for one in whole["annotations"] if one["image_id"] in shown]
        assert part["categories"] == whole["categories"]
        assert all((out / image["file_name"]).exists() for image in part["images"])
    check_listed(out)
    after = tree(out)
    assert {path: data for path, data in after.items() if path in before and path != "_manifest.json"} == {
        path: data for path, data in before.items() if path != "_manifest.json"
    }


def test_a_build_draws_what_its_first_epoch_would(pools: dict[str, Path], out: Path, tmp_path: Path) -> None:
    coco = pools["parquet"].parent / "set" / "instances.json"
    plain = tmp_path / "plain"
    chipgen("build", "--coco", str(coco), *SCALES, *POOL[:3], "2", *POOL[4:], "--out", str(plain)).expect(0)
    report = write_epochs(out, epochs=1, negatives_per_image=2)
    drawn = pq.read_table(plain / "_plan.parquet").to_pylist()
    assert len(drawn) == report.positive + report.negatives[0]


def test_ratio_is_met_within_one_chip(out: Path) -> None:
    report = write_epochs(out, epochs=5, negative_ratio=0.3)
    assert all(abs(count - 0.3 * report.positive) <= 0.5 for count in report.negatives)


def test_more_epochs_do_not_change_the_first_ones(out: Path) -> None:
    write_epochs(out, epochs=2)
    few = tree(out / "epochs")
    write_epochs(out, epochs=5, overwrite=True)
    assert few.items() < tree(out / "epochs").items()
    assert len(tree(out / "epochs")) == 5


def test_same_again_is_nothing_to_do_and_others_need_overwrite(out: Path) -> None:
    assert write_epochs(out, epochs=3, seed=1).written
    before = tree(out)
    assert not write_epochs(out, epochs=3, seed=1).written
    assert tree(out) == before
    with pytest.raises(OutputError, match="--overwrite"):
        write_epochs(out, epochs=2, seed=2)
    assert tree(out) == before
    write_epochs(out, epochs=2, seed=2, overwrite=True)
    assert set(tree(out / "epochs")) == {"epoch-0.parquet", "epoch-1.parquet"}
    check_listed(out)
    assert json.loads((out / "_manifest.json").read_bytes())["epochs"]["seed"] == 2


def test_damaged_file_is_written_again(out: Path) -> None:
    write_epochs(out, epochs=2)
    before = tree(out)
    data = before["epochs/epoch-1.parquet"]
    for damaged in (data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], data[:-1], None):
        path = out / "epochs" / "epoch-1.parquet"
        path.unlink() if damaged is None else path.write_bytes(damaged)
        assert write_epochs(out, epochs=2).written
        assert tree(out) == before


def test_foreign_files_are_never_touched(out: Path) -> None:
    (out / "epochs").mkdir()
    (out / "epochs" / "epoch-0.parquet").write_bytes(b"mine")
    before = tree(out)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"epochs/epoch-0\.parquet: is not listed"):
            write_epochs(out, epochs=2, overwrite=overwrite)
    assert tree(out) == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_interrupted_anywhere_the_same_command_finishes(
    out: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    if overwrite:
        write_epochs(out, epochs=4, seed=3)
    arguments: dict[str, Any] = {"epochs": 3, "overwrite": overwrite}
    reference = Path(shutil.copytree(out, out.parent / "reference"))
    write_epochs(reference, **arguments)
    real_replace, real_unlink = os.replace, Path.unlink
    for stop in range(1, 40):
        left = [stop]

        def count(left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        def replace(source: Any, target: Any, count: Any = count) -> None:
            count()
            real_replace(source, target)

        def unlink(path: Path, *, missing_ok: bool = False, count: Any = count) -> None:
            count()
            real_unlink(path, missing_ok=missing_ok)

        trial = Path(shutil.copytree(out, out.parent / f"trial{stop}"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            patch.setattr(Path, "unlink", unlink)
            try:
                write_epochs(trial, **arguments)
            except KeyboardInterrupt:
                assert not (trial / ".tmp").exists()
        write_epochs(trial, **arguments)
        assert tree(trial) == tree(reference)
    assert left[0] > 0, "the last trial was to go through"


def test_build_without_negatives_is_told_so(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    chipgen("build", "--coco", str(coco), *SCALES, "--out", str(tmp_path / "out")).expect(0)
    done = chipgen("epochs", str(tmp_path / "out"), "--epochs", "2").expect(0)
    assert "the build holds no negative chips" in done.out


def test_command_says_what_it_wrote(out: Path) -> None:
    done = chipgen("epochs", str(out), "--epochs", "3", "--negatives-per-image", "all").expect(0)
    assert "written      3 epochs, each with all" in done.out
    told = json.loads(
        chipgen("epochs", str(out), "--epochs", "3", "--negatives-per-image", "all", "--json").expect(0).out
    )
    report = EpochsReport(**told)
    assert (report.written, report.shown) == (False, report.pool)
    refused = chipgen("epochs", str(out), "--epochs", "3").expect(4)
    assert refused.err.count("\n") == 1
    assert "--overwrite" in refused.err


def test_folder_that_is_no_build(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no finished build"):
        write_epochs(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings", [{"epochs": 0}, {"seed": -1}, {"negatives_per_image": "x"}, {"negative_ratio": float("nan")}]
)
def test_settings_that_cannot_be_meant(out: Path, settings: Any) -> None:
    before = tree(out)
    with pytest.raises(UsageError):
        write_epochs(out, **settings)
    assert tree(out) == before


def test_chips_of_skipped_images_are_in_no_epoch(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    (tmp_path / "set" / "images" / "5.png").write_bytes(b"no image")
    arguments = ("build", "--coco", str(coco), *SCALES, *POOL, "--on-error", "skip", "--max-skipped", "1")
    chipgen(*arguments, "--out", str(tmp_path / "out")).expect(0)
    write_epochs(tmp_path / "out", epochs=2, negatives_per_image="all")
    ids = pq.read_table(tmp_path / "out" / "data")["image_id"].to_numpy()
    assert [row["image_id"] for row in epoch(tmp_path / "out", 0)] == ids.tolist()
    assert not np.array_equal(ids, np.arange(len(ids)))  # ids of the lost image are missing: rows are not ids

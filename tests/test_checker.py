"""The checker itself: a finished build passes, and each way to break it fails the check that should see it."""

from __future__ import annotations

import ast
import copy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import checker
import pytest
from checker.example import EXAMPLE, build_options, make_example, run_chipgen
from checker.laws import scaled_size
from checker.mutations import MUTATIONS, boxes

if TYPE_CHECKING:
    from collections.abc import Callable

    from checker import Build, Source


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base: Path = tmp_path_factory.mktemp("checker")
    path = make_example(base)
    once = ("--on-error", "skip", "--max-skipped", "1", "--workers", "1", "-q")
    run_chipgen("build", "--coco", path, "--out", base / "chips", *build_options(EXAMPLE), *once)
    return base


@pytest.fixture(scope="module")
def source(folder: Path) -> Source:
    return checker.read_source(folder / "instances.json", folder / "images")


@pytest.fixture(scope="module")
def finished(folder: Path) -> Build:
    return checker.read_build(folder / "chips")


def run_check(name: str, source: Source, build: Build) -> None:
    if name == "check_files":
        checker.check_files(build, source)
    else:
        getattr(checker, name)(source, build, EXAMPLE)


def test_finished_build_passes_and_holds_one_of_everything(source: Source, finished: Build) -> None:
    checker.check_all(source, finished, EXAMPLE)
    statuses = {row["status"] for row in finished.ledger}
    assert statuses == {"invalid", "crowd", "covered", "too_large", "too_small", "out_of_range"}
    states = {box.reason for _, box in boxes(finished)}
    assert states == {"", "crowd", "out_of_range", "too_large", "truncated", "too_small"}
    assert {chip.level for chip in finished.chips} == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "mutate", "message"),
    [
        pytest.param(name, mutate, message, id=f"{mutate.__name__}-{name}")
        for name, mutations in MUTATIONS.items()
        for mutate, message in mutations
    ],
)
def test_broken_build_fails(
    source: Source, finished: Build, name: str, mutate: Callable[[Build], None], message: str
) -> None:
    broken = copy.deepcopy(finished)
    mutate(broken)
    with pytest.raises(AssertionError, match=message):
        run_check(name, source, broken)


def test_changed_byte_fails(source: Source, finished: Build, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "chips")
    shard = next((tmp_path / "chips" / "data").iterdir())
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(AssertionError, match="has changed"):
        checker.check_files(replace(finished, folder=tmp_path / "chips"), source)


def test_unlisted_file_fails(source: Source, finished: Build, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "chips")
    (tmp_path / "chips" / "_plan.parquet.tmp").touch()
    with pytest.raises(AssertionError, match="differ in"):
        checker.check_files(replace(finished, folder=tmp_path / "chips"), source)


@pytest.mark.parametrize(
    ("ignored", "message"), [("drop", "ignored box"), ("paint", "ignored box"), ("keep", "iscrowd")]
)
def test_other_form_of_ignored_boxes_fails(source: Source, finished: Build, ignored: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        checker.check_boxes(source, finished, replace(EXAMPLE, ignored=ignored))
    if ignored == "paint":
        with pytest.raises(AssertionError, match="paint"):
            checker.check_pixels(source, finished, replace(EXAMPLE, ignored=ignored))


def test_checker_is_independent() -> None:
    for path in Path(checker.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "chipgen" for name in names), path


@pytest.mark.parametrize(
    ("token", "size", "scaled"),
    [
        ("512", (640, 480), (512, 384)),
        ("512", (333, 500), (341, 512)),
        ("800x1333", (640, 480), (1067, 800)),
        ("800x1333", (2000, 500), (1333, 333)),
        ("1.667x", (3, 480), (5, 800)),
        ("0.5x", (1, 5), (1, 3)),
    ],
)
def test_scaled_size(token: str, size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert scaled_size(token, *size) == scaled

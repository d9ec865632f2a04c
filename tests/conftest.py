"""What several tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fault_table import DESELECTED
from run_cli import chipgen
from small_set import SCALES, write_small_set
from zoo.running import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from object_store import ObjectStore


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember that not all tests are run: the table of faults can then not be checked."""
    for item in items:
        item.config.stash[DESELECTED] = True


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """Return the annotation file of a fresh small dataset."""
    return write_small_set(tmp_path / "set")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a place, `in`, for the dataset of the zoo."""
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStore]:
    """Return an object storage on this machine, empty, for the tests of one file."""
    from object_store import object_store  # noqa: PLC0415 -- it takes a second

    with object_store() as store:
        yield store


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return finished builds of the small dataset, by format; not to be changed."""
    folder = tmp_path_factory.mktemp("built")
    coco = write_small_set(folder / "set")
    for name in ("parquet", "coco"):
        chipgen("build", "--coco", str(coco), *SCALES, "--format", name, "--out", str(folder / name)).expect(0)
    for name in ("yolo", "webdataset"):  # here, to be quick
        arguments = ["build", "--coco", str(coco), *SCALES, "--format", name, "--out", str(folder / name)]
        assert run_here(arguments).code == 0
    return {name: folder / name for name in ("parquet", "coco", "yolo", "webdataset")}

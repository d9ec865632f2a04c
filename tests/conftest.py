"""What several tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fault_table import DESELECTED
from hypothesis import settings
from run_cli import chipgen
from small_set import SCALES, write_small_set
from thorough import times
from zoo.running import run_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from object_store import ObjectStore


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: the last one begun runs alone at the end while other cores wait."""
    turn = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path.name, len(turn)))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember that not all tests are run: the table of faults can then not be checked."""
    for item in items:
        item.config.stash[DESELECTED] = True


LONGEST = (
    *("test_faulty_disk.py", "test_faulty_storage.py", "test_killed.py", "test_killed_storage.py"),
    *("test_readme.py", "test_real_disk.py", "test_view.py", "test_processes.py", "test_determinism.py"),
    *("test_memory.py", "test_verification.py", "test_real_data.py", "test_raster_build.py", "test_resume.py"),
    *("test_collection_faults.py", "test_examples.py", "test_verification_fuzz.py", "test_real_negatives.py"),
)
"""Files that take long, the longest first."""

settings.register_profile("chipgen", max_examples=times(100))
settings.load_profile("chipgen")


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
    from object_store import object_store  # noqa: PLC0415 -- it takes seconds, and most tests need none

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

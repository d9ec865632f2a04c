"""Consumers that need gigabytes of libraries: collected only behind ``make test-consumers``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from consumers.heavy.consumer import Consumer
from consumers.made_set import OPTIONS, consumer_coco
from run_cli import chipgen
from small_set import write_small_set

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]

# Not a marker: deselected tests would keep the table of faults from being checked.
collect_ignore_glob = [] if os.environ.get("CHIPGEN_HEAVY_CONSUMERS") else ["test_*.py"]


@pytest.fixture(scope="session")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Consumer]:
    """Return a way to get at the environments by name; what they cache lies in a folder of the session."""
    home = tmp_path_factory.mktemp("home")

    def get(name: str) -> Consumer:
        python = ROOT / f".venv-{name}" / "bin" / "python"
        assert python.exists(), f"{python}: make test-consumers makes it"
        return Consumer(python, ROOT, home)

    return get


@pytest.fixture(scope="session")
def torchvision(consumer: Callable[[str], Consumer]) -> Consumer:
    """Return the environment that has torchvision, and ultralytics."""
    return consumer("torchvision")


@pytest.fixture(scope="session")
def transformers(consumer: Callable[[str], Consumer]) -> Consumer:
    """Return the environment that has transformers."""
    return consumer("transformers")


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Parquet build in which an object that is learnt stands in a crowd; not to be changed."""
    folder, coco = tmp_path_factory.mktemp("crowded"), consumer_coco()
    coco.box(5, [470, 0, 100, 100], iscrowd=1, segmentation=[])
    source = write_small_set(folder / "set", coco)
    chipgen("build", "--coco", str(source), *OPTIONS, "--out", str(folder / "parquet")).expect(0)
    return folder / "parquet"

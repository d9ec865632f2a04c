"""Clusters that take their time to start: collected only behind ``make test-clusters``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from long_set import reference_tree, write_long_set

if TYPE_CHECKING:
    from pathlib import Path

# Not a marker: deselected tests would keep the table of faults from being checked.
collect_ignore_glob = [] if os.environ.get("CHIPGEN_CLUSTERS") else ["test_*.py"]


@pytest.fixture(scope="session")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a dataset of many shards."""
    return write_long_set(tmp_path_factory.mktemp("clusters") / "in")


@pytest.fixture(scope="session")
def reference(coco: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the checksum of every file of its build by one process."""
    return reference_tree(coco, tmp_path_factory.mktemp("reference") / "out")

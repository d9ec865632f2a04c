"""Builds that all consumers read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from consumers.made_set import OPTIONS, consumer_coco
from run_cli import chipgen
from small_set import write_small_set

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return builds of the consumers' dataset, by format, beside their source in ``set``; not to be changed."""
    folder = tmp_path_factory.mktemp("consumers")
    coco = write_small_set(folder / "set", consumer_coco())
    for name in ("parquet", "coco"):
        chipgen("build", "--coco", str(coco), *OPTIONS, "--format", name, "--out", str(folder / name)).expect(0)
    return {name: folder / name for name in ("parquet", "coco")}

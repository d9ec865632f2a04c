"""Hugging Face `datasets`, the oldest version still in use and the newest, reads a Parquet build as it lies there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

READER = Path(__file__).with_name("read_with_datasets.py")
OLD = Path(__file__).parents[2] / ".venv-datasets3" / "bin" / "python"


def read(python: Path, build: Path, cache: Path) -> dict[str, Any]:
    """Read a build in another process, without any network."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(cache), "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [str(python), str(READER), str(build), str(cache)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    value: dict[str, Any] = json.loads(done.stdout)
    return value


@pytest.mark.parametrize("python", [Path(sys.executable), OLD], ids=["newest", "3.6"])
def test_load_dataset_decodes_images_and_class_names(python: Path, built: dict[str, Path], tmp_path: Path) -> None:
    if not python.exists():
        pytest.skip("no environment with datasets 3.6: `make test` makes one")
    found = read(python, built["parquet"], tmp_path)
    assert found["version"].startswith("3.6") == (python == OLD)
    assert found["names"] == ["car", "person", "boat"]
    source = pq.read_table(built["parquet"] / "data").sort_by("image_id").to_pylist()
    rows = sorted(found["rows"], key=lambda row: int(row["image_id"]))
    assert len(rows) == len(source) > 0
    for row, expected in zip(rows, source, strict=True):
        assert row["decoded"] == [expected["width"], expected["height"]] == [256, 256]
        assert row["mode"] == "RGB"
        assert row["objects"] == expected["objects"]
        assert row["transform"] == expected["transform"]
        assert row["valid_range"] == expected["valid_range"]

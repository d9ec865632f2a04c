"""Arrow arrays made by hand are those that pyarrow makes, and nothing that a build needs imports pandas."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipgen.writers.arrays import array_of, lists_of, numbers, table_of

if TYPE_CHECKING:
    from pathlib import Path

FLOATS = st.floats(width=32, allow_nan=False)
KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.float32(): FLOATS,
    pa.float64(): st.floats(allow_nan=False),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(),
    pa.binary(): st.binary(),
    pa.list_(pa.string()): st.lists(st.text(), max_size=4),
    pa.list_(pa.float32()): st.lists(FLOATS, max_size=4),
    pa.list_(pa.float32(), 4): st.lists(FLOATS, min_size=4, max_size=4),
}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the table of all letters is made first
@given(st.data())
def test_arrays_are_those_of_pyarrow(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    optional = KINDS[kind] if pa.types.is_fixed_size_list(kind) else st.none() | KINDS[kind]
    values = data.draw(st.lists(optional, max_size=20))
    made = array_of(values, kind)
    made.validate(full=True)
    assert made.equals(pa.array(values, kind))


@given(st.lists(st.integers(0, 4), max_size=8))
def test_lists_are_neighbours(counts: list[int]) -> None:
    ends = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    values = np.arange(ends[-1])
    made = lists_of(ends, numbers(values))
    assert made.to_pylist() == [values[a:b].tolist() for a, b in itertools.pairwise(ends)]


def test_tables_take_columns_as_they_are() -> None:
    columns = {"a": np.arange(3), "b": np.array([True, False, True]), "c": array_of("xyz", pa.string())}
    assert table_of(columns).equals(pa.table({"a": [0, 1, 2], "b": [True, False, True], "c": ["x", "y", "z"]}))


@pytest.mark.parametrize(
    ("values", "kind"), [([2**63], pa.int64()), (["\ud800"], pa.string()), (["a"], pa.int64()), ([{}], pa.float32())]
)
def test_what_does_not_fit_is_refused(values: list[Any], kind: pa.DataType) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        array_of(values, kind)


BUILD = """
import sys, chipgen
plan = chipgen.plan(chipgen.read_coco(sys.argv[1]), scales="2x,512")
for format in ("parquet", "coco"):
    chipgen.export(plan, f"{sys.argv[2]}/{format}", format=format, workers=1)
assert "pandas" not in sys.modules
"""


def test_a_build_leaves_pandas_alone(small_set: Path, tmp_path: Path) -> None:
    """It takes 0.2 s and 49 MB in each worker."""
    pytest.importorskip("pandas")
    subprocess.run([sys.executable, "-c", BUILD, str(small_set), str(tmp_path)], check=True, timeout=60)

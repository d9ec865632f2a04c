"""Flat arrays: columns that grow are what their parts are, put behind each other."""

from __future__ import annotations

from typing import Any
from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chipgen.flat import Growing


@given(st.lists(st.integers(0, 7)), st.integers(1, 9))
def test_columns_that_grow_hold_all_parts(counts: list[int], least: int) -> None:
    rng = np.random.default_rng(0)
    parts: list[tuple[Any, ...]] = [
        (rng.integers(99, size=count), rng.random((count, 4)), rng.random(count) < 0.5) for count in counts
    ]
    empty = np.empty(0, dtype=np.int64), np.empty((0, 4)), np.empty(0, dtype=np.bool_)
    with mock.patch("chipgen.flat.LEAST", least):
        growing = Growing(*empty)
        for part in parts:
            growing.add(*part)
        columns = growing.columns()
    for number, (column, none) in enumerate(zip(columns, empty, strict=True)):
        assert column.dtype == none.dtype
        assert np.array_equal(column, np.concatenate([none, *(part[number] for part in parts)]))
    assert all(len(none) == 0 for none in empty)


def test_wider_columns_take_narrower_parts() -> None:
    growing = Growing(np.empty(0, dtype=np.int64))
    growing.add(np.array([1, -2], dtype=np.int8))
    (column,) = growing.columns()
    assert column.dtype == np.int64
    assert column.tolist() == [1, -2]

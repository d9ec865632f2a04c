"""Arrow arrays from plain values.

``pyarrow.array`` does the same, but imports pandas wherever it is installed, only to see that it is given none of it:
0.2 s and 49 MB for each worker.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt


DTYPES = {pa.from_numpy_dtype(name): np.dtype(name) for name in ("bool", "int32", "int64", "float32", "float64")}
"""Types of numbers and switches."""


def array_of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return an array of numbers, switches, texts, bytes, or lists of them.

    Parameters
    ----------
    values
        An array of the right type, or values of which some may be None.
    kind
        The type of each.

    Raises
    ------
    TypeError, ValueError, OverflowError, UnicodeEncodeError
        A value is not of this type, or too large for it.
    """
    if isinstance(values, np.ndarray):
        return _plain(values, kind, None)
    given = list(values)
    there = [value is not None for value in given]
    missing = None if all(there) else _bits(there)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        texts = [b"" if value is None else value.encode() if isinstance(value, str) else value for value in given]
        return pa.Array.from_buffers(kind, len(given), [missing, _ends(texts), pa.py_buffer(b"".join(texts))])
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        lists = [() if value is None else value for value in given]
        inner = array_of(itertools.chain.from_iterable(lists), kind.value_type)
        ends = [] if pa.types.is_fixed_size_list(kind) else [_ends(lists)]
        return pa.Array.from_buffers(kind, len(given), [missing, *ends], children=[inner])
    full = given if missing is None else [0 if value is None else value for value in given]
    return _plain(np.array(full, dtype=DTYPES[kind]), kind, missing)


def numbers(values: npt.NDArray[Any]) -> pa.Array:
    """Return an array of numbers or switches, of the type that they have."""
    return _plain(values, pa.from_numpy_dtype(values.dtype), None)


def lists_of(ends: npt.NDArray[Any], values: pa.Array, kind: pa.DataType | None = None) -> pa.ListArray:
    """Return lists of neighbouring values, given where each begins and the last ends, shape ``(N + 1,)``."""
    return pa.ListArray.from_arrays(numbers(ends.astype(np.int32)), values, type=kind)


def table_of(columns: Mapping[str, npt.NDArray[Any] | pa.Array]) -> pa.Table:
    """Return a table of columns by name."""
    arrays = [numbers(column) if isinstance(column, np.ndarray) else column for column in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def _plain(values: npt.NDArray[Any], kind: pa.DataType, missing: pa.Buffer | None) -> pa.Array:
    """Return an array of numbers or switches."""
    if pa.types.is_boolean(kind):
        return pa.Array.from_buffers(kind, len(values), [missing, _bits(values)])
    plain = np.ascontiguousarray(values, dtype=DTYPES[kind])
    return pa.Array.from_buffers(kind, len(plain), [missing, pa.py_buffer(plain)])


def _bits(switches: npt.ArrayLike) -> pa.Buffer:
    """Return switches as bits."""
    return pa.py_buffer(np.packbits(np.asarray(switches, dtype=np.bool_), bitorder="little").tobytes())


def _ends(parts: list[Any]) -> pa.Buffer:
    """Return where each part begins, and the end of the last."""
    ends = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=ends[1:])
    if ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError("more than 2 GB of text in a column")
    return pa.py_buffer(ends.astype(np.int32))

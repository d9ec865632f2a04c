"""Reading Parquet in this thread alone: threads of Arrow that still run when Python ends abort it now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pyarrow as pa


def open_parquet_file(file: Any, **options: Any) -> pq.ParquetFile:
    """Open a Parquet file for reading, in which nothing is read ahead: that is done by threads.

    Parameters
    ----------
    file
        Open for reading bytes from anywhere in it.
    **options
        Further ones of ``pyarrow.parquet.ParquetFile``.

    Raises
    ------
    Anything of pyarrow
        It is no such file.
    """
    return pq.ParquetFile(file, pre_buffer=False, **options)


def read_parquet_file(file: Any, columns: Sequence[str] | None = None) -> pa.Table:
    """Read an open Parquet file, or some of its columns; see `open_parquet_file`."""
    return open_parquet_file(file).read(columns=columns, use_threads=False)


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file, or some of its columns.

    Raises
    ------
    OSError, or anything of pyarrow
        It cannot be read, or is no such file.
    """
    with path.open("rb") as file:
        return read_parquet_file(file, columns)

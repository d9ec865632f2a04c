"""Proposals as NumPy's NPZ: plain arrays in a zip file, read row by row, never unpickled and never whole."""

from __future__ import annotations

import contextlib
import math
import warnings
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from chipgen.errors import ChipgenError
from chipgen.proposals.batch import MOST_ROWS, Batch
from chipgen.proposals.box_formats import SIDE_NAMES
from chipgen.proposals.files import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from chipgen.errors import DataError
    from chipgen.proposals.batch import Findings

TODO = "save plain arrays with numpy.savez(file, image_id=..., bbox=..., score=...)"
LONGEST_HEADER = 10_000
"""Characters; that of a plain array has about a hundred."""

DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted member
    NotImplementedError,  # a compression that nobody uses
    ValueError,
    KeyError,
    TypeError,
    MemoryError,
    RecursionError,
    OverflowError,
)
"""What Python's and NumPy's readers raise over damaged files."""


@dataclass(frozen=True)
class _Array:
    """An array as its header tells it.

    Parameters
    ----------
    shape, dtype, fortran
        What it is; `fortran` when its columns lie one behind the other.
    start
        Where its numbers begin, in bytes of the unpacked file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int


def npy_error(path: Path, findings: Findings) -> DataError:
    """Return the error for a single array: it does not say what its columns are, and may be a pickle."""
    with opened(path) as file, _damage(findings, ""):
        if _header(file).dtype.hasobject:
            return findings.fatal("", "pickle refused: an array of objects is one", TODO)
    return findings.fatal("", "is a single array", TODO)


def read_npz(path: Path, findings: Findings, box_format: str = "xywh") -> Iterator[Batch]:
    """Yield the proposals of an NPZ file; boxes as the file writes them.

    Raises
    ------
    DataError
        It is damaged, or its arrays are not what they should be.
    """
    with _damage(findings, ""), zipfile.ZipFile(path) as archive, contextlib.ExitStack() as stack:
        sides = _sides(archive, findings, box_format)
        names = ["image_id", *sides, *({"score"} & _names(archive))]
        arrays = {name: _checked(archive, name, findings) for name in names}
        findings.raise_any()
        _refuse_lengths(arrays, findings)
        columns = {name: _Column(archive, name, array, stack) for name, array in arrays.items()}
        count = arrays["image_id"].shape[0]
        for first in range(0, count, MOST_ROWS):
            rows = {name: column.read(min(MOST_ROWS, count - first)) for name, column in columns.items()}
            yield _batch(rows, sides, first, findings)


def _batch(rows: dict[str, np.ndarray[Any, Any]], sides: Sequence[str], first: int, findings: Findings) -> Batch:
    """Return rows of all arrays as a batch."""
    image_id = rows["image_id"]
    if image_id.dtype.kind == "u" and int(image_id.max()) >= 2**63:
        row = first + int(np.argmax(image_id >= 2**63))
        raise findings.fatal(f"image_id[{row}]", "does not fit into 64 bits", "ids have at most 63")
    box = rows["bbox"] if sides == ("bbox",) else np.stack([rows[name] for name in sides], axis=1)
    score = rows["score"].astype(np.float64) if "score" in rows else None
    return Batch(image_id.astype(np.int64), box.astype(np.float64), score)


def _names(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of the arrays in an archive."""
    return {name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")}


def _sides(archive: zipfile.ZipFile, findings: Findings, box_format: str) -> tuple[str, ...]:
    """Return the names of the arrays that hold the boxes after checking that all that is needed is there."""
    names, listed = _names(archive), archive.namelist()
    present = [sides for sides in (("bbox",), *SIDE_NAMES[box_format]) if set(sides) <= names]
    twice = sorted(name for name, count in Counter(listed).items() if count > 1)
    if twice or len(present) > 1:
        what = f"{twice[0]} stands twice" if twice else f"holds both {present[0][0]} and {', '.join(present[1])}"
        raise findings.fatal("", what, "keep one of them")
    if "image_id" not in names or not present:
        shown = ", ".join(map(repr, listed[:5])) or "nothing"
        missing = "bbox" if "image_id" in names else "image_id"
        raise findings.fatal("", f"is a zip file without an array {missing}: it holds {shown}", TODO)
    return present[0]


def _checked(archive: zipfile.ZipFile, name: str, findings: Findings) -> _Array:
    """Return what an array is after checking that it can be what its name says, before any of it is unpacked."""
    member = archive.getinfo(f"{name}.npy")
    findings.refuse_bomb(name, member.file_size, member.compress_size)
    with _damage(findings, name), archive.open(member) as file:
        array = _header(file)
    needed = math.prod(array.shape) * array.dtype.itemsize
    held = member.file_size - array.start
    if array.dtype.hasobject:
        findings.add(name, "pickle refused: an array of objects is one", TODO)
    elif array.dtype.kind not in ("iu" if name == "image_id" else "iuf") or array.dtype.itemsize > 8:
        todo = "ids are integers" if name == "image_id" else "save numbers of at most 64 bits"
        findings.add(name, f"is of type {array.dtype}", todo)
    elif not _has_shape(array.shape, name):
        findings.add(name, f"has shape {array.shape}", "save " + ("(N, 4)" if name == "bbox" else "(N,)"))
    elif needed != held:
        what = f"its header claims {needed:,} bytes, the file holds {held:,}"
        findings.add(name, what, "copy or write the file again")
    return array


def _has_shape(shape: tuple[int, ...], name: str) -> bool:
    """Tell whether an array has the shape that its name asks for."""
    return min(shape, default=0) >= 0 and (len(shape) == 2 and shape[1] == 4 if name == "bbox" else len(shape) == 1)


def _refuse_lengths(arrays: dict[str, _Array], findings: Findings) -> None:
    """Refuse arrays of different lengths."""
    count = arrays["image_id"].shape[0]
    for name, array in arrays.items():
        if array.shape[0] != count:
            findings.add(name, f"holds {array.shape[0]:,} rows, image_id {count:,}", "save arrays of one length")
    findings.raise_any()


class _Column:
    """An array, read row by row.

    Parameters
    ----------
    archive, name, array
        Which.
    stack
        What closes its files.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, array: _Array, stack: contextlib.ExitStack) -> None:
        self._dtype = array.dtype
        length = array.shape[0]
        # An array in Fortran's order is four columns one behind the other: one reader for each.
        columns = array.shape[1] if len(array.shape) == 2 and array.fortran else 1
        self._width = math.prod(array.shape[1:]) // columns
        self._flat = len(array.shape) == 1
        self._files = []
        for column in range(columns):
            file = stack.enter_context(archive.open(f"{name}.npy"))
            file.seek(array.start + column * length * array.dtype.itemsize)
            self._files.append(file)

    def read(self, count: int) -> np.ndarray[Any, Any]:
        """Return the next rows, shape ``(count,)`` or ``(count, 4)``."""
        length = count * self._width * self._dtype.itemsize
        parts = [np.frombuffer(_exactly(file, length), dtype=self._dtype) for file in self._files]
        return parts[0] if self._flat else np.concatenate([part.reshape(count, -1) for part in parts], axis=1)


def _exactly(file: IO[bytes], length: int) -> bytes:
    """Read bytes, and no fewer."""
    data = file.read(length)
    if len(data) < length:
        raise EOFError("it ends too early")
    return data


def _header(file: IO[bytes]) -> _Array:
    """Read the header of an array."""
    version = npy.read_magic(file)
    reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one that Python 2 wrote costs NumPy more time; it says so
        try:
            shape, fortran, dtype = reader(file, max_header_size=LONGEST_HEADER)
        except Exception as error:  # it parses Python, and what that raises over garbage is no closed list
            raise ValueError(f"its header is none: {error}") from error
    return _Array(shape, dtype, fortran, file.tell())


@contextlib.contextmanager
def _damage(findings: Findings, where: str) -> Iterator[None]:
    """Turn what Python's and NumPy's readers say about a file into one line."""
    try:
        yield
    except ChipgenError:
        raise
    except DAMAGE as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise findings.fatal(where, f"is damaged ({reason})", "copy or write the file again") from error

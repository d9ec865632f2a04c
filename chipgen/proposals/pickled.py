"""What a pickle of arrays may name, and what stands in for it here.

Nothing of NumPy is run on what a pickle says: its own ``__setstate__`` trusts what it is given. The stand-ins take
the same arguments, check them, and build arrays from raw bytes themselves.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NUMBERS = re.compile(r"b1|[iu][1248]|f[248]")
"""Types of an array that is nothing but numbers, as NumPy's pickles write them."""

OBJECTS = re.compile(r"O[48]?")

LATIN = ("latin1", "latin-1")


class RefusedError(Exception):
    """A pickle holds something other than arrays and plain containers.

    Parameters
    ----------
    what
        What it holds.
    """


@dataclass(frozen=True)
class Name:
    """A name that a pickle may use; using it runs none of the code behind it."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass
class PickledType:
    """A type of numbers, while it is being read.

    Parameters
    ----------
    code
        As ``numpy.dtype`` takes it.
    order
        ``<``, ``>``, ``=`` or ``|``.
    """

    code: str
    order: str = "="

    def set_state(self, state: Any) -> None:
        """Take version, byte order, and what else there may be: that must be nothing."""
        if not (isinstance(state, tuple) and len(state) >= 5 and _text(state[1]) in {"<", ">", "=", "|"}):
            raise RefusedError("a data type in an unknown form")
        if any(part is not None for part in state[2:5]):
            raise RefusedError("an array of records")
        self.order = _text(state[1])

    def dtype(self) -> np.dtype[Any]:
        """Return it as NumPy's."""
        if not NUMBERS.fullmatch(self.code):
            raise RefusedError(f"an array of type {self.code!r:.40}")
        return np.dtype(self.order + self.code)


@dataclass
class PickledArray:
    """An array, while it is being read; `values` is a list where it was an array of objects."""

    values: Any = None

    def set_state(self, state: Any) -> None:
        """Take version, shape, type, order and raw data."""
        if not (isinstance(state, tuple) and len(state) == 5):
            raise RefusedError("an array in an unknown form")
        _, shape, kind, fortran, data = state
        if isinstance(kind, PickledType) and OBJECTS.fullmatch(kind.code) and isinstance(data, list):
            if shape != (len(data),):
                raise RefusedError("an array of objects that is no list")
            self.values = data
        else:
            self.values = array(data, kind, shape, fortran=bool(fortran))


def array(data: Any, kind: Any, shape: Any, *, fortran: bool) -> np.ndarray[Any, Any]:
    """Make an array of raw bytes, which must be exactly as many as it needs.

    Raises
    ------
    RefusedError
        Type, shape and data do not fit, or are not what they should be.
    """
    if not isinstance(kind, PickledType):
        raise RefusedError("an array without a data type")
    dtype = kind.dtype()
    if not (isinstance(shape, tuple) and all(type(side) is int and 0 <= side < 2**62 for side in shape)):
        raise RefusedError("an array whose shape is none")
    raw = data.encode("latin-1") if isinstance(data, str) else data
    if not isinstance(raw, (bytes, bytearray)) or math.prod(shape) * dtype.itemsize != len(raw):
        raise RefusedError(f"an array whose data do not fill its shape {shape!r:.60}")
    return np.frombuffer(raw, dtype=dtype).reshape(shape, order="F" if fortran else "C")


@dataclass
class Calls:
    """The few calls that a pickle of arrays makes, with an eye on how much they make of it.

    Parameters
    ----------
    budget
        Bytes that they may still copy: the same text may be asked for any number of times.
    """

    budget: int
    _by_name: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._by_name = {
            "_reconstruct": self._reconstruct,
            "_frombuffer": self._frombuffer,
            "scalar": self._scalar,
            "dtype": self._dtype,
            "encode": self._encode,
            "OrderedDict": self._ordered_dict,
            "bytes": self._no_bytes,
        }

    def call(self, name: Any, arguments: Any) -> Any:
        """Return what a call returns.

        Raises
        ------
        RefusedError
            It is none of those, or has other arguments.
        """
        function = self._by_name.get(name.name) if isinstance(name, Name) else None
        if function is None or not isinstance(arguments, tuple):
            raise RefusedError(f"a call of {name if isinstance(name, Name) else type(name).__name__}")
        try:
            return function(*arguments)
        except (TypeError, ValueError) as error:
            raise RefusedError(f"a call of {name} with odd arguments") from error

    def _spend(self, count: int) -> None:
        """Refuse to copy more than the pickle can mean."""
        self.budget -= count
        if self.budget < 0:
            raise RefusedError("far more data than it is long")

    def _reconstruct(self, kind: Any, _shape: Any, _code: Any) -> PickledArray:
        if kind != NDARRAY:
            raise RefusedError(f"an array of another class ({kind!s:.60})")
        return PickledArray()

    def _frombuffer(self, data: Any, kind: Any, shape: Any, order: Any) -> PickledArray:
        return PickledArray(array(data, kind, shape, fortran=order == "F"))

    def _scalar(self, kind: Any, data: Any) -> Any:
        return array(data, kind, (1,), fortran=False).tolist()[0]

    def _dtype(self, code: Any, _align: Any, _copy: Any) -> PickledType:
        return PickledType(_text(code))

    def _encode(self, text: str, encoding: str) -> bytes:
        if not isinstance(text, str) or encoding not in LATIN:
            raise RefusedError("text in an encoding that arrays do not have")
        self._spend(len(text))
        return text.encode("latin-1")

    def _no_bytes(self) -> bytes:
        return b""

    def _ordered_dict(self, pairs: Any = ()) -> dict[Any, Any]:
        if not isinstance(pairs, (list, tuple)):
            raise RefusedError("a dict in an unknown form")
        self._spend(100 * len(pairs))
        return {key_of(key): value for key, value in pairs}


def key_of(key: Any) -> Any:
    """Return a key of a dict, if it is a plain one: to hash a tuple of tuples of tuples overflows the stack."""
    if key is None or isinstance(key, (str, bytes, int, float)):
        return key
    raise RefusedError(f"a dict with a {type(key).__name__} as a key")


def _text(value: Any) -> str:
    """Return short text, which Python 2 wrote as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


NDARRAY = Name("numpy", "ndarray")
ADMITTED = {
    NDARRAY,
    Name("numpy", "dtype"),
    Name("_codecs", "encode"),
    Name("collections", "OrderedDict"),
    # Before protocol 3, no bytes are a call without arguments: the data of an empty array.
    Name("__builtin__", "bytes"),
    Name("builtins", "bytes"),
    # NumPy 2 renamed its core.
    *(Name(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    *(Name(f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
}
"""All that a pickle of arrays in plain containers names, from protocol 0 to 5, Python 2 to 3, NumPy 1 to 2."""

"""The machine that reads pickles: a stack, and what the instructions do to it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from chipgen.proposals.batch import HUGE
from chipgen.proposals.pickled import ADMITTED, Calls, Name, PickledArray, PickledType, RefusedError, key_of

if TYPE_CHECKING:
    from typing import BinaryIO

NEWEST = 5
"""The last protocol there is."""


class Machine:
    """A stack, the stacks below its marks, and what was set aside by number.

    Parameters
    ----------
    file, length
        The pickle, and how long it is.
    """

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length
        self._calls = Calls(HUGE + 4 * length)
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    # -- reading

    def read(self, count: int) -> bytes:
        """Return the next bytes; never asks the file for more than it has."""
        if not 0 <= count <= self._left:
            raise EOFError("it ends too early")
        self._left -= count
        return self._file.read(count)

    def line(self) -> bytes:
        """Return the rest of a line."""
        line = self._file.readline()
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("it ends too early")
        return line[:-1]

    def number(self, form: str) -> Any:
        """Return a number of fixed length."""
        return struct.unpack(form, self.read(struct.calcsize(form)))[0]

    def counted(self, form: str) -> bytes:
        """Return bytes that follow their number."""
        return self.read(self.number(form))

    # -- the stack

    def mark(self) -> None:
        """Begin a new stack above this one."""
        self._below.append(self.stack)
        self.stack = []

    def above_mark(self) -> list[Any]:
        """Return what stands above the last mark and go back to what is below."""
        items, self.stack = self.stack, self._below.pop()
        return items

    def pop(self) -> None:
        """Forget the uppermost value, or the mark where there is none above it."""
        if self.stack:
            self.stack.pop()
        else:
            self.drop()

    def drop(self) -> None:
        """Forget what stands above the last mark."""
        self.above_mark()

    def again(self) -> None:
        """Put the uppermost value there once more."""
        self.stack.append(self.stack[-1])

    def join(self, count: int) -> None:
        """Make a tuple of the uppermost values."""
        items = self.stack[-count:]
        if len(items) < count:
            raise IndexError("a tuple of values that are not there")
        self.stack[-count:] = [tuple(items)]

    # -- what was set aside

    def put(self, number: int) -> None:
        """Set the uppermost value aside."""
        self._memo[number] = self.stack[-1]

    def put_next(self) -> None:
        """Set the uppermost value aside under the next number."""
        self._memo[len(self._memo)] = self.stack[-1]

    def get(self, number: int) -> Any:
        """Return what was set aside."""
        return self._memo[number]

    # -- containers

    def append(self, items: list[Any]) -> None:
        """Put values into the list on the stack."""
        target = self.stack[-1]
        if type(target) is not list:
            raise RefusedError(f"a {type(target).__name__} that is filled like a list")
        target.extend(items)

    def append_one(self) -> None:
        """Put the uppermost value into the list below it."""
        value = self.stack.pop()
        self.append([value])

    def set_items(self, items: list[Any]) -> None:
        """Put keys and values into the dict on the stack."""
        target = self.stack[-1]
        if type(target) is not dict:
            raise RefusedError(f"a {type(target).__name__} that is filled like a dict")
        target.update(pairs(items))

    def set_one(self) -> None:
        """Put the two uppermost values into the dict below them."""
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    # -- names and calls

    def name(self, module: Any, name: Any) -> None:
        """Put a name on the stack, if it is admitted."""
        found = Name(str(module), str(name))
        if found not in ADMITTED:
            raise RefusedError(f"{found!s:.200}")
        self.stack.append(found)

    def name_on_stack(self) -> None:
        """Take a name and its module from the stack."""
        name, module = self.stack.pop(), self.stack.pop()
        self.name(module, name)

    def call(self) -> None:
        """Make one of the calls that are admitted."""
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(self._calls.call(function, arguments))

    def build(self) -> None:
        """Finish an array or a data type."""
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, (PickledArray, PickledType)):
            raise RefusedError(f"a {type(target).__name__} with a state")
        target.set_state(state)

    def start(self, protocol: int) -> None:
        """Refuse protocols that are not known yet."""
        if protocol > NEWEST:
            raise RefusedError(f"a pickle of protocol {protocol}")

    def frame(self, _length: int) -> None:
        """Do nothing: how long the next part is helps other readers."""


def pairs(items: list[Any]) -> dict[Any, Any]:
    """Return keys and values that alternate as a dict."""
    if len(items) % 2:
        raise ValueError("a key without a value")
    return {key_of(key): value for key, value in zip(items[::2], items[1::2], strict=True)}

"""Reading a pickle without running it: a small machine of our own that knows data, and no code.

Python's unpickler is not used, not even restricted to a few names: nine bytes make it take gigabytes (a memo with
one high number), and a few thousand crash it (a tuple of tuples as the key of a dict). This machine has the
instructions that containers and arrays need, and the memory it takes is in proportion to the length of the file.
"""

from __future__ import annotations

import codecs
import struct
import warnings
from typing import TYPE_CHECKING, Any

from chipgen.proposals.files import opened
from chipgen.proposals.pickle_machine import Machine, pairs
from chipgen.proposals.pickled import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chipgen.proposals.batch import Findings

ADMIT = "only NumPy arrays and plain containers are admitted: save arrays"
DAMAGE = (
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    RecursionError,
    struct.error,
)
"""What a damaged pickle makes of the machine."""


def read_pickle(path: Path, findings: Findings) -> Any:
    """Return what a pickle holds: None, numbers, text, bytes, lists, tuples, dicts, and `PickledArray`.

    Raises
    ------
    DataError
        It holds anything else, or is damaged.
    """
    with opened(path) as file:
        length = file.seek(0, 2)
        file.seek(0)
        machine = Machine(file, length)
        try:
            value = _run(machine)
        except RefusedError as error:
            raise findings.fatal(f"byte {file.tell():,}", f"holds {error}", ADMIT) from error
        except DAMAGE as error:
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            what = f"the pickle is damaged ({reason})"
            raise findings.fatal(f"byte {file.tell():,}", what, "copy or write the file again") from error
        if file.tell() < length:
            what = "there is more behind the end of the pickle"
            raise findings.fatal(f"byte {file.tell():,}", what, "save one value, with a single pickle.dump")
    return value


def _run(machine: Machine) -> Any:
    """Run to the end and return the result."""
    while (code := machine.read(1)) != b".":
        if push := PUSH.get(code):
            value = push(machine)  # which may go back to the stack below
            machine.stack.append(value)
        elif do := DO.get(code):
            do(machine)
        else:
            raise RefusedError(f"an instruction that makes objects ({code!r})")
    return machine.stack.pop()


def _old_integer(line: bytes) -> int | bool:
    """Read an integer of protocol 0, which has truth values among them."""
    return line == b"01" if line in {b"00", b"01"} else int(line)


def _old_text(line: bytes) -> str:
    """Read text of Python 2 in protocol 0: quoted, with escapes."""
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in {b"'", b'"'}:
        raise ValueError("text without quotes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about escapes that do not exist
        return codecs.escape_decode(line[1:-1])[0].decode("latin-1")


def _wide(data: bytes) -> str:
    """Read text; half a character (a lone surrogate) is allowed."""
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    """Read an integer of any length."""
    return int.from_bytes(data, "little", signed=True)


PUSH: dict[bytes, Callable[[Machine], Any]] = {
    b"N": lambda _: None,
    b"\x88": lambda _: True,
    b"\x89": lambda _: False,
    b"]": lambda _: [],
    b"}": lambda _: {},
    b")": lambda _: (),
    b"I": lambda m: _old_integer(m.line()),
    b"L": lambda m: int(m.line().rstrip(b"L")),
    b"F": lambda m: float(m.line()),
    b"S": lambda m: _old_text(m.line()),
    b"V": lambda m: m.line().decode("raw-unicode-escape"),
    b"J": lambda m: m.number("<i"),
    b"K": lambda m: m.number("<B"),
    b"M": lambda m: m.number("<H"),
    b"G": lambda m: m.number(">d"),
    b"\x8a": lambda m: _long(m.counted("<B")),
    b"\x8b": lambda m: _long(m.counted("<i")),
    b"T": lambda m: m.counted("<i").decode("latin-1"),
    b"U": lambda m: m.counted("<B").decode("latin-1"),
    b"X": lambda m: _wide(m.counted("<I")),
    b"\x8c": lambda m: _wide(m.counted("<B")),
    b"\x8d": lambda m: _wide(m.counted("<Q")),
    b"B": lambda m: m.counted("<I"),
    b"C": lambda m: m.counted("<B"),
    b"\x8e": lambda m: m.counted("<Q"),
    b"\x96": lambda m: m.counted("<Q"),
    b"g": lambda m: m.get(int(m.line())),
    b"h": lambda m: m.get(m.number("<B")),
    b"j": lambda m: m.get(m.number("<I")),
    b"l": lambda m: m.above_mark(),
    b"t": lambda m: tuple(m.above_mark()),
    b"d": lambda m: pairs(m.above_mark()),
}
"""Instructions that put a value on the stack."""

DO: dict[bytes, Callable[[Machine], None]] = {
    b"(": lambda m: m.mark(),
    b"0": lambda m: m.pop(),
    b"1": lambda m: m.drop(),
    b"2": lambda m: m.again(),
    b"\x85": lambda m: m.join(1),
    b"\x86": lambda m: m.join(2),
    b"\x87": lambda m: m.join(3),
    b"p": lambda m: m.put(int(m.line())),
    b"q": lambda m: m.put(m.number("<B")),
    b"r": lambda m: m.put(m.number("<I")),
    b"\x94": lambda m: m.put_next(),
    b"a": lambda m: m.append_one(),
    b"e": lambda m: m.append(m.above_mark()),
    b"s": lambda m: m.set_one(),
    b"u": lambda m: m.set_items(m.above_mark()),
    b"c": lambda m: m.name(m.line().decode(), m.line().decode()),
    b"\x93": lambda m: m.name_on_stack(),
    b"R": lambda m: m.call(),
    b"b": lambda m: m.build(),
    b"\x80": lambda m: m.start(m.number("<B")),
    b"\x95": lambda m: m.frame(m.number("<Q")),
}
"""Instructions that do something else; those of Python's that are not here make or find objects of any class."""

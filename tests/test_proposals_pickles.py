"""Pickles: never run, read exactly, in every layout that detectors write."""

from __future__ import annotations

import collections
import copyreg
import pickle
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from thorough import times
from zoo.running import run_here

from chipgen.errors import DataError
from chipgen.proposals.batch import Findings
from chipgen.proposals.pickled import PickledArray
from chipgen.proposals.pickles import read_pickle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FUZZ = settings(deadline=None, max_examples=times(300), suppress_health_check=[HealthCheck.function_scoped_fixture])
PROTOCOLS = range(6)


def read(path: Path, data: bytes) -> Any:
    """Read a pickle with our own machine."""
    path.write_bytes(data)
    return unpacked(read_pickle(path, Findings(str(path))))


def unpacked(value: Any) -> Any:
    """Return a value with arrays in place of what stands in for them."""
    if isinstance(value, PickledArray):
        return unpacked(value.values)
    if isinstance(value, (list, tuple)):
        return type(value)(unpacked(item) for item in value)
    return {key: unpacked(item) for key, item in value.items()} if isinstance(value, dict) else value


# -- nothing is run --------------------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    """Return the instruction that puts text on the stack."""
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def name(module: str, attribute: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{attribute}\n".encode()


def called(function: bytes, *arguments: bytes) -> bytes:
    return function + pickle.MARK + b"".join(arguments) + pickle.TUPLE + pickle.REDUCE


def dtype(code: str, *state: Any) -> bytes:
    """Return the instructions that make a data type, with a state of its own if one is given."""
    made = called(name("numpy", "dtype"), text(code), pickle.NEWFALSE, pickle.NEWTRUE)
    state = state or (3, "<", None, None, None, -1, -1, 0)
    return made + pickle.dumps(state, 2)[2:-1] + pickle.BUILD


RECONSTRUCT = name("numpy.core.multiarray", "_reconstruct")
EMPTY = called(RECONSTRUCT, name("numpy", "ndarray"), pickle.BININT1 + b"\0" + pickle.TUPLE1, text("b"))


def ndarray(shape: bytes, kind: bytes, data: bytes) -> bytes:
    """Return the instructions that make an array with some state."""
    state = pickle.MARK + pickle.BININT1 + b"\1" + shape + kind + pickle.NEWFALSE + data + pickle.TUPLE
    return EMPTY + state + pickle.BUILD


def short(data: bytes) -> bytes:
    return pickle.SHORT_BINBYTES + bytes([len(data)]) + data


TWO = pickle.BININT1 + b"\2" + pickle.TUPLE1
OPEN = name("builtins", "open")


def attacks(canary: str) -> dict[str, bytes]:
    """Return pickles that would make a file if they were run, or worse."""
    touch, code, mode = text(f"touch {canary}"), text(f"open({canary!r}, 'w')"), text("w")
    stack_global = text("os") + text("system") + pickle.STACK_GLOBAL
    return {
        "os.system": called(name("os", "system"), touch),
        "name_in_passing": pickle.EMPTY_DICT + touch + name("os", "system") + pickle.SETITEM,
        "posix.system": called(name("posix", "system"), touch),
        "nt.system": called(name("nt", "system"), touch),
        "subprocess.call": called(name("subprocess", "call"), touch),
        "builtins.eval": called(name("builtins", "eval"), code),
        "__builtin__.eval": called(name("__builtin__", "eval"), code),
        "builtins.exec": called(name("builtins", "exec"), code),
        "builtins.open": called(OPEN, text(canary), mode),
        "builtins.getattr": called(name("builtins", "getattr"), name("numpy", "ndarray"), text("tofile")),
        "numpy.load": called(name("numpy", "load"), text(canary)),
        "numpy.testing": called(name("numpy.testing._private.utils", "runstring"), code, pickle.EMPTY_DICT),
        "dotted": called(text("numpy") + text("ndarray.tofile") + pickle.STACK_GLOBAL, text(canary)),
        "stack_global": called(stack_global, touch),
        "stack_global_without_text": called(pickle.NONE + pickle.NONE + pickle.STACK_GLOBAL, touch),
        "inst": pickle.MARK + touch + pickle.INST + b"os\nsystem\n",
        "obj": pickle.MARK + name("os", "system") + touch + pickle.OBJ,
        "obj_of_admitted": pickle.MARK + name("numpy", "ndarray") + touch + pickle.OBJ,
        "newobj": name("numpy", "ndarray") + TWO + pickle.NEWOBJ,
        "newobj_ex": name("numpy", "ndarray") + TWO + pickle.EMPTY_DICT + pickle.NEWOBJ_EX,
        "ext1": pickle.EXT1 + b"\1",
        "ext2": pickle.EXT2 + b"\1\0",
        "ext4": pickle.EXT4 + b"\1\0\0\0",
        "persid": pickle.PERSID + b"1\n",
        "binpersid": touch + pickle.BINPERSID,
        "next_buffer": pickle.NEXT_BUFFER,
        "set": pickle.EMPTY_SET,
        "reconstruct_of_another_class": called(RECONSTRUCT, name("numpy", "matrix"), TWO, text("b")),
        "reconstruct_of_a_function": called(RECONSTRUCT, RECONSTRUCT, TWO, text("b")),
        "call_of_a_class": called(name("numpy", "ndarray"), TWO),
        "call_of_text": called(touch, touch),
        "call_of_the_result": called(called(name("collections", "OrderedDict")), touch),
        "reduce_without_tuple": name("collections", "OrderedDict") + pickle.NONE + pickle.REDUCE,
        "encode_otherwise": called(name("_codecs", "encode"), touch, text("rot13")),
        "encode_with_errors": called(name("_codecs", "encode"), touch, text("latin1"), text("x")),
        "encode_a_name": called(name("_codecs", "encode"), name("numpy", "dtype"), text("latin1")),
        "bytes_of_something": called(name("builtins", "bytes"), pickle.LONG1 + b"\x05" + b"\xff" * 4 + b"\x7f"),
        "decode": called(name("_codecs", "decode"), touch, text("latin1")),
        "state_of_a_name": name("numpy", "dtype") + pickle.EMPTY_DICT + pickle.BUILD,
        "state_of_a_list": pickle.EMPTY_LIST + pickle.EMPTY_DICT + pickle.BUILD,
        "state_of_a_dict": called(name("collections", "OrderedDict")) + pickle.EMPTY_DICT + pickle.BUILD,
        "state_is_a_dict": EMPTY + pickle.EMPTY_DICT + pickle.BUILD,
        "items_of_a_name": name("numpy", "dtype") + touch + touch + pickle.SETITEM,
        "append_to_a_name": name("numpy", "dtype") + touch + pickle.APPEND,
        "too_little_data": ndarray(TWO, dtype("f8"), short(bytes(15))),
        "too_much_data": ndarray(TWO, dtype("f8"), short(bytes(17))),
        "huge_shape": ndarray(pickle.LONG1 + b"\x08" + b"\xff" * 7 + b"\x1f" + pickle.TUPLE1, dtype("u1"), short(b"x")),
        "negative_shape": ndarray(pickle.BININT + struct.pack("<i", -2) + pickle.TUPLE1, dtype("f8"), short(bytes(16))),
        "shape_of_text": ndarray(text("2") + pickle.TUPLE1, dtype("f8"), short(bytes(16))),
        "shape_is_a_number": ndarray(pickle.BININT1 + b"\2", dtype("f8"), short(bytes(16))),
        "objects_as_bytes": ndarray(TWO, dtype("O8"), short(bytes(16))),
        "numbers_as_list": ndarray(TWO, dtype("f8"), pickle.EMPTY_LIST),
        "no_data_type": ndarray(TWO, pickle.NONE, short(bytes(16))),
        "structure": ndarray(TWO, dtype("V8"), short(bytes(16))),
        "fields": ndarray(TWO, dtype("f8", 3, "|", None, ("a",), {"a": 1}, -1, -1, 0), short(bytes(16))),
        "strings": ndarray(TWO, dtype("S8"), short(bytes(16))),
        "dates": ndarray(TWO, dtype("M8"), short(bytes(16))),
        "type_as_words": ndarray(TWO, dtype("f8,O8"), short(bytes(32))),
        "odd_byte_order": ndarray(TWO, dtype("f8", 3, "x", None, None, None, -1, -1, 0), short(bytes(16))),
        "scalar_object": called(name("numpy.core.multiarray", "scalar"), dtype("O8"), touch),
        "frombuffer_object": called(
            name("numpy.core.numeric", "_frombuffer"), short(bytes(8)), dtype("O8"), TWO, text("C")
        ),
        "frombuffer_of_a_name": called(
            name("numpy.core.numeric", "_frombuffer"), RECONSTRUCT, dtype("f8"), TWO, text("C")
        ),
        "nested_dicts": pickle.MARK * 50_000 + touch + called(name("os", "system"), touch),
        "dict_of_odd_keys": called(
            name("collections", "OrderedDict"),
            pickle.EMPTY_LIST + pickle.EMPTY_TUPLE + touch + pickle.TUPLE2 + pickle.APPEND,
        ),
        "deep_key": pickle.EMPTY_DICT + pickle.EMPTY_TUPLE + pickle.TUPLE1 * 200_000 + pickle.NONE + pickle.SETITEM,
        "long_bytes": pickle.BINBYTES8 + struct.pack("<Q", 2**62),
        "long_text": pickle.BINUNICODE8 + struct.pack("<Q", 2**64 - 1),
        "long_bytearray": pickle.BYTEARRAY8 + struct.pack("<Q", 2**40),
        "negative_length": pickle.LONG4 + struct.pack("<i", -5),
        "stack_runs_out": pickle.APPEND,
        "no_mark": pickle.TUPLE,
        "memo_runs_out": pickle.BINGET + b"\7",
        "two_of_a_tuple": pickle.NONE + pickle.TUPLE2,
        "protocol_9": pickle.PROTO + b"\x09",
        "text_without_quotes": b"Sabc\n",
        "odd_items": pickle.EMPTY_DICT + pickle.MARK + touch + pickle.SETITEMS,
        "long_number": b"I" + b"1" * 5000 + b"\n",
        "no_number": b"Ix\n",
        "no_fraction": b"Fx\n",
        "half_an_escape": b"V\\u12\n",
        "no_utf8": pickle.SHORT_BINUNICODE + b"\1\xff",
    }


@pytest.mark.row("G65")
@pytest.mark.parametrize("trusted", [False, True])
@pytest.mark.parametrize("attack", attacks(""))
def test_no_pickle_runs(attack: str, trusted: bool, tmp_path: Path) -> None:
    """Row G65: whatever a pickle says, the canary does not hatch."""
    canary = tmp_path / "canary"
    source = tmp_path / "in.json"
    source.write_bytes(pickle.PROTO + b"\2" + attacks(str(canary))[attack] + pickle.STOP)
    flag = ["--trust-pickle"] if trusted else []
    outcome = run_here(["proposals", str(source), str(tmp_path / "out.parquet"), *flag])
    assert outcome.code == 1
    assert len(outcome.stderr.splitlines()) == 1
    assert outcome.stderr.startswith(f"{source}: ")
    assert ("pickle refused" in outcome.stderr) is not trusted
    assert "chipgen: unexpected" not in outcome.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.json"]


def test_the_canary_is_alive(tmp_path: Path) -> None:
    """What is refused above does make a file where Python runs it."""
    canary = tmp_path / "canary"
    for attack in ("os.system", "posix.system", "stack_global", "inst", "obj"):
        pickle.loads(pickle.PROTO + b"\2" + attacks(str(canary))[attack] + pickle.STOP)  # noqa: S301 -- it shall run
        canary.unlink()


@pytest.mark.row("G65")
@pytest.mark.parametrize(
    ("attack", "named"),
    [
        ("os.system", "holds os.system"),
        ("stack_global", "holds os.system"),
        ("name_in_passing", "holds os.system"),
        ("numpy.load", "holds numpy.load"),
        ("inst", "holds an instruction that makes objects (b'i')"),
        ("encode_otherwise", "holds text in an encoding that arrays do not have"),
        ("strings", "holds an array of type 'S8'"),
        ("reconstruct_of_a_function", "holds an array of another class (numpy.core.multiarray._reconstruct)"),
        ("fields", "holds an array of records"),
    ],
)
def test_what_is_refused_is_named(attack: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refused:
        read(tmp_path / "a", attacks("x")[attack] + pickle.STOP)
    (problem,) = refused.value.problems
    assert problem.what == named
    assert problem.todo == "only NumPy arrays and plain containers are admitted: save arrays"


@pytest.mark.row("G65")
def test_extensions_of_the_process_are_not_reached(tmp_path: Path) -> None:
    copyreg.add_extension("os", "system", 1)
    try:
        with pytest.raises(DataError, match="an instruction that makes objects"):
            read(tmp_path / "a", attacks("x")["ext1"] + pickle.STOP)
    finally:
        copyreg.remove_extension("os", "system", 1)


@pytest.mark.row("G66")
def test_a_high_number_in_the_memo_takes_no_memory(tmp_path: Path) -> None:
    """Python's own unpickler takes four gigabytes for these nine bytes."""
    assert read(tmp_path / "a", b"\x80\x02]r\xff\xff\xff\x0f.") == []


@pytest.mark.row("G66")
def test_one_text_encoded_often_is_a_bomb(tmp_path: Path) -> None:
    long = "x" * 2_000_000
    one = pickle.BINGET + b"\1" + pickle.BINGET + b"\2" + text("latin1") + pickle.TUPLE2 + pickle.REDUCE
    data = name("_codecs", "encode") + pickle.BINPUT + b"\1" + text(long) + pickle.BINPUT + b"\2"
    with pytest.raises(DataError, match="far more data than it is long"):
        read(tmp_path / "a", data + (one + pickle.POP) * 1000 + pickle.STOP)


@pytest.mark.row("G66")
def test_one_array_listed_often_is_a_bomb(tmp_path: Path) -> None:
    boxes = [np.arange(400_000.0).reshape(-1, 4)] * 5000
    source = tmp_path / "in"
    source.write_bytes(pickle.dumps({"boxes": boxes, "ids": list(range(5000))}))
    outcome = run_here(["proposals", str(source), str(tmp_path / "out"), "--trust-pickle"])
    assert outcome.code == 1
    assert "holds one array so often" in outcome.stderr
    source.write_bytes(pickle.dumps({"boxes": [boxes], "ids": [1]}))
    assert run_here(["proposals", str(source), str(tmp_path / "out"), "--trust-pickle"]).code == 1


# -- what is read is exact -------------------------------------------------------------------------------------------

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner),
        st.tuples(inner, inner, inner, inner),
        st.dictionaries(st.text() | st.integers() | st.none(), inner),
    ),
)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@FUZZ
@given(value=PLAIN)
def test_plain_values_like_pickle(protocol: int, value: Any, tmp_path: Path) -> None:
    found = read(tmp_path / "a", pickle.dumps(value, protocol))
    assert found == value
    assert repr(found) == repr(value)  # true is not 1


ARRAYS: dict[str, Callable[[], Any]] = {
    "float64": lambda: np.arange(12.0).reshape(3, 4) / 7,
    "float32": lambda: (np.arange(12, dtype=np.float32) / 7).reshape(3, 4),
    "float16": lambda: np.arange(8, dtype=np.float16).reshape(2, 4),
    "fortran": lambda: np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "strided": lambda: np.arange(48.0).reshape(6, 8)[::2, ::2],
    "big_endian": lambda: np.arange(12, dtype=">f8").reshape(3, 4),
    "big_endian_fortran": lambda: np.asfortranarray(np.arange(12, dtype=">i4").reshape(3, 4)),
    "bool": lambda: np.array([True, False, True]),
    "int8": lambda: np.arange(-4, 4, dtype=np.int8),
    "uint64": lambda: np.array([0, 2**64 - 1], dtype=np.uint64),
    "empty": lambda: np.zeros((0, 4), dtype=np.float32),
    "no_dimension": lambda: np.array(3.5),
    "odd_bytes": lambda: np.frombuffer(bytes(range(256)), dtype=np.uint8),
    "large": lambda: np.random.default_rng(0).random((300, 5)),
    "not_finite": lambda: np.array([np.nan, np.inf, -0.0, 5e-324]),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_like_pickle(kind: str, protocol: int, tmp_path: Path) -> None:
    array = ARRAYS[kind]()
    found = read(tmp_path / "a", pickle.dumps([array, {"again": array}], protocol))
    assert found[0].dtype == array.dtype
    assert found[0].shape == array.shape
    assert found[0].tobytes() == array.tobytes()
    assert found[1]["again"] is found[0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_scalars_and_containers_like_pickle(protocol: int, tmp_path: Path) -> None:
    ordered = collections.OrderedDict([("b", np.float32(0.1)), ("a", [np.int64(-3), np.bool_(True)])])
    objects = np.array([None, [1.5], "x"], dtype=object)
    found = read(tmp_path / "a", pickle.dumps((ordered, objects), protocol))
    assert found == ({"b": float(np.float32(0.1)), "a": [-3, True]}, [None, [1.5], "x"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_names_of_numpy_1(protocol: int, tmp_path: Path) -> None:
    """NumPy 2 calls its core ``_core``; older files say ``core``."""
    data = pickle.dumps(np.arange(6.0).reshape(2, 3), protocol)
    for module in (b"numpy._core.multiarray", b"numpy._core.numeric"):
        data = data.replace(bytes([len(module)]) + module, bytes([len(module) - 1]) + module.replace(b"_core", b"core"))
        data = data.replace(module, module.replace(b"_core", b"core"))
    if protocol >= 4:  # the frame is shorter by the underscore
        data = data.replace(data[2:11], b"\x95" + struct.pack("<Q", len(data) - 11))
    assert b"_core" not in data
    assert read(tmp_path / "a", data).tolist() == [[0, 1, 2], [3, 4, 5]]


def python2(array: np.ndarray[Any, Any], protocol: int) -> bytes:
    """Return an array as cPickle of Python 2 wrote it: raw data as text of single bytes."""
    raw = array.tobytes()
    code = array.dtype.str[1:]
    if protocol == 0:
        quoted = "".join(f"\\x{byte:02x}" for byte in raw)
        return (
            "(lp1\ncnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray\np3\n(I0\ntp4\nS'b'\np5\ntp6\nRp7\n"
            f"(I1\n(I{array.shape[0]}\nI{array.shape[1]}\ntp8\ncnumpy\ndtype\np9\n(S'{code}'\np10\nI0\nI1\ntp11\nRp12\n"
            f"(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nbI00\nS'{quoted}'\np15\ntp16\nba."
        ).encode()
    return b"".join(
        (
            b"\x80\x02]q\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87q\x04Rq\x05(K\x01",
            b"K"
            + bytes([array.shape[0]])
            + b"K"
            + bytes([array.shape[1]])
            + b"\x86cnumpy\ndtype\nq\x06U\x02"
            + code.encode(),
            b"K\x00K\x01\x87Rq\x07(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<i", len(raw)) + raw + b"q\x08tba.",
        )
    )


@pytest.mark.parametrize("protocol", [0, 2])
@pytest.mark.parametrize("kind", ["<f4", "<f8", "<i8"])
def test_arrays_of_python_2(kind: str, protocol: int, tmp_path: Path) -> None:
    array = (np.arange(20).reshape(4, 5) * -1.37e5).astype(kind)
    data = python2(array, protocol)
    (expected,) = pickle.loads(data, encoding="latin1")  # noqa: S301 -- our own
    assert expected.tobytes() == array.tobytes()  # it is what it says it is
    (found,) = read(tmp_path / "a", data)
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


@settings(deadline=None, max_examples=times(600), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), protocol=st.sampled_from(PROTOCOLS))
def test_damaged_pickles_are_refused_or_read(data: st.DataObject, protocol: int, tmp_path: Path) -> None:
    value = {"boxes": [np.arange(8.0).reshape(2, 4)], "ids": ["7"], "objectness_logits": [np.ones(2, np.float32)]}
    good = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(good) - 1))
        good[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    (tmp_path / "in").write_bytes(b"\x80" + bytes(good) if protocol < 2 else b"\x80" + bytes(good[1:]))
    (tmp_path / "out").unlink(missing_ok=True)
    outcome = run_here(["proposals", str(tmp_path / "in"), str(tmp_path / "out"), "--trust-pickle"])
    assert outcome.code in {0, 1}
    assert "chipgen: unexpected" not in outcome.stderr

"""What an odd file of proposals is, and writers of good ones that others spoil."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.entry import Writer

TRUST = ("--trust-pickle",)
BOX = [10.0, 20.0, 30.0, 40.0]
SIZES = ((96, 64), (96, 64))
"""Of the images of the annotation file that the zoo's pickles belong to."""


def raw(data: bytes | str) -> Writer:
    """Return a writer of a file with exactly this content."""
    return lambda path: path.write_bytes(data.encode() if isinstance(data, str) else data)


def results(*changed: Any, scored: bool = True) -> list[Any]:
    """Return two good results, and others."""
    score = {"score": 0.5} if scored else {}
    return [*({"image_id": number, "bbox": BOX, **score} for number in (1, 2)), *changed]


def listed(*changed: Any, scored: bool = True) -> Writer:
    """Return a writer of two good results and others as JSON."""
    return raw(json.dumps(results(*changed, scored=scored)))


def lines(*changed: Any) -> Writer:
    """Return a writer of two good results and others, one a line."""
    return raw("".join(json.dumps(entry) + "\n" for entry in results(*changed)))


def entry(**fields: Any) -> dict[str, Any]:
    """Return a result, good unless told otherwise."""
    return {"image_id": 1, "bbox": BOX, "score": 0.5, **fields}


def without(key: str) -> dict[str, Any]:
    """Return a result without one of its fields."""
    return {name: value for name, value in entry().items() if name != key}


def columns(count: int = 3, **changed: Any) -> dict[str, Any]:
    """Return the columns of a good table, with changes; None leaves one out."""
    values: dict[str, Any] = {"image_id": np.arange(count), **{name: np.ones(count) for name in "xywh"}}
    values["score"] = np.linspace(1, 0, count)
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def table(**changed: Any) -> Writer:
    """Return a writer of a Parquet file."""
    return lambda path: pq.write_table(pa.table(columns(**changed)), path)


def npz(**changed: Any) -> Writer:
    """Return a writer of an NPZ file with good arrays, with changes; None leaves one out."""
    values = {"image_id": np.arange(3), "bbox": np.ones((3, 4)), "score": np.ones(3), **changed}
    return lambda path: save(path, {name: value for name, value in values.items() if value is not None})


def save(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


def cut(writer: Writer, share: float) -> Writer:
    """Return a writer of the first part of a file."""

    def write(path: Path) -> None:
        writer(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])

    return write


def npy_bytes(array: Any) -> bytes:
    """Return an array as NumPy saves it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def claiming(shape: str) -> Writer:
    """Return a writer of an NPZ file whose boxes are said to have a shape."""
    data = npy_bytes(np.ones((3, 4)))
    place = data.index(b"(3, 4)")
    header = data[:place] + shape.encode() + data[place + 6 :]
    padding = len(header) - len(data)
    return members(bbox=header[:118].replace(b" " * padding, b"", 1) + header[118:] if padding else header)


def members(**changed: bytes) -> Writer:
    """Return a writer of an NPZ file, some of whose members are any bytes."""
    values = {"image_id": npy_bytes(np.arange(3)), "bbox": npy_bytes(np.ones((3, 4))), **changed}

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in values.items():
                archive.writestr(f"{name}.npy", data)

    return write


def bomb(path: Path) -> None:
    """Write an NPZ file one of whose members claims to unpack to two gigabytes."""
    members()(path)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 2 << 30)
    path.write_bytes(data)


def pickled(value: Any, protocol: int = 4) -> Writer:
    """Return a writer of a pickle."""
    return raw(pickle.dumps(value, protocol))


def detectron2(**changed: Any) -> dict[str, Any]:
    """Return the proposals of two images as Detectron2 pickles them, with changes; None leaves one out."""
    boxes = [np.array([[1, 2, 11, 22]], dtype=np.float32), np.zeros((0, 4), dtype=np.float32)]
    logits = [np.array([0.5], dtype=np.float32), np.zeros(0, dtype=np.float32)]
    value: dict[str, Any] = {"boxes": boxes, "ids": [1, 2], "objectness_logits": logits, "bbox_mode": 0, **changed}
    return {name: item for name, item in value.items() if item is not None}


def arrays(width: int = 5) -> list[Any]:
    """Return the proposals of two images as MMDetection pickles them."""
    return [np.arange(1.0, 1 + 2 * width).reshape(2, width), np.zeros((0, width))]


def zipped(path: Path, *member: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        if member:
            archive.writestr(*member)

"""What a file is, by its first bytes, and reading it from front to back."""

from __future__ import annotations

import codecs
import contextlib
import json
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipgen.digests import sha256_read
from chipgen.errors import ChipgenError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

BLOCK = 4 << 20
"""Bytes of text taken at a time."""

HEAD = 1 << 16
"""Bytes looked at to tell what a file is."""

PARQUET, NPZ, NPY, PICKLE, JSON, JSON_LINES = "Parquet", "NPZ", "NPY", "pickle", "COCO results", "JSON lines"

BOM = b"\xef\xbb\xbf"
SPACE = b" \t\r\n"
NAME_ONE = "name COCO results (JSON), JSON lines, Parquet or NPZ, or a pickle with --trust-pickle"
OLD_PICKLE = re.compile(rb"\((?=[dlcSVIFLNUXKJMG(\])}])|[\])}][q(.]|c[\w.]+\n[\w.]+\n")
"""How pickles of protocols 0 and 1 begin, which have no mark of their own."""

SECTION = re.compile(rb'"(?:images|annotations|categories|licenses)"\s*:\s*\[|"info"\s*:\s*\{')
"""What a COCO dataset has and a proposal on a line of its own has not."""

FIRST_BYTES = ((b"PAR1", PARQUET), (b"PK\x03\x04", NPZ), (b"PK\x05\x06", NPZ), (b"\x93NUMPY", NPY), (b"\x80", PICKLE))


@dataclass(frozen=True)
class Found:
    """What a file was recognised as.

    Parameters
    ----------
    form
        One of the constants of this module.
    start, line
        The byte and the line in which its text begins: behind a byte-order mark and white space.
    bytes
        Its length.
    """

    form: str
    start: int
    line: int
    bytes: int


@contextlib.contextmanager
def reading(path: Path | str) -> Iterator[None]:
    """Turn what a disk refuses into one line.

    Raises
    ------
    DataError
        For any OSError.
    """
    try:
        yield
    except ChipgenError:
        raise
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DataError.one(path, "", f"cannot be read ({what})", NAME_ONE) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file; a pipe would wait for ever.

    Raises
    ------
    DataError
        It is no regular file, or cannot be read.
    """
    with reading(path):
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError.one(path, "", "is not a regular file", NAME_ONE)
        with path.open("rb") as file:
            yield file


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with opened(path) as file:
        return sha256_read(file.read)


def recognise(path: Path) -> Found:
    """Tell what a file is; its name plays no part.

    Raises
    ------
    DataError
        It is nothing that proposals come in.
    """
    with opened(path) as file:
        head = file.read(HEAD)
        length = file.seek(0, 2)
    form = next((form for mark, form in FIRST_BYTES if head.startswith(mark)), None)
    if form is not None:
        return Found(form, 0, 1, length)
    text = head.removeprefix(BOM).lstrip(SPACE)
    start = len(head) - len(text)
    line = 1 + head[:start].count(b"\n")
    if text.startswith(b"["):
        return Found(JSON, start, line, length)
    if text.startswith(b"{"):
        if _is_dataset(text):
            what = "is a COCO dataset, not proposals"
            raise DataError.one(path, "", what, "name the detections, a list of image_id, bbox and score")
        return Found(JSON_LINES, start, line, length)
    if OLD_PICKLE.match(head):
        return Found(PICKLE, 0, 1, length)
    what, todo = _what_else(head, text)
    raise DataError.one(path, "", what, todo)


def _is_dataset(text: bytes) -> bool:
    """Tell whether an object is a COCO dataset rather than the first of many proposals."""
    try:
        value = json.loads(text.partition(b"\n")[0])
    except (ValueError, RecursionError):  # it goes on in the next line, or behind what was read
        return SECTION.search(text) is not None
    return "image_id" not in value and bool({"images", "annotations"} & value.keys())


def _what_else(head: bytes, text: bytes) -> tuple[str, str]:
    """Say what a file is when it is nothing we know, and what to do."""
    if not text:
        return "is empty" if len(head) < HEAD else "begins with nothing but white space", NAME_ONE
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "is not UTF-8 but UTF-16", "save the file as UTF-8"
    if head.startswith(b"\x1f\x8b"):
        return "is compressed (gzip)", "unpack it first"
    return "is no kind of proposal file", NAME_ONE


def blocks(path: Path, start: int) -> Iterator[bytes]:
    """Yield the text of a file from some byte on, a few megabytes at a time.

    Raises
    ------
    DataError
        It is not UTF-8.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = start
    with opened(path) as file:
        file.seek(start)
        while block := file.read(BLOCK):
            kept = len(decoder.getstate()[0])
            if kept or not block.isascii():
                _check(decoder, block, at - kept, path)
            at += len(block)
            yield block
    if decoder.getstate()[0]:
        raise DataError.one(path, "", f"is not UTF-8 (byte {at})", "save the file as UTF-8")


def _check(decoder: codecs.IncrementalDecoder, block: bytes, at: int, path: Path) -> None:
    """Decode a block, which says whether it is UTF-8."""
    try:
        decoder.decode(block)
    except UnicodeDecodeError as error:
        raise DataError.one(path, "", f"is not UTF-8 (byte {at + error.start})", "save the file as UTF-8") from error

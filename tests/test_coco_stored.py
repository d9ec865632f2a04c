"""A file read like bytes: the same bytes, or a line that says why not."""

from __future__ import annotations

import gc
import os
import pickle
import re
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipgen.coco.stored import StoredText
from chipgen.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

small = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@small
@given(data=st.binary(max_size=30), span=st.tuples(st.integers(0, 35), st.integers(0, 35)))
def test_reads_like_bytes(data: bytes, span: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    text = StoredText(str(path))
    assert len(text) == len(data)
    assert text[slice(*span)] == data[slice(*span)]
    assert (text[:3], text[2:], text[:]) == (data[:3], data[2:], data)


@small
@given(
    data=st.lists(st.sampled_from((b"a", b"b", b"aba"))).map(b"".join),
    part=st.sampled_from((b"ab", b"aba", b"aa", b"abab")),
    block=st.integers(1, 9),
    start=st.integers(0, 5),
)
def test_counts_like_bytes(data: bytes, part: bytes, block: int, start: int, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(data)
    text = StoredText(str(path))
    with mock.patch("chipgen.coco.stored.BLOCK", block):
        assert b"".join(text.blocks(start)) == data[start:]
        for stop in (len(data), len(data) // 2):
            assert text.count(part, start, stop) == data.count(part, start, stop)


def test_a_system_that_gives_few_bytes_at_once_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    text, pread = StoredText(str(tmp_path / "a")), os.pread
    with mock.patch("os.pread", side_effect=lambda handle, length, at: pread(handle, min(length, 3), at)):
        assert text[1:9] == b"12345678"


@pytest.mark.parametrize("change", ["longer", "shorter", "other", "touched"])
def test_a_file_that_has_changed_is_refused(change: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    os.utime(path, ns=(0, 10**15))
    text = StoredText(str(path))
    sent = pickle.dumps(text)
    content = {"longer": b"0123456789a", "shorter": b"012", "other": b"x123456789", "touched": b"0123456789"}
    path.write_bytes(content[change])
    for read in (lambda: text[0:10], lambda: list(text.blocks()), lambda: pickle.loads(sent)):  # noqa: S301 -- our own
        with pytest.raises(DataError, match="^" + re.escape(f"{path}: has changed while it was read: run again ")):
            read()


def test_another_file_of_the_same_name_is_no_matter_here_and_none_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    text = StoredText(str(path))
    sent = pickle.dumps(text)
    assert pickle.loads(sent)[2:4] == b"23"  # noqa: S301 -- our own
    (tmp_path / "b").write_bytes(b"abcdefghij")
    (tmp_path / "b").replace(path)
    assert text[2:4] == b"23"
    with pytest.raises(DataError, match="has changed"):
        pickle.loads(sent)  # noqa: S301 -- our own


def test_a_disk_that_fails_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    text = StoredText(str(tmp_path / "a"))
    refusal = OSError(5, "Input/output error")
    with mock.patch("os.pread", side_effect=refusal), pytest.raises(DataError) as refused:
        text[0:4]
    assert str(refused.value).count("\n") == 0
    assert "a: cannot be read any more (Input/output error): " in str(refused.value)


def test_the_file_is_closed_when_nobody_wants_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    with mock.patch("os.close", wraps=os.close) as close:
        text = StoredText(str(tmp_path / "a"))
        close.assert_not_called()
        del text
        gc.collect()
        close.assert_called_once()

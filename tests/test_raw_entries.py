"""Entries as parts of one text: they read like the copies they replace, and travel without the rest of it."""

from __future__ import annotations

import json
import pickle
import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from datasets_made import Coco
from hypothesis import given
from hypothesis import strategies as st

import chipgen
from chipgen.coco.sections import located, read_sections
from chipgen.raw_entries import RawEntries
from chipgen.shard import take_shard

if TYPE_CHECKING:
    from pathlib import Path

texts = st.lists(st.binary(max_size=6), max_size=12)
spaces = st.text(" \t\n\r", max_size=3)
values: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 2), st.text('a\u00e9"\\,[]{} ', max_size=4), st.just([]), st.just({"id": [1, {"id": 2}]}), st.none()
)


@given(texts, st.data())
def test_entries_read_like_a_sequence(given_texts: list[bytes], data: st.DataObject) -> None:
    raws = RawEntries.of(iter(given_texts))
    rows = data.draw(st.lists(st.integers(0, len(given_texts) - 1))) if given_texts else []
    expected = [given_texts[row] for row in rows]
    assert len(raws) == len(given_texts)
    assert list(raws) == given_texts
    assert [raws[row] for row in rows] == expected
    assert [raws[row - len(raws)] for row in rows] == expected
    assert raws.texts(1, 4) == given_texts[1:4]
    index = np.array(rows, dtype=np.int64)
    assert list(raws.at(index)) == list(raws.take(index)) == expected
    assert raws.at(index).data is raws.data
    assert raws.take(index).data == b"".join(expected)
    assert list(pickle.loads(pickle.dumps(raws))) == given_texts  # noqa: S301 -- our own
    with pytest.raises(IndexError):
        raws[len(raws)]


def test_all_entries_of_a_long_section_are_given_in_order() -> None:
    expected = [str(number).encode() for number in range(10_000)]
    assert list(RawEntries.of(expected)) == expected


@given(st.lists(st.tuples(spaces, values, spaces), max_size=8), st.booleans(), spaces)
def test_entries_are_found_wherever_they_stand(entries: list[tuple[str, Any, str]], evenly: bool, outside: str) -> None:
    """Also entries that are equal, or look like something else, with as much between them as one likes."""
    spaced = [(outside, value, outside) if evenly else (before, value, after) for before, value, after in entries]
    written = [json.dumps(value, ensure_ascii=False) for _, value, _ in entries]
    listed = ",".join(before + text + after for (before, _, after), text in zip(spaced, written, strict=True))
    document = f'{outside}{{"categories":[{outside}],"annotations":[{listed}]{outside},"images":[{listed}]}}'.encode()
    sections = read_sections(document)
    assert sections is not None
    assert [raw.decode() for raw in sections.annotations] == written
    assert [raw.decode() for raw in sections.images] == written
    assert len(sections.categories) == 0
    if entries:
        assert sections.annotations.data is document
        assert sections.annotations.start[0] < sections.images.start[0]


def test_entries_far_apart_are_found_in_no_time() -> None:
    document = b'{"images": [1,' + b" " * 5_000_000 + b'2], "annotations": [], "categories": []}'
    start = time.process_time()
    sections = read_sections(document)
    assert time.process_time() - start < 2
    assert sections is not None
    assert list(sections.images) == [b"1", b"2"]


def test_entries_that_are_no_views_of_the_file_are_copied() -> None:
    """What a reader hands out is an address; one that lies elsewhere must not become an offset."""
    document = b'[{"id": 1}, {"id": 2}]'
    for other in (document[:1] + document[1:], b" " * 10):
        raws = located(other, msgspec.json.decode(document, type=list[msgspec.Raw]))
        assert list(raws) == [b'{"id": 1}', b'{"id": 2}']


def test_what_is_taken_leaves_the_file_behind(tmp_path: Path) -> None:
    """A shard that travels to a worker holds the annotations of its own chips; so does the dataset of a try."""
    coco = Coco()
    for number in range(1, 41):
        coco.image(60, 60, number)
        coco.box(number, [5, 5, 20, 20], note=f"<note {number}>" + "x" * 1000)
    path = tmp_path / "a.json"
    path.write_text(coco.text(), encoding="utf-8")
    dataset = chipgen.read_coco(path)
    plan = chipgen.plan(dataset, "1x", chip_size=64, chips_per_shard=4)
    assert len(plan.shards) == 11
    for index in range(10):
        sent = pickle.dumps(take_shard(plan, index))
        assert [number for number in range(1, 41) if f"<note {number}>".encode() in sent] == list(
            range(4 * index + 1, 4 * index + 5)
        )
        assert len(sent) < 8_000
    first = pickle.dumps(dataset.first(3))
    assert b"<note 3>" in first
    assert b"<note 4>" not in first

"""Long files: read in blocks, they come to the same as in memory, to the last byte and the last word."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from json_documents import CONSTANTS, INVALID, OPEN, VALID, encoded
from run_cli import tree
from small_set import write_small_set
from test_coco_fast_pass import document, documents, entry
from test_fuzz import EDITS, FUZZ, PATCHES, Edit, edited, patched
from test_json_suite import ALL, PLACES, spliced
from thorough import times
from two_ways import assert_same, never_whole, outcome, streamed

import chipgen
from chipgen.coco.stored import StoredText
from chipgen.shard import take_shard

if TYPE_CHECKING:
    from chipgen.plan import Plan
    from chipgen.shard import Shard

blocks = st.integers(1, 60) | st.just(1 << 20)


def same(data: bytes, *sizes: int) -> list[Any]:
    """Check that both ways come to the same for a file, and return it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json")
        path.write_bytes(data)
        return assert_same(path, *sizes)


@settings(deadline=None, max_examples=times(120))
@given(documents(), blocks)
def test_both_ways_give_the_same(text: str, block: int) -> None:
    same(text.encode(), block)


@FUZZ
@given(patches=PATCHES, block=blocks)
def test_damaged_bytes_give_the_same(patches: list[tuple[int, int, bytes]], block: int) -> None:
    same(patched(patches), block)


@FUZZ
@given(edits=EDITS, block=blocks)
def test_damaged_trees_give_the_same(edits: list[Edit], block: int) -> None:
    same(edited(edits), block)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kinds", [INVALID, CONSTANTS, OPEN, VALID], ids=["invalid", "constants", "open", "valid"])
def test_documents_in_a_file_give_the_same(kinds: dict[str, Any], place: str) -> None:
    for value in kinds.values():
        same(spliced(PLACES[place], encoded(value)), 50)


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_dataset_gives_the_same(name: str) -> None:
    same(encoded(ALL[name]), 1 << 16)


# -- what stays out of memory -----------------------------------------------------------------------------------------


def listed(*values: str, gap: str = ", ") -> bytes:
    """Return a file with such values, as they are, among its annotations."""
    lines = [json.dumps(entry(number)) for number in range(3)]
    return document(gap.join([lines[0], *values, lines[1], *values, lines[2]]))


FAULTS = {
    "null": ("null",),
    "numbers": ("1", "2.5"),
    "texts": ('"a"', '"],[{,\\\\\\""', '"\u00e9"'),
    "lists": ("[]", "[1, [2]]"),
    "empty": ("{}",),
    "box": ('{"id": 70, "image_id": 1, "category_id": 1, "bbox": [1, 2, "x", 4]}',),
    "infinite": ('{"id": 70, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 1e400]}',),
    "ids": ('{"id": "70", "image_id": 1.5, "category_id": null, "bbox": [1, 2, 3, 4]}',),
    "large_id": ('{"id": 99999999999999999999, "image_id": 1, "category_id": 1}',),
    "twice": ('{"id": 70, "id": 71, "image_id": 1, "category_id": 1}',),
    "mixed": ("true", "{}", "-1", '""', "[]", "{}"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("gap", [",", ", ", " ,\n    "], ids=["tight", "usual", "lines"])
def test_a_file_with_faulty_entries_stays_out_of_memory(name: str, gap: str, tmp_path: Path) -> None:
    data = listed(*FAULTS[name], gap=gap)
    path = tmp_path / "a.json"
    for text in (data, data.replace(b'"annotations": [', b'"annotations": [null, ').replace(b"]}", b", 7 ]}")):
        path.write_bytes(text)
        expected = assert_same(path, 1, 7, 1 << 20)
        with streamed(), never_whole():
            assert outcome(path) == expected


@pytest.mark.parametrize("text", ["[]", "[ ]", "[\n]", "[1]", "[ null , 2 ]", '["]"]'])
def test_lists_without_objects_stay_out_of_memory(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(
        f'{{"images": {text}, "info": {{"a": {text}}}, "annotations":{text},"categories" :{text}}} '.encode()
    )
    expected = assert_same(path, 1, 5, 1 << 20)
    with streamed(), never_whole():
        assert outcome(path) == expected


def test_a_sound_file_stays_out_of_memory(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")
    text = path.read_text(encoding="utf-8").replace('"id": 1,', '"id": 1, "note": "\u00e9 \\\\ \\" [",')
    for data in (text, "\ufeff" + text, json.dumps(json.loads(text), indent=1, ensure_ascii=False)):
        path.write_text(data, encoding="utf-8")
        expected = outcome(path)
        with streamed(64), never_whole():
            assert outcome(path) == expected
            assert isinstance(chipgen.read_coco(path, on_error="skip").annotations.raw.data, StoredText)


NO_JSON = {
    "comma_missing": listed("{} {}"),
    "comma_twice": listed("", "{}"),
    "comma_at_end": document(json.dumps(entry(1)) + ","),
    "comma_first": document("," + json.dumps(entry(1))),
    "comma_first_alone": document(", 1"),
    "commas": document(","),
    "words": listed("{}, nul"),
    "key": listed('{}, "a": 1'),
    "string": listed('"a'),
    "brackets": listed("[}"),
    "closed_as_object": document(json.dumps(entry(1))).replace(b"}]", b"}}"),
    "behind": document(json.dumps(entry(1))) + b" 1",
    "before": b"1 " + document(json.dumps(entry(1))),
    "nan": document(json.dumps(entry(1, score=math.nan))),
    "nan_outside": b'{"info": NaN, ' + document(json.dumps(entry(1)))[1:],
    "latin": listed('"\xe9"').decode().encode("latin-1"),
    "letter_cut_in_two": listed('"\u00c3a\u00a9"').decode().encode("latin-1"),
    "latin_at_end": document(json.dumps(entry(1))) + b"\xc3",
    "escaped_key": listed('{"\\u0069d": 1}'),
    "section_twice": document(json.dumps(entry(1)))[:-1] + b', "images": []}',
    "section_twice_escaped": document(json.dumps(entry(1)))[:-1] + b', "\\u0069mages": []}',
    "section_no_list": document(json.dumps(entry(1)))
    .replace(b'"images": [', b'"images": {"a": [')
    .replace(b'}], "c', b'}]}, "c'),
    "section_in_a_key": document(json.dumps(entry(1))).replace(b'"images"', b'"a\\"images"'),
    "section_in_an_entry": document(json.dumps(entry(1, images=[]))),
    "section_missing": document(json.dumps(entry(1))).replace(b'"images"', b'"imagos"'),
    "deep": listed("[" * 600 + "]" * 600),
    "deeper": listed("[" * 5000 + "]" * 5000),
    "section_in_a_key_too": b'{"a\\"images": [{"id": 5}],' + document(json.dumps(entry(1)))[1:],
    "section_in_a_key_last": document(json.dumps(entry(1)))[:-1] + b', "a\\"annotations": [{"id": 5}]}',
    "cut": listed()[:-3],
}


ODD = {"nan", "nan_outside", "section_in_an_entry", "section_in_a_key_too", "section_in_a_key_last"}
"""Those that are forgiven."""


@pytest.mark.parametrize("name", NO_JSON)
def test_what_must_be_read_as_a_whole_is(name: str) -> None:
    found = same(NO_JSON[name], 1, 8, 1 << 20)
    assert isinstance(found[0], str) == (name not in ODD), found


@pytest.mark.parametrize(
    ("limit", "value"), [("OUTSIDE", 10), ("BETWEEN", 1), ("MEMBERS", 2)], ids=["outside", "between", "members"]
)
def test_beyond_the_limits_a_file_is_read_as_a_whole(limit: str, value: int, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(document(json.dumps(entry(1)) + ", null , " + json.dumps(entry(2))))
    expected = outcome(path)
    with streamed(), mock.patch(f"chipgen.coco.streamed.{limit}", value):
        assert outcome(path) == expected
        with never_whole(), pytest.raises(AssertionError, match="as a whole"):
            outcome(path)


def test_entries_of_any_length_are_decoded_some_at_a_time(tmp_path: Path) -> None:
    """One entry may be longer than what is decoded at once; no more than that is copied besides."""
    path = tmp_path / "a.json"
    path.write_bytes(listed(json.dumps(entry(70, note="x" * 5000)), gap=",\n"))
    expected = outcome(path)
    with streamed(64), mock.patch.multiple(sys.modules["chipgen.coco.decode"], AT_ONCE=300, SLICE=3):
        assert outcome(path) == expected


def test_long_files_are_streamed_and_others_are_not(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")
    size = path.stat().st_size
    for limit, kind in ((size, bytes), (size - 1, StoredText)):
        with mock.patch("chipgen.coco.STREAMED_ABOVE", limit):
            assert isinstance(chipgen.read_coco(path).annotations.raw.data, kind)


# -- what comes after -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["parquet", "coco"])
def test_chips_are_the_same(name: str, tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")

    def build(out: str) -> dict[str, str]:
        plan = chipgen.plan(chipgen.read_coco(path), "1x,2x,256", chip_size=256, chips_per_shard=4)
        chipgen.export(plan, tmp_path / out, name, workers=2)
        return tree(tmp_path / out)

    expected = build("whole")
    with streamed():
        assert build("streamed") == expected


@pytest.mark.parametrize("shards", [0, 1, 9])
def test_annotations_that_change_while_chips_are_cut_end_the_build(shards: int, tmp_path: Path) -> None:
    """In one line, whenever it happens; what is finished stays."""
    path = write_small_set(tmp_path / "set")
    with streamed():
        plan = chipgen.plan(chipgen.read_coco(path), "1x,2x,256", "20-120,0-60,60-", chip_size=256, chips_per_shard=1)
    assert len(plan.shards) > 10

    def take_and_change(plan: Plan, index: int) -> Shard:
        if index == shards:
            path.write_bytes(path.read_bytes() + b" ")
        return take_shard(plan, index)

    with (
        mock.patch("chipgen.workers.giving.take_shard", take_and_change),
        pytest.raises(chipgen.DataError, match="has changed while it was read") as refused,
    ):
        chipgen.export(plan, tmp_path / "out", workers=2)
    assert len(refused.value.problems) == 1

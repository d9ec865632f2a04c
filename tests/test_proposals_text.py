"""COCO results as text: cut anywhere, understood once; complaints that name the place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proposals_made import EXTRAS, json_texts, proposals
from thorough import times

from chipgen.errors import DataError
from chipgen.proposals import entries, files, read_proposals, text
from chipgen.proposals.batch import MOST_PROBLEMS, Batch, Findings, joined
from chipgen.proposals.entries import Entries
from chipgen.proposals.files import JSON, recognise
from chipgen.proposals.text import read_lines, read_list

if TYPE_CHECKING:
    from pathlib import Path

    from proposals_made import Made

MANY = settings(deadline=None, max_examples=times(200), suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(path: Path, content: str | bytes, block: int = 4 << 20) -> Batch:
    """Read results of either kind, so many bytes at a time."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with mock.patch.object(files, "BLOCK", block):
        found, findings = recognise(path), Findings(str(path))
        batch = joined((read_list if found.form == JSON else read_lines)(path, found, Entries(findings)))
        findings.raise_any()
    return batch


def problems(path: Path, content: str | bytes, block: int = 4 << 20) -> list[tuple[str, str]]:
    """Return where and what is wrong with results."""
    with pytest.raises(DataError) as refused:
        read(path, content, block)
    return [(problem.where, problem.what) for problem in refused.value.problems]


def entry(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"image_id": number, "bbox": [1, 2, 3, 4], **fields}


@MANY
@given(data=st.data(), made=proposals(), block=st.integers(1, 90), tail=st.integers(1, 90), tries=st.integers(0, 3))
def test_cut_anywhere(data: st.DataObject, made: Made, block: int, tail: int, tries: int, tmp_path: Path) -> None:
    """Wherever cuts are guessed, and whether at all, the same entries come out in the same order."""
    listed, lines = data.draw(json_texts(made))
    with mock.patch.object(text, "TAIL", tail), mock.patch.object(text, "TRIES", tries):
        for content in [listed, lines] if len(made.image_id) else [listed]:
            found = read(tmp_path / "a", content, block)
            assert found.image_id.tolist() == made.image_id.tolist()
            assert found.box.tobytes() == made.box.tobytes()


@MANY
@given(data=st.data(), block=st.integers(1, 300), count=st.integers(1, 12))
def test_the_place_of_a_fault_does_not_depend_on_blocks(
    data: st.DataObject, block: int, count: int, tmp_path: Path
) -> None:
    """A wrong id is told at its entry, all of them at once; broken JSON at its byte."""
    values = [entry(number, x=data.draw(EXTRAS), é="ü") for number in range(count)]
    wrong = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    for number in wrong:
        values[number]["image_id"] = data.draw(st.sampled_from(("1", None, True, 1.5)))
    said = problems(tmp_path / "a", json.dumps(values, ensure_ascii=False), block)
    assert [where for where, _ in said] == [f"entry[{number}]" for number in wrong]
    lines = "\n".join(json.dumps(value) for value in values)
    said = problems(tmp_path / "a", "\n\n" + lines, block)
    assert [where for where, _ in said] == [f"line {number + 3}" for number in wrong]
    for value in values:
        value["image_id"] = 5
    listed = json.dumps(values, ensure_ascii=False)
    pieces = listed.split('"image_id"')
    broken = '"image_id"'.join(pieces[: wrong[0] + 1]) + '"image_id" x' + '"image_id"'.join(pieces[wrong[0] + 1 :])
    place = len('"image_id"'.join(pieces[: wrong[0] + 1]).encode()) + len('"image_id" ')
    assert problems(tmp_path / "a", broken, block) == [
        (f"entry[{wrong[0]}]", f"no valid JSON (Expecting ':' delimiter at byte {place:,})")
    ]


@pytest.mark.row("G66")
@pytest.mark.parametrize("block", [1, 7, 64, 10_000])
@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ("[", "entry[0]", "the file ends in the middle of its list (byte 1)"),
        ("[{", "entry[0]", "the file ends in the middle of its list (byte 2)"),
        ("[{}", "entry[0]", "bbox is missing"),
        ("[1", "entry[0]", "the file ends in the middle of its list (byte 2)"),
        ("[1,2", "entry[0]", "the file ends in the middle of its list (byte 4)"),
        ("[1,2]", "entry[0]", "is 1, not an object"),
        ("[[1]]", "entry[0]", "is a list, not an object"),
        ("[,]", "entry[0]", "no valid JSON (Expecting value at byte 1)"),
        ("[]]", "byte 2", "there is more behind the end of the list"),
        ("[] []", "byte 3", "there is more behind the end of the list"),
        ("[}", "entry[0]", "no valid JSON"),
        ("[{]", "entry[0]", "no valid JSON"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}}', "entry[1]", "no valid JSON (a comma is missing at byte 38)"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}}]', "entry[1]", "no valid JSON (a comma is missing at byte 38)"),
        ("[NaN]", "entry[0]", "is nan, not an object"),
        ("[nul]", "entry[0]", "no valid JSON (Expecting value at byte 1)"),
        ('["a', "entry[0]", "the file ends in the middle of its list (byte 3)"),
    ],
)
def test_broken_lists(content: str, where: str, what: str, block: int, tmp_path: Path) -> None:
    said = problems(tmp_path / "a", content, block)
    assert any(where == one and what in other for one, other in said), said


def test_all_problems_are_told_but_not_without_end(tmp_path: Path) -> None:
    values = [entry(), entry(bbox=[1]), entry(image_id="x", score=True), 5]
    assert problems(tmp_path / "a", json.dumps(values)) == [
        ("entry[1]", "bbox is [1]"),
        ("entry[2]", "image_id is the text 'x'"),
        ("entry[2]", "score is true"),
        ("entry[3]", "is 5, not an object"),
    ]
    assert len(problems(tmp_path / "a", json.dumps([5] * 5000))) == MOST_PROBLEMS


def test_what_was_found_before_broken_json_is_told_with_it(tmp_path: Path) -> None:
    content = json.dumps([entry(bbox=None)] * 3 + [entry()] * 30)[:-10]
    assert [where for where, _ in problems(tmp_path / "a", content, 64)] == [f"entry[{n}]" for n in (0, 1, 2, 32)]


@pytest.mark.parametrize("opening", ['[{"image_id": 1, "x": "', '{"image_id": 1, "x": "'])
def test_an_entry_without_end(opening: str, tmp_path: Path) -> None:
    with mock.patch.object(text, "LONGEST", 1000):
        said = problems(tmp_path / "a", opening + "x" * 5000, 64)
    assert "has no end within 1,000 bytes" in said[0][1]
    assert said[0][0] in {"entry[0]", "line 1"}


def test_an_entry_that_is_just_not_too_long(tmp_path: Path) -> None:
    content = json.dumps([entry(), entry(x="},{" * 200), entry()])
    with mock.patch.object(text, "LONGEST", 1000):
        assert len(read(tmp_path / "a", content, 64)) == 3


@pytest.mark.parametrize(
    "long",
    [
        {"x": "}, {" * 2_000_000},
        {"x": [{"a": 1}] * 1_000_000},
        {"x": [[]] * 2_000_000},
    ],
    ids=["text", "objects", "lists"],
)
def test_long_entries_are_read_whole(long: dict[str, Any], tmp_path: Path) -> None:
    content = json.dumps([entry(), entry(2, **long), entry(3)])
    assert read(tmp_path / "a", content, 1 << 16).image_id.tolist() == [1, 2, 3]


def test_characters_cut_by_blocks_are_whole(tmp_path: Path) -> None:
    content = json.dumps([entry(x="é🦔" * 50)] * 3, ensure_ascii=False)
    for block in (1, 2, 3, 5):
        assert len(read(tmp_path / "a", content, block)) == 3
    damaged = content.encode()[:100] + b"\xff" + content.encode()[100:]
    with pytest.raises(UnicodeDecodeError) as refused:
        damaged.decode()
    for block in (1, 2, 3, 5, 98, 99, 1000):
        assert problems(tmp_path / "a", damaged, block) == [("", f"is not UTF-8 (byte {refused.value.start})")]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = [*(rng.random(3000) * 10.0 ** rng.integers(-300, 300, 3000)).tolist(), 0.1, 1 / 3, 2**53 + 1, 5e-324]
    for form in (repr, "{:.25g}".format, "{:.3e}".format):
        texts = [form(number) for number in numbers]
        content = ",".join(f'{{"image_id": 1, "bbox": [{text}, 0, 1, 1]}}' for text in texts)
        expected = [float(text) for text in texts]
        assert read(tmp_path / "a", f"[{content}]").box[:, 0].tolist() == expected
        slow = f'[{content},{{"image_id": 1, "bbox": [NaN, 0, 1, 1]}}]'  # which sends all of them the slow way
        assert read(tmp_path / "a", slow).box[:-1, 0].tolist() == expected


def test_the_fast_way_is_taken(tmp_path: Path) -> None:
    content = json.dumps([entry(number, category_id=1, score=0.5, segmentation=[{"a": 1}]) for number in range(500)])
    lines = "\n".join(json.dumps(entry(number, score=0.5)) for number in range(500))
    with mock.patch.object(entries, "explain", side_effect=AssertionError):
        for block in (1 << 10, 4 << 20):
            assert len(read(tmp_path / "a", content, block)) == 500
            assert len(read(tmp_path / "a", lines, block)) == 500


def test_a_null_score_is_none(tmp_path: Path) -> None:
    assert read(tmp_path / "a", json.dumps([entry(score=None), entry()])).score is None
    assert ("entry[1]", "score is missing, but others have one") in problems(
        tmp_path / "a", json.dumps([entry(score=1), entry(score=None)])
    )


def test_windows_line_ends_and_a_last_line_without(tmp_path: Path) -> None:
    content = "\r\n".join([json.dumps(entry()), "", json.dumps(entry(2))])
    for block in (1, 5, 1000):
        assert read(tmp_path / "a", content, block).image_id.tolist() == [1, 2]


def test_a_first_line_longer_than_the_head(tmp_path: Path) -> None:
    long = json.dumps(entry(x="y" * 2 * files.HEAD))
    assert len(read(tmp_path / "a", long + "\n" + long)) == 2
    (tmp_path / "a").write_text('{"info": {}, "images": [' + '{"x": 1},' * files.HEAD)
    with pytest.raises(DataError, match="is a COCO dataset"):
        read_proposals(tmp_path / "a")

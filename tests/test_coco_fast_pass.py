"""The fast pass over a COCO file: the same dataset as the slow one, and the same complaints, however a file is cut."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times

import chipgen
from chipgen.coco.decode import decode
from chipgen.coco.explain import KNOWN
from chipgen.coco.suspicion import is_odd, is_suspect, names_section, outline
from chipgen.errors import DataError
from chipgen.loose_json import MOST_NESTED, is_nested_too_deeply

if TYPE_CHECKING:
    from chipgen.dataset import Dataset

SPACES = ("", " ", "\n  ", "\t\r\n")


class Twice(dict[str, Any]):
    """An object that is written with some of its keys twice."""

    def __init__(self, fields: dict[str, Any], more: dict[str, Any]) -> None:
        super().__init__(fields)
        self.more = more


def write(value: Any, space: str = "") -> str:
    """Write JSON with some space around everything."""
    if isinstance(value, dict):
        pairs = [*value.items(), *getattr(value, "more", {}).items()]
        inside = ",".join(f"{space}{json.dumps(key)}{space}:{space}{write(one, space)}{space}" for key, one in pairs)
        return "{" + (inside or space) + "}"
    if isinstance(value, list):
        return "[" + (",".join(f"{space}{write(one, space)}{space}" for one in value) or space) + "]"
    return json.dumps(value, ensure_ascii=False)


words = st.sampled_from(
    ("id", "bbox", "counts", "images", "annotations", "i1d", "a", "\u00e9", '"id"', "}{", "\\u0041")
)
extras = st.recursive(
    words | st.integers(-5, 10**20) | st.floats(allow_nan=False) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
boxes = st.lists(st.integers(-5, 90) | st.floats(-5, 90), min_size=4, max_size=4) | st.none() | st.just([1, 2, 3])


@st.composite
def objects(draw: st.DrawFn, most: int) -> Twice:
    """Return an annotation, seldom a wrong one."""
    fields: dict[str, Any] = {
        "id": draw(st.integers(0, 50) | st.just(2**62)),
        "image_id": draw(st.integers(0, most)),
        "category_id": draw(st.integers(1, 2)),
        "bbox": draw(boxes),
    }
    fields |= draw(st.dictionaries(st.sampled_from(("iscrowd", "ignore", "difficult")), st.sampled_from((0, 0, 1))))
    fields |= draw(st.dictionaries(st.sampled_from(("segmentation", "note", "score")), extras))
    if draw(st.integers(0, 30)) == 0:
        fields.pop(draw(st.sampled_from(("id", "bbox", "category_id"))))
    keys = draw(st.permutations(list(fields)))
    twice = draw(st.lists(st.sampled_from((*keys, "other")), max_size=2)) if draw(st.integers(0, 20)) == 0 else []
    return Twice({key: fields[key] for key in keys}, {key: draw(extras) for key in twice})


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Return the text of a COCO file in which some entries may be odd, wrong, or equal to others."""
    count = draw(st.integers(0, 4))
    images = [{"id": number, "file_name": f"{number}.png", "width": 80, "height": 60} for number in range(count)]
    entries = draw(st.lists(objects(count), max_size=8))
    if draw(st.booleans()):
        entries = [Twice({**one, "id": number}, one.more) for number, one in enumerate(entries)]
    spaces = st.sampled_from(SPACES)
    inner = draw(spaces)
    same = draw(st.booleans())
    gaps = [draw(spaces) if not same else inner for _ in entries]
    listed = ",".join(gap + write(one, inner) for gap, one in zip(gaps, entries, strict=True))
    categories = [{"id": number, "name": draw(words)} for number in (2, 1)]
    sections = {"images": write(images, inner), "annotations": f"[{listed}]", "categories": write(categories)}
    order = draw(st.permutations([*sections]))
    return "{" + ",".join(f'"{name}"{inner}:{sections[name]}' for name in order) + "}" + draw(spaces)


def columns(dataset: Dataset) -> list[Any]:
    """Return all of a dataset as plain values."""
    table = dataset.annotations
    names = ("id", "image_id", "category_id", "image", "category", "xyxy_img", "ignored_by", "invalid")
    kinds = [(getattr(table, name).dtype, getattr(table, name).shape) for name in names]
    images, categories = dataset.images, dataset.categories
    return [
        *(getattr(table, name).tolist() for name in names),
        kinds,
        [json.loads(raw) for raw in table.raw],
        (images.id.tolist(), images.file_name, images.size_img.tolist()),
        (categories.id.tolist(), categories.name, [json.loads(raw) for raw in categories.raw]),
        (dataset.notes, dataset.skipped, dataset.source.sha256),
    ]


def outcome(path: Path) -> list[Any]:
    """Return what becomes of a file: a dataset or complaints."""
    try:
        return columns(chipgen.read_coco(path, on_error="skip"))
    except DataError as error:
        return [str(problem) for problem in error.problems]


@settings(deadline=None, max_examples=times(120))
@given(documents())
def test_both_passes_and_all_slices_give_the_same(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.json")
        path.write_bytes(text.encode())
        found = outcome(path)
        with (
            mock.patch.object(sys.modules["chipgen.coco.decode"], "SLICE", 2),
            mock.patch("chipgen.coco.columns.BLOCK", 3),
        ):
            assert outcome(path) == found
        with mock.patch("msgspec.json.Decoder") as decoder:
            decoder.return_value.decode.side_effect = ValueError
            assert outcome(path) == found
        with (
            mock.patch("msgspec.json.Decoder") as decoder,
            mock.patch("msgspec.json.decode", side_effect=ValueError),
        ):
            decoder.return_value.decode.side_effect = ValueError
            slow = outcome(path)
    # The slow pass reads a whole file at once: of a key that stands twice it tells the name only.
    assert slow == found or (len(slow) == 1 and "stands twice in one object" in slow[0] and "twice" in str(found))


@given(objects(1), st.sampled_from(SPACES))
def test_what_is_no_suspect_is_in_order(fields: Twice, space: str) -> None:
    raw = write(fields, space).encode()
    for one in (raw, raw.replace(b'"i1d"', b'"id"'), raw.replace(b"id", b"\\u0069d"), raw.replace(b"i1d", b"images")):
        suspect = is_suspect(outline(one))
        assert suspect or not (is_odd(one) or is_nested_too_deeply(one))
        assert names_section(outline(one)) or not any(f'"{name}"'.encode() in one for name in ("images", "annotations"))


def test_an_outline_keeps_what_a_key_is_made_of() -> None:
    for key in KNOWN:
        assert outline(key.encode()) == key.encode()
    deep = b'{"a": ' + b"[1, " * MOST_NESTED + b"1" + b"]" * MOST_NESTED + b"}"
    assert is_nested_too_deeply(deep)
    assert is_suspect(outline(deep))
    assert outline(b'{"id": 12, "bbox": [1.5, -2e+3]}') == outline(b'{"id":7,"bbox":[0,0e0]}')


def entry(number: int, **more: Any) -> dict[str, Any]:
    """Return an annotation of image 1."""
    return {"id": number, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], **more}


def document(entries: str) -> bytes:
    """Return a file with one image and some annotations."""
    image = {"id": 1, "file_name": "1.png", "width": 80, "height": 60}
    top = f'"images": [{json.dumps(image)}], "categories": [{{"id": 1, "name": "a"}}]'
    return f'{{{top}, "annotations": [{entries}]}}'.encode()


@pytest.mark.parametrize(
    ("twice", "says"),
    [
        ('"id": 7, "id": 7', "key id stands twice"),
        ('"id": 7, "iscrowd": 0, "iscrowd": 1', "key iscrowd stands twice"),
        ('"id": 7, "a": [{"size": 1, "size": 1}]', "key size stands twice"),
        ('"id": 7, "a": {"id": 1}, "b": {"id": 2}', None),
        ('"id": 7, "a": "id", "i1d": 5', None),
        ('"id": 7, "b": 1, "b": 2', None),
        ('"id": 7, "a": ' + "[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1), "nested more than 512 levels"),
    ],
)
def test_one_odd_entry_among_thousands_is_found(twice: str, says: str | None, tmp_path: Path) -> None:
    lines = [json.dumps(entry(number)) for number in range(10_000, 15_000)]
    lines[4500] = "{" + twice + ', "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}'
    (tmp_path / "a.json").write_bytes(document(",".join(lines)))
    if says is None:
        found = chipgen.read_coco(tmp_path / "a.json").annotations
        assert len(found) == 5000
        assert found.raw[0].decode() == lines[4500]
        assert np.array_equal(found.id[1:], [number for number in range(10_000, 15_000) if number != 14_500])
    else:
        with pytest.raises(DataError) as refused:
            chipgen.read_coco(tmp_path / "a.json")
        (problem,) = refused.value.problems
        assert "annotations[4500]" in str(problem)
        assert says in str(problem)


def test_entries_keep_their_text_beside_one_that_cannot_be_read() -> None:
    lines = [json.dumps(entry(number)) for number in range(5)]
    text = document(", ".join([*lines[:2], '{"id": 9}', "null", *lines[2:]]))
    tables, problems = decode(text, "a.json")
    assert [raw.decode() for raw in tables.annotations.raw] == lines
    assert tables.annotations.id.tolist() == [0, 1, 2, 3, 4]
    assert {problem.where for problem in problems} == {"annotations[2] (id 9)", "annotations[3]"}


def test_a_section_named_twice_is_refused_also_where_an_entry_hides_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = document(json.dumps(entry(1, note={"images": 5})))
    path.write_bytes(text)
    assert chipgen.read_coco(path).annotations.id.tolist() == [1]
    for once in (text, document(json.dumps(entry(1)))):
        for twice in (b"{" + b'"images": [],' + once[1:], once[:-1] + b', "images": []}'):
            path.write_bytes(twice)
            with pytest.raises(DataError, match="key images stands twice"):
                chipgen.read_coco(path)
    for key, other in (("images", "images"), ("id", "\\u0069d")):
        path.write_bytes(document(f'{{"{key}": 1, "{other}": 2, ' + json.dumps(entry(1))[1:]))
        with pytest.raises(DataError, match=f"key {key} stands twice in one object"):
            chipgen.read_coco(path)


def test_what_marks_an_annotation_is_the_first_field_that_does(tmp_path: Path) -> None:
    marks: list[dict[str, Any]] = [
        {},
        {"iscrowd": 1, "ignore": 1},
        {"ignore": -7, "difficult": True},
        {"difficult": 10**30},
        {"iscrowd": 0, "ignore": False, "difficult": 0},
    ]
    (tmp_path / "a.json").write_bytes(document(",".join(json.dumps(entry(n, **mark)) for n, mark in enumerate(marks))))
    assert chipgen.read_coco(tmp_path / "a.json").annotations.ignored_by.tolist() == [0, 1, 2, 3, 0]

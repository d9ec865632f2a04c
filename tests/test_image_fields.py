"""A field of the images, read for those who group by it, however the file is written and however long it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chipgen.coco.fields import image_field
from chipgen.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

IMAGES: list[dict[str, Any]] = [
    {"id": 1, "file_name": "a.png", "width": 9, "height": 9, "flight": 7, "meta": {"flight": "x"}},
    {"id": 2, "file_name": "b.png", "width": 9, "height": 9, "flight": "7", "meta.flight": "y"},
    {"id": 3, "file_name": "c.png", "width": 9, "height": 9, "flight": None, "meta": "x"},
    {"id": 4, "file_name": "d.png", "width": 9, "height": 9, "flight": ["é"], "meta": {}},
]


@pytest.mark.parametrize("streamed_above", [0, 1 << 30])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("note", ["", "\\u0041"])  # with an escaped letter the file is read by the slow pass
def test_field_of_each_image(tmp_path: Path, streamed_above: int, mark: bytes, note: str) -> None:
    path = tmp_path / "a.json"
    document = json.dumps({"info": "NOTE", "images": IMAGES, "annotations": [], "categories": []}).replace("NOTE", note)
    path.write_bytes(mark + document.encode())
    assert image_field(path, "flight", streamed_above=streamed_above) == {1: "7", 2: '"7"', 4: '["\\u00e9"]'}
    assert image_field(path, "meta.flight", streamed_above=streamed_above) == {1: '"x"', 2: '"y"'}
    assert image_field(path, "nothing", streamed_above=streamed_above) == {}


@pytest.mark.parametrize("text", ["", "[]", '{"images": ['])
def test_file_that_is_another_by_now_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.json"):
        image_field(path, "flight", streamed_above=1 << 30)

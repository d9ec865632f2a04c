"""Section A: the annotation file as a whole."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from zoo.entry import Coco, Entry, annotation, good, make_socket, raw, section, spliced, spoilt, without, write_images

if TYPE_CHECKING:
    from pathlib import Path

TEXT = json.dumps(good())
SECTIONS = ("images", "annotations", "categories")


def _nothing(folder: Path) -> None:
    """Leave the annotation file out."""
    write_images(folder)


def _folder(folder: Path) -> None:
    (folder / "ann.json").mkdir()


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "ann.json")


def _link_to(target: str) -> Any:
    def write(folder: Path) -> None:
        (folder / "ann.json").symlink_to(target)

    return write


def _unreadable(folder: Path) -> None:
    raw(TEXT)(folder)
    (folder / "ann.json").chmod(0)


def _put(name: str, value: Any) -> Any:
    """Return a writer of the good dataset with a section replaced."""
    return spoilt(lambda coco: coco.update({name: value}))


def _duplicate(found: str, twice: str) -> Any:
    """Return a writer of the good dataset in which a piece of text is replaced."""
    assert found in TEXT
    return raw(TEXT.replace(found, twice, 1))


UNREADABLE = [
    Entry("A1", "missing", _nothing, "No such file"),
    Entry("A1", "folder", _folder, "not a regular file"),
    Entry("A1", "pipe", _pipe, "not a regular file", apart=True),
    Entry("A1", "socket", lambda folder: make_socket(folder, "ann.json"), "not a regular file"),
    Entry("A1", "device", _link_to("/dev/zero"), "not a regular file", apart=True),
    Entry("A1", "link_loop", _link_to("ann.json"), "cannot be read"),
]
if os.geteuid() != 0:  # nothing is unreadable for root
    UNREADABLE.append(Entry("A1", "no_permission", _unreadable, "Permission denied"))

SYNTAX = [
    Entry("A2", "empty", raw(b""), "is empty"),
    Entry("A2", "blank", raw(b" \n\t\n"), "is empty"),
    Entry("A2", "cut_short", raw(TEXT[: len(TEXT) // 2]), "line 1, column", apart=True),
    Entry("A2", "trailing_text", raw(TEXT + "\n\n}"), "line 3, column 1"),
    Entry("A2", "two_documents", raw(TEXT + TEXT), "line 1, column"),
    Entry("A2", "single_quotes", raw(TEXT.replace('"', "'")), "line 1, column 2"),
    Entry("A2", "comment", raw("// dataset\n" + TEXT), "line 1, column 1"),
    Entry("A2", "trailing_comma", raw(TEXT.replace("]}", "],}")), "line 1, column"),
    Entry("A2", "zero_bytes", raw(bytes(100)), "line 1, column 1"),
    Entry("A2", "control_character_in_name", _duplicate("thing", "th\x01ing"), "line 1, column"),
    Entry("A2", "bad_escape", _duplicate("thing", "\\xff"), "line 1, column"),
    Entry("A3", "latin_1", raw(TEXT.replace("thing", "fenêtre").encode("latin-1")), "not UTF-8"),
    Entry("A3", "utf_16", raw(TEXT.encode("utf-16")), "not UTF-8", apart=True),
    Entry("A3", "utf_32", raw(TEXT.encode("utf-32")), "not UTF-8"),
    Entry("A3", "cut_in_a_character", raw(TEXT.encode() + b"\xe2\x82"), "not UTF-8"),
    Entry("A3", "byte_order_mark", raw(TEXT.encode("utf-8-sig")), "byte-order mark", code=0),
    Entry("A3", "emoji", raw(TEXT.replace("thing", "🦔").encode()), "written", code=0),
]

NO_LISTS: dict[str, Any] = {"null": None, "object": {}, "text": "x", "number": 3, "true": True}
NO_OBJECTS: dict[str, Any] = {"null": None, "number": 7, "list": [1], "text": "x", "true": True}

TOP = [
    Entry("A4", "list", raw("[]"), "is a list, not an object"),
    Entry("A4", "detections", raw(json.dumps([annotation()])), "list of detections"),
    Entry("A4", "text", raw('"ann.json"'), "not an object"),
    Entry("A4", "number", raw("17"), "not an object"),
    Entry("A4", "null", raw("null"), "is null, not an object"),
    Entry("A4", "empty_object", raw("{}"), "images: is missing"),
    *(
        Entry("A4", f"{name}_missing", raw(json.dumps(without(good(), name))), f"{name}: is missing")
        for name in SECTIONS
    ),
    *(
        Entry("A4", f"{name}_is_{kind}", _put(name, value), f"{name}: is ")
        for name in SECTIONS
        for kind, value in NO_LISTS.items()
    ),
    Entry("A5", "section_twice", raw(TEXT.replace("{", '{"images": [], ', 1)), "key images stands twice"),
    Entry(
        "A5",
        "section_twice_once_escaped",
        raw(TEXT.replace("{", '{"\\u0069mages": [], ', 1)),
        "key images stands twice",
    ),
    Entry("A5", "extra_twice", _duplicate('"bbox"', '"note": 1, "note": 2, "bbox"'), "written", code=0),
    Entry("A5", "extra_twice_slowly", _duplicate('"bbox"', '"note": 1, "note": NaN, "bbox"'), "written", code=0),
    Entry("A5", "id_twice", _duplicate('"id": 1,', '"id": 1, "id": 2,'), "key id stands twice"),
    Entry("A5", "bbox_twice", _duplicate('"bbox"', '"bbox": [1, 1, 2, 2], "bbox"'), "key bbox stands twice"),
    Entry("A5", "name_twice", _duplicate('"name"', '"name": "a", "name"'), "key name stands twice"),
    Entry("A5", "id_twice_once_escaped", _duplicate('"id": 1,', '"id": 1, "\\u0069d": 2,'), "key id stands twice"),
    Entry(
        "A5",
        "counts_twice",
        _duplicate('"bbox"', '"segmentation": {"size": [64, 96], "counts": [6144], "counts": [0, 6144]}, "bbox"'),
        "key counts stands twice",
    ),
    Entry("A5", "known_key_deeper", _duplicate('"bbox"', '"attributes": {"id": 3}, "bbox"'), "written", code=0),
    Entry("A5", "known_key_as_text", _duplicate('"thing"', '"\\"images\\": \\"id\\""'), "written", code=0),
    Entry("A5", "section_name_elsewhere", raw(TEXT.replace("{", '{"info": {"images": 3}, ', 1)), "written", code=0),
]

NUMBERS = [
    *(
        Entry("A6", f"{key}_{value.strip('-').lower()}", _duplicate(found, f'"{key}": {value}'), f"{key} is ")
        for key, found in {"width": '"width": 96', "id": '"id": 1'}.items()
        for value in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999")
        if not value.startswith("-") or key == "id"
    ),
    Entry("A6", "nan_in_info", raw(TEXT.replace("{", '{"info": [NaN, 1e999], ', 1)), "written", code=0),
    Entry("A6", "nan_in_extra", _duplicate('"bbox"', '"score": NaN, "bbox"'), "written", code=0),
    Entry("A7", "deep_file", raw("[" * 100_000), "nested too deeply", apart=True),
    Entry("A7", "deep_info", raw(TEXT.replace("{", '{"info": ' + "[" * 100_000 + "]" * 100_000 + ", ", 1)),
          "nested too deeply", apart=True),
    Entry("A7", "deep_annotation", spliced("annotations", '{"x":' * 100_000 + "1" + "}" * 100_000),
          "nested too deeply", apart=True),
    Entry("A7", "long_id", _duplicate('"id": 1', '"id": ' + "1" * 5000), "thousands of digits"),
    Entry("A7", "long_bbox", _duplicate("[10, 10", "[" + "1" * 5000 + ", 10"), "thousands of digits"),
    Entry("A7", "long_number_in_info", raw(TEXT.replace("{", '{"info": ' + "1" * 5000 + ", ", 1)), "", code=0),
]  # fmt: skip

EXTRAS = {
    "nan": ("A6", "NaN"),
    "infinity": ("A6", "[1e999, -Infinity]"),
    "long_integer": ("A7", str(10**400)),
    "longer_integer": ("A7", "1" * 5000),
    "long_fraction": ("A7", "0." + "1" * 5000),
    "lone_surrogate": ("A6", '"\\ud800"'),
    "zero_byte": ("A6", '"\\u0000"'),
    "lone_surrogate_as_key": ("A6", '{"\\udfff": 1}'),
    "deep": ("A7", "[" * 500 + "]" * 500),
}
"""JSON text of fields that the program only carries along."""


def _extras() -> list[Entry]:
    """Return good entries with odd extra fields: whatever happens to them, what is written must be readable."""
    sound: dict[str, Coco] = {"annotations": annotation(), "categories": {"id": 9, "name": "third"}}
    return [
        Entry(row, f"{kind}_in_{name}_{form}", spliced(name, f'{json.dumps(entry)[:-1]}, "x": {text}}}'),
              "written", code=0, arguments=("--format", form))
        for kind, (row, text) in EXTRAS.items()
        for name, entry in sound.items()
        for form in ("parquet", "coco")
    ]  # fmt: skip


def _entries_that_are_no_objects() -> list[Entry]:
    return [
        Entry("A8", f"{name}_{kind}", section(name, value), f"{name}[2]: is ")
        for name in SECTIONS
        for kind, value in NO_OBJECTS.items()
    ]


def _no_annotations(coco: Coco) -> None:
    coco["annotations"] = []


def _nothing_at_all(coco: Coco) -> None:
    coco.update(images=[], annotations=[], categories=[])


SIZES = [
    Entry("A9", "too_many_bytes", raw(TEXT), "--max-json-bytes", arguments=("--max-json-bytes", "100")),
    Entry("A10", "no_annotations", spoilt(_no_annotations), "written      0 chips", code=0),
    Entry("A10", "nothing_at_all", spoilt(_nothing_at_all), "written      0 chips", code=0),
    Entry("A10", "no_categories", _put("categories", []), "categories: is empty, but there are annotations"),
    Entry("A10", "no_categories_no_annotations", spoilt(lambda c: c.update(annotations=[], categories=[])),
          "written      0 chips", code=0),
]  # fmt: skip

ENTRIES = [*UNREADABLE, *SYNTAX, *TOP, *NUMBERS, *_extras(), *_entries_that_are_no_objects(), *SIZES]

"""JSON as it may and may not be, as a whole file and in every place where a file has a value.

Whatever a strict reader refuses is refused, save NaN and Infinity where nothing depends on them; whatever it takes is
taken, or refused for what it means; and each ends in lines that can be printed, in a bounded time.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from json_documents import CONSTANTS, INVALID, OPEN, VALID, WHOLE, encoded
from zoo.entry import BOX, annotation, good, write_images
from zoo.running import assert_built, build, chips, run_program, skipped

import chipgen
from chipgen.errors import LONGEST
from chipgen.loose_json import MOST_NESTED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 5
"""Of CPU time for one document."""

DOCUMENTS: dict[str, str | bytes] = {**VALID, **INVALID, **CONSTANTS, **OPEN}
ALL: dict[str, str | bytes] = {**WHOLE, **DOCUMENTS}
HERE = "\u2603"
"""Stands where a document is put."""


def _strict(data: bytes) -> bool:
    """Tell whether Python's reader, asked to be strict, takes a document."""

    def refuse(text: str) -> None:
        raise ValueError(text)

    try:
        json.loads(data.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_suite_is_right_about_its_documents(name: str) -> None:
    if name not in OPEN:
        assert _strict(encoded(DOCUMENTS[name])) == (name in VALID)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the images of the good dataset."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "in").mkdir()
    write_images(folder / "in")
    return folder


# -- annotation files ------------------------------------------------------------------------------------------------


def _put(section: str, key: str, value: Any = HERE) -> Callable[[dict[str, Any]], None]:
    """Return a change of a dataset: a field of the first entry of a section."""
    return lambda coco: coco[section][0].update({key: value})


Change = Callable[[dict[str, Any]], None]

UNUSED: dict[str, Change] = {
    "extra_of_annotation": _put("annotations", "note"),
    "inside_an_extra": _put("annotations", "note", {"a": [1, HERE]}),
    "extra_of_image": _put("images", "note"),
    "extra_of_category": _put("categories", "note"),
    "info": lambda coco: coco.update(info=HERE),
    "inside_info": lambda coco: coco.update(info={"a": [1, HERE]}),
    "extra_section": lambda coco: coco.update(extra=HERE),
}
"""Where a document means nothing to the program."""

USED: dict[str, Change] = {
    **{key: _put("annotations", key) for key in ("id", "image_id", "category_id", "bbox", "iscrowd", "ignore", "area")},
    **{key: _put("annotations", key) for key in ("segmentation", "keypoints", "num_keypoints")},
    "left": _put("annotations", "bbox", [HERE, 10, 20, 20]),
    "coordinate": _put("annotations", "segmentation", [[HERE, 10, 20, 10, 20, 20]]),
    "outline": _put("annotations", "segmentation", [[1, 1, 9, 1, 9, 9], HERE]),
    "counts": _put("annotations", "segmentation", {"size": [64, 96], "counts": HERE}),
    "run": _put("annotations", "segmentation", {"size": [64, 96], "counts": [1, HERE]}),
    "size": _put("annotations", "segmentation", {"size": HERE, "counts": [1, 6143]}),
    "keypoint": _put("annotations", "keypoints", [HERE, 1, 2]),
    **{f"{key}_of_image": _put("images", key) for key in ("id", "file_name", "width")},
    **{f"{key}_of_category": _put("categories", key) for key in ("id", "name")},
    "annotation": lambda coco: coco["annotations"].append(HERE),
    "annotations": lambda coco: coco.update(annotations=HERE),
    "categories": lambda coco: coco.update(categories=HERE),
}
"""Where it means something, and almost always the wrong thing."""
PLACES: dict[str, Change] = {**UNUSED, **USED}


def spliced(change: Callable[[dict[str, Any]], None], document: bytes) -> bytes:
    """Return the good dataset with a document put somewhere."""
    coco = good()
    change(coco)
    text = json.dumps(coco, ensure_ascii=False).encode()
    assert text.count(b'"%b"' % HERE.encode()) == 1
    return text.replace(b'"%b"' % HERE.encode(), document)


def _planned(folder: Path, data: bytes) -> str:
    """Read and plan an annotation file; return what is said when it is refused, or nothing."""
    (folder / "in" / "ann.json").write_bytes(data)
    start = time.process_time()
    try:
        dataset = chipgen.read_coco(folder / "in" / "ann.json", on_error="skip")
        ledger = chipgen.plan(dataset, scales="64", chip_size=64).ledger()
        assert sum(ledger.counts().values()) == len(dataset.annotations)
        said = ""
    except chipgen.ChipgenError as error:
        said = str(error)
        _assert_lines(said)
    assert time.process_time() - start < SECONDS
    return said


def _assert_lines(said: str) -> None:
    """Check that what is said is lines a terminal can show."""
    assert said
    for line in said.split("\n"):
        assert line.isprintable()
        assert 10 < len(line) < 4 * LONGEST


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("documents", [INVALID, CONSTANTS, OPEN, VALID], ids=["invalid", "constants", "open", "valid"])
def test_document_in_an_annotation_file(documents: dict[str, Any], place: str, folder: Path) -> None:
    """Section A: never is read what a strict reader refuses, and always what it takes, where that means nothing."""
    for name, document in documents.items():
        said = _planned(folder, spliced(PLACES[place], encoded(document)))
        if documents is INVALID:
            assert said, name
        elif documents is not OPEN and place in UNUSED:
            assert said == "", name


@pytest.mark.parametrize("name", ALL)
def test_document_is_no_dataset(name: str, folder: Path) -> None:
    """Section A: none of them is an annotation file, and that is said in a line, however large or deep it is."""
    assert _planned(folder, encoded(ALL[name]))


LARGE = (*UNUSED, "id", "bbox", "segmentation", "counts", "keypoints", "file_name_of_image", "name_of_category")


@pytest.mark.parametrize("place", LARGE)
@pytest.mark.parametrize("name", WHOLE)
def test_large_document_in_an_annotation_file(name: str, place: str, folder: Path) -> None:
    """Row A7: a megabyte in one value, or a hundred thousand levels, takes no longer than its bytes."""
    document = WHOLE[name]
    said = _planned(folder, spliced(PLACES[place], document))
    if not _strict(document) and name != "digits":
        assert said


@pytest.mark.parametrize("place", [place for place in UNUSED if place.startswith("extra_of")])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_depth_has_a_limit_that_does_not_depend_on_the_stack(
    brackets: tuple[str, str], place: str, folder: Path
) -> None:
    """Row A7: what can be read can be written, by every worker, in both formats."""
    opening, closing = brackets

    def nested(depth: int) -> bytes:
        return spliced(UNUSED[place], (opening * depth + "1" + closing * depth).encode())

    assert "levels deep" in _planned(folder, nested(MOST_NESTED))
    for depth in (*range(970, 1010), 2000):
        assert _planned(folder, nested(depth)), depth
        # NaN, which only the slow reader takes
        assert _planned(folder, b'{"x": NaN, ' + nested(depth)[1:]), depth
    assert _planned(folder, nested(MOST_NESTED - 1)) == ""
    plan = chipgen.plan(chipgen.read_coco(folder / "in" / "ann.json"), scales="64", chip_size=64)
    for name in ("parquet", "coco"):
        report = chipgen.export(plan, folder / "out", name, workers=1, overwrite=True)
        assert report.skipped == {}


def test_sizes_that_are_no_whole_numbers_take_no_time(folder: Path) -> None:
    """Row B19: looking for 640.5 among the numbers from 1 to ten million takes a third of a second, for each image."""
    coco = good()
    coco["images"] += [{"id": 10 + i, "file_name": "a", "width": 640.5, "height": 1e300} for i in range(200)]
    said = _planned(folder, json.dumps(coco).encode())
    assert "width is 640.5" in said
    assert "more: mend these first" in said


def test_name_of_a_megabyte_is_told_in_a_line(folder: Path) -> None:
    assert _planned(folder, spliced(PLACES["file_name_of_image"], WHOLE["text"])) == ""
    plan = chipgen.plan(chipgen.read_coco(folder / "in" / "ann.json"), scales="64", chip_size=64)
    with pytest.raises(chipgen.DataError, match="bad_name") as caught:
        chipgen.export(plan, folder / "unwritten", workers=1)
    _assert_lines(str(caught.value))


def test_brackets_in_text_are_no_levels(folder: Path) -> None:
    text = json.dumps('[{"\\' * 500).encode()
    assert _planned(folder, spliced(UNUSED["extra_of_annotation"], text)) == ""


# -- to the end ------------------------------------------------------------------------------------------------------


def _plainly(value: Any) -> Any:
    """Return a value as the program writes it: no NaN, no Infinity, no halves of characters."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < 10**4000 else None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_plainly(item) for item in value]
    return {_plainly(key): _plainly(item) for key, item in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("kind", ["parquet", "coco"])
def test_documents_come_out_as_they_went_in(kind: str, folder: Path) -> None:
    """Section 4: extra fields are kept as they came, whatever they hold, also in an order of magnitude nobody uses."""
    names = [name for name in {**VALID, **CONSTANTS, **OPEN} if "nested_" not in name or name == "nested_a_little"]
    names = [name for name in names if not name.startswith("int_5000")]
    coco = good()
    coco["annotations"] += [annotation(100 + i, note=f"{HERE}{i};") for i in range(len(names))]
    text = json.dumps(coco, ensure_ascii=False)
    for i, name in enumerate(names):
        text = text.replace(f'"{HERE}{i};"', str(DOCUMENTS[name]))
    (folder / "in" / "ann.json").write_text(text, encoding="utf-8")
    outcome = run_program(build(folder, "--overwrite", "--format", kind, "--workers", "2"))
    assert_built(outcome, folder / "out")
    assert skipped(folder / "out") == []
    for i, found in enumerate(_notes(folder / "out", kind, len(names))):
        expected = _plainly(json.loads(str(DOCUMENTS[names[i]])))
        assert found == expected, names[i]


def _notes(out: Path, kind: str, count: int) -> Iterator[Any]:
    """Yield the extra field of each annotation that was added."""
    if kind == "coco":
        entries = json.loads((out / "annotations.json").read_bytes())["annotations"]
        notes = {entry["source_id"]: entry["note"] for entry in entries if "note" in entry}
    else:
        objects = [chip["objects"] for chip in chips(out)]
        pairs = [pair for one in objects for pair in zip(one["source_id"], one["extra"], strict=True)]
        notes = {source: json.loads(extra)["note"] for source, extra in pairs if extra}
    yield from (notes[100 + i] for i in range(count))


# -- proposals -------------------------------------------------------------------------------------------------------

PROPOSAL = {"image_id": 1, "bbox": BOX, "score": 0.5}
FIELDS: dict[str, dict[str, Any]] = {
    "extra": {"note": HERE},
    "inside_an_extra": {"note": {"a": [1, HERE]}},
    "image_id": {"image_id": HERE},
    "bbox": {"bbox": HERE},
    "left": {"bbox": [HERE, 1, 2, 3]},
    "score": {"score": HERE},
}


def _read(folder: Path, data: bytes) -> str:
    """Read a file of proposals; return what is said when it is refused, or nothing."""
    (folder / "proposals").write_bytes(data)
    start = time.process_time()
    try:
        found = chipgen.read_proposals(folder / "proposals")
        assert len(found.between(-(2**63), 2**63 - 1)) == len(found)
        said = ""
    except chipgen.ChipgenError as error:
        said = str(error)
        _assert_lines(said)
    assert time.process_time() - start < SECONDS
    return said


@pytest.mark.parametrize("lines", [False, True], ids=["list", "lines"])
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("documents", [INVALID, CONSTANTS, OPEN, VALID], ids=["invalid", "constants", "open", "valid"])
def test_document_in_proposals(documents: dict[str, Any], field: str, lines: bool, folder: Path) -> None:
    """Row G66: a list or lines with a document in one entry among good ones."""
    parts = [json.dumps(PROPOSAL), json.dumps({**PROPOSAL, **FIELDS[field]}, ensure_ascii=False), json.dumps(PROPOSAL)]
    text = ("\n".join(parts) if lines else f"[{', '.join(parts)}]").encode()
    for name, document in documents.items():
        said = _read(folder, text.replace(b'"%b"' % HERE.encode(), encoded(document)))
        if documents is INVALID:
            assert said, name
        elif documents is VALID and field in {"extra", "inside_an_extra"} and not (lines and name == "spaces"):
            assert said == "", name


@pytest.mark.parametrize("before", [b"", json.dumps(PROPOSAL).encode() + b"\n"], ids=["alone", "behind_a_line"])
@pytest.mark.parametrize("name", ALL)
def test_document_as_proposals(name: str, before: bytes, folder: Path) -> None:
    """Row G66: as a whole file, and as a line of one."""
    said = _read(folder, before + encoded(ALL[name]))
    assert said or name in {"no_list", "nothing", "space", "spaces"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", WHOLE)
def test_large_document_in_proposals(name: str, field: str, folder: Path) -> None:
    text = json.dumps([{**PROPOSAL, **FIELDS[field]}], ensure_ascii=False).encode()
    said = _read(folder, text.replace(b'"%b"' % HERE.encode(), WHOLE[name]))
    if not _strict(WHOLE[name]) and not name.startswith("digits"):
        assert said


@pytest.mark.parametrize("field", ["extra", "bbox", "score", "image_id"])
def test_proposals_nested_to_the_limit_of_the_stack(field: str, folder: Path) -> None:
    text = json.dumps([PROPOSAL, {**PROPOSAL, **FIELDS[field]}], ensure_ascii=False).encode()
    for depth in range(940, 1010):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            document = opening * depth + b"1" + closing * depth
            _read(folder, text.replace(b'"%b"' % HERE.encode(), document))

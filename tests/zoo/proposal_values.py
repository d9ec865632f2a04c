"""Section G, inside files of proposals: ids, boxes, scores, arrays, formats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from zoo.entry import Entry
from zoo.proposal_entry import (
    TRUST,
    columns,
    detectron2,
    entry,
    lines,
    listed,
    npz,
    pickled,
    raw,
    results,
    save,
    table,
    without,
)

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.entry import Writer

NUMBERS: dict[str, Any] = {"null": None, "true": True, "text": "1", "list": [1], "object": {}}

STRUCTURE = [
    *(
        Entry("G66", f"entry_is_{kind}", listed(value), "entry[2]: is ")
        for kind, value in NUMBERS.items()
        if value != {}
    ),
    *(
        Entry("G66", f"id_is_{kind}", listed(entry(image_id=value)), "entry[2]: image_id is ")
        for kind, value in NUMBERS.items()
    ),
    Entry("G66", "id_is_text_in_words", listed(entry(image_id="1")), "image_id is the text '1': ids are integers"),
    Entry("G66", "id_fractional", listed(entry(image_id=1.5)), "image_id is 1.5"),
    Entry("G66", "id_with_point", listed(entry(image_id=1.0)), "ids are integers, write 1"),
    Entry("G66", "id_nan", listed(entry(image_id=float("nan"))), "image_id is nan"),
    Entry("G66", "id_missing", listed(without("image_id")), "entry[2]: image_id is missing"),
    Entry("G66", "id_beyond_64_bits", listed(entry(image_id=2**63)), "at most 64 bits"),
    Entry(
        "G66",
        "id_of_5000_digits",
        raw(json.dumps(results(entry(image_id=-7))).replace("-7", "1" * 5000)),
        "image_id is inf",
    ),
    Entry(
        "G66",
        "id_twice",
        raw(json.dumps(results(entry())).replace('"image_id": 2', '"image_id": 2, "image_id": 3')),
        "key image_id stands twice",
    ),
    Entry(
        "G66",
        "id_twice_once_escaped",
        raw(json.dumps(results()).replace('"image_id": 2', '"image_id": 2, "\\u0069mage_id": 3')),
        "key image_id stands twice",
    ),
    *(
        Entry("G66", f"bbox_is_{kind}", listed(entry(bbox=value)), "entry[2]: bbox is ")
        for kind, value in NUMBERS.items()
    ),
    *(
        Entry("G66", f"bbox_holds_{kind}", listed(entry(bbox=[1, 2, 3, value])), "entry[2]: bbox is ")
        for kind, value in NUMBERS.items()
    ),
    Entry("G66", "bbox_missing", listed(without("bbox")), "entry[2]: bbox is missing"),
    Entry("G66", "bbox_of_three", listed(entry(bbox=[1, 2, 3])), "entry[2]: bbox is [1, 2, 3]"),
    Entry("G66", "bbox_of_five", listed(entry(bbox=[1, 2, 3, 4, 5])), "write four numbers"),
    *(
        Entry("G66", f"score_is_{kind}", listed(entry(score=value)), "entry[2]: score is ")
        for kind, value in NUMBERS.items()
    ),
    Entry("G66", "line_is_a_number", lines(7), "line 3: is 7, not an object"),
    Entry(
        "G66",
        "line_is_no_json",
        raw('{"image_id": 1, "bbox": [1, 2, 3, 4]}\n{"image_id" 1}\n'),
        "line 2: no valid JSON",
    ),
    Entry("G66", "line_without_id", lines(without("image_id")), "line 3: image_id is missing"),
    Entry("G66", "two_on_a_line", raw((json.dumps(entry()) + ", ") * 2), "line 1: no valid JSON"),
    Entry("G66", "object_over_lines", raw(json.dumps(entry(), indent=1)), "line 1: no valid JSON"),
    Entry("G66", "column_missing", table(w=None), "column w: is missing"),
    Entry("G66", "column_of_text", table(x=["1", "2", "3"]), "column x: is of type string"),
    Entry("G66", "column_of_truth", table(x=[True, False, True]), "column x: is of type bool"),
    Entry("G66", "column_of_lists", table(x=[[1.0], [2.0], [3.0]]), "column x: is of type list"),
    Entry(
        "G66",
        "ids_of_fractions",
        table(image_id=[1.0, 2.0, 3.0]),
        "column image_id: is of type double: ids are integers",
    ),
    Entry("G66", "ids_of_text", table(image_id=["1", "2", "3"]), "column image_id: is of type string"),
    Entry("G66", "ids_empty", table(image_id=[1, None, 3]), "row 1: image_id is empty"),
    Entry(
        "G66",
        "ids_beyond_64_bits",
        table(image_id=np.array([1, 2, 2**63], dtype=np.uint64)),
        "row 2: image_id does not fit",
    ),
    Entry("G66", "side_empty", table(h=[1.0, 2.0, None]), "row 2: h is empty"),
    Entry(
        "G66",
        "corners_in_columns",
        table(x=None, y=None, w=None, h=None, **{name: np.ones(3) for name in ("x1", "y1", "x2", "y2")}),
        "--box-format",
    ),
]

ARRAYS = [
    Entry("G70", "empty_file", raw(b""), "is empty"),
    Entry("G70", "blank_file", raw(b" \n\t\n"), "is empty"),
    Entry("G70", "empty_list", raw(b"[]"), "there are no proposals", 0),
    Entry("G70", "empty_list_with_spaces", raw(b"\xef\xbb\xbf \n[ \n] \n"), "there are no proposals", 0),
    Entry("G70", "no_rows", table(**columns(0)), "there are no proposals", 0),
    Entry(
        "G70",
        "no_boxes",
        npz(image_id=np.zeros(0, int), bbox=np.zeros((0, 4)), score=None),
        "there are no proposals",
        0,
    ),
    Entry(
        "G70",
        "no_boxes_pickled",
        pickled(detectron2(boxes=[], ids=[], objectness_logits=[])),
        "there are no proposals",
        0,
        TRUST,
    ),
    Entry("G70", "three_columns", npz(bbox=np.ones((3, 3))), "bbox: has shape (3, 3)"),
    Entry("G70", "one_dimension", npz(bbox=np.ones(12)), "bbox: has shape (12,)"),
    Entry("G70", "three_dimensions", npz(bbox=np.ones((3, 4, 1))), "bbox: has shape (3, 4, 1)"),
    Entry("G70", "no_dimension", npz(image_id=np.array(3)), "image_id: has shape ()"),
    Entry("G70", "ids_as_column", npz(image_id=np.ones((3, 1), int)), "image_id: has shape (3, 1)"),
    Entry("G70", "other_length", npz(image_id=np.arange(4)), "bbox: holds 3 rows, image_id 4"),
    Entry("G70", "other_number_of_scores", npz(score=np.ones(2)), "score: holds 2 rows, image_id 3"),
    Entry("G70", "fractional_ids", npz(image_id=np.ones(3)), "image_id: is of type float64: ids are integers"),
    Entry("G70", "true_ids", npz(image_id=np.ones(3, bool)), "image_id: is of type bool"),
    Entry("G70", "text", npz(bbox=np.full((3, 4), "1")), "bbox: is of type <U1"),
    Entry("G70", "complex", npz(bbox=np.ones((3, 4), complex)), "bbox: is of type complex128"),
    Entry("G70", "long_double", npz(bbox=np.ones((3, 4), np.longdouble)), "bbox: is of type float128"),
    Entry("G70", "dates", npz(score=np.zeros(3, "M8[s]")), "score: is of type datetime64[s]"),
    Entry("G70", "records", npz(bbox=np.zeros(3, [("x", float)])), "bbox: is of type"),
    Entry("G70", "no_bbox", npz(bbox=None), "without an array bbox"),
    Entry("G70", "no_ids", npz(image_id=None), "without an array image_id"),
    Entry(
        "G70",
        "boxes_twice",
        npz(x=np.ones(3), y=np.ones(3), w=np.ones(3), h=np.ones(3)),
        "holds both bbox and x, y, w, h",
    ),
    Entry("G70", "huge_ids", npz(image_id=np.array([1, 2, 2**63], dtype=np.uint64)), "image_id[2]: does not fit"),
    Entry(
        "G70",
        "sides_apart",
        npz(bbox=None, **{name: np.ones(3, np.float32) for name in "xywh"}),
        "3 proposals of 3 images",
        0,
    ),
    Entry(
        "G70",
        "short_types",
        npz(image_id=np.arange(3, dtype=np.uint8), bbox=np.ones((3, 4), np.float16), score=np.ones(3, np.int32)),
        "3 proposals",
        0,
    ),
    Entry("G70", "big_endian", npz(image_id=np.arange(3, dtype=">i4"), bbox=np.ones((3, 4), ">f4")), "3 proposals", 0),
    Entry(
        "G70",
        "short_columns",
        table(image_id=np.arange(3, dtype=np.int16), x=np.arange(3, dtype=np.uint8), score=np.ones(3, np.float16)),
        "3 proposals",
        0,
    ),
]

SCORES = [
    Entry("G71", "no_scores", listed(scored=False), "there are no scores", 0),
    Entry("G71", "scores_null", listed(entry(score=None), without("score"), scored=False), "there are no scores", 0),
    Entry("G71", "scores_of_some", listed(without("score")), "entry[2]: score is missing, but others have one"),
    Entry("G71", "scores_of_few", listed(entry(), scored=False), "entry[2]: score is there, but others have none"),
    Entry("G71", "scores_of_some_lines", lines(without("score")), "line 3: score is missing, but others have one"),
    Entry("G71", "scores_of_some_rows", table(score=[0.5, None, 0.5]), "row 1: score is empty"),
    Entry("G71", "no_column", table(score=None), "there are no scores", 0),
    Entry("G71", "empty_column", table(score=[None] * 3), "there are no scores", 0),
    Entry("G71", "no_array", npz(score=None), "there are no scores", 0),
    Entry(
        "G71",
        "scores_of_some_images",
        pickled(detectron2(boxes=[np.ones((1, 4))] * 2, objectness_logits=[np.ones(1), None])),
        "has no scores",
        arguments=TRUST,
    ),
    *(
        Entry(
            "G71",
            f"score_{value}",
            listed(entry(score=float(value))),
            "the score is NaN or infinite",
            skipped="bad_score",
        )
        for value in ("nan", "inf", "-inf")
    ),
    Entry(
        "G71",
        "score_beyond_measure",
        raw(json.dumps(results(entry(score=-7))).replace("-7", "1e999")),
        "bad_score",
        skipped="bad_score",
    ),
    Entry(
        "G71", "score_nan_in_npz", npz(score=np.array([1, np.nan, 0])), "image 1: the score is NaN", skipped="bad_score"
    ),
    Entry(
        "G71",
        "score_nan_in_table",
        table(score=pa.array(np.array([1, np.nan, 0]))),
        "image 1: the score is NaN",
        skipped="bad_score",
    ),
    Entry(
        "G71", "score_nan_on_a_line", lines(entry(score=float("nan"))), "image 1: the score is NaN", skipped="bad_score"
    ),
]


def _boxed(box: list[Any]) -> Writer:
    """Return a writer of a list whose last box is this one."""
    return listed(entry(bbox=box))


def _boxed_on_a_line(box: list[Any]) -> Writer:
    """Return a writer of lines, the last of which has this box."""
    return lines(entry(bbox=box))


BOXES = [
    *(
        Entry("G69", f"{name}_in_{kind}", write(box), f"({reason})", skipped=reason)
        for kind, write in {
            "list": _boxed,
            "lines": _boxed_on_a_line,
        }.items()
        for name, box, reason in (
            ("nan", [float("nan"), 1, 2, 3], "not_finite"),
            ("infinity", [1, 2, float("inf"), 3], "not_finite"),
            ("too_large_to_add", [1e308, 2, 1e308, 3], "not_finite"),
            ("integer_of_400_digits", [10**400, 2, 3, 4], "not_finite"),
            ("negative", [1, 2, -3, 4], "negative_size"),
            ("flat", [1, 2, 3, 0], "zero_area"),
        )
    ),
    Entry(
        "G69",
        "nan_in_npz",
        npz(bbox=np.array([[1, 1, 1, 1], [1, 1, np.nan, 1], [1, 1, 1, 1]])),
        "image 1: ",
        skipped="not_finite",
    ),
    Entry("G69", "negative_in_table", table(w=np.array([1, 1, -1])), "image 2: ", skipped="negative_size"),
    Entry(
        "G69",
        "backward_pickled",
        pickled(
            detectron2(
                boxes=[np.array([[9, 9, 1, 1], [1, 1, 9, 9]]), np.ones((0, 4))],
                objectness_logits=[np.ones(2), np.ones(0)],
            )
        ),
        "negative_size",
        arguments=TRUST,
        skipped="negative_size",
    ),
    Entry("G69", "far_out", listed(entry(bbox=[-1e300, 0, 5, 5])), "written", 0),
    Entry("G69", "id_negative", listed(entry(image_id=-(2**63))), "written", 0),
    Entry(
        "G69",
        "further_fields",
        listed(entry(category_id="x", segmentation={"a": [{"b": "},{"}, {}]}, id=None)),
        "written",
        0,
    ),
    Entry("G69", "nan_in_a_further_field", listed(entry(x=[float("nan")])), "written", 0),
    Entry("G69", "known_key_deeper", listed(entry(x={"image_id": 3, "bbox": 1, "score": None})), "written", 0),
]


def _many(path: Path) -> None:
    """Write 100,000 proposals of one image, the same few again and again."""
    count = 100_000
    box = np.ones((count, 4)) + np.arange(count)[:, None] % 7
    save(path, {"image_id": np.full(count, 5), "bbox": box, "score": np.arange(count) % 10})


def _shifted(path: Path) -> None:
    """Write ends where sizes should be, and sizes where ends should be: xywh for xyxy."""
    save(path, {"image_id": np.arange(100), "bbox": np.tile([50.0, 50, 20, 30], (100, 1))})


MANY = [Entry("G72", "many_of_one_image", _many, "100,000 proposals of 1 image, 100000.00 an image", 0, apart=True)]

FORMATS = [
    Entry(
        "G73",
        "xywh_as_xyxy",
        _shifted,
        "100 of 100 boxes, taken as xyxy, end before they begin",
        arguments=("--box-format", "xyxy"),
    ),
    Entry(
        "G73",
        "xywh_as_xyxy_skipped",
        _shifted,
        "they look like x, y, width, height",
        0,
        ("--box-format", "xyxy", "--on-error", "skip", "--max-skipped", "100"),
    ),
    Entry("G73", "xywh_as_inclusive", _shifted, "try --box-format xywh", arguments=("--box-format", "xyxy-inclusive")),
    Entry("G73", "unknown_format", listed(), "--box-format", 2, ("--box-format", "cxcywh")),
    Entry(
        "G73",
        "corner_columns",
        table(
            x=None, y=None, w=None, h=None, **{name: np.ones(3) + (name[1] == "2") for name in ("x1", "y1", "x2", "y2")}
        ),
        "3 proposals of 3 images",
        0,
        ("--box-format", "xyxy"),
    ),
]

ENTRIES = [*STRUCTURE, *ARRAYS, *SCORES, *BOXES, *MANY, *FORMATS]

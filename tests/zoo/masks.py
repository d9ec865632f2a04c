"""Section D: segmentation, keypoints, crowds. pycocotools dies, hangs or invents pixels on many of these."""

from __future__ import annotations

import math
from typing import Any

import images

from zoo.entry import Entry, annotation, section, without

WIDTH, HEIGHT = images.SIZE
PIXELS = WIDTH * HEIGHT
SQUARE = [12, 12, 40, 12, 40, 30, 12, 30]

POLYGONS: dict[tuple[str, str], Any] = {
    ("D32", "two_numbers"): [[12, 12]],
    ("D32", "four_numbers"): [[12, 12, 40, 30]],
    ("D32", "five_numbers"): [[12, 12, 40, 12, 40]],
    ("D32", "odd_count"): [[*SQUARE, 7]],
    ("D32", "empty_part"): [[]],
    ("D32", "good_then_empty_part"): [SQUARE, []],
    ("D32", "good_then_short_part"): [SQUARE, [1, 2]],
    ("D32", "flat_list"): SQUARE,
    ("D32", "points_as_pairs"): [[[12, 12], [40, 12], [40, 30]]],
    ("D32", "texts"): [["12", "12", "40", "12", "40", "30"]],
    ("D32", "true"): [[True, 12, 40, 12, 40, 30]],
    ("D32", "null_inside"): [[12, 12, 40, 12, None, 30]],
    ("D32", "null_part"): [None],
    ("D33", "nan"): [[math.nan, 12, 40, 12, 40, 30]],
    ("D33", "infinity"): [[12, 12, math.inf, 12, 40, 30]],
    ("D33", "minus_infinity"): [[12, 12, -math.inf, 12, 40, 30]],
    ("D33", "a_thousand_million"): [[12, 12, 1e9, 12, 40, 30]],
    ("D33", "largest_float"): [[12, 12, 1e308, 12, 40, 30]],
    ("D33", "long_integer"): [[12, 12, 10**400, 12, 40, 30]],
    ("D34", "on_a_line"): [[12, 12, 20, 20, 40, 40]],
    ("D34", "one_point"): [[12, 12] * 5],
    ("D34", "there_and_back"): [[12, 12, 40, 12, 12, 12, 40, 12]],
    ("D43", "very_many_vertices"): [[12.5, 12.5] * 300_000],
    ("D43", "crosses_itself_very_often"): [[7919 * n * n % 4001 / 50 for n in range(1200)]],
    ("D43", "outlines_cross_very_often"): [
        *([n / 10, 0, n / 10 + 0.05, 0, n / 10, 60] for n in range(300)),
        *([0, n / 10, 0, n / 10 + 0.05, 60, n / 10] for n in range(300)),
    ],
}


def rle(counts: Any, size: Any = (HEIGHT, WIDTH)) -> dict[str, Any]:
    """Return a run-length code."""
    return {"size": list(size) if isinstance(size, tuple) else size, "counts": counts}


CODES: dict[tuple[str, str], Any] = {
    ("D38", "not_the_alphabet"): rle("~~~~\x7f"),
    ("D38", "not_ascii"): rle("é€😀"),
    ("D38", "spaces"): rle("    "),
    ("D38", "empty"): rle(""),
    ("D38", "ends_within_a_number"): rle("PP"),
    ("D38", "endless_number"): rle("o" * 10_000),
    ("D38", "negative_run"): rle("O"),
    ("D38", "too_short"): rle("1"),
    ("D38", "too_long"): rle("1" * 50_000),
    ("D38", "bytes_as_list"): rle([98, 53]),
    ("D39", "negative"): rle([PIXELS + 5, -5]),
    ("D39", "float"): rle([1.5, PIXELS - 1.5]),
    ("D39", "integral_float"): rle([1.0, PIXELS - 1.0]),
    ("D39", "text"): rle(["1", str(PIXELS - 1)]),
    ("D39", "true"): rle([True, PIXELS - 1]),
    ("D39", "null"): rle([None]),
    ("D39", "none_at_all"): rle([]),
    ("D39", "nested"): rle([[1, PIXELS - 1]]),
    ("D39", "beyond_32_bits"): rle([2**32 + PIXELS]),
    ("D39", "beyond_64_bits"): rle([2**64 + PIXELS]),
    ("D39", "long_integer"): rle([10**400]),
    ("D39", "too_short"): rle([1, 2, 3]),
    ("D39", "too_long"): rle([PIXELS, 1]),
    ("D39", "counts_null"): rle(None),
    ("D39", "counts_object"): rle({}),
    ("D39", "counts_missing"): {"size": [HEIGHT, WIDTH]},
    ("D40", "of_another_image"): rle([200 * 300], (200, 300)),
    ("D40", "width_first"): rle([PIXELS], (WIDTH, HEIGHT)),
    ("D40", "no_height"): rle([0, 5], (0, WIDTH)),
    ("D40", "one_number"): rle([PIXELS], (HEIGHT,)),
    ("D40", "three_numbers"): rle([PIXELS], (HEIGHT, WIDTH, 3)),
    ("D40", "texts"): rle([PIXELS], (str(HEIGHT), str(WIDTH))),
    ("D40", "floats"): rle([PIXELS], (float(HEIGHT), float(WIDTH))),
    ("D40", "huge"): rle([2**62], (2**31, 2**31)),
    ("D40", "nothing"): rle([PIXELS], None),
    ("D40", "missing"): {"counts": [PIXELS]},
    ("D40", "empty_object"): {},
}

NEITHER = {"text": "polygon", "number": 3, "true": True, "false": False, "empty_text": ""}

KEYPOINTS: dict[str, Any] = {
    "four_numbers": [1, 2, 2, 3],
    "texts": ["1", "2", "2"],
    "null_inside": [1, None, 2],
    "nan": [math.nan, 2, 2],
    "huge": [1e300, 2, 2],
    "true": [1, 2, True],
    "triples": [[1, 2, 2]],
    "object": {"x": 1},
    "text": "1,2,2",
}


def _with(**fields: Any) -> Any:
    """Return a writer of the good dataset with one more annotation."""
    return section("annotations", annotation(**fields))


def _bad(row: str, name: str, reason: str, **fields: Any) -> Entry:
    """Return an entry whose mask, or keypoints, are left out while its box is kept."""
    return Entry(row, f"{reason}_{name}", _with(**fields), f"({reason})", skipped=reason, kind="mask")


BAD_MASKS = [
    *(_bad(row, name, "bad_polygon", segmentation=value) for (row, name), value in POLYGONS.items()),
    *(_bad(row, name, "bad_rle", segmentation=value) for (row, name), value in CODES.items()),
    *(_bad("D32", name, "bad_mask", segmentation=value) for name, value in NEITHER.items()),
    *(_bad("D32", name, "bad_keypoints", keypoints=value) for name, value in KEYPOINTS.items()),
]


def _fine(row: str, name: str, **fields: Any) -> Entry:
    """Return an entry that is built without a word."""
    return Entry(row, name, _with(**fields), "skipped      nothing", code=0)


ZIGZAG = [c for x in range(0, 96, 8) for c in (x, 20 + 30 * (x // 8 % 2))]
COMB = [0, 0, 96, 0, 96, 64, 90, 64, 90, 10, 50, 10, 50, 64, 40, 64, 40, 10, 5, 10, 5, 64, 0, 64]

FINE = [
    _fine("D32", "empty_list", segmentation=[]),
    _fine("D32", "null", segmentation=None),
    _fine("D32", "no_keypoints", keypoints=[]),
    _fine("D34", "bow_tie", segmentation=[[12, 12, 40, 30, 40, 12, 12, 30]]),
    _fine("D34", "crosses_itself_often", segmentation=[ZIGZAG]),
    _fine("D34", "repeated_points", segmentation=[[12, 12, 12, 12, 40, 12, 40, 12, 40, 30, 12, 12]]),
    _fine("D34", "spike", segmentation=[[12, 12, 40, 12, 90, 12, 40, 12, 40, 30, 12, 30]]),
    _fine("D35", "overlapping_parts", segmentation=[SQUARE, [20, 20, 60, 20, 60, 60, 20, 60]]),
    _fine("D35", "the_same_part_twice", segmentation=[SQUARE, SQUARE]),
    _fine("D37", "far_from_its_box", segmentation=[[500, 500, 600, 500, 600, 600]]),
    _fine("D39", "uncompressed", segmentation=rle([0, PIXELS])),
    _fine("D39", "nothing_set", segmentation=rle([PIXELS])),
    _fine("D39", "runs_of_no_length", segmentation=rle([0, 0, 0, 0, 5, 0, 0, PIXELS - 5])),
    _fine("D41", "crowd", segmentation=rle([0, PIXELS]), iscrowd=1),
    _fine("D41", "crowd_as_polygon", segmentation=[SQUARE], iscrowd=1),
    Entry("D36", "cut_into_several", _with(segmentation=[COMB], bbox=[0, 0, 96, 64]), "skipped      nothing",
          code=0, arguments=("--chip-size", "64", "--scales", "1x")),
    Entry("D42", "iscrowd_missing", section("annotations", without(annotation(), "iscrowd")), "written", code=0),
]  # fmt: skip

CROWDS = [
    Entry("D42", f"iscrowd_{name}", _with(iscrowd=value), "iscrowd is ")
    for name, value in {
        "two": 2,
        "minus_one": -1,
        "true": True,
        "false": False,
        "text": "0",
        "null": None,
        "float": 1.0,
        "list": [],
    }.items()
]

ENTRIES = [*BAD_MASKS, *FINE, *CROWDS]

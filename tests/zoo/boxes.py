"""Section C: boxes."""

from __future__ import annotations

from typing import Any

from zoo.entry import Entry, annotation, section, spliced, spoilt, without

NOT_BOXES: dict[str, Any] = {
    "null": None,
    "empty": [],
    "three": [1, 2, 3],
    "five": [1, 2, 3, 4, 5],
    "text": "1 2 3 4",
    "texts": ["1", "2", "3", "4"],
    "true": [True, True, True, True],
    "holds_null": [1, 2, 3, None],
    "nested": [[1, 2, 3, 4]],
    "object": {"x": 1},
    "number": 4,
}

UNUSABLE: dict[tuple[str, str], tuple[list[float], str]] = {
    ("C22", "no_width"): ([10, 10, 0, 20], "zero_area"),
    ("C22", "no_height"): ([10, 10, 20, 0], "zero_area"),
    ("C22", "all_zero"): ([0, 0, 0, 0], "zero_area"),
    ("C22", "minus_zero"): ([10, 10, -0.0, 5], "zero_area"),
    ("C22", "thinner_than_rounding"): ([10, 10, 1e-300, 5], "zero_area"),
    ("C23", "negative_width"): ([30, 10, -20, 20], "negative_size"),
    ("C23", "negative_height"): ([10, 30, 20, -20], "negative_size"),
    ("C25", "right_of_the_image"): ([96, 10, 20, 20], "outside"),
    ("C25", "above_the_image"): ([10, -30, 20, 20], "outside"),
    ("C25", "far_away"): ([1e6, 1e6, 5, 5], "outside"),
    ("C31", "huge_corner"): ([1e300, 10, 20, 20], "outside"),
    ("C31", "huge_negative_corner"): ([-1e300, 10, 20, 20], "outside"),
    ("C31", "sum_overflows"): ([1.7e308, 10, 1.7e308, 20], "not_finite"),
}

WRITTEN_BY_HAND = {
    "nan": "[NaN, 1, 2, 3]",
    "infinity": "[1, 1, Infinity, 3]",
    "minus_infinity": "[-Infinity, 1, 2, 3]",
    "overflow": "[1, 1, 1e999, 3]",
    "long_integer": f"[1, {10**400}, 5, 5]",
    "long_negative_integer": f"[1, -{10**400}, 5, 5]",
}


def _by_hand(bbox: str) -> Any:
    """Return a writer of the good dataset with one more annotation whose box is given as JSON text."""
    return spliced("annotations", f'{{"id": 9, "image_id": 1, "category_id": 1, "bbox": {bbox}}}')


def _unusable() -> list[Entry]:
    """Return boxes that cannot be used, each with the reason under which it is skipped."""
    entries = [
        Entry("C21", kind, section("annotations", annotation(bbox=value)), "annotation 9", skipped="bad_bbox")
        for kind, value in NOT_BOXES.items()
    ]
    missing = section("annotations", without(annotation(), "bbox"))
    entries.append(Entry("C21", "missing", missing, "annotation 9", skipped="bad_bbox"))
    for (row, name), (bbox, reason) in UNUSABLE.items():
        write = section("annotations", annotation(bbox=bbox))
        entries.append(Entry(row, name, write, f"({reason})", skipped=reason))
    entries += [
        Entry("C31", name, _by_hand(text), "(not_finite)", skipped="not_finite")
        for name, text in WRITTEN_BY_HAND.items()
    ]
    return entries


def _box(*bbox: float, **fields: Any) -> Any:
    """Return a writer of the good dataset with one more annotation."""
    return section("annotations", annotation(bbox=list(bbox), **fields))


def _many(count: int) -> Any:
    """Return a writer of the good dataset with very many annotations in its first image."""
    more = [annotation(100 + index, bbox=[index % 90, index % 60, 4, 4]) for index in range(count)]
    return spoilt(lambda coco: coco["annotations"].extend(more))


ENTRIES = [
    *_unusable(),
    Entry("C24", "partly_outside", _box(-10, -10, 50, 50), "written", code=0),
    Entry("C24", "larger_than_the_image", _box(-1e6, -1e6, 2e6, 2e6), "written", code=0),
    Entry("C24", "huge_but_finite", _box(-1e300, 0, 2e300, 50), "written", code=0),
    Entry("C26", "sub_pixel", _box(10, 10, 0.01, 0.01), "too_small", code=0),
    Entry("C27", "too_large_for_a_chip", _box(0, 0, 96, 64), "too_large", code=0,
          arguments=("--chip-size", "64")),
    Entry("C28", "on_the_limit_of_a_range", _box(0, 0, 20, 20), "written", code=0,
          arguments=("--valid-ranges", "20-80")),
    Entry("C29", "area_disagrees", _box(10, 10, 20, 20, area=1e9), "written", code=0),
    Entry("C29", "area_is_text", _box(10, 10, 20, 20, area="large"), "written", code=0),
    Entry("C30", "twenty_thousand_in_one_image", _many(20_000), "written", code=0, apart=True),
]  # fmt: skip

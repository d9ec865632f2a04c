"""Section B: images, categories and what refers to them."""

from __future__ import annotations

from typing import Any

import images

from zoo.entry import BAD, Coco, Entry, annotation, good, section, spliced, spoilt, without

BIGGEST, SMALLEST = 2**63 - 1, -(2**63)

IMAGE: Coco = {"id": BAD, "file_name": "good1.png", "width": images.SIZE[0], "height": images.SIZE[1]}
CATEGORY: Coco = {"id": BAD, "name": "third"}

IDS = {
    ("images", "id"): IMAGE,
    ("annotations", "id"): annotation(),
    ("annotations", "image_id"): annotation(),
    ("annotations", "category_id"): annotation(),
    ("categories", "id"): CATEGORY,
}
NOT_IDS: dict[str, tuple[Any, str]] = {
    "text": ("1", "use the same form everywhere"),
    "integral_float": (1.0, "write 1"),
    "float": (1.5, "ids are integers"),
    "true": (True, "is true"),
    "null": (None, "is null"),
    "list": ([1], "is a list"),
    "object": ({}, "is an object"),
    "too_big": (BIGGEST + 1, "64 bits"),
    "too_small": (SMALLEST - 1, "64 bits"),
}


def _wrong_ids() -> list[Entry]:
    """Return every kind of wrong id in every place where there is one."""
    entries = []
    for (name, key), sound in IDS.items():
        for kind, (value, says) in NOT_IDS.items():
            row = "B14" if kind.startswith("too_") else "B13"
            write = section(name, {**sound, key: value})
            entries.append(Entry(row, f"{name}_{key}_{kind}", write, says))
        write = section(name, without(sound, key))
        entries.append(Entry("B13", f"{name}_{key}_missing", write, f"{key} is missing"))
    return entries


def _renumber(identifiers: tuple[int, int]) -> Any:
    """Return a writer of the good dataset with other image and annotation ids."""

    def change(coco: Coco) -> None:
        for index, identifier in enumerate(identifiers):
            coco["images"][index]["id"] = identifier
            coco["annotations"][index].update(id=identifier, image_id=identifier)

    return spoilt(change)


def _categories(*pairs: tuple[int, str]) -> Any:
    """Return a writer of the good dataset with another category table; objects are of its first class."""

    def change(coco: Coco) -> None:
        coco["categories"] = [{"id": identifier, "name": name} for identifier, name in pairs]
        for entry in coco["annotations"]:
            entry["category_id"] = pairs[0][0]

    return spoilt(change)


def _all_texts(coco: Coco) -> None:
    """Write every image id as text but leave `image_id` a number: pycocotools would match nothing."""
    for entry in coco["images"]:
        entry["id"] = str(entry["id"])


SIZES: dict[str, Any] = {
    "zero": 0,
    "negative": -96,
    "float": 96.5,
    "text": "96",
    "true": True,
    "null": None,
    "list": [96],
    "too_big": 10_000_001,
    "beyond_64_bits": 10**30,
}


def _wrong_fields() -> list[Entry]:
    """Return wrong sizes, file names and category names."""
    entries = [
        Entry("B19", f"{key}_{kind}", section("images", {**IMAGE, key: value}), f"{key} is ")
        for key in ("width", "height")
        for kind, value in SIZES.items()
    ]
    fields = {"width": ("images", IMAGE), "height": ("images", IMAGE), "file_name": ("images", IMAGE)}
    for key, (name, sound) in {**fields, "name": ("categories", CATEGORY)}.items():
        entries.append(Entry("B19", f"{key}_missing", section(name, without(sound, key)), f"{key} is missing"))
    for key, (name, sound) in {"file_name": ("images", IMAGE), "name": ("categories", CATEGORY)}.items():
        for value in (None, 3, ["a"]):
            kind = type(value).__name__
            entries.append(Entry("B19", f"{key}_{kind}", section(name, {**sound, key: value}), f"{key} is "))
    return entries


def _several(coco: Coco) -> None:
    """Spoil three entries: each must be named."""
    coco["images"][0]["id"] = "1"
    coco["annotations"][1]["iscrowd"] = 7
    coco["categories"][1]["name"] = None


def _many(coco: Coco) -> None:
    """Spoil more entries than are shown."""
    coco["annotations"] += [annotation(100 + index, iscrowd=5) for index in range(30)]


DUPLICATES = [
    Entry("B11", "image_id_twice", section("images", {**IMAGE, "id": 1}), "images: id 1 stands more than once"),
    Entry("B11", "many_ids_twice", spoilt(lambda coco: coco["images"].extend(good()["images"])), "id 1, 2 stands"),
    Entry("B12", "annotation_id_twice", section("annotations", annotation(1)), "annotations: id 1 stands"),
    Entry("B17", "category_id_twice", section("categories", {**CATEGORY, "id": 5}), "categories: id 5 stands"),
    Entry("B13", "text_ids_in_one_section", spoilt(_all_texts), "images[0]"),
    Entry("B13", "all_problems_are_listed", spoilt(_several), "categories[1]"),
    Entry("B13", "only_the_first_problems_are_shown", spoilt(_many), "and 10 more"),
]

UNKNOWN = [
    Entry("B15", "unknown_image", section("annotations", annotation(image_id=77)), "unknown_image",
          skipped="unknown_image"),
    Entry("B15", "unknown_image_at_the_end_of_int64", section("annotations", annotation(image_id=BIGGEST)),
          "unknown_image", skipped="unknown_image"),
    Entry("B16", "unknown_category", section("annotations", annotation(category_id=2)), "unknown_category",
          skipped="unknown_category"),
]  # fmt: skip

FINE = [
    Entry("B14", "negative_ids", _renumber((-5, -6)), "written      2 chips", code=0),
    Entry("B14", "ids_at_the_ends_of_int64", _renumber((SMALLEST, BIGGEST)), "written      2 chips", code=0),
    Entry("B14", "id_zero", _renumber((0, 1)), "written      2 chips", code=0),
    Entry("B17", "category_zero_gaps_unordered", _categories((7, "c"), (0, "a"), (90, "b")), "written", code=0),
    Entry("B17", "negative_category", _categories((-1, "c"), (BIGGEST, "a")), "written", code=0),
    Entry("B17", "two_of_a_name", _categories((1, "a"), (2, "a")), "share a name", code=0),
    Entry("B17", "two_of_a_name_and_one_like_ours", _categories((1, "a"), (2, "a"), (3, "a (2)")), "share a name",
          code=0),
    Entry("B17", "empty_name", _categories((1, "")), "written", code=0),
    Entry("B17", "control_characters_in_name", _categories((1, "a\nb\x1b[31m")), "written", code=0),
    Entry("B17", "lone_surrogate_in_name", spliced("categories", '{"id": 9, "name": "\\ud800"}'), "surrogate"),
    Entry("B18", "file_of_two_images", section("images", IMAGE), "of a file that another image id names too", code=0),
    Entry("B19", "integral_float_size", section("images", {**IMAGE, "width": 96.0, "height": 64.0}), "written",
          code=0),
    Entry("B20", "image_without_annotations", section("images", {**IMAGE, "file_name": "good2.png"}), "written",
          code=0),
]  # fmt: skip

ENTRIES = [*_wrong_ids(), *_wrong_fields(), *DUPLICATES, *UNKNOWN, *FINE]

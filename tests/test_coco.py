"""Reading COCO: what is understood, forgiven, refused; where images are looked for."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from run_cli import chipgen_here as run
from small_set import SCALES, write_small_set

import chipgen
from chipgen.coco.find import find_root
from chipgen.dataset import INVALID
from chipgen.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


def small() -> Coco:
    coco = Coco()
    image = coco.image(100, 80)
    coco.box(image, [10, 10, 20, 20])
    return coco


def reasons(coco: Coco) -> list[str]:
    return [INVALID[code] for code in coco.read().annotations.invalid]


@pytest.mark.row("C21", "C22", "C23", "C25", "C31")
@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        ([10, 10, 20, 20], ""),
        ([-5, -5, 10, 10], ""),
        ([0, 0, 1e-3, 1e-3], ""),
        ([10, 10, 0, 20], "zero_area"),
        ([10, 10, 1e-12, 20], "zero_area"),
        ([10, 10, -5, 20], "negative_size"),
        ([100, 10, 5, 5], "outside"),
        ([-5, 10, 5, 5], "outside"),
        ([1e300, 0, 5, 5], "outside"),
        ([math.nan, 0, 5, 5], "not_finite"),
        ([0, 0, math.inf, 5], "not_finite"),
        ([1e308, 0, 1e308, 5], "not_finite"),
        ([0, 0, 5], "bad_bbox"),
        ([0, 0, 5, "5"], "bad_bbox"),
        ([0, 0, 5, True], "bad_bbox"),
        (None, "bad_bbox"),
        ("box", "bad_bbox"),
    ],
)
def test_boxes_that_cannot_be_used_are_told_apart(bbox: Any, reason: str) -> None:
    coco = small()
    coco.box(1, bbox)
    assert reasons(coco) == ["", reason]
    if reason:
        with pytest.raises(DataError, match=rf"annotation 2 of image 1: .*\({reason}\)"):
            coco.read("fail")


@pytest.mark.row("C24")
def test_boxes_are_clipped_to_their_image() -> None:
    coco = small()
    coco.box(1, [-5.5, 70, 50, 50])
    dataset = coco.read()
    assert dataset.annotations.xyxy_img[1].tolist() == [0, 70, 44.5, 80]
    assert any("1 box reached over the edge" in note for note in dataset.notes)


@pytest.mark.row("B15", "B16")
def test_annotations_of_unknown_images_and_categories_stay_in_the_ledger() -> None:
    coco = small()
    coco.box(99, [1, 1, 5, 5])
    coco.box(1, [1, 1, 5, 5], category_id=1234)
    assert sorted(reasons(coco)) == ["", "unknown_category", "unknown_image"]
    assert chipgen.plan(coco.read(), "1x").ledger().counts()["invalid"] == 2


@pytest.mark.row("B14", "B17")
def test_tables_are_sorted_and_categories_keep_their_order() -> None:
    coco = Coco()
    for identifier in (5, -3, 2**62):
        coco.image(10, 10, identifier)
    coco.box(5, [0, 0, 5, 5], id=9)
    coco.box(-3, [0, 0, 5, 5], id=7)
    coco.box(5, [0, 0, 5, 5], id=8)
    dataset = coco.read()
    assert dataset.images.id.tolist() == [-3, 5, 2**62]
    assert dataset.annotations.id.tolist() == [7, 8, 9]
    assert dataset.spans.tolist() == [[0, 1], [1, 3], [3, 3]]
    assert dataset.categories.id.tolist() == [7, 1]


@pytest.mark.row("B13", "B14", "B19", "D42")
@pytest.mark.parametrize(
    ("section", "entry", "says"),
    [
        ("images", {"id": 1.0}, "id is 1.0: write 1"),
        ("images", {"id": True}, "id is true"),
        ("images", {"id": None}, "id is null"),
        ("images", {"id": "1"}, "id is the text '1'"),
        ("images", {"id": 2**63}, "id does not fit into 64 bits"),
        ("images", {"width": 0}, "width is 0"),
        ("images", {"height": 10.5}, "height is 10.5"),
        ("images", {"file_name": None}, "file_name is null"),
        ("annotations", {"iscrowd": 2}, "iscrowd is 2"),
        ("annotations", {"iscrowd": None}, "iscrowd is null: write 0 or 1"),
        ("annotations", {"image_id": "1"}, "image_id is the text '1'"),
        ("annotations", {"category_id": 1.5}, "category_id is 1.5"),
        ("categories", {"name": 7}, "name is 7"),
    ],
)
@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_wrong_structure_is_always_refused_by_name(
    section: str, entry: dict[str, Any], says: str, on_error: str
) -> None:
    coco = small()
    getattr(coco, section)[0].update(entry)
    with pytest.raises(DataError) as refused:
        coco.read(on_error)
    assert f"instances.json: {section}[0]" in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.row("A3", "B19")
def test_harmless_oddities_are_forgiven(tmp_path: Path) -> None:
    coco = small()
    coco.images[0].update(width=100.0)
    coco.annotations[0].update(ignore=None, difficult=False)
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + coco.text().encode())
    dataset = chipgen.read_coco(path)
    assert dataset.images.size_img.tolist() == [[100, 80]]
    assert dataset.annotations.ignored_by.tolist() == [0]
    assert any("byte-order mark" in note for note in dataset.notes)


@pytest.mark.row("A6")
def test_nan_anywhere_else_does_not_hide_good_data() -> None:
    coco = small()
    coco.box(1, [5, 5, 5, 5], score=math.nan, segmentation=[[1, 2, math.nan, 4, 5, 6]])
    assert reasons(coco) == ["", ""]


def test_all_problems_are_collected_and_the_first_shown() -> None:
    coco = small()
    for _ in range(30):
        coco.box(1, [5, 5, 0, 5])
    with pytest.raises(DataError) as refused:
        coco.read("fail")
    assert len(refused.value.problems) == 30
    lines = str(refused.value).splitlines()
    assert len(lines) == 21
    assert "and 10 more" in lines[-1]


def test_raw_entries_are_kept_for_later() -> None:
    coco = small()
    coco.annotations[0]["attributes"] = {"a": [1]}
    raw = coco.read().annotations.raw[0]
    assert json.loads(raw)["attributes"] == {"a": [1]}


@pytest.mark.parametrize(
    ("json_path", "folder"),
    [
        ("set/a.json", "set"),
        ("set/a.json", "set/images"),
        ("set/annotations/instances_train2017.json", "set/train2017"),
        ("set/annotations/instances_train2017.json", "set/images/train2017"),
        ("set/instances_val.json", "set/val"),
        ("set/person_keypoints_val2017.json", "set/images/val2017"),
        ("set/annotations/train.json", "set/images"),
        ("set/annotations/train.json", "set"),
    ],
)
def test_images_are_found_where_people_keep_them(tmp_path: Path, json_path: str, folder: str) -> None:
    (tmp_path / folder / "sub").mkdir(parents=True)
    (tmp_path / json_path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / folder / "sub" / "b.jpg").write_bytes(b"")
    root, _ = find_root(tmp_path / json_path, None, ["a.jpg", "sub/b.jpg"])
    assert root == str(tmp_path / folder)


def test_the_folder_that_holds_most_is_taken(tmp_path: Path) -> None:
    for name in ("a.jpg", "images/a.jpg", "images/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert find_root(tmp_path / "x.json", None, ["a.jpg", "b.jpg"])[0] == str(tmp_path / "images")


def test_images_not_found_names_where_it_looked(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")
    (tmp_path / "set" / "images").rename(tmp_path / "elsewhere")
    refused = run("build", "--coco", str(path), *SCALES, "--out", str(tmp_path / "out")).expect(1)
    assert refused.err.count("\n") == 1
    for folder in ("set,", "set/images,", "set/instances,"):
        assert str(tmp_path / folder) in refused.err
    images = ("--images", str(tmp_path / "elsewhere"))
    run("build", "--coco", str(path), *SCALES, "--out", str(tmp_path / "out"), *images).expect(0)


def test_one_image_among_many_is_enough_to_find_the_folder(tmp_path: Path) -> None:
    coco = Coco()
    for identifier in range(200):
        coco.image(30, 30, identifier)
        coco.box(identifier, [1, 1, 9, 9])
    path = write_small_set(tmp_path / "set", coco)
    for file in (tmp_path / "set" / "images").iterdir():
        if file.name != "199.png":
            file.unlink()
    arguments = ("build", "--coco", str(path), "--scales", "1x", "--on-error", "skip", "--out", str(tmp_path / "out"))
    run(*arguments).expect(3)
    assert len((tmp_path / "out" / "_skipped.jsonl").read_text("utf-8").splitlines()) == 199


def test_limit_takes_the_first_images_by_id() -> None:
    coco = Coco()
    for identifier in (4, 2, 9):
        coco.image(50, 50, identifier)
        coco.box(identifier, [0, 0, 5, 5])
    coco.box(9, [0, 0, 0, 5])
    first = coco.read().first(2)
    assert first.images.id.tolist() == [2, 4]
    assert first.annotations.image_id.tolist() == [2, 4]
    assert first.skipped == ()
    assert np.array_equal(first.annotations.image, [0, 1])

"""Odd datasets in YOLO and WebDataset builds: what readers get back is what there was."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from datasets import load_dataset
from datasets_made import Coco
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_set import CATEGORIES
from tampering import build

import chipgen
from chipgen.writers.dump import dump_yaml, load_yaml

if TYPE_CHECKING:
    from pathlib import Path

FORMS = ("yolo", "webdataset")
NAMES = [
    *("voiture à l'arrêt 🚗", "q\"'u: # {x}", "a\nb\tc\u2028d\x85", "", " ", "x" * 3000, "\x7f\x01", "C:\\new"),
    *("\\ud83d\\ude97", "yes", "null", "1", "- a", "dup", "dup", "dup (14)"),
]
LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]


def read_yaml(text: str) -> list[Any]:
    """Return what is read in Python and, where it is there, in C."""
    return [loader(text).get_single_data() for loader in LOADERS]


def lines_of(out: Path) -> list[list[str]]:
    """Return the words of each line of all labels."""
    return [line.split() for path in (out / "labels").iterdir() for line in path.read_text().splitlines()]


def one_of_each(names: list[str]) -> Coco:
    """Return a dataset with an object of each class."""
    coco = Coco(categories=[{"id": number, "name": name} for number, name in enumerate(names)])
    coco.image(300, 300, 1)
    for number in range(len(names)):
        coco.box(1, [10 + number, 10, 40, 40], category_id=number)
    return coco


def told(out: Path) -> list[dict[str, Any]]:
    """Return what a WebDataset build tells of its chips."""
    found = []
    for shard in sorted((out / "data").iterdir()):
        with tarfile.open(shard) as tar:
            found += [json.load(tar.extractfile(one)) for one in tar if one.name.endswith(".json")]  # type: ignore[arg-type]
    return found


@given(st.text() | st.lists(st.text()) | st.dictionaries(st.text(), st.text()))
def test_any_text_comes_back_from_yaml_as_it_was(value: Any) -> None:
    written = dump_yaml(value)
    assert written.isascii()
    assert load_yaml(written) == value
    assert read_yaml(written) == [value] * 2


def test_any_name_of_a_class_comes_back_as_it_was(tmp_path: Path) -> None:
    wanted = [*NAMES[:-3], "dup (13)", "dup (14) (14)", "dup (14)"]  # names are unique to trainers
    yolo = build(tmp_path, "yolo", one_of_each(NAMES))
    for data in read_yaml((yolo / "data.yaml").read_text()):
        assert data["names"] == dict(enumerate(wanted))
        assert (data["nc"], data["train"]) == (len(wanted), "images")
    shards = build(tmp_path, "webdataset")
    assert [entry["name"] for entry in json.loads((shards / "_categories.json").read_bytes())] == NAMES
    features = load_dataset(str(shards), cache_dir=str(tmp_path / "cache"))["train"].features
    assert features["json"]["objects"]["category"].feature.names == wanted
    assert [chipgen.verify(out).faults for out in (yolo, shards)] == [(), ()]


@pytest.mark.parametrize("form", FORMS)
def test_ids_at_the_ends_of_what_there_is(form: str, tmp_path: Path) -> None:
    coco, ids = Coco(categories=CATEGORIES), [-(2**63), -5, 0, 2**63 - 1]
    for identifier in ids:
        coco.image(300, 300, identifier)
        coco.box(identifier, [10, 10, 40, 40])
    out = build(tmp_path, form, coco)
    assert chipgen.verify(out).faults == ()
    if form == "yolo":
        names = sorted(path.stem for path in (out / "images").iterdir())
        assert names == sorted(path.stem for path in (out / "labels").iterdir())
        assert [int(name[9:-2]) for name in names] == [identifier for identifier in ids for _ in range(2)]
    else:
        assert [one["source"]["image_id"] for one in told(out)] == [identifier for identifier in ids for _ in range(2)]
        rows = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
        assert {row["json"]["source"]["image_id"] for row in rows} == set(ids)


@pytest.mark.parametrize("form", FORMS)
def test_very_many_classes(form: str, tmp_path: Path) -> None:
    coco = one_of_each([])
    coco.categories = [{"id": number, "name": f"class {number}"} for number in range(5000)]
    coco.box(1, [10, 10, 40, 40], category_id=4999)
    out = build(tmp_path, form, coco)
    assert chipgen.verify(out).faults == ()
    if form == "yolo":
        assert len(read_yaml((out / "data.yaml").read_text())[1]["names"]) == 5000
        assert {line[0] for line in lines_of(out)} == {"4999"}
    else:
        assert {number for one in told(out) for number in one["objects"]["category"]} == {4999}


@pytest.mark.parametrize("form", FORMS)
def test_no_classes_and_no_objects(form: str, tmp_path: Path) -> None:
    coco = Coco(categories=[])
    coco.image(300, 300, 1)
    out = build(tmp_path, form, coco, negatives="random")
    assert chipgen.verify(out).faults == ()
    if form == "yolo":
        data = yaml.safe_load((out / "data.yaml").read_bytes())
        assert data == {"train": "images", "nc": 0, "names": {}}
        assert {path.read_bytes() for path in (out / "labels").iterdir()} == {b""}
        assert any((out / "images").iterdir())
    else:
        assert json.loads((out / "_categories.json").read_bytes()) == []
        assert all(one["kind"] == "negative" and not one["objects"]["id"] for one in told(out))
        assert len(load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]) == len(told(out))


@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_shares_are_of_the_chip_as_it_is_written(image_format: str, tmp_path: Path) -> None:
    """Without padding, chips of small pictures are no squares."""
    coco = Coco(categories=CATEGORIES)
    for identifier, (width, height) in {1: (100, 300), 2: (31, 17), 3: (1, 400)}.items():
        coco.image(width, height, identifier)
        coco.box(identifier, [0, 0, width, min(height, 40)])
    out = build(tmp_path, "yolo", coco, pad=False, image_format=image_format)
    shapes = set()
    for path in sorted((out / "images").iterdir()):
        with Image.open(path) as picture:
            size = picture.size
        shapes.add(size[0] == size[1])
        for line in (out / "labels" / f"{path.stem}.txt").read_text().splitlines():
            x, y, width, height = np.array(line.split()[1:], dtype=float) * np.tile(size, 2)
            assert (x - width / 2, width) == pytest.approx((0, size[0]), abs=0.01)
            assert y - height / 2 == pytest.approx(0, abs=0.01)
    assert False in shapes
    assert chipgen.verify(out).faults == ()


@pytest.mark.parametrize("form", FORMS)
def test_objects_of_every_kind_of_mask_and_of_none(form: str, tmp_path: Path) -> None:
    """Parts, a hole, runs of no crowd, a mask of which a chip shows nothing though it shows the box, and no mask."""
    coco = Coco(categories=CATEGORIES)
    coco.image(400, 400, 1)
    hole = np.zeros((400, 400), dtype=np.int64)
    hole[100:160, 100:160] = 1
    hole[120:140, 120:140] = 0
    edges = np.flatnonzero(np.diff(hole.ravel(order="F"), prepend=0, append=0))
    counts = np.diff(np.concatenate(([0], edges, [hole.size]))).tolist()
    coco.box(1, [100, 100, 60, 60], segmentation={"size": [400, 400], "counts": counts})
    coco.box(1, [10, 10, 60, 60], segmentation=[[10, 10, 30, 10, 30, 30], [50, 50, 70, 50, 70, 70]])
    coco.box(1, [200, 200, 90, 40], segmentation=[[286, 200, 290, 200, 290, 204]])
    coco.box(1, [300, 20, 50, 50])
    out = build(tmp_path, form, coco, stride=16)
    assert chipgen.verify(out).faults == ()
    if form == "yolo":
        lines = lines_of(out)
        assert len(lines) >= 8
        assert all(len(line) >= 7 and len(line) % 2 == 1 for line in lines)
    else:
        masks = [mask for one in told(out) for mask in one["objects"]["segmentation"]]
        assert {type(json.loads(mask)).__name__ if mask else "none" for mask in masks} == {"dict", "list", "none"}

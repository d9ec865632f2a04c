"""YOLO builds: every line is the box or outline of an object to learn, at its place, under its class."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from datasets_made import Coco
from PIL import Image
from run_cli import chipgen_here as chipgen
from small_set import SCALES, small_coco, write_small_set
from zoo.running import run_here

from chipgen.errors import UsageError
from chipgen.export_config import ExportConfig

if TYPE_CHECKING:
    from pathlib import Path


Labels = list[tuple[int, list[float]]]


def build(coco: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    """Build and return the rows of the plan."""
    outcome = run_here(["build", "--coco", str(coco), *SCALES, "--workers", "1", "--out", str(out), *more])
    assert outcome.code == 0, outcome
    rows: list[dict[str, Any]] = pq.read_table(out / "_plan.parquet").to_pylist()
    return rows


def labels_of(out: Path, row: dict[str, Any]) -> Labels:
    """Return class and numbers of each line of a chip's labels."""
    (path,) = (out / "labels").glob(f"{row['image_id']:08d}-*.txt")
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    return [(int(word), [float(number) for number in rest]) for word, *rest in lines]


def objects_of(row: dict[str, Any], *, ignored: bool = False) -> list[dict[str, Any]]:
    """Return the boxes of a chip that are to be learnt."""
    columns = row["objects"]
    boxes = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [box for box in boxes if box["valid"] or ignored]


def without_masks() -> Coco:
    """Return the small dataset, its objects without masks; crowds keep theirs."""
    coco = small_coco()
    for annotation in coco.annotations:
        if not annotation.get("iscrowd"):
            annotation.pop("segmentation", None)
    return coco


def test_lines_are_boxes_where_no_object_has_a_mask(tmp_path: Path) -> None:
    rows = build(write_small_set(tmp_path / "set", without_masks()), tmp_path / "out", "--format", "yolo")
    seen = 0
    for row in rows:
        labels, objects = labels_of(tmp_path / "out", row), objects_of(row)
        assert [category for category, _ in labels] == [box["category"] for box in objects]
        for (_, (cx, cy, width, height)), box in zip(labels, objects, strict=True):
            found = np.array([cx - width / 2, cy - height / 2, width, height]) * 256
            assert found == pytest.approx(box["bbox"], abs=0.002)
            seen += 1
    assert seen > 8


def test_lines_are_outlines_where_some_object_has_a_mask(tmp_path: Path) -> None:
    rows = build(write_small_set(tmp_path / "set"), tmp_path / "out", "--format", "yolo", "--chips-per-shard", "2")
    by_id = {one["id"]: one for one in polygons_of(tmp_path / "set" / "instances.json", tmp_path / "coco")}
    kinds = set()
    for row in rows:
        for (category, numbers), box in zip(labels_of(tmp_path / "out", row), objects_of(row), strict=True):
            assert category == box["category"]
            assert len(numbers) >= 6
            points = np.array(numbers).reshape(-1, 2) * 256
            mask = by_id[box["id"]]["segmentation"]
            x, y, width, height = box["bbox"]
            if not mask:
                kinds.add("box")
                corners = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]]
                assert points == pytest.approx(np.array(corners), abs=0.002)
            elif isinstance(mask, list):
                kinds.add("parts" if len(mask) > 1 else "polygon")
                wanted = {(round(a, 2), round(b, 2)) for flat in mask for a, b in np.reshape(flat, (-1, 2)).tolist()}
                assert {tuple(np.round(point, 2)) for point in points.tolist()} == wanted
            else:
                kinds.add("runs")
                assert (points.min(axis=0) >= [x - 1, y - 1]).all()
                assert (points.max(axis=0) <= [x + width + 1, y + height + 1]).all()
    assert kinds == {"box", "polygon", "parts", "runs"}


def test_ignored_boxes_are_painted_over_and_that_is_said(small_set: Path, tmp_path: Path) -> None:
    done = chipgen("build", "--coco", str(small_set), *SCALES, "--format", "yolo", "--out", str(tmp_path / "yolo"))
    assert "ignored boxes painted over in the pictures: labels of YOLO know no ignored boxes" in done.expect(0).out
    build(small_set, tmp_path / "paint", "--format", "coco", "--ignored", "paint")
    shown = {path.name: path.read_bytes() for path in (tmp_path / "yolo" / "images").iterdir()}
    assert shown == {path.name: path.read_bytes() for path in (tmp_path / "paint").glob("shards/*/images/*")}


@pytest.mark.parametrize(("form", "said"), [("drop", "left out, so that"), ("keep", "written as boxes to learn")])
def test_ignored_boxes_may_be_dropped_or_kept(small_set: Path, tmp_path: Path, form: str, said: str) -> None:
    rows = build(small_set, tmp_path / "out", "--format", "yolo", "--ignored", form)
    for row in rows:
        assert len(labels_of(tmp_path / "out", row)) == len(objects_of(row, ignored=form == "keep"))
    again = chipgen("build", "--coco", str(small_set), *SCALES, "--format", "yolo", "--ignored", form, "--json",
                    "--out", str(tmp_path / "again"))  # fmt: skip
    assert any(said in note for note in json.loads(again.expect(0).out)["build"]["notes"])


def test_crowds_cannot_be_said(small_set: Path, tmp_path: Path) -> None:
    done = chipgen("build", "--coco", str(small_set), *SCALES, "--format", "yolo", "--ignored", "crowd",
                   "--out", str(tmp_path / "out"))  # fmt: skip
    assert done.expect(2).err.startswith("--ignored: crowd: labels of YOLO know no ignored boxes: use paint")
    assert not (tmp_path / "out").exists()


def test_default_of_ignored_boxes_goes_by_format() -> None:
    assert [ExportConfig(form).ignored for form in ("parquet", "coco", "webdataset", "yolo")] == [
        *["crowd"] * 3,
        "paint",
    ]
    with pytest.raises(UsageError, match="is a layout of COCO files"):
        ExportConfig("yolo", layout="roboflow")


def test_zero_has_no_sign(tmp_path: Path) -> None:
    coco = Coco()
    coco.image(300, 200, 1)
    coco.box(1, [0, 10, 40, 40], segmentation=[[-0.001, 10, 40, 10, 40, 50, -0.0, 50]])
    path = write_small_set(tmp_path / "set", coco)
    assert "-0.0" in json.dumps(polygons_of(path, tmp_path / "coco"))  # as a cut leaves it
    rows = build(path, tmp_path / "out", "--format", "yolo")
    assert all(labels_of(tmp_path / "out", row) for row in rows)
    assert not any("-" in label.read_text() for label in (tmp_path / "out" / "labels").iterdir())
    chipgen("verify", str(tmp_path / "out")).expect(0)


def polygons_of(coco: Path, out: Path) -> list[dict[str, Any]]:
    """Return the annotations of a COCO build."""
    build(coco, out, "--format", "coco")
    annotations: list[dict[str, Any]] = json.loads((out / "annotations.json").read_bytes())["annotations"]
    return annotations


def test_names_and_places_for_the_trainer(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", "--format", "yolo", "--split", "validation")
    data = yaml.safe_load((tmp_path / "out" / "data.yaml").read_text(encoding="utf-8"))
    assert data == {"val": "images", "nc": 3, "names": {0: "car", 1: "person", 2: "boat"}}
    assert "# There is no split to validate on" not in (tmp_path / "out" / "data.yaml").read_text(encoding="utf-8")


def test_every_picture_has_labels_and_stands_in_the_list_of_its_shard(small_set: Path, tmp_path: Path) -> None:
    rows = build(small_set, tmp_path / "out", "--format", "yolo", "--image-format", "png", "--negatives", "random")
    shards = sorted((tmp_path / "out" / "shards").iterdir())
    assert len(shards) > 1
    names = [line for shard in shards for line in shard.read_text().splitlines()]
    pictures = sorted((tmp_path / "out" / "images").iterdir())
    assert names == [f"images/{picture.name}" for picture in pictures]
    assert [picture.stem for picture in pictures] == sorted(p.stem for p in (tmp_path / "out" / "labels").iterdir())
    assert len(pictures) == len(rows)
    assert any(row["kind"] == "negative" and not labels_of(tmp_path / "out", row) for row in rows)
    for picture in pictures:
        with Image.open(picture) as image:
            assert (image.format, image.size) == ("PNG", (256, 256))


def test_epochs_list_pictures(small_set: Path, tmp_path: Path) -> None:
    build(small_set, tmp_path / "out", "--format", "yolo", "--negatives", "random", "--negatives-per-image", "all")
    chipgen("epochs", str(tmp_path / "out"), "--epochs", "2", "--negatives-per-image", "1").expect(0)
    for epoch in range(2):
        ids = pq.read_table(tmp_path / "out" / "epochs" / f"epoch-{epoch}.parquet")["image_id"].to_pylist()
        lines = (tmp_path / "out" / "epochs" / f"epoch-{epoch}.txt").read_text().splitlines()
        assert [int(line.removeprefix("images/")[:8]) for line in lines] == ids
        assert all((tmp_path / "out" / line).is_file() for line in lines)
    chipgen("verify", str(tmp_path / "out")).expect(0)

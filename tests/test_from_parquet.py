"""Annotations in a Parquet file: the same dataset as the same content in JSON, and refused in the same words."""

from __future__ import annotations

import json
import runpy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets_made import Coco
from fault_scenes import tree
from partitions_made import build, expect
from small_set import small_coco, write_small_set

import chipgen
import chipgen.coco
from chipgen.coco.fields import image_field
from chipgen.coco.from_parquet import is_parquet
from chipgen.coco.stored import StoredText
from chipgen.errors import DataError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).parents[1] / "examples" / "coco_to_parquet.py"
CLASSES = json.dumps([{"id": 7, "name": "car"}, {"id": 1, "name": "boat"}])

Row = dict[str, Any]


def converted(coco: Path, folder: Path, images: int = 100) -> list[Path]:
    """Convert a COCO file with the example and return what it wrote."""
    convert = runpy.run_path(str(SCRIPT))["convert"]
    return [*convert(coco, folder, images)]


def write(path: Path, rows: list[Row], categories: str | None = CLASSES, **options: Any) -> Path:
    """Write rows as they are."""
    metadata = {} if categories is None else {"chipgen.categories": categories}
    pq.write_table(pa.Table.from_pylist(rows).replace_schema_metadata(metadata), path, **options)
    return path


def image(number: int, *annotations: Row) -> Row:
    """Return the row of an image."""
    return {
        "image_id": number,
        "file_name": f"{number}.png",
        "width": 100,
        "height": 80,
        "annotations": [*annotations],
    }


def box(number: int, bbox: Any = (10.0, 10.0, 20.0, 20.0), **fields: Any) -> Row:
    """Return an annotation."""
    return {"id": number, "category_id": 7, "bbox": None if bbox is None else [*bbox], **fields}


def as_json(path: Path, rows: list[Row]) -> Path:
    """Write the same rows as COCO."""
    coco = Coco()
    for row in rows:
        coco.image(100, 80, row["image_id"])
        for one in row["annotations"]:
            coco.annotations.append({"image_id": row["image_id"], **one})
    path.write_text(coco.text(), encoding="utf-8")
    return path


def columns(dataset: chipgen.Dataset) -> dict[str, Any]:
    """Return what there is of a dataset besides its source and its texts."""
    annotations = {k: v.tolist() for k, v in vars(dataset.annotations).items() if isinstance(v, np.ndarray)}
    skipped = [vars(one) for one in dataset.skipped]
    images = (dataset.images.id.tolist(), dataset.images.file_name, dataset.images.size_img.tolist())
    table = (dataset.categories.id.tolist(), dataset.categories.name, dataset.categories.raw)
    return {**annotations, "skipped": skipped, "images": images, "categories": table, "notes": dataset.notes}


@pytest.mark.parametrize("form", ["parquet", "coco"])
def test_the_same_content_becomes_the_same_build(form: str, tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")
    (table,) = converted(path, tmp_path / "set" / "tables")
    more = ("--format", form, "--images", str(tmp_path / "set" / "images"))
    expect(build(path, tmp_path / "one", *more), 0)
    expect(build(table, tmp_path / "two", *more), 0)
    trees = [tree(tmp_path / name) for name in ("one", "two")]
    manifests = [json.loads(files.pop("_manifest.json")) for files in trees]
    assert trees[0] == trees[1]
    assert manifests[0].pop("inputs") != manifests[1].pop("inputs")
    assert manifests[0] == manifests[1]
    expect(build(table, tmp_path / "two", *more), 0, "nothing to do")


def test_a_folder_of_tables_is_a_dataset_in_parts(tmp_path: Path) -> None:
    path = write_small_set(tmp_path / "set")
    tables = converted(path, tmp_path / "set" / "tables", 3)
    (tmp_path / "set" / "tables" / "notes.txt").write_text("no table", encoding="ascii")
    assert [table.name for table in tables] == ["instances-00000.parquet", "instances-00001.parquet"]
    expect(build(path.parent / "tables/*.parquet", tmp_path / "one", "--images", f"{path.parent}/images"), 0)
    chipgen.export_partitions(
        tmp_path / "set" / "tables",
        tmp_path / "two",
        "1x,2x,256",
        valid_ranges="20-120,0-60,60-",
        chip_size=256,
        chips_per_shard=4,
        images=path.parent / "images",
        workers=1,
    )
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert chipgen.verify(tmp_path / "one").ok


def test_many_groups_of_rows_are_read_one_after_the_other(tmp_path: Path) -> None:
    coco = small_coco()
    rows = [
        {**image(one["id"]), "annotations": [box(100 + one["id"]), box(200 + one["id"], (0.0, 0.0, 5.0, 5.0))]}
        for one in coco.images
    ]
    rows.insert(2, {**image(77), "annotations": None})  # null is a list without entries
    one, many = write(tmp_path / "one.parquet", rows), write(tmp_path / "many.parquet", rows, row_group_size=1)
    assert pq.ParquetFile(many).num_row_groups == 5
    read = columns(chipgen.read_coco(one))
    assert read == columns(chipgen.read_coco(many))
    assert len(read["images"][0]) == 5


def test_entries_that_lie_in_a_temporary_file_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_small_set(tmp_path / "set")
    (table,) = converted(path, tmp_path / "set" / "tables")
    many = pq.read_table(table)
    pq.write_table(many, tmp_path / "many.parquet", row_group_size=1)
    held = chipgen.read_coco(tmp_path / "many.parquet", on_error="skip")
    monkeypatch.setattr(chipgen.coco, "STREAMED_ABOVE", 300)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    streamed = chipgen.read_coco(tmp_path / "many.parquet", on_error="skip")
    assert isinstance(streamed.annotations.raw.data, StoredText)
    assert columns(streamed) == columns(held)
    assert list(streamed.annotations.raw) == list(held.annotations.raw)
    assert not list(tmp_path.glob("chipgen-*"))


def test_no_room_for_temporary_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.parquet", [image(1, box(1))])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(StorageError, match="none"):
        chipgen.read_coco(path)


KINDS: dict[str, Callable[[], list[Row]]] = {
    "plain": lambda: [image(2, box(1), box(2, iscrowd=1)), image(1)],
    "marks": lambda: [image(1, box(1, ignore=True), box(2, difficult=1), box(3, ignore=False, iscrowd=0))],
    "no width": lambda: [image(1, box(1, (10.0, 10.0, 0.0, 5.0)))],
    "negative": lambda: [image(1, box(1, (10.0, 10.0, 5.0, -5.0)))],
    "outside": lambda: [image(1, box(1, (200.0, 10.0, 5.0, 5.0)))],
    "NaN": lambda: [image(1, box(1, (float("nan"), 10.0, 5.0, 5.0)), box(2, (1.0, 1.0, float("inf"), 2.0)))],
    "no box": lambda: [image(1, box(1, None), box(2))],
    "three sides": lambda: [image(1, box(1, (1.0, 2.0, 3.0)), box(2))],
    "category": lambda: [image(1, {**box(1), "category_id": 3})],
    "over the edge": lambda: [image(1, box(1, (90.0, 10.0, 20.0, 20.0)))],
    "other fields": lambda: [image(1, box(1, area=4.5, occluded=True, tags=["a", "b"], named={"x": 1.5}))],
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_are_read_alike(kind: str, tmp_path: Path) -> None:
    rows = KINDS[kind]()
    table, text = write(tmp_path / "a.parquet", rows), as_json(tmp_path / "a.json", rows)
    there, wanted = (chipgen.read_coco(path, on_error="skip") for path in (table, text))
    assert columns(there) == columns(wanted)
    entries = [[json.loads(raw) for raw in one.annotations.raw] for one in (there, wanted)]
    assert kind == "NaN" or [{**one, "bbox": 0} for one in entries[0]] == [{**one, "bbox": 0} for one in entries[1]]


def test_texts_that_are_json(tmp_path: Path) -> None:
    outline = [[10, 10, 30, 10, 30, 30]]
    extra = {"colour": "blue", "attributes": {"ignore": 1}, "ignore": 1}
    rows = [
        image(
            1,
            box(1, segmentation=json.dumps(outline), keypoints="[1, 2, 2]", extra=json.dumps(extra, indent=1)),
            box(2, segmentation=None, extra="{}"),
            box(3, segmentation='{"size": [80, 100], "counts": "no JSON', keypoints="1, 2", extra=None),
        )
    ]
    dataset = chipgen.read_coco(write(tmp_path / "a.parquet", rows))
    first, second, third = (json.loads(raw) for raw in dataset.annotations.raw)
    assert (first["segmentation"], first["keypoints"]) == (outline, [1, 2, 2])
    assert {name: first[name] for name in extra} == extra
    assert list(second) == ["id", "image_id", "category_id", "bbox"]
    assert third["segmentation"] == '{"size": [80, 100], "counts": "no JSON'
    assert third["keypoints"] == "1, 2"
    assert dataset.annotations.ignored_by.tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda row: row.pop("width"), "column width: is missing"),
        (lambda row: row.update(annotations=[1, 2]), "column annotations: is list<.*int64>, not a list of structs"),
        (lambda row: row.update(annotations=[{"id": 1}]), "column annotations: has no field category_id"),
        (lambda row: row.update(width=3.5), r"images\[0\] \(id 1\): width is 3.5"),
        (lambda row: row.update(image_id=None, file_name="x"), r"images\[0\]: id is missing"),
        (lambda row: row["annotations"][0].update(iscrowd=2), r"annotations\[0\] \(id 1\): iscrowd is 2"),
        (lambda row: row["annotations"].append(None), r"annotations\[1\]: id is missing"),
        (lambda row: row["annotations"].append(box(1)), "annotations: id 1 stands more than once"),
        (lambda row: row["annotations"][0].update(extra="[1]"), "annotation 1 of image 1: extra is not the JSON of an"),
        (lambda row: row["annotations"][0].update(extra="{"), "annotation 1 of image 1: extra is not the JSON of an"),
        (lambda row: row["annotations"][0].update(extra='{"bbox": 1}'), "key bbox stands twice"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(alter: Callable[[Row], object], said: str, tmp_path: Path) -> None:
    row = image(1, box(1))
    alter(row)
    with pytest.raises(DataError, match=said) as error:
        chipgen.read_coco(write(tmp_path / "a.parquet", [row]), on_error="skip")
    assert all(problem.path == str(tmp_path / "a.parquet") for problem in error.value.problems)


@pytest.mark.parametrize("categories", [None, "", "{}", "[", '{"categories": []}'])
def test_without_a_category_table(categories: str | None, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metadata chipgen\.categories: is no JSON list of categories"):
        chipgen.read_coco(write(tmp_path / "a.parquet", [image(1, box(1))], categories))


@pytest.mark.parametrize("damage", ["cut", "middle", "only begins"])
def test_damaged_files(damage: str, tmp_path: Path) -> None:
    rows = [image(number, box(number)) for number in range(1, 200)]
    path = write(tmp_path / "a.parquet", rows, write_page_checksum=True)
    data = path.read_bytes()
    half = len(data) // 3
    path.write_bytes(
        {"cut": data[:half], "middle": data[:half] + bytes(60) + data[half + 60 :], "only begins": b"PAR1"}[damage]
    )
    with pytest.raises(DataError) as error:
        chipgen.read_coco(path)
    assert str(error.value).startswith(f"{path}: cannot be read as Parquet (")
    assert str(error.value).count("\n") == 0


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    table = write(tmp_path / "a.json", [image(1, box(1))])
    assert is_parquet(table)
    assert chipgen.read_coco(table).images.id.tolist() == [1]
    assert not is_parquet(as_json(tmp_path / "a.parquet", [image(1, box(1))]))
    assert chipgen.read_coco(tmp_path / "a.parquet").images.id.tolist() == [1]


def test_images_may_be_grouped_by_another_column(tmp_path: Path) -> None:
    rows = [
        {**image(number, box(number)), "flight": f"f{number % 2}", "meta": {"town": number % 3}}
        for number in range(1, 7)
    ]
    path = write(tmp_path / "a.parquet", rows)
    assert image_field(path, "flight", streamed_above=0) == {number: f'"f{number % 2}"' for number in range(1, 7)}
    assert image_field(path, "meta.town", streamed_above=0) == {number: f"{number % 3}" for number in range(1, 7)}
    assert image_field(path, "none", streamed_above=0) == {}
    sides = chipgen.split(chipgen.read_coco(path), 0.5, "flight")
    assert {name: len(side.images) for name, side in sides.items()} == {"train": 3, "val": 3}


def test_large_lists_and_views_are_read(tmp_path: Path) -> None:
    rows = [image(1, box(1, segmentation="[]"), box(2)), image(2)]
    table = pa.Table.from_pylist(rows)
    struct = pa.struct(
        {
            "id": pa.int32(),
            "category_id": pa.int64(),
            "bbox": pa.list_(pa.float32(), 4),
            "segmentation": pa.large_string(),
        }
    )
    kind = pa.large_list(struct)
    index = table.schema.get_field_index("annotations")
    array = pa.array([row["annotations"] for row in rows], kind)
    table = table.set_column(index, "annotations", array).replace_schema_metadata({"chipgen.categories": CLASSES})
    pq.write_table(table, tmp_path / "a.parquet")
    dataset = chipgen.read_coco(tmp_path / "a.parquet")
    assert dataset.annotations.id.tolist() == [1, 2]
    assert json.loads(dataset.annotations.raw[0])["segmentation"] == []

"""Builds that are wrong in one way each: what a check of a consumer is worth is seen on them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Document = dict[str, Any]


def passes(check: Callable[[Path], object], build: Path) -> bool:
    """Tell whether a check has nothing to say against a build."""
    try:
        check(build)
    except Exception:  # noqa: BLE001 -- consumers stumble in any way they like
        return False
    return True


def copy_of(build: Path, folder: Path) -> Path:
    """Copy a build, and make its source known beside the copy."""
    copy = folder / build.name
    shutil.copytree(build, copy)
    (folder / "set").symlink_to(build.parent / "set")
    return copy


def tampered_coco(build: Path, folder: Path, change: str) -> Path:
    """Copy a COCO build and change it."""
    copy = copy_of(build, folder)
    path = copy / "annotations.json"
    document = json.loads(path.read_bytes())
    OF_COCO[change](document, copy)
    path.write_text(json.dumps(document), encoding="utf-8")
    return copy


def tampered_parquet(build: Path, folder: Path, change: str) -> Path:
    """Copy a Parquet build and change each of its shards."""
    copy = copy_of(build, folder)
    for path in sorted((copy / "data").iterdir()):
        pq.write_table(OF_PARQUET[change](pq.read_table(path)), path)
    return copy


def _each(document: Document, key: str, change: Callable[[Any], Any]) -> None:
    """Change one field of every annotation."""
    for annotation in document["annotations"]:
        annotation[key] = change(annotation[key])


def _next_class(category: int) -> int:
    """Return the id of the class that stands after another in the table."""
    ids = [7, 1, 90]
    return ids[(ids.index(category) + 1) % 3]


def _masked(document: Document, kind: type) -> Document:
    """Return the first annotation that has a mask of a kind."""
    annotations: list[Document] = document["annotations"]
    return next(a for a in annotations if a["segmentation"] and isinstance(a["segmentation"], kind))


def _shifted(segmentation: Any) -> Any:
    """Move polygons by 40 px, without leaving the chip."""
    return [[(v + 40) % 256 for v in part] for part in segmentation] if isinstance(segmentation, list) else segmentation


def _smaller_picture(document: Document, build: Path) -> None:
    path = build / document["images"][0]["file_name"]
    with Image.open(path) as picture:
        smaller = picture.resize((200, 200))
    smaller.save(path)


def _without_an_empty_chip(document: Document, _: Path) -> None:
    shown = {annotation["image_id"] for annotation in document["annotations"]}
    document["images"] = [image for image in document["images"] if image["id"] in shown]


def _renamed(document: Document, _: Path) -> None:
    names = [category["name"] for category in document["categories"]]
    for category, name in zip(document["categories"], names[1:] + names[:1], strict=True):
        category["name"] = name


def _boxes_of_the_next(document: Document, _: Path) -> None:
    boxes = [annotation["bbox"] for annotation in document["annotations"]]
    for annotation, box in zip(document["annotations"], boxes[1:] + boxes[:1], strict=True):
        annotation["bbox"] = box


def _keypoints_turned(document: Document, _: Path) -> None:
    for annotation in document["annotations"]:
        points = annotation.get("keypoints", [])
        points[0::3], points[1::3] = points[1::3], points[0::3]


def _set(key: str, value: Any) -> Callable[[Document, Path], None]:
    """Return a change that gives one annotation, learnt and without a mask, another field."""

    def change(document: Document, _: Path) -> None:
        next(a for a in document["annotations"] if a["valid"] and not a["segmentation"])[key] = value

    return change


def _per_annotation(key: str, change: Callable[[Any], Any]) -> Callable[[Document, Path], None]:
    """Return a change of one field of every annotation."""
    return lambda document, _: _each(document, key, change)


OF_COCO: dict[str, Callable[[Document, Path], object]] = {
    "nothing": lambda _, __: None,
    "corners_for_sizes": _per_annotation("bbox", lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
    "boxes_moved": _per_annotation("bbox", lambda b: [b[0] + 2, b[1] + 2, b[2], b[3]]),
    "boxes_of_the_next": _boxes_of_the_next,
    "class_of_the_next": _per_annotation("category_id", _next_class),
    "names_of_the_next": _renamed,
    "no_names": lambda document, _: [category.pop("name") for category in document["categories"]],
    "id_twice": lambda document, _: document["annotations"][1].update(id=document["annotations"][0]["id"]),
    "id_zero": lambda document, _: document["annotations"][0].update(id=0),
    "picture_missing": lambda document, build: (build / document["images"][0]["file_name"]).unlink(),
    "picture_smaller": _smaller_picture,
    "empty_chips_missing": _without_an_empty_chip,
    "key_ignore": _set("ignore", 1),
    "no_area": _set("area", 0),
    "thin_side": _set("bbox", [3, 3, 0.5, 9]),
    "outside": _set("bbox", [300, 3, 20, 20]),
    "over_the_edge": _set("bbox", [240, 3, 20, 20]),
    "unknown_image": _set("image_id", 10**6),
    "unknown_class": _set("category_id", 8),
    "crowds_not_marked": _per_annotation("iscrowd", lambda _: 0),
    "all_marked_as_crowds": _per_annotation("iscrowd", lambda _: 1),
    "ignored_boxes_left_out": lambda document, _: document.update(
        annotations=[a for a in document["annotations"] if a["valid"]]
    ),
    "polygon_of_two_points": lambda document, _: _masked(document, list)["segmentation"].append([1, 1, 5, 5]),
    "polygon_of_odd_numbers": lambda document, _: _masked(document, list)["segmentation"][0].pop(),
    "polygon_beyond_the_chip": lambda document, _: _masked(document, list)["segmentation"].append([1, 1, 9, 9, 1, 300]),
    "polygon_not_nested": lambda document, _: _masked(document, list).update(segmentation=[1, 1, 9, 9, 1, 9]),
    "parts_lost": _per_annotation("segmentation", lambda mask: mask[:1] if isinstance(mask, list) else mask),
    "masks_moved": _per_annotation("segmentation", _shifted),
    "masks_lost": _per_annotation("segmentation", lambda _: []),
    "runs_of_another_size": lambda document, _: _masked(document, dict)["segmentation"].update(size=[200, 200]),
    "runs_broken": lambda document, _: _masked(document, dict)["segmentation"].update(counts="04"),
    "keypoints_turned": _keypoints_turned,
    "keypoints_lost": lambda document, _: [
        a.update(num_keypoints=0) for a in document["annotations"] if "keypoints" in a
    ],
}
"""Ways in which a COCO build can be wrong; ``nothing`` is none."""


def _of_objects(table: pa.Table, key: str, change: Callable[[Any], Any]) -> pa.Table:
    """Change one field of every object."""
    return _with(table, "objects", lambda row: {**row, key: [change(value) for value in row[key]]})


def _with(table: pa.Table, column: str, change: Callable[[Any], Any]) -> pa.Table:
    """Change a column, value by value; type and metadata stay."""
    field = table.schema.field(column)
    values = pa.array([change(value) for value in table[column].to_pylist()], type=field.type)
    return table.set_column(table.schema.get_field_index(column), field, values)


def _features(table: pa.Table, change: Callable[[Any], None]) -> pa.Table:
    """Change what the metadata tells `datasets`."""
    info = json.loads(table.schema.metadata[b"huggingface"])
    change(info["info"]["features"])
    return table.replace_schema_metadata({"huggingface": json.dumps(info)})


def _without_last(row: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {key: values[:-1] for key, values in row.items()}


OF_PARQUET: dict[str, Callable[[pa.Table], pa.Table]] = {
    "nothing": lambda table: table,
    "no_metadata": lambda table: table.replace_schema_metadata(None),
    "names_of_the_next": lambda table: _features(
        table, lambda f: f["objects"]["category"]["feature"].update(names=["boat", "car", "person"])
    ),
    "image_as_plain_struct": lambda table: _features(
        table,
        lambda f: f.update(
            image={"bytes": {"dtype": "binary", "_type": "Value"}, "path": {"dtype": "string", "_type": "Value"}}
        ),
    ),
    "corners_for_sizes": lambda table: _of_objects(table, "bbox", lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
    "class_of_the_next": lambda table: _of_objects(table, "category", lambda c: (c + 1) % 3),
    "source_class_of_the_next": lambda table: _of_objects(table, "category_id", _next_class),
    "all_learnt": lambda table: _of_objects(table, "valid", lambda _: True),
    "no_reasons": lambda table: _of_objects(table, "ignore_reason", lambda _: ""),
    "objects_lost": lambda table: _with(table, "objects", _without_last),
    "no_objects_at_all": lambda table: _with(table, "objects", lambda row: {key: [] for key in row}),
    "chip_lost": lambda table: table.slice(1),
    "empty_chips_missing": lambda table: table.filter(
        pa.array(bool(row["id"]) for row in table["objects"].to_pylist())
    ),
    "ids_of_another": lambda table: _with(table, "image_id", lambda value: value + 1),
    "level_of_another": lambda table: _with(table, "level", lambda value: value + 1),
    "size_of_another": lambda table: _with(table, "width", lambda value: value - 1),
    "pictures_broken": lambda table: _with(table, "image", lambda row: {**row, "bytes": row["bytes"][:200]}),
    "pictures_moved": lambda table: table.set_column(
        0,
        table.schema.field("image"),
        pa.concat_arrays([table["image"].combine_chunks()[1:], table["image"].combine_chunks()[:1]]),
    ),
    "transform_of_another": lambda table: _with(table, "transform", lambda row: {**row, "x0": row["x0"] + 8}),
}
"""Ways in which a Parquet build can be wrong; ``nothing`` is none."""

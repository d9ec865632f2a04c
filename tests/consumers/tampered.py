"""Builds that are wrong in one way each: what a check of a consumer is worth is seen on them."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
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


def tampered_coco(build: Path, folder: Path, change: str, name: str = "annotations.json") -> Path:
    """Copy a COCO build and change it."""
    copy = copy_of(build, folder)
    path = copy / name
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


def tampered_webdataset(build: Path, folder: Path, change: str) -> Path:
    """Copy a build of tar shards and change the content of each of them, which is given as names and bytes."""
    copy = copy_of(build, folder)
    for path in sorted((copy / "data").iterdir()):
        with tarfile.open(path) as tar:
            files = [(member.name, tar.extractfile(member).read()) for member in tar]  # type: ignore[union-attr]
        with tarfile.open(path, "w") as tar:
            for name, data in OF_WEBDATASET[change](files):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return copy


def tampered_yolo(build: Path, folder: Path, change: str) -> Path:
    """Copy a YOLO build and change it."""
    copy = copy_of(build, folder)
    OF_YOLO[change](copy)
    return copy


def _each(document: Document, key: str, change: Callable[[Any], Any]) -> None:
    """Change one field of every annotation."""
    for annotation in document["annotations"]:
        annotation[key] = change(annotation[key])


def _next_class(category: int) -> int:
    """Return the id of the class that stands after another in the table, or is numbered next."""
    return {7: 1, 1: 90, 90: 7, 0: 1, 2: 0}[category]


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


def _ids_from_one(document: Document, _: Path) -> None:
    for category in document["categories"]:
        category["id"] += 1
    for annotation in document["annotations"]:
        annotation["category_id"] += 1


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
    "no_supercategories": lambda document, _: [one.pop("supercategory") for one in document["categories"]],
    "supercategory_none": lambda document, _: document["categories"][0].update(supercategory="none"),
    "supercategory_of_another": lambda document, _: document["categories"][0].update(supercategory="boat"),
    "ids_from_one": _ids_from_one,
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
    "masks_lost": lambda table: _of_objects(table, "segmentation", lambda _: None),
    "objects_lost": lambda table: _with(table, "objects", _without_last),
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


Files = list[tuple[str, bytes]]


def _samples(files: Files, change: Callable[[Document], object]) -> Files:
    """Change what is known of each chip."""
    changed = []
    for name, data in files:
        if name.endswith(".json"):
            sample = json.loads(data)
            change(sample)
            data = json.dumps(sample).encode()  # noqa: PLW2901
        changed.append((name, data))
    return changed


def _in_samples(key: str, change: Callable[[Any], Any]) -> Callable[[Files], Files]:
    """Return a change of one field of every object."""

    def apply(sample: Document) -> None:
        sample["objects"][key] = [change(value) for value in sample["objects"][key]]

    return lambda files: _samples(files, apply)


OF_WEBDATASET: dict[str, Callable[[Files], Files]] = {
    "nothing": lambda files: files,
    "corners_for_sizes": _in_samples("bbox", lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]),
    "class_of_the_next": _in_samples("category", lambda c: (c + 1) % 3),
    "all_learnt": _in_samples("valid", lambda _: True),
    "no_reasons": _in_samples("ignore_reason", lambda _: ""),
    "masks_lost": _in_samples("segmentation", lambda _: None),
    "masks_not_as_text": _in_samples("segmentation", lambda mask: mask and json.loads(mask)),
    "ids_of_another": lambda files: _samples(files, lambda sample: sample.update(image_id=sample["image_id"] + 1)),
    "size_of_another": lambda files: _samples(files, lambda sample: sample.update(width=sample["width"] - 1)),
    "samples_turned_round": lambda files: files[::-1],
    "json_missing": lambda files: files[:1] + files[2:],
    "picture_missing": lambda files: files[1:],
    "chip_lost": lambda files: files[2:],
    "keys_apart": lambda files: [(f"j{name}" if name.endswith(".json") else name, data) for name, data in files],
    "pictures_broken": lambda files: [(name, data if name.endswith(".json") else data[:200]) for name, data in files],
    "pictures_moved": lambda files: [
        (name, data if name.endswith(".json") else files[(number + 2) % len(files)][1])
        for number, (name, data) in enumerate(files)
    ],
}
"""Ways in which a build of tar shards can be wrong; ``nothing`` is none."""


def _labels(build: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change each line of the labels of each chip, word by word."""
    for path in (build / "labels").iterdir():
        lines = [" ".join(change(line.split())) for line in path.read_text("ascii").splitlines()]
        path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _shares(change: Callable[[list[float]], list[float]]) -> Callable[[Path], None]:
    """Return a change of the numbers of each line."""
    return lambda build: _labels(
        build, lambda words: words[:1] + [str(v) for v in change([float(w) for w in words[1:]])]
    )


def _first(build: Path, folder: str) -> Path:
    """Return the first file of a folder that is not empty."""
    return next(path for path in sorted((build / folder).iterdir()) if path.stat().st_size)


def _text(name: str, old: str, new: str) -> Callable[[Path], object]:
    """Return a change of a file."""
    return lambda build: (build / name).write_text(
        (build / name).read_text("utf-8").replace(old, new), encoding="utf-8"
    )


OF_YOLO: dict[str, Callable[[Path], object]] = {
    "nothing": lambda build: _labels(build, lambda words: words),
    "corners_for_centres": _shares(lambda v: [v[0] - v[2] / 2, v[1] - v[3] / 2, *v[2:]]),
    "pixels_for_shares": _shares(lambda v: [256 * value for value in v]),
    "places_moved": _shares(lambda v: [value + 0.02 for value in v[:2]] + v[2:]),
    "axes_turned": _shares(lambda v: [v[number ^ 1] for number in range(len(v))]),
    "class_of_the_next": lambda build: _labels(build, lambda words: [str((int(words[0]) + 1) % 3), *words[1:]]),
    "names_of_the_next": _text("data.yaml", '"car"', '"lorry"'),
    "no_names": _text("data.yaml", "names", "titles"),
    "labels_missing": lambda build: _first(build, "labels").unlink(),
    "labels_twice": lambda build: _first(build, "labels").write_text(2 * _first(build, "labels").read_text("ascii")),
    "labels_named_otherwise": lambda build: [p.rename(p.with_suffix(".label")) for p in (build / "labels").iterdir()],
    "picture_missing": lambda build: _first(build, "images").unlink(),
    "pictures_of_the_next": lambda build: shutil.copy(max((build / "images").iterdir()), _first(build, "images")),
}
"""Ways in which a YOLO build can be wrong; ``nothing`` is none."""

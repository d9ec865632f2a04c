"""The Parquet columns of a chip, and what Hugging Face `datasets` must know to decode them."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from chipgen.dataset import Categories

OBJECT_FIELDS: dict[str, pa.DataType] = {
    "id": pa.int64(),
    "bbox": pa.list_(pa.float32(), 4),
    "category": pa.int64(),
    "category_id": pa.int64(),
    "area": pa.float32(),
    "iscrowd": pa.bool_(),
    "valid": pa.bool_(),
    "ignore_reason": pa.string(),
    "visibility": pa.float32(),
    "source_id": pa.int64(),
    "segmentation": pa.string(),
    "keypoints": pa.list_(pa.float32()),
    "extra": pa.string(),
}
SOURCE = pa.struct({"image_id": pa.int64(), "file_name": pa.string(), "width": pa.int32(), "height": pa.int32()})
TRANSFORM = pa.struct({name: pa.float64() for name in ("x0", "y0", "factor_x", "factor_y")})
VALID_RANGE = pa.struct({"lo": pa.float32(), "hi": pa.float32()})


def chip_columns() -> dict[str, pa.DataType]:
    """Return the columns of a shard and their types, in order."""
    return {
        "image": pa.struct({"bytes": pa.binary(), "path": pa.string()}),
        "image_id": pa.int64(),
        "width": pa.int32(),
        "height": pa.int32(),
        "kind": pa.string(),
        "level": pa.int32(),
        "objects": pa.struct({name: pa.list_(kind) for name, kind in OBJECT_FIELDS.items()}),
        "source": SOURCE,
        "transform": TRANSFORM,
        "content_width": pa.int32(),
        "content_height": pa.int32(),
        "valid_range": VALID_RANGE,
    }


def chip_schema(categories: Categories) -> pa.Schema:
    """Return the schema of a shard, with the features of `datasets` as metadata."""
    columns = chip_columns()
    features = {name: _feature(kind) for name, kind in columns.items()}
    features["image"] = {"_type": "Image"}
    names = class_names(categories)
    if names:
        features["objects"]["category"]["feature"] = {"names": names, "_type": "ClassLabel"}
    info = json.dumps({"info": {"features": features}})
    return pa.schema(list(columns.items()), metadata={"huggingface": info})


def class_names(categories: Categories) -> list[str]:
    """Return one name for each class; a name that stands twice gets its id, for ClassLabel wants them unique."""
    counts = Counter(categories.name)
    taken = {name for name, count in counts.items() if count == 1}
    names = []
    for name, identifier in zip(categories.name, categories.id.tolist(), strict=True):
        unique = name
        while counts[name] > 1 and (unique == name or unique in taken):
            unique += f" ({identifier})"
        taken.add(unique)
        names.append(unique)
    return names


def _feature(kind: pa.DataType) -> Any:
    """Translate an Arrow type into a feature.

    Lists are written as ``Sequence``: readers before version 4 do not know ``List``, later ones know both.
    """
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "length": kind.list_size, "_type": "Sequence"}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "Sequence"}
    names = {pa.float32(): "float32", pa.float64(): "float64"}
    return {"dtype": names.get(kind, str(kind)), "_type": "Value"}


def sample_features(categories: Categories, picture: str) -> list[dict[str, Any]]:
    """Return the features of a sample of WebDataset, as the head of a card tells them.

    Without them `datasets` would guess from the first samples, and fail at the first mask if none of these had one.

    Parameters
    ----------
    categories
        The category table.
    picture
        Ending of the pictures.
    """
    columns = chip_columns()
    del columns["image"]
    known: dict[str, Any] = {"name": "json", "struct": [_told(name, kind) for name, kind in columns.items()]}
    names = dict(enumerate(class_names(categories)))
    if names:
        objects = next(entry for entry in known["struct"] if entry["name"] == "objects")
        category = next(entry for entry in objects["struct"] if entry["name"] == "category")
        category["sequence"] = {"class_label": {"names": {str(number): name for number, name in names.items()}}}
    texts = [{"name": name, "dtype": "string"} for name in ("__key__", "__url__")]
    return [{"name": picture, "dtype": "image"}, known, *texts]


def _told(name: str, kind: pa.DataType) -> dict[str, Any]:
    """Translate an Arrow type into an entry of the head of a card."""
    if pa.types.is_struct(kind):
        return {"name": name, "struct": [_told(field.name, field.type) for field in kind]}
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = _told("", kind.value_type)
        return {"name": name, "sequence": inner.get("dtype") or {"sequence": inner["sequence"]}}
    return {"name": name, "dtype": _feature(kind)["dtype"]}

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

"""Changes of the plan."""

from __future__ import annotations

import pyarrow as pa
from tampering import lose_box

from mutations.changes import PLAN, Mutation, shard, to_field, to_object, to_row, to_rows, to_table

PLANNED = [
    Mutation("lose a chip", to_rows(PLAN, lambda table: table.pop(7)), PLAN, "manifest says 4"),
    Mutation("swap two chips", to_rows(PLAN, lambda table: table.reverse()), PLAN, "not above", 24),
    Mutation("lose a box", to_row(PLAN, 19, lose_box), shard(6), "chip 19: holds boxes 18, 19, 20, 21"),
    Mutation("move a box", to_object(PLAN, "bbox", [1.0, 1.0, 9.0, 9.0]), shard(6), "box 18: bbox is"),
    Mutation("move a box out", to_object(PLAN, "bbox", [250.0, 1.0, 9.0, 9.0]), PLAN, "beyond the content"),
    Mutation("flatten a box", to_object(PLAN, "bbox", [1.0, 1.0, 9.0, 0.0]), PLAN, "no width or no height"),
    Mutation("no number", to_object(PLAN, "bbox", [float("nan"), 1.0, 9.0, 9.0]), PLAN, "beyond the content"),
    Mutation("valid for a reason", to_object(PLAN, "valid", True, 1), PLAN, "box 19: is not either"),
    Mutation(
        "another reason", to_object(PLAN, "ignore_reason", "too_large", 1), shard(6), "ignore_reason is 'truncated'"
    ),
    Mutation("unknown reason", to_object(PLAN, "ignore_reason", "ugly", 1), PLAN, "none of those there are"),
    Mutation("another class", to_object(PLAN, "category", 1), PLAN, "goes with different", 2),
    Mutation("a class too many", to_object(PLAN, "category", 3), PLAN, "goes with different", 2),
    Mutation("another annotation", to_object(PLAN, "source_id", 16), shard(6), "source_id is 12"),
    Mutation("an annotation twice", to_object(PLAN, "source_id", 13), PLAN, "stands there twice"),
    Mutation("visible twice over", to_object(PLAN, "visibility", 2.0), PLAN, "visibility"),
    Mutation("hardly visible", to_object(PLAN, "visibility", 0.4), PLAN, "hardly visible"),
    Mutation("a box id twice", to_object(PLAN, "id", 18, 1), PLAN, "not above"),
    Mutation("negative with an object", to_field(PLAN, 19, "negative", "kind"), PLAN, "negative chip", 2),
    Mutation("unknown kind", to_field(PLAN, 19, "odd", "kind"), PLAN, "neither positive nor negative"),
    Mutation("unknown level", to_field(PLAN, 26, 3, "level"), PLAN, "no level 3"),
    Mutation("another level", to_field(PLAN, 26, 1, "level"), shard(7), "level is 2"),
    Mutation("another shard", to_field(PLAN, 23, 6, "shard"), PLAN, "manifest says", 2),
    Mutation("a shard too many", to_field(PLAN, 26, 8, "shard"), PLAN, "there are 8"),
    Mutation("proposals in a positive chip", to_field(PLAN, 19, 5, "proposals"), PLAN, "positive chip"),
    Mutation("outside", to_field(PLAN, 19, 200.0, "transform", "x0"), PLAN, "outside its source"),
    Mutation("half a pixel", to_field(PLAN, 19, 10.5, "transform", "x0"), PLAN, "whole scaled pixel"),
    Mutation("no factor", to_field(PLAN, 19, 0.0, "transform", "factor_x"), PLAN, "no usable numbers"),
    Mutation("another place", to_field(PLAN, 19, 1.0, "transform", "x0"), shard(6), "transform is"),
    Mutation("content too large", to_field(PLAN, 19, 300, "content_width"), PLAN, "does not fit"),
    Mutation("no range", to_field(PLAN, 19, 500.0, "valid_range", "lo"), PLAN, "no range"),
    Mutation("another range", to_field(PLAN, 19, 19.0, "valid_range", "lo"), shard(6), "valid_range is"),
    Mutation("another size", to_field(PLAN, 26, 501, "source", "width"), PLAN, "another than"),
    Mutation("another name", to_field(PLAN, 26, "x.png", "source", "file_name"), PLAN, "another than"),
    Mutation("null", to_field(PLAN, 19, None, "level"), PLAN, "column level: holds null"),
    Mutation("null inside", to_object(PLAN, "source_id", None), PLAN, "column objects.source_id: holds null"),
    Mutation("no column", to_table(PLAN, lambda t: t.drop_columns(["shard"])), PLAN, "column shard: is missing"),
    Mutation(
        "another type",
        to_table(PLAN, lambda t: t.set_column(2, "level", t["level"].cast(pa.int64()))),
        PLAN,
        "column level: is int64, not int32",
    ),
]

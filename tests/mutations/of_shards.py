"""Changes of Parquet shards, alone or together with the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tampering import lose_box, manifest, rows

from mutations.changes import (
    LEDGER,
    PLAN,
    Mutation,
    picture,
    shard,
    swap_files,
    to_field,
    to_object,
    to_row,
    to_rows,
    to_table,
)

if TYPE_CHECKING:
    from pathlib import Path


def lose_shard_row(out: Path) -> None:
    """Take a chip out of a shard, and tell the manifest."""
    with rows(out, shard(6)) as values:
        values.pop()
    with manifest(out) as value:
        value["shards"][6]["rows"] -= 1
        value["counts"]["chips"] -= 1


def lose_box_everywhere(out: Path) -> None:
    """Take an ignored box out of shard and plan."""
    for path in (PLAN, shard(6)):
        to_row(path, 19, lambda row: lose_box(row, 1))(out)


def learn_ignored_everywhere(out: Path) -> None:
    """Call a truncated box valid in shard and plan."""
    for path in (PLAN, shard(6)):
        for column, value in (("valid", True), ("ignore_reason", ""), ("visibility", 0.9)):
            to_object(path, column, value, 1)(out)
    to_object(shard(6), "iscrowd", False, 1)(out)


def move_out_everywhere(out: Path) -> None:
    """Move a box out of its chip in shard and plan."""
    for path in (PLAN, shard(6)):
        to_object(path, "bbox", [200.0, 0.0, 100.0, 50.0])(out)


def turn_negative_everywhere(out: Path) -> None:
    """Call the last, negative chip of an image and level positive in shard and plan, though it shows nothing."""
    for path in (PLAN, shard(6)):
        to_field(path, 22, "positive", "kind")(out)


SHARDS = [
    Mutation("lose a box", to_row(shard(6), 19, lose_box), shard(6), "holds boxes 19, 20, 21, _plan.parquet says 18"),
    Mutation("move a box", to_object(shard(6), "bbox", [1.0, 1.0, 9.0, 9.0]), shard(6), "bbox is [1.0"),
    Mutation("another validity", to_object(shard(6), "valid", False), shard(6), "box 18"),
    Mutation("another reason", to_object(shard(6), "ignore_reason", "crowd", 1), shard(6), "ignore_reason is 'crowd'"),
    Mutation("another class", to_object(shard(6), "category", 2), shard(6), "category is 2, _plan.parquet says 0"),
    Mutation("another id of a class", to_object(shard(6), "category_id", 90), shard(6), "category_id is 90"),
    Mutation("another annotation", to_object(shard(6), "source_id", 16), shard(6), "source_id is 16"),
    Mutation("another visibility", to_object(shard(6), "visibility", 0.99), shard(6), "visibility is 0.99"),
    Mutation("another box id", to_object(shard(6), "id", 17), shard(6), "holds boxes 17, 19"),
    Mutation("a crowd", to_object(shard(6), "iscrowd", True), shard(6), "iscrowd is not as"),
    Mutation("no area", to_object(shard(6), "area", 0.0), shard(6), "area is 0.0"),
    Mutation("another kind", to_field(shard(6), 22, "positive", "kind"), shard(6), "kind is 'positive'"),
    Mutation("another level", to_field(shard(6), 19, 2, "level"), shard(6), "level is 2"),
    Mutation("another source", to_field(shard(6), 19, 5, "source", "image_id"), shard(6), "image_id is 5"),
    Mutation("another name", to_field(shard(6), 19, "5.png", "source", "file_name"), shard(6), "file_name is '5.png'"),
    Mutation("another place", to_field(shard(6), 19, 1.0, "transform", "y0"), shard(6), "transform is"),
    Mutation("another content", to_field(shard(6), 19, 250, "content_width"), shard(6), "content is [250, 256]"),
    Mutation("another range", to_field(shard(6), 19, None, "valid_range", "hi"), shard(6), "valid_range is"),
    Mutation("another width", to_field(shard(6), 19, 255, "width"), shard(6), "is [255, 256] px"),
    Mutation("garbage", to_field(shard(6), 19, b"garbage", "image", "bytes"), shard(6), "its picture is none"),
    Mutation("smaller", to_field(shard(6), 19, picture((9, 9)), "image", "bytes"), shard(6), "jpeg of 9 x 9 px"),
    Mutation("png", to_field(shard(6), 19, picture(form="PNG"), "image", "bytes"), shard(6), "png of 256 x 256"),
    Mutation("no picture", to_field(shard(6), 19, None, "image", "bytes"), shard(6), "image.bytes: holds null"),
    Mutation("name of another", to_field(shard(6), 19, "00000020-8-0.jpg", "image", "path"), shard(6), "is named"),
    Mutation("chip id", to_row(shard(6), 19, lambda row: row.update(image_id=0)), shard(6), "row 0: is chip 0"),
    Mutation("swap chips", to_rows(shard(6), lambda table: table.reverse()), shard(6), "row 0: is chip 22"),
    Mutation("lose a chip", to_rows(shard(6), lambda table: table.pop()), shard(6), "holds 3 chips, the manifest"),
    Mutation("lose a chip and tell", lose_shard_row, PLAN, "shard 6: has 4 chips, the manifest says 3"),
    Mutation("swap shards", swap_files(shard(6), shard(7)), shard(6), "row 0: is chip 23", 2),
    Mutation(
        "other classes",
        to_table(
            shard(6),
            lambda t: t.replace_schema_metadata({k: v.replace(b"boat", b"ship") for k, v in t.schema.metadata.items()}),
        ),
        shard(6),
        "categories: are others",
    ),
    Mutation("no features", to_table(shard(6), lambda t: t.replace_schema_metadata({})), shard(6), "huggingface"),
    Mutation("a box less everywhere", lose_box_everywhere, LEDGER, "n_ignored is 1, _plan.parquet shows 0"),
    Mutation("learnt everywhere", learn_ignored_everywhere, LEDGER, "n_valid is 2, _plan.parquet shows 3"),
    Mutation("moved out everywhere", move_out_everywhere, PLAN, "beyond the content", 2),
    Mutation("positive everywhere", turn_negative_everywhere, PLAN, "chip 22: is positive, but encloses nothing"),
]

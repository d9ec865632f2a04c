"""Changes of COCO shards and of what is merged from them."""

from __future__ import annotations

from typing import Any

from mutations.changes import MERGED, Mutation, coco_shard, picture, to_json, write


def image(document_: Any, chip: int) -> Any:
    """Return the entry of a chip."""
    return next(entry for entry in document_["images"] if entry["id"] == chip)


def of_merged(path: str) -> list[Mutation]:
    """Return changes of the annotations of all shards, in a file of this name, and of those of an epoch."""
    epoch = "epochs/epoch-1.json"
    return [
        Mutation("merged in disorder", to_json(path, lambda d: d["images"].reverse()), path, "line"),
        Mutation("merged and more", write(path, b""), path, "line 1"),
        Mutation(
            "epoch without a box", to_json(epoch, lambda d: d["annotations"].pop()), epoch, "is not what the shards say"
        ),
    ]


COCO = [
    Mutation("lose a box", to_json(coco_shard(6), lambda d: d["annotations"].pop(0)), coco_shard(6), "chip 19: holds"),
    Mutation(
        "move a box",
        to_json(coco_shard(6), lambda d: d["annotations"][0].update(bbox=[1, 1, 9, 9])),
        coco_shard(6),
        "bbox is [1",
    ),
    Mutation(
        "ignore",
        to_json(coco_shard(6), lambda d: d["annotations"][0].update(ignore=0)),
        coco_shard(6),
        "a key named ignore",
    ),
    Mutation(
        "another class",
        to_json(coco_shard(6), lambda d: d["annotations"][0].update(category_id=90)),
        coco_shard(6),
        "category_id is 90",
    ),
    Mutation(
        "no class",
        to_json(coco_shard(6), lambda d: d["annotations"][0].update(category_id=4)),
        coco_shard(6),
        "category_id",
    ),
    Mutation(
        "of another chip",
        to_json(coco_shard(6), lambda d: d["annotations"][0].update(image_id=3)),
        coco_shard(6),
        "there is no image 3",
    ),
    Mutation("boxes in disorder", to_json(coco_shard(6), lambda d: d["annotations"].reverse()), coco_shard(6), "order"),
    Mutation(
        "a crowd", to_json(coco_shard(6), lambda d: d["annotations"][0].update(iscrowd=1)), coco_shard(6), "iscrowd"
    ),
    Mutation(
        "crowd of two", to_json(coco_shard(6), lambda d: d["annotations"][0].update(iscrowd=2)), coco_shard(6), "<= 1"
    ),
    Mutation(
        "no field", to_json(coco_shard(6), lambda d: d["annotations"][0].pop("source_id")), coco_shard(6), "source_id"
    ),
    Mutation(
        "text for a number",
        to_json(coco_shard(6), lambda d: image(d, 19).update(width="256")),
        coco_shard(6),
        "images[0].width",
    ),
    Mutation(
        "picture of another",
        to_json(coco_shard(6), lambda d: image(d, 20).update(image(d, 19) | {"id": 20})),
        coco_shard(6),
        "named twice",
        2,
    ),
    Mutation(
        "picture elsewhere",
        to_json(coco_shard(6), lambda d: image(d, 19).update(file_name="../../x.jpg")),
        coco_shard(6),
        "no picture of this shard",
        2,
    ),
    Mutation(
        "another factor",
        to_json(coco_shard(6), lambda d: image(d, 19)["chipgen"]["transform"].update(factor_x=1.1)),
        coco_shard(6),
        "transform",
    ),
    Mutation("no JSON", write(coco_shard(6), b"{"), coco_shard(6), "truncated"),
    Mutation("a list", write(coco_shard(6), b"[]"), coco_shard(6), "Expected `object`"),
    Mutation(
        "other categories",
        to_json(coco_shard(6), lambda d: d["categories"].reverse()),
        coco_shard(6),
        "categories: are others",
    ),
    Mutation(
        "smaller picture",
        write("shards/00006/images/00000019-8-0.jpg", picture((9, 9))),
        coco_shard(6),
        "jpeg of 9 x 9",
    ),
    *of_merged(MERGED),
]

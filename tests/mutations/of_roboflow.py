"""Changes of COCO shards in the layout of Roboflow."""

from __future__ import annotations

from mutations.changes import Mutation, coco_shard, to_json, write

MERGED = "_annotations.coco.json"
SHARD = coco_shard(6)

ROBOFLOW = [
    Mutation("another class", to_json(SHARD, lambda d: d["annotations"][0].update(category_id=2)), SHARD, "is 2"),
    Mutation(
        "another source's class",
        to_json(SHARD, lambda d: d["annotations"][0].update(source_category_id=90)),
        SHARD,
        "category_id is 90",
    ),
    Mutation(
        "no source's class",
        to_json(SHARD, lambda d: d["annotations"][0].pop("source_category_id")),
        SHARD,
        "one tells no source_category_id",
    ),
    Mutation(
        "numbered from 1",
        to_json(SHARD, lambda d: [entry.update(id=entry["id"] + 1) for entry in d["categories"]]),
        SHARD,
        "are not numbered from 0",
    ),
    Mutation("in disorder", to_json(SHARD, lambda d: d["categories"].reverse()), SHARD, "are not numbered from 0"),
    Mutation(
        "no source's id", to_json(SHARD, lambda d: d["categories"][0].pop("source_id")), SHARD, "an entry without an id"
    ),
    Mutation(
        "ids of the source swapped",
        to_json(SHARD, lambda d: [entry.update(source_id=7) for entry in d["categories"]]),
        SHARD,
        "categories",
        0,
    ),
    Mutation("merged in disorder", to_json(MERGED, lambda d: d["images"].reverse()), MERGED, "line"),
    Mutation("merged and more", write(MERGED, b""), MERGED, "line 1"),
    Mutation(
        "epoch without a box",
        to_json("epochs/epoch-1.json", lambda d: d["annotations"].pop()),
        "epochs/epoch-1.json",
        "is not what the shards say",
    ),
]

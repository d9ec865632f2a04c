"""Changes of COCO shards in the layout of Roboflow."""

from __future__ import annotations

from mutations.changes import Mutation, coco_shard, to_json
from mutations.of_coco import of_merged

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
    *of_merged(MERGED),
]

"""Changes of the manifest of a Parquet build."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mutations.changes import MANIFEST, PLAN, SKIPPED, Mutation, shard, to_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def counted(key: str, value: Any) -> Callable[[Path], None]:
    """Return a change of a figure of the manifest."""
    return to_manifest(lambda m: m["counts"].update({key: value}))


def configured(key: str, value: Any) -> Callable[[Path], None]:
    """Return a change of a setting in the manifest."""
    return to_manifest(lambda m: m["configuration"].update({key: value}))


MANIFESTS = [
    Mutation("version", to_manifest(lambda m: m.update(format_version=2)), MANIFEST, "format version 2 is not known"),
    Mutation("no version", to_manifest(lambda m: m.pop("format_version")), MANIFEST, "format_version"),
    Mutation("no counts", to_manifest(lambda m: m.pop("counts")), MANIFEST, "counts"),
    Mutation("a place", configured("images", "/data/images"), MANIFEST, "configuration.images"),
    Mutation("workers", configured("workers", 4), MANIFEST, "configuration.workers"),
    Mutation("a time", to_manifest(lambda m: m.update(created="now")), MANIFEST, "created"),
    Mutation(
        "absolute", to_manifest(lambda m: m["files"][0].update(path="/etc/passwd")), MANIFEST, "no path of a file", 2
    ),
    Mutation(
        "outside", to_manifest(lambda m: m["files"][0].update(path="../README.md")), MANIFEST, "no path of a file", 2
    ),
    Mutation("twice", to_manifest(lambda m: m["files"].append(m["files"][0])), MANIFEST, "stands there twice"),
    Mutation("unlisted", to_manifest(lambda m: m["files"].pop(0)), MANIFEST, "README.md is not listed"),
    Mutation(
        "listed only",
        to_manifest(lambda m: m["files"].append(m["files"][0] | {"path": "data/x.parquet"})),
        MANIFEST,
        "belongs to no shard",
        2,
    ),
    Mutation("half a digest", to_manifest(lambda m: m["files"][0].update(sha256="00")), MANIFEST, "files[0].sha256"),
    Mutation(
        "digest of a shard",
        to_manifest(lambda m: m["shards"][0].update(sha256="0" * 64)),
        MANIFEST,
        "shards[0]: bytes or sha256",
    ),
    Mutation("no shards", to_manifest(lambda m: m["shards"].clear()), MANIFEST, "shards: is empty"),
    Mutation(
        "lose a shard", to_manifest(lambda m: m["shards"].pop()), MANIFEST, "should be data/train-00000-of-00007", 7
    ),
    Mutation("another split", configured("split", "test"), MANIFEST, "should be data/test-00000-of-00008", 8),
    Mutation("other ignored boxes", configured("ignored", "keep"), shard(3), "iscrowd is not as --ignored keep", 0),
    Mutation("no ignored boxes", configured("ignored", "drop"), shard(3), "holds boxes 5, 6, 7", 0),
    Mutation("other pictures", configured("image_format", "png"), shard(1), "its picture is jpeg of 256 x 256", 25),
    Mutation("larger chips", configured("chip_size", 512), shard(1), "is [256, 256] px, should be [512, 512]", 25),
    Mutation("smaller chips", configured("chip_size", 16), PLAN, "does not fit a chip", 0),
    Mutation("no padding", configured("pad", False), shard(1), "px, should be", 0),
    Mutation("fewer levels", configured("scales", "1x,2x"), PLAN, "there is no level 2", 0),
    Mutation("larger boxes", configured("min_box", 30), PLAN, "is valid, but too small", 0),
    Mutation("rows", to_manifest(lambda m: m["shards"][1].update(rows=9)), MANIFEST, "counts.chips: is 25"),
    Mutation(
        "rows that add up",
        to_manifest(lambda m: (m["shards"][1].update(rows=3), m["shards"][2].update(rows=2))),
        PLAN,
        "the manifest says",
        4,
    ),
    Mutation("chips", counted("chips", 26), MANIFEST, "counts.chips: is 26, the shards hold 25"),
    Mutation("annotations", counted("annotations", 20), MANIFEST, "counts.ledger: adds up to 19"),
    Mutation("categories", counted("categories", 4), shard(0), "categories: are 3, the manifest says 4", 8),
    Mutation("images", counted("images", 3), MANIFEST, "counts.images: is 3"),
    Mutation("skipped", counted("skipped", {}), SKIPPED, "counts by reason"),
    Mutation(
        "unknown status", to_manifest(lambda m: m["counts"]["ledger"].update(lost=0)), MANIFEST, "'lost' is no status"
    ),
    Mutation("too few pairs", counted("valid_pairs", 3), MANIFEST, "counts.valid_pairs: is 3, _plan.parquet shows 19"),
    Mutation(
        "too few negatives",
        to_manifest(lambda m: m["counts"]["negatives"].update(chips=3)),
        MANIFEST,
        "negatives.chips: is 3",
    ),
    Mutation(
        "fewer epochs", to_manifest(lambda m: m["epochs"].update(epochs=1)), MANIFEST, "belongs to no shard or epoch"
    ),
    Mutation(
        "more epochs",
        to_manifest(lambda m: m["epochs"].update(epochs=10**9)),
        MANIFEST,
        "epochs/epoch-1",
        0,
    ),
]
"""Where `lines` is 0 there may be any number."""

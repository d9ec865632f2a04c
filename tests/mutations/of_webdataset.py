"""Changes of WebDataset shards and of the category table beside them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from tampering import members, seal

from mutations.changes import Mutation, picture, to_json, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHARD, TABLE = "data/train-00006-of-00008.tar", "_categories.json"
Members = list[tuple[str, bytes]]


def to_members(edit: Callable[[Members], Any]) -> Callable[[Path], None]:
    """Return a change of the members of a shard: pictures and what is said of them, in turn."""

    def change(out: Path) -> None:
        with members(out, SHARD) as values:
            edit(values)

    return change


def to_sample(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Path], None]:
    """Return a change of what is said of the first chip."""

    def change(values: Members) -> None:
        sample = json.loads(values[1][1])
        edit(sample)
        values[1] = (values[1][0], json.dumps(sample).encode())

    return to_members(change)


def to_member(number: int, name: str | None, content: bytes | None) -> Callable[[Path], None]:
    """Return a change of name or content of a member."""

    def change(values: Members) -> None:
        old = values[number]
        values[number] = (old[0] if name is None else name, old[1] if content is None else content)

    return to_members(change)


def cut(length: int) -> Callable[[Path], None]:
    """Return a change that leaves the beginning of a shard."""

    def change(out: Path) -> None:
        os.truncate(out / SHARD, length)
        seal(out, SHARD)

    return change


def lose_box(sample: dict[str, Any]) -> None:
    """Take a box out of a sample."""
    for column in sample["objects"].values():
        del column[0]


def swap_first_two(values: Members) -> None:
    """Swap the first two samples."""
    values[:4] = [*values[2:4], *values[:2]]


WEBDATASET = [
    Mutation("lose a box", to_sample(lose_box), SHARD, "chip 19: holds boxes 19, 20, 21, _plan.parquet says 18"),
    Mutation("move a box", to_sample(lambda s: s["objects"]["bbox"][0].__setitem__(0, 9.0)), SHARD, "bbox is [9.0"),
    Mutation("another class", to_sample(lambda s: s["objects"]["category"].__setitem__(0, 2)), SHARD, "category is 2"),
    Mutation("another validity", to_sample(lambda s: s["objects"]["valid"].__setitem__(0, False)), SHARD, "box 18"),
    Mutation("a crowd", to_sample(lambda s: s["objects"]["iscrowd"].__setitem__(0, True)), SHARD, "iscrowd is not as"),
    Mutation("another level", to_sample(lambda s: s.update(level=2)), SHARD, "level is 2"),
    Mutation("another source", to_sample(lambda s: s["source"].update(image_id=5)), SHARD, "image_id is 5"),
    Mutation("another chip", to_sample(lambda s: s.update(image_id=18)), SHARD, "row 0: is chip 18"),
    Mutation("a column short", to_sample(lambda s: s["objects"]["area"].pop()), SHARD, "area"),
    Mutation("no column", to_sample(lambda s: s.pop("kind")), SHARD, "kind"),
    Mutation("a text for a number", to_sample(lambda s: s.update(width="256")), SHARD, "a sample is not as it should"),
    Mutation("no id", to_sample(lambda s: s.pop("image_id")), SHARD, "tells no image_id"),
    Mutation("no JSON", to_member(1, None, b"{"), SHARD, "is no JSON"),
    Mutation("a list", to_member(1, None, b"[]"), SHARD, "tells no image_id"),
    Mutation("samples in disorder", to_members(swap_first_two), SHARD, "row 0: is chip 20"),
    Mutation("what is said first", to_members(lambda m: m.insert(0, m.pop(1))), SHARD, "is not followed by a .json"),
    Mutation("nothing said", to_members(lambda m: m.pop(1)), SHARD, "is not followed by a .json"),
    Mutation("a sample less", to_members(lambda m: m.__delitem__(slice(2))), SHARD, "holds 3 chips"),
    Mutation("a sample twice", to_members(lambda m: m.extend(m[:2])), SHARD, "holds 5 chips"),
    Mutation("more members", to_members(lambda m: m.append(("notes.txt", b"x"))), SHARD, "is not followed by a .json"),
    Mutation(
        "another name",
        to_members(lambda m: m.__setitem__(slice(2), [("x.jpg", m[0][1]), ("x.json", m[1][1])])),
        SHARD,
        "is named 'x.jpg'",
    ),
    Mutation("smaller picture", to_member(0, None, picture((9, 9))), SHARD, "its picture is jpeg of 9 x 9"),
    Mutation("picture of another kind", to_member(0, None, picture(form="PNG")), SHARD, "its picture is png"),
    Mutation("cut in a picture", cut(2000), SHARD, "unexpected end of data"),
    Mutation("cut in a head", cut(700), SHARD, ""),
    Mutation("empty", cut(0), SHARD, ""),
    Mutation("no tar", write(SHARD, b"x" * 1024), SHARD, "is no tar file"),
    Mutation("classes renumbered", to_json(TABLE, lambda t: t[0].update(id=8)), TABLE, "position 0 is 8"),
    Mutation("classes in disorder", to_json(TABLE, lambda t: t.reverse()), TABLE, "the id at position"),
    Mutation("a class less", to_json(TABLE, lambda t: t.pop()), TABLE, "are 2, the manifest says 3"),
    Mutation("a class twice", to_json(TABLE, lambda t: t[0].update(id=1)), TABLE, "stands there twice"),
    Mutation("a class of no id", to_json(TABLE, lambda t: t[0].pop("id")), TABLE, "is no category"),
    Mutation("no table", write(TABLE, b"{"), TABLE, "is no category table"),
]

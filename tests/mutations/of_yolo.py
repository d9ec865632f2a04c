"""Changes of YOLO builds: of lists, pictures, labels, and the file for the trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tampering import manifest, seal, words

from mutations.changes import Mutation, picture, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIST, LABELS, PICTURE = "shards/00006.txt", "labels/00000019-8-0.txt", "images/00000019-8-0.jpg"
DATA = "data.yaml"
TRIANGLE = b"0 0.100000 0.100000 0.200000 0.100000 0.200000 0.200000\n"


def to_words(path: str, edit: Callable[[list[str]], Any]) -> Callable[[Path], None]:
    """Return a change of the lines of a text."""

    def change(out: Path) -> None:
        with words(out, path) as values:
            edit(values)

    return change


def to_line(path: str, number: int, old: str, new: str) -> Callable[[Path], None]:
    """Return a change of a part of a line."""

    def edit(values: list[str]) -> None:
        assert old in values[number]
        values[number] = values[number].replace(old, new, 1)

    return to_words(path, edit)


def lose_class(lines: list[str]) -> None:
    """Take the last class out."""
    lines.pop()
    lines[2] = "nc: 2"


def add_file(path: str) -> Callable[[Path], None]:
    """Return a change that adds a file and lists it in the manifest."""

    def change(out: Path) -> None:
        (out / path).write_bytes(b"")
        with manifest(out) as value:
            value["files"].append({"path": path, "bytes": 0, "sha256": "0" * 64})
            value["files"].sort(key=lambda entry: entry["path"])
        seal(out, path)

    return change


YOLO = [
    Mutation("another class", to_line(LABELS, 0, "0 ", "2 "), LIST, "line 1 is of class 2, _plan.parquet says 0"),
    Mutation("no such class", to_line(LABELS, 0, "0 ", "90 "), LIST, "line 1 is of class 90"),
    Mutation("a line less", to_words(LABELS, lambda lines: lines.pop()), LIST, "holds 1 labels, _plan.parquet says 2"),
    Mutation("a line more", to_words(LABELS, lambda lines: lines.append(lines[0])), LIST, "holds 3 labels"),
    Mutation("no line", write(LABELS, b""), LIST, "holds 0 labels"),
    Mutation(
        "an object where there is none",
        write("labels/00000022-8-1.txt", TRIANGLE),
        LIST,
        "chip 22: labels/00000022-8-1.txt: holds 1 labels, _plan.parquet says 0",
    ),
    Mutation(
        "a box among outlines",
        to_words(LABELS, lambda lines: lines.__setitem__(1, lines[1][:37])),
        LIST,
        "holds others than outlines",
    ),
    Mutation("a share above 1", to_line(LABELS, 1, "0.039062", "1.039062"), LIST, "a share is above 1"),
    Mutation("a share below 0", to_line(LABELS, 1, " 0.039062", " -0.039062"), LIST, "line 2 is no label"),
    Mutation("no number", to_line(LABELS, 1, "0.039062", "nan"), LIST, "line 2 is no label"),
    Mutation("half a point", to_line(LABELS, 1, " 0.039062", ""), LIST, "line 2 is no label"),
    Mutation("an empty line", to_words(LABELS, lambda lines: lines.append("")), LIST, "line 3 is no label"),
    Mutation("no text", write(LABELS, b"\xff\xfe"), LIST, "line 1 is no label"),
    Mutation("smaller picture", write(PICTURE, picture((9, 9))), LIST, "chip 19: its picture is jpeg of 9 x 9 px"),
    Mutation("picture of another kind", write(PICTURE, picture(form="PNG")), LIST, "its picture is png of"),
    Mutation("no picture", write(PICTURE, b"x"), LIST, "its picture is none"),
    Mutation("listed in disorder", to_words(LIST, lambda lines: lines.reverse()), LIST, "row 0: is chip 22"),
    Mutation("not listed", to_words(LIST, lambda lines: lines.pop()), LIST, "holds 3 chips, the manifest says 4"),
    Mutation(
        "listed twice", to_words(LIST, lambda lines: lines.__setitem__(1, lines[0])), LIST, "row 1: is chip 19", 0
    ),
    Mutation("listed under another name", to_line(LIST, 0, "-8-0", "-8-1"), LIST, "is no picture of this shard", 0),
    Mutation("listed elsewhere", to_line(LIST, 0, "images/", "../images/"), LIST, "line 1: "),
    Mutation(
        "picture of no chip", add_file("images/00000777-8-0.jpg"), "images/00000777-8-0.jpg", "belongs to no chip"
    ),
    Mutation("labels of no chip", add_file("labels/00000777-8-0.txt"), "labels/00000777-8-0.txt", "belongs to no chip"),
    Mutation("labels twice", add_file("labels/00000019-8-1.txt"), LIST, "none has the picture labels/00000019-8-1"),
    Mutation("a cache of labels", add_file("labels/all.cache"), "_manifest.json", "belongs to no shard", 1),
    Mutation("pictures elsewhere", to_line(DATA, 0, "images", "/images"), DATA, "line 1: is not as it should be"),
    Mutation("another split", to_line(DATA, 0, "train", "val"), DATA, "line 1: is not as it should be"),
    Mutation("more classes", to_line(DATA, 2, "3", "4"), DATA, "line 3: is not as it should be"),
    Mutation("a class less", to_words(DATA, lambda lines: lines.pop()), DATA, "line 3: is not as it should be"),
    Mutation("fewer classes", to_words(DATA, lose_class), DATA, "categories: are 2, the manifest says 3"),
    Mutation("classes renumbered", to_line(DATA, 4, "0", "7"), DATA, "line 5: is not as it should be"),
    Mutation("no class", to_line(DATA, 4, "car", "car\\x"), DATA, "has a name that is none"),
    Mutation("a path", to_words(DATA, lambda lines: lines.append("path: /")), DATA, "line 8: is not as it should be"),
    Mutation(
        "epoch without a picture",
        to_words("epochs/epoch-1.txt", lambda lines: lines.pop()),
        "epochs/epoch-1.txt",
        "is not what the shards say",
    ),
]

OF_BOXES, LIST_OF_BOXES = "labels/00000017-8-0.txt", "shards/00005.txt"
BOXES = [
    Mutation("moved", to_line(OF_BOXES, 0, " 0.195312", " 0.195400"), LIST_OF_BOXES, "line 1 is [0.02, "),
    Mutation("wider", to_line(OF_BOXES, 0, "0.390625 ", "0.390700 "), LIST_OF_BOXES, "line 1 is [-0.01, "),
    Mutation("in disorder", to_words(OF_BOXES, lambda lines: lines.reverse()), LIST_OF_BOXES, "line 1 is ["),
    Mutation("another class", to_line(OF_BOXES, 1, "0 ", "1 "), LIST_OF_BOXES, "line 2 is of class 1"),
    Mutation("a share above 1", to_line(OF_BOXES, 0, " 0.195312", " 1.195312"), LIST_OF_BOXES, "a share is above 1"),
    Mutation(
        "an outline",
        write(OF_BOXES, TRIANGLE + b"0 0.1 0.1 0.1 0.1\n".replace(b".1", b".100000")),
        LIST_OF_BOXES,
        "holds others than boxes",
    ),
]
"""Of a build without masks, whose labels are boxes."""

"""Changes of the ledger, the skipped things, the sources and the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tampering import manifest

from mutations.changes import LEDGER, PLAN, SKIPPED, SOURCES, Mutation, to_lines, to_row, to_rows, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def status(name: str, value: Any, annotation: int = 12) -> Callable[[Path], None]:
    """Return a change of the ledger's row of an annotation."""
    return to_row(LEDGER, annotation, lambda row: row.update({name: value}))


def forget_all(out: Path) -> None:
    """Empty the ledger, and tell the manifest."""
    to_rows(LEDGER, lambda table: table.clear())(out)
    with manifest(out) as value:
        value["counts"] |= {"annotations": 0, "ledger": {}}


TABLES = [
    Mutation("forget all", forget_all, SKIPPED, "annotation 17 of image 3: is in no row of the ledger", 17),
    Mutation("lose a row", to_rows(LEDGER, lambda table: table.pop()), LEDGER, "has 18 rows, the manifest says 19"),
    Mutation("unsorted", to_rows(LEDGER, lambda table: table.insert(2, table.pop(1))), LEDGER, "is not sorted", 2),
    Mutation("unknown status", status("status", "lost"), LEDGER, "annotation 12 of image 8: has an unknown status"),
    Mutation("no longer covered", status("status", "too_small"), LEDGER, "is too_small, but valid in 2 chips"),
    Mutation("covered nowhere", status("status", "covered", 16), LEDGER, "is covered, but valid in no chip"),
    Mutation("uncovered", status("status", "uncovered"), LEDGER, "never leaves"),
    Mutation("another status", status("status", "too_large", 16), LEDGER, "counts by status"),
    Mutation("no crowd", status("status", "too_small", 4), LEDGER, "is crowd in"),
    Mutation("a crowd by nothing", status("reason", "whim", 4), LEDGER, "names no field"),
    Mutation("reason for nothing", status("reason", "x"), LEDGER, "has a reason without need"),
    Mutation("no reason", status("reason", "", 16), LEDGER, "has a reason without need, or none"),
    Mutation("another reason", status("reason", "outside", 17), LEDGER, "for another reason"),
    Mutation("n_valid", status("n_valid", 3), LEDGER, "n_valid is 3, _plan.parquet shows 2"),
    Mutation("n_ignored", status("n_ignored", 0), LEDGER, "n_ignored is 0, _plan.parquet shows 1"),
    Mutation("below zero", status("n_ignored", -1), LEDGER, "has a negative count"),
    Mutation("another level", status("levels", [0, 1]), LEDGER, "levels are not those"),
    Mutation("unknown level", status("levels", [0, 2**31 - 1]), LEDGER, "none there are"),
    Mutation("a level twice", status("levels", [0, 0, 2]), LEDGER, "do not rise"),
    Mutation("no level", status("levels", []), LEDGER, "levels without a valid box"),
    Mutation("another class", status("category_id", 90), LEDGER, "another category_id"),
    Mutation("another id", status("annotation_id", 99, 16), PLAN, "annotation 16, of which the ledger", 2),
    Mutation("image not skipped", status("status", "too_small", 19), LEDGER, "its image is not skipped here"),
    Mutation("skipped, yet seen", status("n_ignored", 1, 19), LEDGER, "cannot be in a chip"),
    Mutation("lose a line", to_lines(lambda values: values.pop(0)), SKIPPED, "counts by reason", 2),
    Mutation(
        "another word", to_lines(lambda values: values[0].update(reason="whim")), SKIPPED, "line 1: 'whim' is no reason"
    ),
    Mutation(
        "another known word",
        to_lines(lambda values: values[0].update(reason="outside")),
        SKIPPED,
        "counts by reason",
        2,
    ),
    Mutation("no word", to_lines(lambda values: values[2].update(reason="")), SKIPPED, "length >= 1"),
    Mutation("unknown kind", to_lines(lambda values: values[0].update(kind="thing")), SKIPPED, "line 1"),
    Mutation("a key too many", to_lines(lambda values: values[0].update(more=1)), SKIPPED, "unknown field"),
    Mutation("a key too few", to_lines(lambda values: values[0].pop("message")), SKIPPED, "missing required field"),
    Mutation(
        "other order of keys", to_lines(lambda values: values[0].update(kind=values[0].pop("kind"))), SKIPPED, "keys"
    ),
    Mutation("image without id", to_lines(lambda values: values[1].update(image_id=None)), SKIPPED, "must not be null"),
    Mutation("twice", to_lines(lambda values: values.append(values[2])), SKIPPED, "line 4: stands there twice"),
    Mutation(
        "mask of nothing", to_lines(lambda values: values[2].update(annotation_id=99)), SKIPPED, "no row of the ledger"
    ),
    Mutation("no line", write(SKIPPED, b"{}"), SKIPPED, "ends in the middle"),
    Mutation("no JSON", write(SKIPPED, b"garbage\n"), SKIPPED, "line 1"),
    Mutation("a list", write(SKIPPED, b"[1]\n"), SKIPPED, "line 1"),
    Mutation("endless", write(SKIPPED, b"1" * (1 << 21)), SKIPPED, "longer than", 2),
    Mutation("lose a source", to_rows(SOURCES, lambda table: table.pop()), SOURCES, "image 11: has no row"),
    Mutation("lose a skipped source", to_rows(SOURCES, lambda table: table.pop(0)), SOURCES, "image 2: has no row"),
    Mutation(
        "source without digest",
        to_row(SOURCES, 8, lambda row: row.update(bytes=None, sha256=None)),
        SOURCES,
        "image 8",
        2,
    ),
    Mutation("half a digest", to_row(SOURCES, 8, lambda row: row.update(sha256="00")), SOURCES, "its sha256 is none"),
    Mutation(
        "digest, no length", to_row(SOURCES, 8, lambda row: row.update(bytes=None)), SOURCES, "without a checksum"
    ),
    Mutation(
        "digest of a skipped one",
        to_row(SOURCES, 2, lambda row: row.update(bytes=1, sha256="0" * 64)),
        SOURCES,
        "image 2: has a checksum",
    ),
    Mutation(
        "other name",
        to_row(SOURCES, 8, lambda row: row.update(file_name="9.png")),
        SOURCES,
        "'9.png', _plan.parquet says '8.png'",
    ),
    Mutation(
        "other skipped name", to_row(SOURCES, 2, lambda row: row.update(file_name="9.png")), SOURCES, "is not that in"
    ),
    Mutation("unsorted sources", to_rows(SOURCES, lambda table: table.reverse()), SOURCES, "is not sorted", 4),
    Mutation(
        "epoch without a chip",
        to_rows("epochs/epoch-0.parquet", lambda table: table.pop(1)),
        "epochs/epoch-0.parquet",
        "is positive, but not shown",
    ),
    Mutation(
        "epoch of other rows",
        to_rows("epochs/epoch-0.parquet", lambda table: table[1].update(image_id=0)),
        "epochs/epoch-0.parquet",
        "is chip 0",
    ),
    Mutation(
        "epoch beyond",
        to_rows("epochs/epoch-0.parquet", lambda table: table[-1].update(row=99)),
        "epochs/epoch-0.parquet",
        "beyond",
    ),
]

"""The small dataset in three files, and ways to build it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from small_set import SCALES, small_coco, small_proposals, write_small_set
from zoo.running import Outcome, run_here

if TYPE_CHECKING:
    from pathlib import Path

    from datasets_made import Coco

STEP = 10**12
PARTS = {"a.json": (3, 8), "b.json": (11,), "c.json": (5,)}
"""The images of each file."""


def part_of(coco: Coco, images: tuple[int, ...]) -> dict[str, Any]:
    """Return some images of a dataset as one of its own."""
    return {
        "images": [one for one in coco.images if one["id"] in images],
        "annotations": [one for one in coco.annotations if one["image_id"] in images],
        "categories": coco.categories,
    }


def write_parts(folder: Path, names: tuple[str, ...] = (*PARTS,)) -> Path:
    """Write pictures, annotation files and proposals; return the folder of the annotation files."""
    coco = small_coco()
    write_small_set(folder, coco)
    for place in ("anns", "proposals"):
        (folder / place).mkdir()
    for name in names:
        write_part(folder / "anns" / name, part_of(coco, PARTS[name]))
        some = [one for one in small_proposals() if one["image_id"] in PARTS[name]]
        (folder / "proposals" / name).write_text(json.dumps(some), encoding="ascii")
    return folder / "anns"


def write_part(path: Path, document: dict[str, Any]) -> None:
    """Write an annotation file."""
    path.write_text(json.dumps(document), encoding="ascii")


def read_part(path: Path) -> dict[str, Any]:
    """Return the content of an annotation file."""
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def build(coco: object, out: Path, *more: str) -> Outcome:
    """Build here; of a folder, its JSON files."""
    pattern = str(coco) if str(coco).endswith((".json", ".parquet", "*")) else f"{coco}/*.json"
    return run_here(["build", "--coco", pattern, *SCALES, "--workers", "1", "--out", str(out), *more])


def expect(outcome: Outcome, code: int, *said: str) -> Outcome:
    """Check how a run ended and what it said."""
    assert outcome.code == code, outcome
    assert all(text in outcome.stdout + outcome.stderr for text in said), outcome
    assert "Traceback" not in outcome.stderr
    return outcome

"""Running ``chipgen`` and reading what it left behind."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from chipgen.cli import main
from zoo.entry import good, raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROGRAM = Path(sys.executable).with_name("chipgen")
SECONDS = 30
ONE_TO_ONE = ("--scales", "1x", "--image-format", "png")
SKIPPED_KEYS = ["annotation_id", "file_name", "image_id", "kind", "message", "reason"]
LINE = re.compile(r"\S.*: .+: .+")
"""``path: where: what: what to do``; where may be missing."""


@dataclass(frozen=True)
class Outcome:
    """What a run said and how it ended."""

    code: int
    stdout: str
    stderr: str


def run_here(arguments: Sequence[str]) -> Outcome:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        main(list(arguments))
    assert isinstance(end.value.code, int)
    return Outcome(end.value.code, out.getvalue(), err.getvalue())


def run_program(
    arguments: Sequence[str], folder: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Outcome:
    """Run the installed program; one that hangs is an error."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env={**environment, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        timeout=SECONDS,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def build(folder: Path, *more: str) -> list[str]:
    """Return the arguments that build ``in/ann.json`` of a folder into ``out``; later ones overrule earlier ones."""
    fixed = ["--coco", str(folder / "in" / "ann.json"), "--out", str(folder / "out")]
    return ["build", *fixed, "--scales", "512", "--workers", "1", *more]


def assert_refused(outcome: Outcome, out: Path, code: int = 1) -> list[str]:
    """Check a refusal: exit code, one line for each problem, nothing written; return the lines."""
    assert outcome.code == code, outcome
    lines = outcome.stderr.splitlines()
    assert lines
    assert [line for line in lines if not LINE.fullmatch(line) or not line.isprintable()] == []
    assert "Traceback" not in outcome.stderr
    assert "chipgen: unexpected" not in outcome.stderr  # how a defect of ours announces itself
    assert not out.exists() or list(out.iterdir()) == []
    return lines


def assert_built(outcome: Outcome, out: Path, code: int = 0) -> None:
    """Check a build that went through: nothing on stderr, nothing temporary left, the manifest there."""
    assert (outcome.code, outcome.stderr) == (code, "")
    assert (out / "_manifest.json").is_file()
    assert not (out / ".tmp").exists()


def skipped(out: Path) -> list[dict[str, Any]]:
    """Return what was skipped, after checking that every line has its six keys."""
    lines = [json.loads(line) for line in (out / "_skipped.jsonl").read_bytes().splitlines()]
    assert all(sorted(line) == SKIPPED_KEYS for line in lines)
    return lines


def ledger(out: Path) -> dict[int, tuple[str, str]]:
    """Return status and reason of every annotation, by id."""
    rows = pq.read_table(out / "_ledger.parquet").to_pylist()
    found = {row["annotation_id"]: (row["status"], row["reason"]) for row in rows}
    assert len(found) == len(rows)
    return found


def chips(out: Path) -> list[dict[str, Any]]:
    """Return all chips."""
    rows: list[dict[str, Any]] = pq.read_table(out / "data").to_pylist()
    return rows


def class_names(out: Path) -> list[str]:
    """Return the class names that `datasets` is told; it refuses any that stands twice."""
    (shard, *_) = sorted((out / "data").iterdir())
    features = json.loads(pq.read_schema(shard).metadata[b"huggingface"])["info"]["features"]
    names: list[str] = features["objects"]["category"]["feature"].get("names", [])
    return names


def images_with_chips(out: Path) -> set[int]:
    """Return the ids of the source images that chips were cut from."""
    return {row["source"]["image_id"] for row in chips(out)}


def objects(out: Path) -> list[dict[str, Any]]:
    """Return every box of every chip, with the id of its chip."""
    return [
        {"chip": chip["image_id"], **{name: values[index] for name, values in chip["objects"].items()}}
        for chip in chips(out)
        for index in range(len(chip["objects"]["id"]))
    ]


def built_with(folder: Path, *more: dict[str, Any], arguments: tuple[str, ...] = ONE_TO_ONE) -> str:
    """Build the good dataset with more annotations; return the report."""
    coco = good()
    coco["annotations"] += more
    raw(json.dumps(coco))(folder / "in")
    outcome = run_here(build(folder, *arguments))
    assert_built(outcome, folder / "out")
    return outcome.stdout

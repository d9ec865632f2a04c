"""Broken and odd files of proposals, each with its row in the table of faults, through ``chipgen proposals``."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from zoo.proposals import ENTRIES
from zoo.running import LINE, Outcome, run_here, run_program

from chipgen.errors import DataError
from chipgen.proposals import read_proposals

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.entry import Entry

REFUSED = [entry for entry in ENTRIES if entry.code]
STRUCTURE = [entry for entry in REFUSED if not entry.skipped and entry.row != "G73"]
SKIPPABLE = [entry for entry in REFUSED if entry.skipped]
FINE = [entry for entry in ENTRIES if not entry.code]
SECONDS = 20


def convert(entry: Entry, folder: Path, *more: str) -> Outcome:
    """Convert the file of an entry."""
    if not list(folder.iterdir()):
        entry.write(folder / "in")
    run = run_program if entry.apart else run_here
    start = time.perf_counter()
    outcome = run(["proposals", str(folder / "in"), str(folder / "out.parquet"), *entry.arguments, *more])
    assert time.perf_counter() - start < SECONDS
    return outcome


def assert_refused(entry: Entry, outcome: Outcome, folder: Path) -> None:
    """Check a refusal: exit code, one line for each problem, nothing left behind."""
    assert outcome.code == entry.code, outcome
    assert entry.says in outcome.stderr, outcome.stderr
    lines = outcome.stderr.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line) or not line.isprintable()] == []
    if entry.code == 1:
        assert all(line.startswith(str(folder / "in")) for line in lines)
    assert "Traceback" not in outcome.stderr
    assert "chipgen: unexpected" not in outcome.stderr
    assert outcome.stdout == ""
    assert {path.name for path in folder.iterdir()} <= {"in"}


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_refused_and_nothing_written(entry: Entry, tmp_path: Path) -> None:
    assert_refused(entry, convert(entry, tmp_path), tmp_path)


@pytest.mark.parametrize("entry", STRUCTURE, ids=str)
def test_wrong_structure_is_never_skipped(entry: Entry, tmp_path: Path) -> None:
    outcome = convert(entry, tmp_path, "--on-error", "skip", "--max-skipped", "1000")
    assert_refused(entry, outcome, tmp_path)


@pytest.mark.parametrize("entry", SKIPPABLE, ids=str)
def test_one_bad_proposal_is_skipped(entry: Entry, tmp_path: Path) -> None:
    outcome = convert(entry, tmp_path, "--on-error", "skip", "--json")
    assert (outcome.code, outcome.stderr) == (3, "")
    report = json.loads(outcome.stdout)
    assert report["skipped"] == {entry.skipped: 1}
    assert not report["within_limit"]
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == report["proposals"] > 0
    outcome = convert(entry, tmp_path, "--on-error", "skip", "--max-skipped", "1", "--overwrite")
    assert (outcome.code, outcome.stderr) == (0, "")
    assert f"skipped      1 {entry.skipped}\n" in outcome.stdout


@pytest.mark.parametrize("entry", FINE, ids=str)
def test_odd_but_fine(entry: Entry, tmp_path: Path) -> None:
    outcome = convert(entry, tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert entry.says in outcome.stdout, outcome.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out.parquet"}
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert schema.names == ["image_id", "x", "y", "w", "h", "score"]


@pytest.mark.parametrize("entry", [entry for entry in REFUSED if entry.row in {"G65", "G66"}], ids=str)
def test_reading_refuses_what_converting_does(entry: Entry, tmp_path: Path) -> None:
    """The function behind ``--proposals`` of ``chipgen build`` complains alike, and reads no pickle at all."""
    if entry.apart:
        pytest.skip("in a process of its own only")
    entry.write(tmp_path / "in")
    with pytest.raises(DataError) as refused:
        read_proposals(tmp_path / "in")
    lines = str(refused.value).splitlines()
    assert all(LINE.fullmatch(line) and line.startswith(str(tmp_path / "in")) for line in lines)
    if "--trust-pickle" not in entry.arguments:
        assert entry.says in str(refused.value)


@pytest.mark.row("G66")
@pytest.mark.parametrize("name", ["terabytes", "bomb"])
def test_a_bomb_takes_no_memory(name: str, tmp_path: Path) -> None:
    """Row G66: what claims gigabytes is refused before they are asked for."""
    (bomb,) = (entry for entry in ENTRIES if entry.name == name)
    bomb.write(tmp_path / "in")
    tracemalloc.start()
    outcome = convert(bomb, tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_refused(bomb, outcome, tmp_path)
    assert peak < 10 << 20

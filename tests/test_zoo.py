"""Broken and odd annotation files and options, each with its row in the table of faults, through the real program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import images
import pytest
from zoo import boxes, files, ids, masks
from zoo.entry import BAD, GOOD, Entry, annotation, good, raw, spliced, write_images
from zoo.options import OPTIONS, Option
from zoo.running import (
    assert_built,
    assert_refused,
    build,
    class_names,
    images_with_chips,
    ledger,
    run_here,
    run_program,
    skipped,
)

if TYPE_CHECKING:
    from pathlib import Path

ENTRIES = [*files.ENTRIES, *ids.ENTRIES, *boxes.ENTRIES, *masks.ENTRIES]
REFUSED = [entry for entry in ENTRIES if entry.code]
STRUCTURE = [entry for entry in REFUSED if not entry.skipped]
SKIPPABLE = [entry for entry in REFUSED if entry.skipped]
FINE = [entry for entry in ENTRIES if not entry.code]
SKIPPABLE_ROWS = pytest.mark.row(*sorted({entry.row for entry in SKIPPABLE}))
SHOWN = 20


def _refused(entry: Entry, folder: Path, *more: str) -> list[str]:
    """Run an entry that must be refused with its message; return the lines."""
    entry.write(folder / "in")
    outcome = (run_program if entry.apart else run_here)(build(folder, *entry.arguments, *more))
    lines = assert_refused(outcome, folder / "out", entry.code)
    assert entry.says in outcome.stderr
    return lines


@pytest.mark.parametrize("entry", REFUSED, ids=str)
def test_refused_and_nothing_written(entry: Entry, folder: Path) -> None:
    lines = _refused(entry, folder)
    if not entry.skipped or entry.kind == "annotation":
        assert all(line.startswith(str(folder / "in" / "ann.json")) for line in lines)


@pytest.mark.parametrize("entry", STRUCTURE, ids=str)
def test_wrong_structure_is_never_skipped(entry: Entry, folder: Path) -> None:
    _refused(entry, folder, "--on-error", "skip", "--max-skipped", "1000")


@pytest.mark.parametrize("entry", SKIPPABLE, ids=str)
def test_one_bad_thing_is_skipped(entry: Entry, folder: Path) -> None:
    entry.write(folder / "in")
    out = folder / "out"
    assert_built(run_here(build(folder, "--on-error", "skip")), out, code=3)
    (line,) = skipped(out)
    assert (line["kind"], line["annotation_id"], line["reason"]) == (entry.kind, BAD, entry.skipped)
    status = ("invalid", entry.skipped) if entry.kind == "annotation" else ("covered", "")
    assert ledger(out) == {**dict.fromkeys(GOOD, ("covered", "")), BAD: status}
    assert images_with_chips(out) == set(GOOD)


@pytest.mark.parametrize("entry", FINE, ids=str)
def test_odd_but_fine(entry: Entry, folder: Path) -> None:
    entry.write(folder / "in")
    run = run_program if entry.apart else run_here
    outcome = run(build(folder, *entry.arguments))
    assert_built(outcome, folder / "out")
    assert entry.says in outcome.stdout
    text = (folder / "in" / "ann.json").read_text(encoding="utf-8-sig")
    annotations = json.loads(text, parse_int=lambda digits: int(digits[:40]))["annotations"]
    assert sorted(ledger(folder / "out")) == sorted(entry["id"] for entry in annotations)
    assert skipped(folder / "out") == []
    if (folder / "out" / "data").exists():
        names = class_names(folder / "out")
        assert len(set(names)) == len(names)
    for file in (folder / "out").rglob("annotations.json"):
        json.loads(file.read_bytes(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.row("A7")
def test_any_depth(folder: Path) -> None:
    """Row A7: somewhere between bearable and too deep lies no depth at which the program trips."""
    for depth in range(900, 1020, 8):
        spliced("annotations", f'{json.dumps(annotation())[:-1]}, "x": {"[" * depth + "]" * depth}}}')(folder / "in")
        outcome = run_here(build(folder, "--overwrite"))
        assert outcome.code in {0, 1}
        assert "chipgen: unexpected" not in outcome.stderr


# -- all of them at once, in a process of its own: a mask that kills it would be seen here ---------------------------


@pytest.fixture(scope="module")
def all_bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Entry]]:
    """Return a folder with one dataset that holds every bad annotation and mask, and which is which by id."""
    folder = tmp_path_factory.mktemp("all_bad")
    (folder / "in").mkdir()
    coco, found = good(), {}
    for identifier, entry in enumerate(SKIPPABLE, start=100):
        entry.write(folder / "in")
        bad = json.loads((folder / "in" / "ann.json").read_bytes())["annotations"][-1]
        coco["annotations"].append({**bad, "id": identifier})
        found[identifier] = entry
    raw(json.dumps(coco))(folder / "in")
    return folder, found


@SKIPPABLE_ROWS
def test_all_bad_annotations_fail(all_bad: tuple[Path, dict[int, Entry]]) -> None:
    """Rows B15 to D43: every problem of the annotation file is found, the first ones are shown."""
    folder, found = all_bad
    lines = assert_refused(run_program(build(folder, "--out", str(folder / "fail"))), folder / "fail")
    count = sum(entry.kind == "annotation" for entry in found.values())
    assert len(lines) == SHOWN + 1
    assert f"and {count - SHOWN} more" in lines[-1]


@SKIPPABLE_ROWS
@pytest.mark.parametrize(("lacking", "code"), [(1, 3), (0, 0)], ids=["too_many", "allowed"])
def test_all_bad_annotations_skipped(all_bad: tuple[Path, dict[int, Entry]], lacking: int, code: int) -> None:
    """Rows B15 to D43: each is skipped with its own reason, and the exit code says whether they were too many."""
    folder, found = all_bad
    out = folder / f"skip{lacking}"
    limit = len(found) - lacking
    arguments = build(folder, "--out", str(out), "--on-error", "skip", "--max-skipped", str(limit))
    assert_built(run_program(arguments), out, code)
    reasons = {line["annotation_id"]: (line["kind"], line["reason"]) for line in skipped(out)}
    assert reasons == {identifier: (entry.kind, entry.skipped) for identifier, entry in found.items()}
    assert images_with_chips(out) == set(GOOD)


# -- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_options(option: Option, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections H and I: refused before anything is read or written, or accepted with a word about it."""
    monkeypatch.chdir(tmp_path)
    raw(json.dumps(good()))(tmp_path)
    for name in ("pictures", "full", "empty"):
        (tmp_path / name).mkdir()
    write_images(tmp_path / "pictures")
    (tmp_path / "full" / "precious.txt").write_text("mine")
    config = []
    if option.config is not None:
        (tmp_path / "config.toml").write_text(option.config, errors="surrogateescape")
        config = ["--config", "config.toml"]
    before = _tree(tmp_path)
    scales = ["--scales", "512"] if option.scales else []
    outcome = run_here(["build", "--coco", "ann.json", "--workers", "1", *scales, *config, *option.arguments])
    if option.code:
        lines = assert_refused(outcome, tmp_path / "chips", option.code)
        assert option.says in "\n".join(lines)
        assert _tree(tmp_path) == before
    else:
        assert (outcome.code, outcome.stderr) == (0, "")
        assert option.says in outcome.stdout
        assert before.items() <= _tree(tmp_path).items()


def _tree(folder: Path) -> dict[str, bytes]:
    """Return every file and folder below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--scales", "0"], 2, marks=pytest.mark.row("H74"), id="H74"),
        pytest.param(["--scale", "512"], 2, marks=pytest.mark.row("H80"), id="H80"),
        pytest.param(["--scales", "512", "--on-error", "fail"], 0, id="good"),
    ],
)
def test_exit_codes_of_the_program(arguments: list[str], code: int, folder: Path) -> None:
    """Sections H and A: the installed program ends with the same codes as the function behind it."""
    raw(json.dumps(good()))(folder / "in")
    outcome = run_program(["build", "--coco", "in/ann.json", "--out", "out", *arguments], folder)
    assert (outcome.code, bool(outcome.stderr)) == (code, bool(code))


@pytest.mark.row("F57")
def test_too_many_pixels(folder: Path) -> None:
    """Row F57: `--max-pixels` refuses an image from its header."""
    raw(json.dumps(good()))(folder / "in")
    limit = str(images.SIZE[0] * images.SIZE[1] - 1)
    lines = assert_refused(run_here(build(folder, "--max-pixels", limit)), folder / "out")
    assert all("(too_large)" in line for line in lines)

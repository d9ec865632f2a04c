"""Broken and odd images and file names, each with its row in the table of faults: many of them in one dataset."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import images
import numpy as np
import pytest
from PIL import Image
from zoo.entry import annotation, good, raw
from zoo.names import REFUSED, USED, Name
from zoo.pictures import BAD, ODD, SHAPES, TURNED, UPRIGHT, Bad, Odd, fake_interpreter, write
from zoo.running import (
    Outcome,
    assert_built,
    assert_refused,
    build,
    chips,
    images_with_chips,
    ledger,
    run_here,
    run_program,
    skipped,
)

import chipgen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHOWN = 20
CORNER = [0, 0, 30, 30]
PIXEL_FOR_PIXEL = ("--scales", "1x", "--chip-size", "128", "--image-format", "png")
Seen = tuple[Outcome, dict[int, dict[str, Any]], dict[int, str]]


def _dataset(folder: Path, named: Mapping[int, tuple[str, tuple[int, int]]], *, whole: bool = False) -> None:
    """Write the two good images and the annotation file of these and others; annotations have the ids of images.

    The object of each other image fills it, or lies in its corner.
    """
    coco = good()
    for identifier, (file_name, (width, height)) in named.items():
        coco["images"].append({"id": identifier, "file_name": file_name, "width": width, "height": height})
        box = [0, 0, width, height] if whole else CORNER
        coco["annotations"].append(annotation(identifier, image_id=identifier, bbox=box))
    raw(json.dumps(coco))(folder)


def each(entries: Mapping[int, Bad | Name | Odd]) -> pytest.MarkDecorator:
    """Return a decorator that runs a test with the id of each entry, and says which row that proves."""
    cases = [pytest.param(i, marks=pytest.mark.row(entry.row), id=str(entry)) for i, entry in entries.items()]
    return pytest.mark.parametrize("identifier", cases)


def _pixels(chip: dict[str, Any]) -> np.typing.NDArray[np.int64]:
    """Return the pixels of a chip without its padding."""
    image = Image.open(io.BytesIO(chip["image"]["bytes"]))
    assert image.mode == "RGB"
    return np.asarray(image, dtype=np.int64)[: chip["content_height"], : chip["content_width"]]


# -- E, F: what cannot be used ---------------------------------------------------------------------------------------

FAULTS: dict[int, Bad | Name] = dict(enumerate([*BAD, *REFUSED], start=100))
NOWHERE = [name for name in REFUSED if name.reason in {"bad_name", "missing", "outside_root"}]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one dataset of every image that cannot be used, and two good ones."""
    folder = tmp_path_factory.mktemp("faults")
    root = folder / "in"
    root.mkdir()
    write(root, BAD)
    for name in REFUSED:
        name.make(root)
    sizes = {i: fault.size if isinstance(fault, Bad) else images.SIZE for i, fault in FAULTS.items()}
    _dataset(root, {i: (fault.file_name, sizes[i]) for i, fault in FAULTS.items()}, whole=True)
    return folder


@pytest.fixture(scope="module")
def skipping(faults: Path) -> tuple[Path, dict[int, dict[str, Any]]]:
    """Return the output of a run that skips all of them, and the lines of its list by image id."""
    canary = faults / "interpreter_was_run"
    environment = fake_interpreter(faults / "bin", canary)
    outcome = run_program(build(faults, "--on-error", "skip", "--workers", "2"), environment=environment)
    assert_built(outcome, faults / "out", 3)
    assert not canary.exists(), "row F58: an interpreter of PostScript was started"
    lines = skipped(faults / "out")
    assert len(lines) == len({line["image_id"] for line in lines})
    return faults / "out", {line["image_id"]: line for line in lines}


def test_the_rest_is_built(skipping: tuple[Path, dict[int, dict[str, Any]]]) -> None:
    """Sections E and F: nothing but the bad images is missing from chips and ledger."""
    out, lines = skipping
    assert set(lines) == set(FAULTS)
    assert images_with_chips(out) == {1, 2}
    assert {i for i, (status, _) in ledger(out).items() if status == "covered"} == {1, 2}


@each(FAULTS)
def test_bad_image_is_skipped(identifier: int, skipping: tuple[Path, dict[int, dict[str, Any]]]) -> None:
    out, lines = skipping
    fault, line = FAULTS[identifier], lines[identifier]
    assert (line["kind"], line["annotation_id"], line["reason"]) == ("image", None, fault.reason), line
    assert line["file_name"] == fault.file_name
    assert getattr(fault, "says", "") in line["message"]
    assert line["message"].isprintable()
    assert ledger(out)[identifier] == ("image_skipped", fault.reason)


@pytest.mark.row(*sorted({name.row for name in NOWHERE}))
def test_missing_images_are_known_before_decoding(faults: Path) -> None:
    """Section E, `fail`: every name that leads nowhere is counted, the first ones are shown, nothing is written."""
    count = len(NOWHERE)
    lines = assert_refused(run_program(build(faults, "--out", str(faults / "fail"))), faults / "fail")
    assert len(lines) == SHOWN + 1
    assert f"and {count - SHOWN} more" in lines[-1]


@pytest.mark.row(*sorted({bad.row for bad in BAD}))
def test_bad_images_all_listed(tmp_path: Path) -> None:
    """Section F, `fail`: every image that cannot be decoded is in one list, and nothing is written."""
    write(tmp_path, BAD)
    _dataset(tmp_path, {i: (bad.file_name, bad.size) for i, bad in enumerate(BAD, start=100)}, whole=True)
    plan = chipgen.plan(chipgen.read_coco(tmp_path / "ann.json"), scales="512")
    with pytest.raises(chipgen.DataError) as caught:
        chipgen.export(plan, tmp_path / "chips", workers=1)
    lines = [str(problem) for problem in caught.value.problems]
    assert len(lines) == len(BAD)
    for line, bad in zip(lines, BAD, strict=True):
        assert line.startswith(str(tmp_path / bad.file_name))
        assert f"({bad.reason})" in line
    assert not (tmp_path / "chips").exists()


@pytest.mark.row("F53")
def test_libraries_say_nothing_themselves(tmp_path: Path) -> None:
    """Row F53: the library that unpacks TIFFs writes to stderr, past Python; only our lines may be there."""
    root = tmp_path / "in"
    root.mkdir()
    (root / "damaged.tif").write_bytes(images.damaged_tiff())
    _dataset(root, {100: ("damaged.tif", images.SIZE)})
    assert_built(run_program(build(tmp_path, "--on-error", "skip")), tmp_path / "out", 3)
    assert [(line["image_id"], line["reason"]) for line in skipped(tmp_path / "out")] == [(100, "corrupt")]


# -- E, F: what is unusual but can be used ---------------------------------------------------------------------------

UNUSUAL: dict[int, Odd] = dict(enumerate([*ODD, *TURNED], start=100))


@pytest.fixture(scope="module")
def unusual(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what a build of all unusual images said, their only chips, and those it skipped."""
    folder = tmp_path_factory.mktemp("unusual")
    root = folder / "in"
    root.mkdir()
    write(root, [*ODD, *TURNED])
    turned = dict.fromkeys((odd.name for odd in TURNED), UPRIGHT)
    named = {i: (odd.file_name, turned.get(odd.name, images.SIZE)) for i, odd in UNUSUAL.items()}
    _dataset(root, named)
    outcome = run_program(build(folder, "--on-error", "skip", *PIXEL_FOR_PIXEL))
    lost = {line["image_id"]: line["reason"] for line in skipped(folder / "out")}
    return outcome, {chip["source"]["image_id"]: chip for chip in chips(folder / "out")}, lost


@each(UNUSUAL)
def test_unusual_image_is_shown_as_documented(identifier: int, unusual: Seen) -> None:
    _, found, lost = unusual
    odd = UNUSUAL[identifier]
    assert lost.get(identifier) is None
    seen, expected = _pixels(found[identifier]), np.asarray(odd.shows(), dtype=np.int64)
    assert seen.shape == expected.shape
    assert np.abs(seen - expected).max() <= odd.tolerance


@pytest.mark.row("F56", "F59", "F60")
def test_unusual_images_are_counted(unusual: Seen) -> None:
    """Rows F56, F59 and F60: the report says what was done to how many images."""
    outcome, _, lost = unusual
    assert (outcome.code, lost) == (0, {})
    for note in {odd.note for odd in UNUSUAL.values()} - {""}:
        count = sum(odd.note == note for odd in UNUSUAL.values())
        assert f"note         {count} images: {note}" in outcome.stdout


@pytest.mark.row("F56")
def test_output_carries_no_orientation(unusual: Seen) -> None:
    """Row F56: a chip with an orientation tag would be turned once more by whoever reads it."""
    for chip in unusual[1].values():
        image = Image.open(io.BytesIO(chip["image"]["bytes"]))
        assert images.ORIENTATION not in image.getexif()
        assert not image.info.get("icc_profile")


@pytest.mark.row("F63")
def test_shapes(tmp_path: Path) -> None:
    """Row F63: images smaller than a chip, or very long, become chips that are never empty."""
    root = tmp_path / "in"
    root.mkdir()
    named = {}
    for identifier, (name, size) in enumerate(SHAPES.items(), start=100):
        (root / f"{name}.png").write_bytes(images.png(size))
        named[identifier] = (f"{name}.png", size)
    _dataset(root, named)
    assert_built(run_program(build(tmp_path, "--min-box", "1", *PIXEL_FOR_PIXEL)), tmp_path / "out")
    found = {chip["source"]["image_id"]: chip for chip in chips(tmp_path / "out")}
    assert len(found) == len(named) + 2
    for identifier, (_, (width, height)) in named.items():
        seen = _pixels(found[identifier])
        x, y = int(found[identifier]["transform"]["x0"]), int(found[identifier]["transform"]["y0"])
        assert seen.shape[:2] == (min(height, 128), min(width, 128))
        part = images.picture((width, height)).crop((x, y, x + seen.shape[1], y + seen.shape[0]))
        assert np.array_equal(seen, np.asarray(part))
        assert (found[identifier]["width"], found[identifier]["height"]) == (128, 128)


@pytest.mark.parametrize("name", USED, ids=str)
def test_unusual_name_is_used(name: Name, tmp_path: Path) -> None:
    """Section E: exactly the bytes that were given, neither normalised nor shortened."""
    for other in USED:
        other.make(tmp_path)
    file_name = name.file_name.format(root=tmp_path)
    _dataset(tmp_path, {100: (file_name, images.SIZE)})
    plan = chipgen.plan(chipgen.read_coco(tmp_path / "ann.json"), scales="512")
    report = chipgen.export(plan, tmp_path.parent / f"{tmp_path.name}-out", workers=1)
    assert report.skipped == {}
    last = chips(tmp_path.parent / f"{tmp_path.name}-out")[-1]
    assert last["source"]["file_name"] == file_name


@pytest.mark.row("E50")
def test_output_names_differ_in_more_than_case(tmp_path: Path) -> None:
    """Row E50: on file systems that do not tell `SAME.png` from `same.png`, no chip replaces another."""
    for name in USED:
        name.make(tmp_path)
    _dataset(tmp_path, {100: ("SAME.png", images.SIZE), 101: ("same.png", images.SIZE)})
    plan = chipgen.plan(chipgen.read_coco(tmp_path / "ann.json"), scales="512,1x", valid_ranges="0-,0-")
    chipgen.export(plan, tmp_path / "chips", "coco", workers=1)
    names = [path.name.lower() for path in (tmp_path / "chips").rglob("*.jpg")]
    assert len(names) == len(set(names)) == len(plan.chips) == 8


# -- E: the image root, however it is written ------------------------------------------------------------------------


@pytest.mark.row("E44", "E45")
@pytest.mark.parametrize("more", [(), ("--images", "."), ("--follow-symlinks",)], ids=["", "images", "links"])
@pytest.mark.parametrize("name", ["../outside.png", "../in/../outside.png", "{outside}"], ids=["up", "in", "absolute"])
def test_relative_root_is_not_left(
    name: str, more: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows E44 and E45: run inside the dataset's folder, where the root is `.`; links are another matter."""
    (tmp_path / "outside.png").write_bytes(images.png())
    root = tmp_path / "in"
    root.mkdir()
    _dataset(root, {100: (name.format(outside=tmp_path / "outside.png"), images.SIZE)})
    monkeypatch.chdir(root)
    arguments = ["build", "--coco", "ann.json", "--scales", "512", "--workers", "1", *more]
    lines = assert_refused(run_here(arguments), root / "chips")
    assert "(outside_root)" in lines[0]


@pytest.mark.row("E45")
def test_absolute_name_inside_a_relative_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row E45: an absolute name inside the root is fine wherever the program is run."""
    _dataset(tmp_path, {100: (str(tmp_path / "good1.png"), images.SIZE)})
    monkeypatch.chdir(tmp_path)
    outcome = run_here(["build", "--coco", "ann.json", "--scales", "512", "--workers", "1"])
    assert_built(outcome, tmp_path / "chips")


@pytest.mark.row("E46")
def test_links_are_followed_when_asked(tmp_path: Path) -> None:
    """Row E46: `--follow-symlinks` allows links out of the root, but still opens nothing but files."""
    root = tmp_path / "in"
    root.mkdir()
    (tmp_path / "outside.png").write_bytes(images.png())
    (root / "out.png").symlink_to("../outside.png")
    (root / "zero.png").symlink_to("/dev/zero")
    _dataset(root, {100: ("out.png", images.SIZE), 101: ("zero.png", images.SIZE)})
    assert_built(run_program(build(tmp_path, "--on-error", "skip", "--follow-symlinks")), tmp_path / "out", 3)
    assert [(line["image_id"], line["reason"]) for line in skipped(tmp_path / "out")] == [(101, "not_a_file")]
    assert images_with_chips(tmp_path / "out") == {1, 2, 100}


# -- F64 -------------------------------------------------------------------------------------------------------------


@pytest.mark.row("F64")
def test_images_change_between_plan_and_export(tmp_path: Path) -> None:
    """Row F64: an image that vanishes or changes after planning is like one that was never right."""
    _dataset(tmp_path, {100: ("vanishes.png", images.SIZE), 101: ("shrinks.png", images.SIZE)})
    for name in ("vanishes.png", "shrinks.png"):
        (tmp_path / name).write_bytes(images.png())
    plan = chipgen.plan(chipgen.read_coco(tmp_path / "ann.json"), scales="512")
    (tmp_path / "vanishes.png").unlink()
    (tmp_path / "shrinks.png").write_bytes(images.png((48, 32)))
    report = chipgen.export(plan, tmp_path / "chips", on_error="skip", workers=1)
    assert report.skipped == {"missing": 1, "size_mismatch": 1}
    assert images_with_chips(tmp_path / "chips") == {1, 2}

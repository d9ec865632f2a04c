"""Odd settings that are allowed: what exactly they lead to. And places where output must not go."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import images
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from strategies import cocos
from thorough import times
from zoo.entry import annotation, good, raw, write_images
from zoo.running import ONE_TO_ONE, assert_built, assert_refused, built_with, chips, objects, run_here

import chipgen

if TYPE_CHECKING:
    from pathlib import Path

    from datasets_made import Coco


@pytest.mark.row("H76")
def test_a_gap_between_ranges_is_named_with_what_is_lost_in_it(folder: Path) -> None:
    sizes = {9: [10, 10, 9, 9], 10: [10, 10, 10, 10], 11: [0, 0, 50, 50], 12: [20, 10, 20, 45]}
    arguments = ("--scales", "1x,0.5x", "--valid-ranges", "0-10,45-")
    report = built_with(folder, *(annotation(i, bbox=box) for i, box in sizes.items()), arguments=arguments)
    assert "note         no valid range holds sizes 10-45 px: 4 annotations there, learnt nowhere" in report
    learnt = {entry["source_id"] for entry in objects(folder / "out") if entry["valid"]}
    assert learnt == {9, 11}  # the two of the good dataset are lost, too


@pytest.mark.row("H77")
@pytest.mark.parametrize(("more", "size"), [((), (512, 512)), (("--no-pad",), images.SIZE)])
def test_a_chip_above_the_image_shows_all_of_it(more: tuple[str, ...], size: tuple[int, int], folder: Path) -> None:
    built_with(folder, annotation(9, bbox=[90, 60, 6, 4]), arguments=(*ONE_TO_ONE, *more))
    (first, _) = chips(folder / "out")
    assert (first["width"], first["height"]) == size
    assert (first["content_width"], first["content_height"]) == images.SIZE
    pixels = np.asarray(Image.open(io.BytesIO(first["image"]["bytes"])))
    assert pixels.shape == (*size[::-1], 3)
    assert np.array_equal(pixels[: images.SIZE[1], : images.SIZE[0]], np.asarray(images.picture()))
    assert (pixels[images.SIZE[1] :] == (124, 116, 104)).all()
    assert (pixels[:, images.SIZE[0] :] == (124, 116, 104)).all()
    assert first["objects"]["bbox"] == [[10, 10, 40, 30], [90, 60, 6, 4]]
    assert first["objects"]["valid"] == [True, True]


@pytest.mark.row("H78")
@settings(deadline=None, max_examples=times(60))
@given(cocos(), st.integers(1, 10**9))
def test_a_stride_above_the_chip_size_covers_all_the_same(coco: Coco, above: int) -> None:
    plan = chipgen.plan(coco.read(), "1x,2x", chip_size=64, stride=64 + above)
    assert any("is above the chip size 64: the grid leaves places out" in note for note in plan.notes)
    assert np.array_equal(plan.ledger().covered, plan.fits.counts)
    assert not any("stride" in note for note in chipgen.plan(coco.read(), "1x", chip_size=64, stride=64).notes)


# -- H81: output among the input -------------------------------------------------------------------------------------


def _tree(folder: Path) -> dict[str, bytes]:
    """Return every file and folder below a folder; links are not followed."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder: annotations, pictures, links to both, and an earlier build beside them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures" / "more").mkdir(parents=True)
    write_images(tmp_path / "pictures")
    (tmp_path / "ann.json").write_text(json.dumps(good()))
    (tmp_path / "proposals.json").write_text("[]")
    (tmp_path / "link").symlink_to("pictures")
    (tmp_path / "file_link").symlink_to("ann.json")
    (tmp_path / "dangling").symlink_to("pictures/new")
    return tmp_path


@pytest.mark.row("H81")
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)], ids=["", "overwrite"])
@pytest.mark.parametrize(
    ("out", "code"),
    [
        ("pictures", 2),
        ("pictures/", 2),
        ("pictures/new", 2),
        ("pictures/more", 2),
        ("pictures/more/../../pictures/new", 2),
        ("./pictures/./new", 2),
        ("link", 2),
        ("link/new", 2),
        ("dangling", 4),
        (".", 4),
        ("ann.json", 4),
        ("file_link", 4),
        ("proposals.json", 4),
        ("pictures/good1.png", 4),
    ],
)
def test_output_goes_nowhere_among_the_input(out: str, code: int, overwrite: tuple[str, ...], place: Path) -> None:
    for root in ("pictures", "link", str(place / "pictures")):
        before = _tree(place)
        inputs = ["--coco", "ann.json", "--images", root, "--proposals", "proposals.json"]
        arguments = ["build", *inputs, "--scales", "1x", "--workers", "1", "--out", out, *overwrite]
        assert_refused(run_here(arguments), place / "never", code)
        assert _tree(place) == before


@pytest.mark.row("H81")
def test_an_earlier_build_that_holds_input_by_now_is_not_overwritten(place: Path) -> None:
    arguments = ["build", "--coco", "ann.json", "--images", "pictures", "--scales", "1x", "--workers", "1"]
    assert_built(run_here(arguments), place / "chips")
    (place / "ann.json").rename(place / "chips" / "ann.json")
    before = _tree(place)
    moved = [argument.replace("ann.json", "chips/ann.json") for argument in arguments]
    (line,) = assert_refused(run_here([*moved, "--overwrite"]), place / "never", 4)
    assert "ann.json: chipgen did not write it" in line
    assert _tree(place) == before


@pytest.mark.row("H81")
def test_the_default_place_beside_the_input_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw(json.dumps(good()))(tmp_path)
    assert_built(run_here(["build", "--coco", "ann.json", "--scales", "1x", "--workers", "1"]), tmp_path / "chips")
    assert_refused(run_here(["build", "--coco", "ann.json", "--scales", "1x", "--out", "."]), tmp_path / "never", 2)

"""Odd and broken images: what the zoo cannot see, because it is about memory, other files, or a change of mind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import images
import pytest
from zoo.entry import annotation, good, raw
from zoo.running import ONE_TO_ONE, assert_built, assert_refused, build, chips, run_here, run_program, skipped

import chipgen

if TYPE_CHECKING:
    from collections.abc import Callable

README = Path(__file__).parents[1] / "README.md"
Form = Literal["NFC", "NFD"]
FORMS: tuple[Form, Form] = ("NFC", "NFD")


def _with_images(folder: Path, *file_names: str) -> Path:
    """Write the good dataset with more images, ids 100 and up, each with one object; return the annotation file."""
    coco = good()
    for identifier, file_name in enumerate(file_names, start=100):
        coco["images"].append({**coco["images"][0], "id": identifier, "file_name": file_name})
        coco["annotations"].append(annotation(identifier, image_id=identifier))
    raw(json.dumps(coco))(folder / "in")
    return folder / "in" / "ann.json"


# -- E: accents ------------------------------------------------------------------------------------------------------


def _both_forms(folder: Path) -> dict[Form, str]:
    """Return one name with its accent composed and decomposed; skip where the file system takes them for the same."""
    names = {form: unicodedata.normalize(form, "fenêtre.png") for form in FORMS}
    (folder / names["NFC"]).touch()
    if (folder / names["NFD"]).exists():
        pytest.skip("this file system normalises names")
    (folder / names["NFC"]).unlink()
    return names


@pytest.mark.row("E48")
@pytest.mark.parametrize(("listed", "there"), [FORMS, FORMS[::-1]])
def test_a_name_in_the_other_form_is_not_taken_but_hinted_at(listed: Form, there: Form, folder: Path) -> None:
    names = _both_forms(folder / "in")
    _with_images(folder, names[listed], "plain.png")
    (folder / "in" / names[there]).write_bytes(images.png())
    lines = assert_refused(run_here(build(folder)), folder / "out")
    assert len(lines) == 2
    assert f"the same name exists with its accents written as Unicode {there}" in lines[0]
    assert "Unicode" not in lines[1]


@pytest.mark.row("E48")
def test_both_forms_beside_each_other_are_two_images(folder: Path) -> None:
    names = _both_forms(folder / "in")
    _with_images(folder, *names.values())
    (folder / "in" / names["NFC"]).write_bytes(images.png())
    (folder / "in" / names["NFD"]).write_bytes(images.encoded(images.picture().rotate(180), "PNG"))
    assert_built(run_here(build(folder, *ONE_TO_ONE)), folder / "out")
    first, *_, composed, decomposed = (chip["image"]["bytes"] for chip in chips(folder / "out"))
    assert first == composed != decomposed


@pytest.mark.row("E47")
@pytest.mark.parametrize("name", ["é.png", "🦔.png"])
def test_a_name_that_the_system_cannot_write_is_one_line(name: str, folder: Path) -> None:
    """Where file names are ASCII, as in a bare container with an old Python or UTF-8 switched off."""
    _with_images(folder, name)
    bare = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    (line,) = assert_refused(run_program(build(folder), environment=bare), folder / "out")
    assert "names are written in ascii; set LC_ALL=C.UTF-8 (bad_name)" in line


# -- F: what is inside -----------------------------------------------------------------------------------------------


@pytest.mark.row("F54")
def test_damage_that_nobody_can_see_is_used_and_the_readme_says_so(folder: Path) -> None:
    _with_images(folder, "damaged.jpg")
    (folder / "in" / "damaged.jpg").write_bytes(images.damaged_jpeg())
    assert_built(run_here(build(folder)), folder / "out")
    assert [chip["source"]["image_id"] for chip in chips(folder / "out")] == [1, 2, 100]
    assert "damage inside a JPEG that leaves it decodable cannot be seen" in README.read_text(encoding="utf-8")


OPENING = """
import resource, sys
from pathlib import Path
from chipgen.errors import UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import open_picture
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
open_picture(Path(sys.argv[1], "good1.png"), (96, 64), ExportConfig(max_pixels=10**6))
before = peak()
try:
    open_picture(Path(sys.argv[1], "bomb.png"), (int(sys.argv[2]), int(sys.argv[2])), ExportConfig())
except UnusableError as error:
    print(error.reason, peak() - before)
"""


@pytest.mark.row("F57")
@pytest.mark.parametrize(
    ("data", "reason"), [(images.huge_png, "too_large"), (images.text_bomb_png, "corrupt")], ids=["pixels", "text"]
)
def test_bombs_do_not_go_off(data: Callable[[], bytes], reason: str, folder: Path) -> None:
    """Unpacked, they take 400 and 100 megabytes."""
    _with_images(folder)
    (folder / "in" / "bomb.png").write_bytes(data())
    command = [sys.executable, "-c", OPENING, str(folder / "in"), "20000"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    told, peak = done.stdout.split()
    assert told == reason
    assert int(peak) < 20 << 20


# -- F: changed or gone after planning -------------------------------------------------------------------------------


def _vanish(path: Path) -> None:
    path.unlink()


def _become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _become_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _become(data: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data())


def _become_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("../outside.png")


CHANGES: dict[str, Callable[[Path], object]] = {
    "missing": _vanish,
    "size_mismatch": _become(lambda: images.png((48, 32))),
    "corrupt": _become(lambda: images.cut(images.png())),
    "unidentified": _become(lambda: images.HTML),
    "not_a_file": _become_folder,
    "not_a_file, it is a pipe": _become_pipe,
    "outside_root": _become_link,
}


def _facts(out: Path) -> list[dict[str, Any]]:
    """Return all chips but those of the image that changes."""
    return [chip for chip in chips(out) if chip["source"]["image_id"] != 100]


@pytest.mark.row("F64")
@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_after_planning_is_like_what_was_never_right(change: str, folder: Path) -> None:
    path = _with_images(folder, "changes.png", "stays.png")
    (folder / "outside.png").write_bytes(images.png())
    for name in ("changes.png", "stays.png"):
        (folder / "in" / name).write_bytes(images.png())
    plan = chipgen.plan(chipgen.read_coco(path), "512")
    chipgen.export(plan, folder / "before", workers=1)
    CHANGES[change](folder / "in" / "changes.png")
    path.unlink()  # it was read, and is not needed any more
    reason = change.partition(",")[0]
    with pytest.raises(chipgen.DataError, match=rf"changes\.png: image 100: .*\({reason}\)"):
        chipgen.export(plan, folder / "failed", workers=1)
    assert not (folder / "failed").exists()
    report = chipgen.export(plan, folder / "after", on_error="skip", workers=1)
    assert report.skipped == {reason: 1}
    assert [(line["image_id"], line["reason"]) for line in skipped(folder / "after")] == [(100, reason)]
    assert _facts(folder / "after") == _facts(folder / "before")
    assert len(_facts(folder / "after")) == 3 == len(chips(folder / "after"))


@pytest.mark.row("F64")
def test_another_picture_of_the_same_size_is_used_as_it_is(folder: Path) -> None:
    path = _with_images(folder, "changes.png")
    (folder / "in" / "changes.png").write_bytes(images.png())
    plan = chipgen.plan(chipgen.read_coco(path), "1x")
    (folder / "in" / "changes.png").write_bytes(images.encoded(images.picture().rotate(180), "PNG"))
    chipgen.export(plan, folder / "out", workers=1, image_format="png")
    first, _, last = (chip["image"]["bytes"] for chip in chips(folder / "out"))
    assert first != last


@pytest.mark.row("F64")
def test_an_image_that_goes_while_the_program_runs_is_skipped(folder: Path) -> None:
    """Between reading the annotations and cutting the chips: a sampler removes it."""
    _with_images(folder, "goes.png")
    (folder / "in" / "goes.png").write_bytes(images.png())
    (folder / "goes.py").write_text(
        "import os, numpy as np\n"
        "def sampler(view, rng):\n"
        f"    if os.path.exists({str(folder / 'in' / 'goes.png')!r}):\n"
        f"        os.unlink({str(folder / 'in' / 'goes.png')!r})\n"
        "    return np.zeros((1, 2), dtype=int)\n"
    )
    arguments = [*build(folder), "--sampler", "goes:sampler", "--on-error", "skip", "--workers", "2"]
    assert_built(run_program(arguments, folder), folder / "out", 3)
    assert [(line["image_id"], line["reason"]) for line in skipped(folder / "out")] == [(100, "missing")]
    assert [chip["source"]["image_id"] for chip in chips(folder / "out")] == [1, 2]

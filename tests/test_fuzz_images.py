"""Images damaged in every way, and files made to take long: refused with a reason from the list, or read.

They are opened in processes of their own, which may not die, hang, grow, or say anything. Runs are repeatable.
``CHIPGEN_FUZZ=100000`` makes them longer, and different each time.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import images
import numpy as np
import pytest
from image_bombs import BOMBS, Bomb
from image_fuzz import content
from image_seeds import READ, SEEDS
from PIL import Image
from thorough import times
from zoo.entry import annotation, good, raw
from zoo.running import (
    assert_built,
    assert_refused,
    build,
    images_with_chips,
    ledger,
    run_program,
    skipped,
)

from chipgen.errors import REASONS, UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import open_picture

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
LONG = "CHIPGEN_FUZZ" in os.environ
COUNT = int(os.environ.get("CHIPGEN_FUZZ", times(3000)))
FIRST = secrets.randbelow(1 << 40) if LONG else 0
BATCH = 1000
BUILT = 300
"""Damaged images that are built into chips."""


def _opened(log: Path, *what: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Open images in a process of their own and yield what was found out about each."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS)))}
    with log.with_suffix(".stderr").open("wb") as stderr:
        command = [sys.executable, str(TESTS / "image_fuzz.py"), str(log), *what]
        done = subprocess.run(command, env=environment, stderr=stderr, check=False)
    lines = [json.loads(line) for line in log.read_text(encoding="ascii").splitlines()]
    for begun, found in zip(lines[::2], lines[1::2], strict=False):
        yield begun["begun"], found
    said = log.with_suffix(".stderr").read_text(encoding="utf-8", errors="backslashreplace")
    assert lines, said
    assert "done" in lines[-1], f"ended with {done.returncode} at {lines[-1]}: {said[-500:]}"
    assert done.returncode == 0, said


@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_damaged_image_is_refused_or_read(first: int, tmp_path: Path) -> None:
    """Section F: no death, no hang, nothing on stderr, no file left open, no memory beyond what its pixels need."""
    found = dict(_opened(tmp_path / "log", str(first), str(min(BATCH, FIRST + COUNT - first))))
    assert {name: one["wrong"] for name, one in found.items() if one["wrong"]} == {}
    reasons = {one["reason"] for one in found.values()}
    if not LONG:
        assert reasons >= {"", "corrupt", "unidentified", "unsupported", "unsupported_mode", "too_large"}


@pytest.fixture(scope="module")
def exploded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what became of each bomb."""
    return dict(_opened(tmp_path_factory.mktemp("bombs") / "log", "bombs"))


@pytest.mark.parametrize("bomb", BOMBS, ids=str)
def test_file_made_to_take_long_does_not(bomb: Bomb, exploded: dict[str, dict[str, Any]]) -> None:
    """Row F57: work that has nothing to do with pixels is refused by its structure, and what is usual is not."""
    found = exploded[bomb.name]
    assert found["wrong"] == ""
    assert (found["reason"], bomb.says in found["message"]) == (bomb.reason, True)
    assert found["seconds"] < 4


# -- what is not damaged ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("imaging", ["pillow", "opencv"])
@pytest.mark.parametrize("name", READ)
def test_sound_image_is_read_as_pillow_reads_it(name: str, imaging: str, tmp_path: Path) -> None:
    """Or refused, because it has more than 8 bits a channel."""
    data = READ[name]
    (tmp_path / "image").write_bytes(data)
    if name.endswith(("16", "_integers", "_floats")) or name == "pfm":
        with pytest.raises(UnusableError, match="more than 8 bits"):
            open_picture(tmp_path / "image", images.SIZE, ExportConfig(imaging=imaging))
        return
    seen = images.whole(open_picture(tmp_path / "image", images.SIZE, ExportConfig(imaging=imaging)).pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about transparency, which is dropped
        expected = Image.open(io.BytesIO(data)).convert("RGB")
    if expected.size != images.SIZE:  # a TIFF that Pillow turns; this one it turned by a quarter
        expected = expected.transpose(
            Image.Transpose.ROTATE_270 if name == "tiff_turned_lzw" else Image.Transpose.ROTATE_90
        )
    assert np.array_equal(seen, np.asarray(expected))


@pytest.mark.parametrize("name", sorted(set(SEEDS) - set(READ)))
def test_image_of_another_format_is_never_corrupt(name: str, tmp_path: Path) -> None:
    """Row F58: what is not read is named where its first bytes tell what it is; it is not called damaged."""
    (tmp_path / "image").write_bytes(SEEDS[name])
    with pytest.raises(UnusableError) as caught:
        open_picture(tmp_path / "image", images.SIZE, ExportConfig(max_pixels=1_000_000))
    assert caught.value.reason in {"unsupported", "unidentified"}
    marked = {"eps", "pdf", "jpeg2000", "avif", "ico", "icns", "dds", "qoi"}
    assert (caught.value.reason == "unsupported") == (name.removeprefix("other_") in marked)


# -- to the end ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a dataset of two good images and many damaged ones, each with an object."""
    folder = tmp_path_factory.mktemp("build")
    root = folder / "in"
    root.mkdir()
    coco, (width, height) = good(), images.SIZE
    for number in range(100, 100 + BUILT):
        name = f"{number}.jpg"
        (root / name).write_bytes(content(FIRST + number)[1])
        coco["images"].append({"id": number, "file_name": name, "width": width, "height": height})
        coco["annotations"].append(annotation(number, image_id=number))
    raw(json.dumps(coco))(root)
    return folder


def test_damaged_images_are_skipped_and_nothing_else(folder: Path) -> None:
    """Section F, `skip`: every image is in the chips or in the list, with a reason of the list, and never in both."""
    outcome = run_program(build(folder, "--on-error", "skip", "--workers", "2"))
    assert_built(outcome, folder / "out", 3)
    lines = skipped(folder / "out")
    assert {line["kind"] for line in lines} == {"image"}
    assert all(line["reason"] in REASONS["image"] and line["message"].isprintable() for line in lines)
    lost = {line["image_id"]: line["reason"] for line in lines}
    made = images_with_chips(folder / "out")
    assert len(lost) == len(lines)
    assert lost.keys() | made == {1, 2, *range(100, 100 + BUILT)}
    assert not lost.keys() & made
    assert made > {1, 2}
    told = {i: reason for i, (status, reason) in ledger(folder / "out").items() if status == "image_skipped"}
    assert told == lost


def test_damaged_images_are_all_listed(folder: Path) -> None:
    """Section F, `fail`: one line for each of the first, a count of the rest, and nothing is written."""
    lines = assert_refused(run_program(build(folder, "--out", str(folder / "fail"))), folder / "fail")
    assert len(lines) == 21
    assert "more: mend these first" in lines[-1]


OPEN = f"""
import sys
from pathlib import Path
from chipgen.errors import UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import open_picture
try:
    print(open_picture(Path(sys.argv[1]), {images.SIZE}, ExportConfig(max_pixels=1_000_000)).pixels.size_img)
except UnusableError as error:
    print(error.message)
"""


@pytest.mark.parametrize("closed", ["2>&-", "<&- 2>&-"])
def test_tiff_is_read_when_stderr_is_closed(closed: str, tmp_path: Path) -> None:
    """Keeping a library silent must not need anybody to hear it; the file itself may get the number of stderr."""
    (tmp_path / "image").write_bytes(READ["tiff_tiff_lzw"])
    command = ["sh", "-c", f'"$@" {closed}', "sh", sys.executable, "-c", OPEN, str(tmp_path / "image")]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=30, check=False, text=True)
    assert done.stdout == f"{images.SIZE}\n"


def test_what_pillow_logs_is_not_printed(tmp_path: Path) -> None:
    """Pillow logs an error about a TIFF with too many samples; Python prints what no handler takes."""
    data = bytearray(READ["tiff_motorola"])
    line = data.index(b"\x01\x15\0\x03\0\0\0\x01")
    data[line + 8 : line + 10] = b"\xff\xff"
    (tmp_path / "image").write_bytes(data)
    command = [sys.executable, "-c", OPEN, str(tmp_path / "image")]
    done = subprocess.run(command, capture_output=True, timeout=30, check=False, text=True)
    assert "rare kind" in done.stdout
    assert done.stderr == ""

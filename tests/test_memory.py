"""What a worker needs: so many bytes a pixel of the largest image, as the README says, and a fixed sum besides."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import images
import pytest
from PIL import Image
from run_cli import Finished, measured
from zoo.entry import annotation, good, raw, write_images
from zoo.running import build

from chipgen.export_config import MAX_PIXELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = """
import sys, chipgen
dataset = chipgen.read_coco(sys.argv[1])
raw = dataset.annotations.take(dataset.annotations.id[:2]).raw[1]
status = open("/proc/self/status").read()
print(len(dataset.annotations), len(raw), 1024 * int(status.split("VmHWM:")[1].split()[0]))
"""

FIXED = 150 << 20
"""Bytes that a process needs besides its image: libraries, the plan, finished chips, masks."""


def _run(folder: Path, *more: str) -> tuple[Finished, int]:
    """Build with one worker, which is the process itself."""
    return measured(*build(folder, "--quiet", *more))


def lying_png(size: tuple[int, int]) -> bytes:
    """Return a PNG of colour and alpha that must be turned upright: every step could make a copy."""
    height, width = size
    packer, row = zlib.compressobj(1), bytes(1 + 4 * width)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return images.png_of(header, data, [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))])


def webp(size: tuple[int, int]) -> bytes:
    """Return a WebP, the dearest of all kinds: its decoder holds two canvases and a copy."""
    return images.encoded(Image.new("RGB", size), "WEBP", lossless=True, method=0, quality=0)


@dataclass(frozen=True)
class Kind:
    """An image that takes much.

    Parameters
    ----------
    make
        Makes it.
    size
        Its width and height.
    bytes_a_pixel
        What decoding it may take.
    """

    make: Callable[[tuple[int, int]], bytes]
    size: tuple[int, int]
    bytes_a_pixel: float

    @property
    def pixels(self) -> int:
        return self.size[0] * self.size[1]


ORDINARY = 1.5 * 3
"""Bytes a pixel of pictures as people have them: one and a half times as much as three colours need."""


def lying_jpeg(size: tuple[int, int]) -> bytes:
    """Return a photograph that must be turned upright."""
    exif = Image.Exif()
    exif[images.ORIENTATION] = 6
    return images.encoded(Image.new("RGB", size[::-1], (200, 100, 50)), "JPEG", exif=exif)


def progressive_jpeg(size: tuple[int, int]) -> bytes:
    """Return a JPEG for printers of which nothing can be shown before all of it was read."""
    return images.encoded(Image.new("CMYK", size), "JPEG", progressive=True, quality=50)


KINDS = {
    "png": Kind(lying_png, (9460, 9458), ORDINARY),
    "jpeg": Kind(lying_jpeg, (9460, 9458), ORDINARY),
    "progressive": Kind(progressive_jpeg, (4700, 4600), 12),
    "webp": Kind(webp, (4700, 4600), 16),
}


def _dataset(folder: Path, kind: Kind) -> None:
    """Write a dataset of a large image, twice, with objects all over it and a mask of half of it."""
    (folder / "in").mkdir(parents=True)
    write_images(folder / "in")
    (folder / "in" / "large").write_bytes(kind.make(kind.size))
    coco, (width, height) = good(), kind.size
    half = {"size": [height, width], "counts": [width * height // 2] * 2}
    for image in (3, 4):
        coco["images"].append({"id": image, "file_name": "large", "width": width, "height": height})
        places = [(x, y) for x in (0, 2000, width - 60) for y in (0, 2000, height - 60)]
        for number, (x, y) in enumerate(places, start=10 * image):
            coco["annotations"].append(annotation(number, image_id=image, bbox=[x, y, 60, 60]))
        box = [width // 2, 0, width - width // 2, height]
        coco["annotations"].append(annotation(100 + image, image_id=image, bbox=box, segmentation=half))
    raw(json.dumps(coco))(folder / "in")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a folder with a dataset for each kind of large image."""
    found = {name: tmp_path_factory.mktemp(name) for name in KINDS}
    for name, folder in found.items():
        _dataset(folder, KINDS[name])
    return found


def test_the_largest_image_allowed_is_among_them() -> None:
    assert 0 <= MAX_PIXELS - max(kind.pixels for kind in KINDS.values()) < 10_000


@pytest.mark.parametrize("imaging", ["pillow", "opencv"])
@pytest.mark.parametrize("name", KINDS)
def test_worker_takes_no_more_than_is_said(name: str, imaging: str, folders: dict[str, Path], tmp_path: Path) -> None:
    """Promise 6: one large image after the other, with chips at two levels and a mask of half of it."""
    levels, kind = ("--scales", "1x,512", "--valid-ranges", "0-,0-"), KINDS[name]
    run, peak = _run(folders[name], *levels, "--imaging", imaging, "--out", str(tmp_path / "out"))
    assert (run.code, run.err) == (0, "")
    chips = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())["counts"]["chips"]
    assert chips >= 2 * (8 + 1)
    assert 3 * kind.pixels < peak < kind.bytes_a_pixel * kind.pixels + FIXED


@pytest.mark.parametrize("name", KINDS)
def test_image_that_is_too_large_takes_nothing(name: str, folders: dict[str, Path]) -> None:
    """Row F57: it is refused from its header."""
    most = str(KINDS[name].pixels - 1)
    run, peak = _run(folders[name], "--max-pixels", most, "--on-error", "skip", "--out", str(folders[name] / "small"))
    assert (run.code, run.err) == (3, "")
    assert peak < FIXED


def test_annotations_that_do_not_fit_into_memory_are_read(tmp_path: Path) -> None:
    """Promise 6: of a long file only columns are held, and a few entries at a time."""
    outline, count, path = "12.5, 7, " * 6000 + "1.5, 2", 3000, tmp_path / "ann.json"
    with path.open("w", encoding="ascii") as file:
        file.write('{"images": [{"id": 1, "file_name": "a.png", "width": 90, "height": 90}], "annotations": [')
        for number in range(count):
            fields = f'"id": {number}, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]'
            file.write(", " * (number > 0) + f'{{{fields}, "segmentation": [[{outline}]]}}')
        file.write('], "categories": [{"id": 1, "name": "a"}]}')
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, text=True)
    annotations, raw, peak = map(int, done.stdout.split())
    assert annotations == count
    assert raw > len(outline)
    assert path.stat().st_size > 150 << 20
    assert peak < 100 << 20

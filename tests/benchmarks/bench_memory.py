"""The most memory of a process that builds chips of one large picture, by what kind of picture it is.

``python tests/benchmarks/bench_memory.py [--megapixels 12,24,48]`` makes the pictures and builds each, with one
worker, in a process of its own; of its peak the peak for a picture of a thousandth of a megapixel is taken away, and
what is left is given in sizes of the picture as raw RGB. ``--coco FILE --images DIR`` measures a dataset so instead, by
its largest picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from bench_pixels import ENGINES
from made_masks import photograph
from PIL import Image

from chipgen.text import table

BUILD = """
import sys, chipgen
coco, images, out, engine = sys.argv[1:]
plan = chipgen.plan(chipgen.read_coco(coco, images=images, on_error="skip"), scales="1x,0.5x,512")
chipgen.export(plan, out, workers=1, imaging=engine, on_error="skip", max_skipped=10**9, progress=False)
with open("/proc/self/status", encoding="ascii") as file:
    print(next(int(line.split()[1]) for line in file if line.startswith("VmHWM")))
"""
"""Tells the peak of its own memory: what `wait4` tells of a child begins with that of its parent."""
SIDEWAYS = 6
"""EXIF orientation of a camera held upright."""
KINDS = ("JPEG", "progressive JPEG", "EXIF-turned JPEG", "PNG")


def write(path: Path, picture: Image.Image, kind: str) -> tuple[int, int]:
    """Write a picture; return its size once it stands upright."""
    if kind == "PNG":
        picture.save(path, "PNG", compress_level=1)
        return picture.size
    exif = Image.Exif()
    if kind.startswith("EXIF"):
        exif[0x0112] = SIDEWAYS
    picture.save(path, "JPEG", quality=92, progressive=kind.startswith("progressive"), exif=exif)
    return picture.size[::-1] if kind.startswith("EXIF") else picture.size


def dataset(folder: Path, picture: Image.Image, kind: str) -> Path:
    """Write a dataset of one picture with objects all over it."""
    (folder / "images").mkdir(parents=True)
    width, height = write(folder / "images" / "picture", picture, kind)
    places = [(x, y) for x in range(0, width - 60, 400) for y in range(0, height - 60, 400)] or [(0, 0)]
    boxes = [[x, y, min(60, width), min(60, height)] for x, y in places]
    objects = [{"id": at, "image_id": 1, "category_id": 1, "bbox": box} for at, box in enumerate(boxes)]
    images = [{"id": 1, "file_name": "picture", "width": width, "height": height}]
    coco = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(coco))
    return folder / "instances.json"


def peak(coco: Path, images: Path, engine: str) -> float:
    """Return the most memory of a build, MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", BUILD, str(coco), str(images), str(Path(folder, "out")), engine]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(told) / 1024


def made(megapixels: list[float], folder: Path) -> None:
    """Print the table of pictures made by code."""
    rows = [("picture", "Mpx", *(f"{engine}: {what}" for engine in ENGINES for what in ("MB", "times raw RGB")))]
    small = dataset(folder / "small", Image.new("RGB", (40, 25)), "JPEG")
    base = [peak(small, small.parent / "images", engine) for engine in ENGINES]
    rows.append(("hardly any", "0.001", *(text for own in base for text in (f"{own:.0f}", ""))))
    for number in megapixels:
        side = round((number * 1e6 / 12) ** 0.5)
        picture = photograph(np.random.default_rng(5), 4 * side, 3 * side)
        raw = 36 * side * side / 1e6
        for kind in KINDS:
            coco = dataset(folder / f"{kind} {number}", picture, kind)
            peaks = [peak(coco, coco.parent / "images", engine) for engine in ENGINES]
            told = [(f"{own:.0f}", f"{(own - start) / raw:.2f}") for own, start in zip(peaks, base, strict=True)]
            rows.append((kind, f"{number:g}", *(text for pair in told for text in pair)))
    print("\n".join(table(rows)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, help="a COCO file; else pictures made by code")
    parser.add_argument("--images", type=Path, help="its pictures [the folder 'images' beside it]")
    parser.add_argument("--megapixels", default="12,24,48", help="sizes of pictures made by code [%(default)s]")
    asked = parser.parse_args()
    if asked.coco is None:
        with tempfile.TemporaryDirectory() as folder:
            made([float(number) for number in asked.megapixels.split(",")], Path(folder))
        return
    sizes = [image["width"] * image["height"] for image in json.loads(asked.coco.read_bytes())["images"]]
    for engine in ENGINES:
        memory = peak(asked.coco, asked.images or asked.coco.parent / "images", engine)
        print(f"{engine:8} {memory:.0f} MB; the largest picture has {max(sizes) * 3 / 1e6:.0f} MB as raw RGB")


if __name__ == "__main__":
    main()

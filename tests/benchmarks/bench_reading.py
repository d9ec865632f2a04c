"""How long reading a COCO file takes, and how much memory, beside what Python's own reader takes for it.

``python tests/benchmarks/bench_reading.py [--coco FILE] [--images 100000] [--folder DIR]`` times `json.load`,
`chipgen.read_coco` and ``chipgen stats FILE --preset sniper-coco``, each in a process of its own, whose peak memory is
printed. Without ``--coco`` a file like train2017 is made for it and removed again; 100,000 images are 480 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Floats

PROGRAM = Path(sys.executable).with_name("chipgen")
CATEGORIES = 80
OBJECTS = 8.6
"""Annotations an image, on average."""
CORNERS = 25
"""Corners of an outline, on average; each takes 16 bytes or so."""
CROWDS = 0.012
"""Share of annotations that are crowds, drawn as run lengths."""

LOAD = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
"""
READ = """
import sys, chipgen
dataset = chipgen.read_coco(sys.argv[1], on_error="skip")
"""
LEFT = """
with open("/proc/self/status", encoding="ascii") as file:
    held = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
print(f"             {held / 1024:.0f} MB stay in use")
"""


def outline(box: Floats, rng: np.random.Generator) -> list[list[float]]:
    """Return a polygon inside a box given as x, y, w, h."""
    corners = int(rng.integers(6, 2 * CORNERS - 6))
    angle = np.sort(rng.random(corners)) * 2 * np.pi
    radius = rng.uniform(0.3, 0.5, corners)
    places = np.stack((0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)), axis=1) * box[2:] + box[:2]
    return [np.round(places, 2).reshape(-1).tolist()]


def run_lengths(box: Floats, width: int, height: int) -> dict[str, list[int]]:
    """Return a box, given as x, y, w, h, as run lengths of its image."""
    x, y, w, h = (int(side) for side in box)
    columns, rows = max(w, 1), max(h, 1)
    gaps = [rows, height - rows] * columns
    gaps[-1] = width * height - x * height - y - sum(gaps[:-1])
    return {"counts": [x * height + y, *gaps], "size": [height, width]}


def annotations_of(number: int, first: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield the objects of an image of 640 x 480 px, of the sizes of COCO's."""
    count = int(rng.poisson(OBJECTS))
    sides = np.exp(rng.normal(3.8, 1.0, (count, 2))).clip(3, (639, 479))
    boxes = np.concatenate((rng.random((count, 2)) * ((640, 480) - sides), sides), axis=1)
    for at, box in enumerate(boxes):
        crowd = bool(rng.random() < CROWDS)
        yield {
            "segmentation": run_lengths(box, 640, 480) if crowd else outline(box, rng),
            "area": round(float(box[2] * box[3]) * 0.6, 4),
            "iscrowd": int(crowd),
            "image_id": number,
            "bbox": np.round(box, 2).tolist(),
            "category_id": int(rng.integers(1, CATEGORIES + 1)),
            "id": first + at,
        }


def image_of(number: int) -> dict[str, Any]:
    """Return the entry of an image, with the addresses that COCO gives for it."""
    name = f"{number:012d}.jpg"
    return {
        "license": number % 8 + 1,
        "file_name": name,
        "coco_url": f"http://images.cocodataset.org/train2017/{name}",
        "height": 480,
        "width": 640,
        "date_captured": "2013-11-14 11:18:45",
        "flickr_url": f"http://farm9.staticflickr.com/8186/{number * 7919:010d}_{number * 104729:010x}_z.jpg",
        "id": number,
    }


def write_dataset(path: Path, images: int) -> int:
    """Write a COCO file like train2017, an image at a time; return how many annotations it has."""
    rng, written = np.random.default_rng(0), 0
    categories = [{"supercategory": "thing", "id": one, "name": f"thing {one}"} for one in range(1, CATEGORIES + 1)]
    with path.open("w", encoding="ascii") as file:
        file.write('{"info": {"year": 2017}, "licenses": [], "images": [')
        for number in range(1, images + 1):
            file.write(", " * (number > 1) + json.dumps(image_of(number)))
        file.write('], "annotations": [')
        for number in range(1, images + 1):
            for entry in annotations_of(number, written + 1, rng):
                file.write(", " * bool(written) + json.dumps(entry))
                written += 1
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return written


def timed(title: str, command: list[str], beside: float | None = None) -> float:
    """Run a command; print how long it took, also beside another's time, and the most memory it used."""
    start = time.perf_counter()
    with subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    ratio = f", {seconds / beside:.2f} of json.load" if beside else ""
    peak = f"at most {usage.ru_maxrss / 1024:.0f} MB"
    print(f"{title:12} {seconds:.1f} s{ratio}, {peak}, exit {process.returncode}", flush=True)
    return seconds


def measure(source: Path) -> None:
    """Time all readers of a file."""
    print(f"source       {source.stat().st_size / 1e6:.0f} MB", flush=True)
    load = timed("json.load", [sys.executable, "-c", LOAD + LEFT, str(source)])
    timed("read_coco", [sys.executable, "-c", READ + LEFT, str(source)], load)
    timed("stats", [str(PROGRAM), "stats", str(source), "--preset", "sniper-coco", "-q"], load)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, help="measure this file instead of one that is made")
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    if options.coco is not None:
        measure(options.coco)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source = Path(folder, "instances.json")
        written = write_dataset(source, options.images)
        print(f"made         {options.images:,} images, {written:,} annotations", flush=True)
        measure(source)


if __name__ == "__main__":
    main()

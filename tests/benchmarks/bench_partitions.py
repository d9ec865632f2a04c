"""How much memory the parent of a build needs for 1, 4 and 16 annotation files, and for one file that holds four.

``python tests/benchmarks/bench_partitions.py [--images 4000] [--boxes 50] [--parts 1,4,16]`` makes annotation files of
so many images of so many boxes, all of the same few pictures, builds them with two workers, and prints the most memory
that the parent held at any time (VmHWM), and how long it took.
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

import numpy as np
from PIL import Image

from chipgen.text import table

SIDE = 256
PICTURES = 8
ARGUMENTS = ("--scales", "1x", "--chip-size", str(SIDE), "--quality", "50", "--workers", "2", "-q")

MEASURED = """
import sys
from pathlib import Path
from chipgen.cli import main
try:
    main(sys.argv[1:])
finally:
    status = Path("/proc/self/status").read_text()
    print("PEAK", int(status.split("VmHWM:")[1].split()[0]))
"""


def write_pictures(folder: Path) -> None:
    """Write a few flat pictures."""
    folder.mkdir()
    for number in range(PICTURES):
        Image.new("RGB", (SIDE, SIDE), (number * 30, 90, 120)).save(folder / f"{number}.png")


def write_part(path: Path, images: int, boxes: int, seed: int) -> None:
    """Write an annotation file."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, SIDE - 24, (images * boxes, 2)).tolist()
    document = {
        "images": [
            {"id": number, "file_name": f"{number % PICTURES}.png", "width": SIDE, "height": SIDE}
            for number in range(1, images + 1)
        ],
        "annotations": [
            {"id": row + 1, "image_id": 1 + row // boxes, "category_id": 1, "bbox": [x, y, 20, 18], "iscrowd": 0}
            for row, (x, y) in enumerate(corners)
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }
    path.write_text(json.dumps(document), encoding="ascii")


def measured(coco: str, pictures: Path, out: Path) -> tuple[float, float]:
    """Build; return the most memory of the parent, MB, and the seconds it took."""
    arguments = ["build", "--coco", coco, "--images", str(pictures), "--out", str(out), *ARGUMENTS]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
        text=True,
    )
    return int(done.stdout.rpartition("PEAK")[2]) / 1024, time.perf_counter() - start


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=4000, help="images of a file [%(default)s]")
    parser.add_argument("--boxes", type=int, default=50, help="boxes of an image [%(default)s]")
    parser.add_argument("--parts", default="1,4,16", help="numbers of files [%(default)s]")
    asked = parser.parse_args()
    rows = [("files", "images", "boxes", "parent at most, MB", "s")]
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder, "pictures"))
        sizes = [(int(count), 1) for count in asked.parts.split(",")] + [(1, 4)]
        for number, (files, times) in enumerate(sizes):
            parts = Path(folder, f"parts{number}")
            parts.mkdir()
            for part in range(files):
                write_part(parts / f"part-{part:03d}.json", times * asked.images, asked.boxes, part)
            peak, seconds = measured(f"{parts}/*.json", Path(folder, "pictures"), Path(folder, f"out{number}"))
            images = files * times * asked.images
            rows.append((str(files), f"{images:,}", f"{images * asked.boxes:,}", f"{peak:.0f}", f"{seconds:.0f}"))
            print(f"{files} files: {peak:.0f} MB, {seconds:.0f} s", flush=True)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()

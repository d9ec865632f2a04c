"""How long reading a COCO file takes, and how much memory, beside what Python's own reader takes for it.

``python tests/benchmarks/bench_reading.py [--coco FILE] [--images 100000] [--folder DIR]`` times `json.load`,
`chipgen.read_coco` and ``chipgen stats FILE --preset sniper-coco``, each in a process of its own, whose peak memory is
printed. Without ``--coco`` a file like train2017 is made for it and removed again; 100,000 images are 480 MB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from made_masks import write_dataset
from measuring import PROGRAM, ran

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


def timed(title: str, command: list[str], beside: float | None = None) -> float:
    """Run a command; print how long it took, also beside another's time, and the most memory it used."""
    own = ran(command)
    ratio = f", {own.seconds / beside:.2f} of json.load" if beside else ""
    print(f"{title:12} {own.seconds:.1f} s{ratio}, at most {own.memory:.0f} MB, exit {own.status}", flush=True)
    return own.seconds


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

"""How long a large raster takes, and how much memory, by the number of its objects.

``python tests/benchmarks/bench_raster.py [--side 30000] [--boxes 5000] [--compression jpeg] [--workers 2]
[--scales 1x] [--folder DIR]`` writes a tiled TIFF, then builds the chips of all boxes and those of half as many,
each in a process of its own with workers, and prints seconds, those that processors worked, chips a second and the
most memory that all processes held: the sum of each one's peak, whenever it had it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from made_raster import write_raster

COMMAND = "from chipgen.cli import main; import sys; main(sys.argv[1:])"


@dataclass(frozen=True)
class Run:
    """What a build took.

    Parameters
    ----------
    seconds
        From start to end.
    chips
        That were written.
    worked
        Seconds that processors worked for it, all processes together.
    peaks
        The most memory of each process, bytes.
    """

    seconds: float
    chips: int
    worked: float
    peaks: tuple[int, ...]


def measure(coco: Path, out: Path, scales: str, workers: int) -> Run:
    """Build, and look at all processes meanwhile."""
    options = ("--coco", str(coco), "--out", str(out), "--scales", scales, "--workers", str(workers), "--quiet")
    peaks: dict[int, int] = {}
    worked: dict[int, float] = {}
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", COMMAND, "build", *options]) as running:
        while running.poll() is None:
            for process in family(running.pid):
                peaks[process] = max(peaks.get(process, 0), peak(process))
                worked[process] = max(worked.get(process, 0.0), work(process))
            time.sleep(0.02)
    seconds = time.perf_counter() - start
    if running.returncode:
        raise SystemExit(running.returncode)
    chips = json.loads((out / "_manifest.json").read_bytes())["counts"]["chips"]
    return Run(seconds, chips, sum(worked.values()), tuple(sorted(peaks.values(), reverse=True)))


def family(process: int) -> list[int]:
    """Return a process and all that it started."""
    found = [process]
    for one in found:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def peak(process: int) -> int:
    """Return the most memory that a process has held, bytes; 0 when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return 1024 * int(Path(f"/proc/{process}/status").read_text().split("VmHWM:")[1].split()[0])
    return 0


def work(process: int) -> float:
    """Return the seconds that processors have worked for a process; 0 when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--boxes", type=int, default=5000)
    parser.add_argument("--compression", choices=("jpeg", "deflate", "none"), default="jpeg")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scales", default="1x")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print("  boxes   chips  seconds  processors  chips/s  memory MB  (each process)")
        for boxes in (given.boxes, given.boxes // 2):
            place = Path(folder) / str(boxes)
            coco = write_raster(place, given.side, boxes, given.compression)
            run = measure(coco, place / "out", given.scales, given.workers)
            each = " ".join(f"{one >> 20}" for one in run.peaks)
            row = f"{boxes:7,} {run.chips:7,} {run.seconds:8.1f} {run.worked:11.1f} {run.chips / run.seconds:8.0f}"
            print(f"{row} {sum(run.peaks) >> 20:10,}  ({each})")


if __name__ == "__main__":
    main()

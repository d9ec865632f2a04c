"""The rates from which ``examples/estimate.py`` tells what a large dataset needs, measured on a small one.

``python tests/benchmarks/bench_scale.py --coco FILE [--images DIR] [--times 400,1200]`` builds the dataset with one
worker, and plans it so many times over, the tables included, each in a process of its own, so often that both files of
annotations are read by streaming. It prints one line for each rate.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import chipgen

SCALES, RANGES = "3x,1.667x,512", "0-80,32-150,120-"
LIBRARIES = ("numpy", "pillow", "opencv-python-headless", "simplejpeg", "pyarrow")
BUILDS = 3

PLANNED = f"""
import sys, time
from pathlib import Path
import chipgen
from chipgen.findings import Findings, ImageFile
from chipgen.fingerprint import plan_digest
from chipgen.store import Staging
from chipgen.writers.tables import write_ledger, write_plan, write_sources
start = time.process_time()
dataset = chipgen.read_coco(sys.argv[1], sys.argv[2], on_error="skip")
plan = chipgen.plan(dataset, {SCALES!r}, {RANGES!r})
plan_digest(plan)
findings = Findings(files={{row: ImageFile(100_000 + row, f"{{row:064x}}") for row in range(len(dataset.images))}})
ledger, _ = plan.ledger(), plan.summary()
staging = Staging(Path(sys.argv[3]))
write_plan(plan, (), staging)
write_ledger(dataset, ledger, staging)
write_sources(plan, findings, staging)
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(len(dataset.images), time.process_time() - start, 1024 * peak)
"""


def write_repeated(source: Path, path: Path, times: int) -> None:
    """Write the images of a dataset several times, each time under other ids."""
    document = json.loads(source.read_bytes())
    step = 1 + max(entry["id"] for entry in (*document["images"], *document["annotations"]))
    images, annotations = [], []
    for number in range(times):
        images += [{**one, "id": one["id"] + number * step} for one in document["images"]]
        annotations += [
            {**one, "id": one["id"] + number * step, "image_id": one["image_id"] + number * step}
            for one in document["annotations"]
        ]
    path.write_text(json.dumps({**document, "images": images, "annotations": annotations}), encoding="ascii")


def planned(source: Path, images: Path, times: int, folder: Path) -> tuple[int, float, int]:
    """Plan the dataset so many times over; return its images, CPU seconds, and the most memory held, bytes."""
    path = folder / f"{times}.json"
    write_repeated(source, path, times)
    command = [sys.executable, "-c", PLANNED, str(path), str(images), str(folder / f"tables{times}")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds, peak = done.stdout.split()
    return int(count), float(seconds), int(peak)


def built(source: Path, images: Path, folder: Path) -> None:
    """Build with one worker and print what an image takes."""
    dataset = chipgen.read_coco(source, images, on_error="skip")
    plan = chipgen.plan(dataset, SCALES, RANGES)
    seconds = []
    for number in range(BUILDS):
        start, out = time.process_time(), folder / f"out{number}"
        report = chipgen.export(plan, out, workers=1, progress=False, on_error="skip", max_skipped=10**6)
        seconds.append(time.process_time() - start)
    count, shards = len(dataset.images), sum(path.stat().st_size for path in (out / "data").iterdir())
    tables = sum(path.stat().st_size for path in out.glob("_*.parquet"))
    taken = sum((Path(dataset.source.root or "") / name).stat().st_size for name in dataset.images.file_name)
    print(f"seconds of one core an image     {min(seconds) / count:.4f}")
    print(f"chips an image                   {report.chips / count:.2f}")
    print(f"MB an image, pictures read       {taken / count / 1e6:.4f}")
    print(f"MB an image, chips written       {shards / count / 1e6:.4f}")
    print(f"kB an image, tables              {tables / count / 1e3:.2f}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, required=True)
    parser.add_argument("--images", type=Path, help="its pictures [the folder 'images' beside it]")
    parser.add_argument("--times", default="400,1200", help="how often over it is planned [%(default)s]")
    asked = parser.parse_args()
    images = asked.images or asked.coco.parent / "images"
    print(f"Python {platform.python_version()}", *(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES))
    with tempfile.TemporaryDirectory() as folder:
        built(asked.coco, images, Path(folder))
        small, large = (planned(asked.coco, images, int(times), Path(folder)) for times in asked.times.split(","))
    more = large[0] - small[0]
    print(f"planned                          {small[0]:,} and {large[0]:,} images")
    print(f"ms of planning an image          {1e3 * (large[1] - small[1]) / more:.3f}")
    print(f"kB of memory an image            {(large[2] - small[2]) / more / 1e3:.2f}")
    print(f"MB of memory without any         {(small[2] - small[0] * (large[2] - small[2]) / more) / 1e6:.0f}")


if __name__ == "__main__":
    main()

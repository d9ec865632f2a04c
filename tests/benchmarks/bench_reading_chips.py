"""How fast chips are read from Parquet: a random row by `datasets`, and boxes by DuckDB without the pixels beside them.

``python tests/benchmarks/bench_reading_chips.py [--chips 10000] [--side 128] [--folder DIR]`` makes a dataset by code,
builds chips of it with the real program, and reads them in processes of their own. What a query reads of the files is
what the system counts for its process (``rchar`` in ``/proc/self/io``), beside the length of the files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from measuring import PROGRAM, ran
from PIL import Image

ROWS = """
import json, random, statistics, sys, time
from datasets import load_dataset
chips = load_dataset(sys.argv[1], cache_dir=sys.argv[2])["train"]
order = random.Random(0).sample(range(len(chips)), 1000)
for row in order[:200]:
    chips[row]
walls, own = [], time.process_time()
for row in order[200:]:
    start = time.perf_counter()
    chips[row]["image"].load()
    walls.append(1000 * (time.perf_counter() - start))
own = 1000 * (time.process_time() - own) / len(walls)
print(json.dumps({"rows": len(chips), "median": statistics.median(walls), "own": own}))
"""
QUERY = """
import json, sys, time
import duckdb
def read():
    with open("/proc/self/io") as file:
        return int(next(line for line in file if line.startswith("rchar")).split()[1])
duckdb.sql("SET threads = 1; SET enable_progress_bar = false")
duckdb.sql(sys.argv[2])
duckdb.sql("SELECT 1").fetchall()
before, start = read(), time.perf_counter()
rows = duckdb.sql(sys.argv[1]).fetchall()
print(json.dumps({"seconds": time.perf_counter() - start, "bytes": read() - before, "rows": len(rows)}))
"""
BOXES = "SELECT image_id, unnest(objects.bbox), unnest(objects.category), unnest(objects.valid) FROM '{}'"
PIXELS = "SELECT image_id, octet_length(image.bytes) FROM '{}'"
"""A query that cannot but read pixels: so that the figure of the others is known to mean something."""

QUERIES = (
    ("boxes", BOXES, "SELECT 1"),
    ("boxes, exact ranges", BOXES, "SET disable_parquet_prefetching = true"),
    ("pixels", PIXELS, "SELECT 1"),
)
"""By itself DuckDB 2 may read on past what it needs, up to a megabyte at a time: with large chips a small share, with
small ones nearly all. The second query shows what it needs."""


def write_dataset(folder: Path, chips: int, side: int) -> Path:
    """Write pictures of four by four chips with an object in the middle of each, and return the annotation file."""
    rng = np.random.default_rng(0)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    (folder / "images").mkdir()
    for number in range(-(-chips // 16)):
        coarse = rng.integers(0, 255, (side // 3, side // 3, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((4 * side, 4 * side), Image.Resampling.BICUBIC)
        picture.save(folder / "images" / f"{number}.jpg", quality=90)
        images.append({"id": number, "file_name": f"{number}.jpg", "width": 4 * side, "height": 4 * side})
        for place in range(16):
            x, y = (place % 4 + 0.25) * side, (place // 4 + 0.25) * side
            box = [x, y, side / 2, side / 2]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, "bbox": box})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    path = folder / "instances.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def build(folder: Path, chips: int, side: int) -> Path:
    """Build the chips: every window of a grid, so that their number is known."""
    source, out = write_dataset(folder, chips, side), folder / "chips"
    grid = ("--sampler", "grid", "--sampler-option", "overlap=0", "--scales", "1x", "--valid-ranges", "0-")
    made = ran([str(PROGRAM), "build", "--coco", str(source), "--chip-size", str(side), *grid, "--out", str(out), "-q"])
    if made.status:
        raise SystemExit(made.status)
    return out


def answer(code: str, *arguments: str) -> dict[str, float]:
    """Run some code in a process of its own and return what it found."""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(folder: Path, chips: int, side: int) -> None:
    """Build chips and print how they are read."""
    out = build(folder, chips, side)
    size = sum(path.stat().st_size for path in (out / "data").iterdir())
    rows = answer(ROWS, str(out), str(folder / "cache"))
    print(f"chips        {rows['rows']:,} of {side} px, {size / 1e6:.0f} MB of Parquet", flush=True)
    print(
        f"datasets     random row, decoded: {rows['median']:.2f} ms in the median, {rows['own']:.2f} ms of processor "
        f"time; load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores",
        flush=True,
    )
    for title, text, setting in QUERIES:
        found = answer(QUERY, text.format(out / "data" / "*.parquet"), setting)
        share = found["bytes"] / size
        print(
            f"duckdb       {title}: {found['rows']:,} rows in {found['seconds']:.2f} s, {found['bytes'] / 1e6:.1f} MB "
            f"read, {share:.1%} of the files",
            flush=True,
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chips", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=128, help="side of a chip, px [%(default)s]")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        measure(Path(folder), options.chips, options.side)


if __name__ == "__main__":
    main()

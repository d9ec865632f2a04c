"""How long many proposals take, and how much memory: converted, read back, and mined.

``python tests/benchmarks/bench_proposals.py [--proposals 10000000] [--images 33000] [--folder DIR]`` writes COCO
results, converts them, asks for the proposals of all images, a few hundred images at a time, and plans chips for a
dataset of these images, each in a process of its own whose peak memory is printed. The files are removed again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from measuring import PROGRAM, ran

STEP = 256
"""Images asked for at a time."""

READ = """
import sys
from chipgen.proposals import read_proposals

proposals = read_proposals(sys.argv[1])
seen = 0
for first in range(0, len(proposals.image_id), int(sys.argv[2])):
    ids = proposals.image_id[first : first + int(sys.argv[2])]
    seen += len(proposals.between(int(ids[0]), int(ids[-1])))
assert seen == len(proposals)
print(f"             {seen:,} proposals of {len(proposals.image_id):,} images")
"""


def write_results(path: Path, proposals: int, images: int) -> None:
    """Write COCO results in no order, a part at a time."""
    rng = np.random.default_rng(0)
    with path.open("w", encoding="ascii") as file:
        file.write("[")
        for first in range(0, proposals, 100_000):
            count = min(100_000, proposals - first)
            ids = (rng.integers(images, size=count) * 17 + 1).tolist()
            boxes = np.round(rng.random((count, 4)) * 300 + 1, 2).tolist()
            scores = np.round(rng.random(count), 6).tolist()
            rows = zip(ids, boxes, scores, strict=True)
            text = ",".join(
                json.dumps({"image_id": i, "category_id": 1, "bbox": box, "score": score}) for i, box, score in rows
            )
            file.write("," * bool(first) + text)
        file.write("]")


def write_dataset(path: Path, images: int) -> None:
    """Write annotations for the images: seven objects in each, of the sizes of COCO's."""
    rng = np.random.default_rng(1)
    sides = np.exp(rng.normal(3.8, 0.9, (7 * images, 2))).clip(4, 400)
    places = rng.random((7 * images, 2)) * ((640, 480) - sides)
    boxes = np.round(np.concatenate((places, sides), axis=1), 2).tolist()
    names = [
        {"id": number * 17 + 1, "file_name": f"{number}.jpg", "width": 640, "height": 480} for number in range(images)
    ]
    objects = [
        {"id": number, "image_id": number // 7 * 17 + 1, "category_id": 1, "bbox": box, "iscrowd": 0}
        for number, box in enumerate(boxes)
    ]
    document = {"images": names, "annotations": objects, "categories": [{"id": 1, "name": "thing"}]}
    path.write_text(json.dumps(document), encoding="ascii")


def timed(title: str, command: list[str]) -> None:
    """Run a command; print how long it took and the most memory it used."""
    own = ran(command)
    print(f"{title:12} {own.seconds:.1f} s, at most {own.memory:.0f} MB, exit {own.status}", flush=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=int, default=10_000_000)
    parser.add_argument("--images", type=int, default=33_000)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source, out = Path(folder, "results.json"), Path(folder, "proposals.parquet")
        write_results(source, options.proposals, options.images)
        print(f"source       {options.proposals:,} proposals, {source.stat().st_size / 1e6:.0f} MB", flush=True)
        timed("convert", [str(PROGRAM), "proposals", str(source), str(out)])
        timed("read", [sys.executable, "-c", READ, str(out), str(STEP)])
        source.unlink()
        dataset = Path(folder, "dataset.json")
        write_dataset(dataset, options.images)
        plan = [str(PROGRAM), "build", "--coco", str(dataset), "--preset", "sniper-coco", "--dry-run", "-q"]
        timed("positives", plan)
        timed("negatives", [*plan, "--proposals", str(out)])


if __name__ == "__main__":
    main()

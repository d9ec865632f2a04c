"""Run every command on the demo in an environment that holds chipgen and what it requires, and nothing else.

``make test-bare`` makes that environment and runs this in it; from a folder of its own, so that what was installed is
used and not the clone.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("cv2", "simplejpeg", "tifffile", "imagecodecs", "datasets", "pandas", "pytest")
CODES = {"the damaged build": 1}
"""Exit codes other than 0, by what a step is called."""

BUILD = "build --coco demo/instances.json --scales"
MINED = "--proposals demo/proposals.parquet --negatives-per-image all"

STEPS = {
    "the demo": "python EXAMPLES/make_dataset.py demo",
    "its proposals": "python EXAMPLES/propose.py demo/instances.json demo/images demo/proposals.json",
    "stats of a dataset": "chipgen stats demo/instances.json --html demo/stats.html",
    "proposals": "chipgen proposals demo/proposals.json demo/proposals.parquet",
    "build": f"chipgen {BUILD} 2x,768 {MINED} --out demo/chips",
    "build again": f"chipgen {BUILD} 2x,768 {MINED} --out demo/chips",
    "coco": f"chipgen {BUILD} 768 --format coco --out demo/coco",
    "roboflow": f"chipgen {BUILD} 768 --format coco --layout roboflow --out demo/robo",
    "yolo": f"chipgen {BUILD} 768 --format yolo --val-fraction 0.3 --out demo/yolo",
    "webdataset": f"chipgen {BUILD} 768 --format webdataset --out demo/web",
    "png": f"chipgen {BUILD} 768 --image-format png --out demo/png",
    "webp": f"chipgen {BUILD} 768 --image-format webp --out demo/webp",
    "stats of a build": "chipgen stats demo/chips",
    "verify": "chipgen verify demo/chips --sources demo/instances.json",
    "epochs": "chipgen epochs demo/chips --epochs 2 --negatives-per-image 1",
    "view": "chipgen view demo/chips --images demo/images --limit 20",
    "verify with epochs and view": "chipgen verify demo/chips",
    "verify of splits": "chipgen verify demo/yolo",
    "print-config": "chipgen build --print-config",
    "help": "chipgen --help",
    "the damage": "python -c __import__('os').truncate('demo/web/_plan.parquet',100)",
    "the damaged build": "chipgen verify demo/web",
}


def main() -> int:
    """Run all steps and return 1 when one of them ends otherwise than it should."""
    found = [name for name in EXTRAS if importlib.util.find_spec(name)]
    if found:
        print(f"this environment is not bare: {', '.join(found)}")
        return 1
    bin_folder = Path(sys.executable).parent
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, line in STEPS.items():
            program, *words = line.replace("EXAMPLES", str(ROOT / "examples")).split()
            done = subprocess.run(
                [str(bin_folder / program), *words],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": ""},
                capture_output=True,
                text=True,
                check=False,
            )
            right = done.returncode == CODES.get(name, 0) and "Traceback" not in done.stderr
            print(f"{'ok ' if right else 'BAD'} {name}: {line}", flush=True)
            if not right:
                wrong += 1
                print(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
    print(f"{len(STEPS) - wrong} passed, {wrong} failed")
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())

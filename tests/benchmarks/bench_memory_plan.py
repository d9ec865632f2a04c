"""How much memory the parent of a build needs for a plan and its tables, step by step; no chip is cut.

``python tests/benchmarks/bench_memory_plan.py [--coco FILE] [--images 20000] [--folder DIR]`` reads, plans, takes the
digest and writes the tables, in one process, and prints after each step the most memory held so far, what is held now,
and the CPU time. Without ``--coco`` views from above with 66 objects each are made for it: 20,000 of them are 1.3
million boxes, seen 6 million times in a million chips.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from made_sets import drone_like

import chipgen
from chipgen.findings import Findings, ImageFile
from chipgen.fingerprint import plan_digest
from chipgen.store import Staging
from chipgen.writers.tables import write_ledger, write_plan, write_sources

SCALES, RANGES = "1400x2000,800x1280,512", "0-80,32-150,120-"


def told(step: str, since: float) -> float:
    """Print what a step took; return when it ended."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak, now = (int(next(line.split()[1] for line in lines if line.startswith(key))) for key in ("VmHWM", "VmRSS"))
    end = time.process_time()
    print(f"{step:10} {end - since:5.1f} s, at most {peak / 1024:5.0f} MB, now {now / 1024:5.0f} MB", flush=True)
    return end


def measure(source: Path, folder: Path) -> None:
    """Go through all that a parent does, except for waiting."""
    end = told("begin", 0)
    dataset = chipgen.read_coco(source, on_error="skip")
    end = told("read", end)
    plan = chipgen.plan(dataset, SCALES, RANGES)
    end = told("plan", end)
    print(f"           {len(plan.chips):,} chips, {len(plan.boxes):,} boxes, {len(dataset.annotations):,} annotations")
    print(f"           {plan_digest(plan)}")
    end = told("digest", end)
    findings = Findings(files={row: ImageFile(100_000 + row, f"{row:064x}") for row in range(len(dataset.images))})
    end = told("findings", end)
    ledger, _ = plan.ledger(), plan.summary()
    end = told("summary", end)
    staging = Staging(folder)
    write_plan(plan, (), staging)
    end = told("_plan", end)
    write_ledger(dataset, ledger, staging)
    end = told("_ledger", end)
    write_sources(plan, findings, staging)
    told("_sources", end)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, help="measure this file instead of one that is made")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source = options.coco or Path(folder, "instances.json")
        if options.coco is None:
            drone_like(source, options.images)
        measure(source, Path(folder))


if __name__ == "__main__":
    main()

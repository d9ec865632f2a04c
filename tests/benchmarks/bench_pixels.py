"""What a build takes besides pixels, and what its pixels take: processor time of one process, imports left out.

``python tests/benchmarks/bench_pixels.py [--coco FILE --images DIR]`` compares a whole build (annotations read, chips
planned, drawn, written, checksummed and brought to the disk) with a bare loop that decodes each picture once and cuts
and encodes its chips, for each engine that is installed; the engines with each other; planning with the whole; and
one worker with two, in wall time.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from measuring import best, given, options
from PIL import Image

import chipgen
from chipgen.export_config import ExportConfig
from chipgen.images import engine_of, open_regular, reduction_for
from chipgen.images.turns import AS_IT_IS
from chipgen.shard import Shard, take_shard
from chipgen.text import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from measuring import Given

    from chipgen import Plan

ENGINES = ["pillow", "opencv"][: 2 if find_spec("cv2") else 1]
SCALES, RANGES = "3x,1.667x,512", "0-80,32-150,120-"


def planned(data: Given) -> Plan:
    """Read and plan."""
    dataset = chipgen.read_coco(data.coco, images=data.images, on_error="skip")
    return chipgen.plan(dataset, scales=SCALES, valid_ranges=RANGES)


def built(plan: Plan, engine: str, workers: int) -> Callable[[], None]:
    """Write all chips to a new folder; return what removes it."""
    folder = tempfile.TemporaryDirectory()
    settings = {"on_error": "skip", "max_skipped": sys.maxsize, "progress": False}
    chipgen.export(plan, Path(folder.name, "out"), workers=workers, imaging=engine, **settings)  # type: ignore[arg-type]
    return folder.cleanup


def whole(data: Given, engine: str) -> Callable[[], None]:
    """Read, plan and build."""
    return built(planned(data), engine, 1)


def bare(shards: list[Shard], root: Path, imaging: str) -> None:
    """Decode each picture once, cut and encode its chips, and nothing else."""
    engine, config = engine_of(imaging), ExportConfig(imaging=imaging)
    for shard in shards:
        crops = shard.crops(pad=True)
        images = shard.chips.image.tolist()
        for row, chips in itertools.groupby(range(len(images)), images.__getitem__):
            reduction = reduction_for(float(shard.finest[row]), config.resample)
            with open_regular(root / shard.images.file_name[row]) as file, Image.open(file) as image:
                pixels = engine.decode(image, file, AS_IT_IS, reduction)
            for chip in chips:
                engine.encode(engine.cut(pixels, crops[chip], config), config)


def pixels(data: Given) -> None:
    """Print the tables of processor time."""
    plan = planned(data)
    shards, chips = [take_shard(plan, index) for index in range(len(plan.shards) - 1)], len(plan.chips)
    works: list[Callable[[], object]] = [partial(planned, data)]
    for engine in ENGINES:
        works += [partial(whole, data, engine), partial(bare, shards, data.images, engine)]
    plans, *seconds = best(*works, runs=data.runs)
    rows = [("engine", "bare ms a chip", "build ms a chip", "build to bare", "planning", "pillow to it")]
    for engine, build, loop in zip(ENGINES, seconds[::2], seconds[1::2], strict=True):
        each = f"{loop / chips * 1e3:.3f}", f"{build / chips * 1e3:.3f}"
        rows.append((engine, *each, f"{build / loop:.3f}", f"{plans / build:.2%}", f"{seconds[0] / build:.2f}"))
    print(f"{len(plan.dataset.images):,} images, {chips:,} chips; processor time, best of {data.runs}")
    print("\n".join(table(rows)), flush=True)


def workers(data: Given) -> None:
    """Print how much faster two workers are than one; their start is in the first figure only."""
    plan, engine = planned(data), ENGINES[-1]
    start = time.perf_counter()
    clear = built(plan, engine, 2)
    first = time.perf_counter() - start
    clear()
    one, two = best(*(partial(built, plan, engine, count) for count in (1, 2)), runs=data.runs, clock=time.perf_counter)
    print(f"two workers  {one / two:.2f} times as fast as one, started for the build {one / first:.2f}; wall time")


def main() -> None:
    """Measure."""
    asked = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = given(asked, Path(folder))
        pixels(data)
        workers(data)


if __name__ == "__main__":
    main()

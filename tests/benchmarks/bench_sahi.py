"""Chips beside those of SAHI's `slice_coco`, for each pixel written, in processor and in wall time.

``python tests/benchmarks/bench_sahi.py [--coco FILE --images DIR]``: windows of 512 px that overlap by a fifth, at the
size of the pictures, which is the same job (sampler `grid`), and the chips of the preset. SAHI offers no quality of
JPEG, so that its call of Pillow's `save` is given 95 without colour subsampling, as ours has; it writes one file
a window, and drops what is left of an annotation below a tenth of it. Our chips are padded to 512 px: what is counted
is what they show.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from bench_pixels import ENGINES, RANGES, SCALES
from measuring import best, given, options
from PIL import Image
from sahi.slicing import slice_coco

import chipgen
from chipgen.text import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from measuring import Given

PLANS: dict[str, dict[str, Any]] = {
    "grid": {"scales": "1x", "valid_ranges": "0-", "sampler": "grid", "sampler_options": {"overlap": 0.2}},
    "sniper": {"scales": SCALES, "valid_ranges": RANGES},
}


def ours(data: Given, name: str, engine: str) -> int:
    """Build; return how many pixels of pictures the chips show."""
    dataset = chipgen.read_coco(data.coco, images=data.images, on_error="skip")
    plan = chipgen.plan(dataset, **PLANS[name])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "out")
        chipgen.export(plan, out, workers=1, imaging=engine, on_error="skip", max_skipped=10**9, progress=False)
    return int(plan.chips.content.prod(axis=1).sum())


def theirs(data: Given) -> int:
    """Slice with SAHI; return how many pixels the slices have."""
    real = Image.Image.save

    def save(image: Image.Image, path: Any) -> None:
        real(image, path, quality=95, subsampling=0)

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Image.Image, "save", save),
        mock.patch("sahi.slicing.tqdm", lambda images: images),
    ):
        found, _ = slice_coco(str(data.coco), str(data.images), "slices", output_dir=folder, out_ext=".jpg")
    return sum(image["width"] * image["height"] for image in found["images"])


def compare(data: Given) -> None:
    """Print the table."""
    works: dict[str, Callable[[], int]] = {"sahi": partial(theirs, data)}
    works |= {f"{name}, {engine}": partial(ours, data, name, engine) for name in PLANS for engine in ENGINES}
    pixels = [work() / 1e6 for work in works.values()]
    clocks = time.process_time, time.perf_counter
    cpu, wall = (best(*works.values(), runs=data.runs, clock=clock) for clock in clocks)
    heads = "Mpx", "CPU ms a Mpx", "wall ms a Mpx", "CPU: sahi to it", "wall: sahi to it"
    rows: list[tuple[str, ...]] = [("program", *heads)]
    for at, name in enumerate(works):
        each = [own[at] / pixels[at] * 1e3 for own in (cpu, wall)]
        ratios = [own[0] / pixels[0] * pixels[at] / own[at] for own in (cpu, wall)]
        rows.append((name, f"{pixels[at]:.1f}", *(f"{own:.1f}" for own in each), *(f"{own:.2f}" for own in ratios)))
    print(f"best of {data.runs}")
    print("\n".join(table(rows)))


def main() -> None:
    """Measure."""
    asked = options(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(given(asked, Path(folder)))


if __name__ == "__main__":
    main()

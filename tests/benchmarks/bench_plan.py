"""How many chips the planners take, and how fast: `sniper` and `compact` against a dense planner and the exact minimum.

``make bench-plan`` measures datasets made by code; ``make bench-plan ARGS="--coco FILE"`` any COCO file. All images are
planned in one go, and times are those of the processor, the best of some runs taken in turn. The dense planner is
`dense.py`: numpy, one image after the other, every candidate against every box at once. The exact minimum
(`exact.py`) is found for the first images only.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import made_sets
import numpy as np
from dense import Task, both, positives
from exact import fewest
from measuring import best

import chipgen
from chipgen.boxes import scale, size
from chipgen.candidates import usable
from chipgen.config import PlanConfig
from chipgen.levels import make_levels
from chipgen.negative_config import NegativeConfig
from chipgen.plan import make_plan
from chipgen.positive import fit
from chipgen.samplers import Views, find_sampler, many_of
from chipgen.scored import Proposals
from chipgen.selection import select
from chipgen.streams import first_words
from chipgen.text import table

if TYPE_CHECKING:
    from chipgen import Dataset, Plan
    from chipgen.boxes import Ints

CHIP, STRIDE = 512, 32
SAMPLERS = ("sniper", "compact")


@dataclass(frozen=True)
class Case:
    """A dataset, how it is planned, and of how many images the exact minimum is wanted."""

    title: str
    dataset: Dataset
    scales: str
    ranges: str
    exact: int


def tasks_of(case: Case, found: Any = None) -> list[Task]:
    """Return every image at every level, for the dense planner and for the exact minimum."""
    dataset, config = case.dataset, PlanConfig.parse(case.scales, case.ranges)
    levels = make_levels(config.scales, config.valid_ranges, dataset.images.size_img, CHIP)
    fits = fit(dataset, levels, config)
    tasks = []
    for image, (first, stop) in enumerate(dataset.spans.tolist()):
        near = np.empty((0, 4)) if found is None else found.xyxy_img[slice(*found.spans[image].tolist())]
        for level, (lo, hi) in enumerate(levels.range_img[image].tolist()):
            factor = levels.factor[image, level]
            boxes = dataset.annotations.xyxy_img[first:stop][fits.counts[first:stop, level]]
            own = near[(size(near) >= lo) & (size(near) < hi)]
            tasks.append(Task(levels.size_scaled[image, level], scale(boxes, factor), scale(own, factor)))
    return tasks


def views_of(tasks: list[Task], levels: int) -> list[Views]:
    """Return the same for the program's samplers, all images of a level together."""
    found = []
    for level in range(levels):
        own = tasks[level::levels]
        ids = np.arange(len(own))
        image = np.repeat(ids, [len(task.boxes) for task in own])
        sizes = np.stack([task.size for task in own])
        boxes = np.concatenate([task.boxes for task in own])
        found.append(Views(ids, level, sizes, CHIP, STRIDE, image, boxes, first_words(0, ids, level)))
    return found


def covers(case: Case) -> None:
    """Print the table of the cover step: boxes in, chips out."""
    tasks, levels, images = tasks_of(case), len(case.scales.split(",")), len(case.dataset.images)
    rng, views = np.random.default_rng(0), views_of(tasks, levels)
    many = [many_of(find_sampler(name)) for name in SAMPLERS]
    assert None not in many
    seconds = best(
        lambda: [positives(task, CHIP, STRIDE, rng) for task in tasks],
        *(lambda ask=ask: [ask(view) for view in views] for ask in many),
    )
    wanted = min(case.exact, images)
    part = [len(positives(task, CHIP, STRIDE, rng)) for task in tasks]
    chips = [np.array(part).reshape(images, levels).sum(axis=1)]
    for ask in many:
        assert ask is not None
        chips.append(sum(np.bincount(ask(view)[0], minlength=images) for view in views))
    exact = sum(fewest(task.boxes, task.size, CHIP) for task in tasks[: wanted * levels])
    rows = [("planner", "chips an image", "to exact", "images/s", "to dense", "margin px")]
    plans = {name: chipgen.plan(case.dataset, case.scales, case.ranges, sampler=name) for name in SAMPLERS}
    for name, second, own in zip(("dense", *SAMPLERS), seconds, chips, strict=True):
        margin = f"{margins(plans[name])[0]:.0f} ({margins(plans[name])[1]:.0f})" if name in plans else ""
        to_exact = f"{own[:wanted].sum() / exact:.4f}" if exact else ""
        speed = f"{images / second:,.0f}", f"{seconds[0] / second:.1f}"
        rows.append((name, f"{own.sum() / images:.3f}", to_exact, *speed, margin))
    rows.append(("exact", f"{exact / max(wanted, 1):.3f}", "1.0000", "", "", f"first {wanted} images"))
    boxes = sum(len(task.boxes) for task in tasks) / images
    print(f"\n{case.title}: {images:,} images at once, {boxes:.1f} boxes an image at {case.scales}, {case.ranges}")
    print("\n".join(table(rows)))


def margins(plan: Plan) -> tuple[float, float]:
    """Return how far enclosed valid boxes stay from the borders of their chips, chip px: median and tenth of them.

    Borders at which the image ends do not count: nothing could be seen beyond.
    """
    boxes, chips = plan.boxes, plan.chips
    own = boxes.enclosed & (boxes.state == 0)
    chip, xyxy = boxes.chip[own], boxes.xyxy_chip[own]
    ends = plan.levels.size_scaled[chips.image[chip], chips.level[chip]] - chips.content[chip]
    far = np.concatenate((xyxy[:, :2], chips.content[chip] - xyxy[:, 2:]), axis=1)
    origin = chips.origin_scaled[chip]
    far[np.concatenate((origin == 0, origin == ends), axis=1)] = np.inf
    least = far.min(axis=1)
    least = least[np.isfinite(least)]
    return (float(np.median(least)), float(np.quantile(least, 0.1))) if len(least) else (0.0, 0.0)


@dataclass
class Held:
    """Proposals in memory, so that the planners are compared and not the reading of a file."""

    whole: Proposals
    image_id: Ints
    counts: Ints
    path: str = "memory"
    sha256: str = ""
    on_error: str = "skip"
    scored: bool = True

    def between(self, first_id: int, last_id: int) -> Proposals:
        """Return the proposals of images with ids in a range."""
        first, stop = np.searchsorted(self.whole.image_id, (first_id, last_id + 1))
        score = None if self.whole.score is None else self.whole.score[first:stop]
        return Proposals(self.whole.image_id[first:stop], self.whole.xywh_img[first:stop], score)


def negatives(case: Case, path: Path, an_image: int) -> None:
    """Print the table with negative chips: the choice of all chips, and the whole plan, from boxes and proposals."""
    dataset, config = case.dataset, PlanConfig.parse(case.scales, case.ranges, negatives_per_image="all")
    source = chipgen.read_proposals(path, on_error="skip")
    held = Held(source.between(-(2**62), 2**62), source.image_id, source.counts)
    tasks = tasks_of(case, usable(held.whole, dataset.images, NegativeConfig()))
    levels = make_levels(config.scales, config.valid_ranges, dataset.images.size_img, CHIP)
    fits, rng, sniper = fit(dataset, levels, config), np.random.default_rng(0), find_sampler("sniper")
    seconds = best(
        lambda: [both(task, CHIP, STRIDE, 11 if at % 3 else 26, rng) for at, task in enumerate(tasks)],
        lambda: select(dataset, levels, fits, config, sniper, held),
        lambda: make_plan(dataset, config, sniper, source),
        lambda: make_plan(dataset, config, sniper),
    )
    images, chips = len(dataset.images), make_plan(dataset, config, sniper, source).chips
    found = f"{np.count_nonzero(chips.kind) / images:.2f} negative chips an image"
    print(f"\n{case.title} with {an_image} proposals an image, {images:,} images at once; {found}")
    names = "dense: all chips", "sniper: all chips", "sniper: whole plan, proposals read", "sniper: whole plan without"
    rows = [("planner", "images/s", "to dense")]
    rows += [
        (name, f"{images / own:,.0f}", f"{seconds[0] / own:.1f}") for name, own in zip(names, seconds, strict=True)
    ]
    print("\n".join(table(rows)))


def large(path: Path) -> None:
    """Print how long one huge image takes, and the most memory."""
    made_sets.one_large(path, 20_000, 50_000)
    dataset = chipgen.read_coco(path)
    print("\none image of 20,000 x 20,000 px with 50,000 boxes at 1x")
    rows = [("planner", "chips", "seconds, whole plan", "most memory, MB")]
    for name in SAMPLERS:
        start = time.process_time()
        plan = chipgen.plan(dataset, "1x", "0-", sampler=name)
        seconds = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        rows.append((name, f"{len(plan.chips):,}", f"{seconds:.1f}", f"{memory:,}"))
    print("\n".join(table(rows)))


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--coco", type=Path, help="a COCO file; else datasets made by code")
    parser.add_argument("--scales", default="3x,1.667x,512")
    parser.add_argument("--valid-ranges", default="0-80,32-150,120-")
    parser.add_argument("--images", type=int, default=2500, help="images of made datasets, or the first of the file")
    parser.add_argument("--exact", type=int, default=100, help="images of which the exact minimum is found")
    given = parser.parse_args()
    print(f"{sys.implementation.name} {sys.version.split()[0]}, numpy {np.__version__}, {os.cpu_count()} cores")
    settings = given.scales, given.valid_ranges, given.exact
    if given.coco:
        dataset = chipgen.read_coco(given.coco, on_error="skip").first(given.images)
        covers(Case(given.coco.name, dataset, *settings))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instances.json"
        large(path)
        made_sets.drone_like(path, given.images // 5)
        covers(Case("drone-like", chipgen.read_coco(path), *settings))
        covers(Case("drone-like", chipgen.read_coco(path), "1400x2000,800x1280,512", *settings[1:]))
        made_sets.coco_like(path, given.images)
        photos = Case("COCO-like", chipgen.read_coco(path), *settings)
        covers(photos)
        made_sets.proposals(path, Path(folder) / "proposals.json", 300)
        negatives(photos, Path(folder) / "proposals.json", 300)


if __name__ == "__main__":
    main()

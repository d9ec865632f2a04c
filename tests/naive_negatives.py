"""Negative chips as one would mine them on a first reading: loops over plain numbers, one image and level at a time."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING

from naive import EPS, Box, NaivePlanner, Place, ranks

from chipgen.dataset import IGNORED_BY
from chipgen.streams import MINE, random_stream

if TYPE_CHECKING:
    from given_proposals import Row

    from chipgen import Plan

Origin = tuple[int, int]
NaiveNegative = tuple[int, int, Origin, int]
"""Image row, level, origin, and how many proposals that count it encloses."""


def negatives(plan: Plan, rows: list[Row], minimum: list[int]) -> list[NaiveNegative]:
    """Return all negative chips of a plan, in plan order; `minimum` is that of each level."""
    planner = NaivePlanner(plan)
    found = []
    for image, level in itertools.product(range(len(plan.dataset.images)), range(len(plan.config.scales))):
        miner = _Miner(Place(planner, image, level), rows)
        found += [(image, level, origin, miner.held(origin)) for origin in miner.cover(minimum[level])]
    return found


def statuses(plan: Plan, rows: list[Row]) -> Counter[str]:
    """Count what became of every proposal, given the chips that a plan holds."""
    planner, found = NaivePlanner(plan), Counter[str]()
    chips = list(zip(*(getattr(plan.chips, name).tolist() for name in ("image", "level", "kind")), strict=True))
    for image in range(len(plan.dataset.images)):
        miners = [_Miner(Place(planner, image, level), rows) for level in range(len(plan.config.scales))]
        own = [
            (level, kind, tuple(origin))
            for (at, level, kind), origin in zip(chips, plan.chips.origin_scaled.tolist(), strict=True)
            if at == image
        ]
        for box in miners[0].usable:
            found[_status(box, miners, own)] += 1
    return found


def _status(box: Box, miners: list[_Miner], chips: list[tuple[int, int, Origin]]) -> str:
    """Return what became of a proposal; `chips` are level, kind and origin of those in its image."""
    if miners[0].on_object(box):
        return "on_object"
    levels = [level for level, miner in enumerate(miners) if miner.in_range(box)]
    kinds = {level: set[int]() for level in levels}
    for level, kind, origin in chips:
        if level in kinds and miners[level].encloses(origin, miners[level].scaled(box)):
            kinds[level].add(kind)
    if any(1 in own and 0 not in own for own in kinds.values()):
        return "used"
    if any(0 in own for own in kinds.values()):
        return "covered"
    return "left_over" if levels else "out_of_range"


class _Miner:
    """One image at one level with its proposals."""

    def __init__(self, place: Place, rows: list[Row]) -> None:
        self.place, self.config = place, place.planner.config
        dataset = place.planner.plan.dataset
        self.image_id = int(dataset.images.id[place.image])
        size = [float(side) for side in dataset.images.size_img[place.image]]
        own = [row for row in rows if row[0] == self.image_id]
        boxes = [_clipped(row[1], size) for row in sorted(own, key=lambda row: -row[2])]
        self.positive = place.cover()
        self.usable = [box for box in boxes if box]
        self.proposals = [self.scaled(box) for box in self.usable if self.counts(box)]

    def scaled(self, box: Box) -> Box:
        """Return a box, scaled px."""
        x, y = self.place.factor
        return box[0] * x, box[1] * y, box[2] * x, box[3] * y

    def counts(self, box: Box) -> bool:
        """Tell whether a proposal lies in the range, on no object, and in no positive chip."""
        shown = any(self.encloses(origin, self.scaled(box)) for origin in self.positive)
        return self.in_range(box) and not self.on_object(box) and not shown

    def in_range(self, box: Box) -> bool:
        """Tell whether a proposal lies in the valid range."""
        return bool(self.place.range[0] - EPS <= math.sqrt(_area(box)) < self.place.range[1] - EPS)

    def on_object(self, box: Box) -> bool:
        """Tell whether a proposal shows an object or lies half in a crowd."""
        annotations = self.place.planner.annotations
        for row in self.place.rows:
            x1, y1, x2, y2 = (float(end) for end in annotations.xyxy_img[row])
            common = _area(_common(box, (x1, y1, x2, y2)))
            crowd = IGNORED_BY[annotations.ignored_by[row]] != ""
            if common / (_area(box) + _area((x1, y1, x2, y2)) - common) >= 0.3:
                return True
            if crowd and common >= 0.5 * _area(box):
                return True
        return False

    def window(self, origin: Origin) -> Box:
        """Return a chip as a box, scaled px."""
        return (*origin, origin[0] + self.place.content[0], origin[1] + self.place.content[1])

    def encloses(self, origin: Origin, box: Box) -> bool:
        """Tell whether a chip holds a whole box."""
        x1, y1, x2, y2 = self.window(origin)
        return x1 - EPS <= box[0] and y1 - EPS <= box[1] and box[2] <= x2 + EPS and box[3] <= y2 + EPS

    def held(self, origin: Origin) -> int:
        """Count the proposals that a chip encloses."""
        return sum(self.encloses(origin, box) for box in self.proposals)

    def shows_valid(self, origin: Origin) -> bool:
        """Tell whether a chip would hold an object to learn."""
        found = [self.place.box(row, origin) for row in self.place.rows]
        return any(box is not None and box.reason == "" for box in found)

    def ignored_share(self, origin: Origin) -> float:
        """Return the share of a chip that boxes take up, cell by cell."""
        window = self.window(origin)
        boxes = [_common(self.place.scaled(row), window) for row in self.place.rows]
        boxes = [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) > 0]
        xs, ys = (sorted({box[i] for box in boxes for i in (axis, axis + 2)}) for axis in (0, 1))
        covered = sum(
            (x2 - x1) * (y2 - y1)
            for (x1, x2), (y1, y2) in itertools.product(itertools.pairwise(xs), itertools.pairwise(ys))
            if any(b[0] <= x1 and x2 <= b[2] and b[1] <= y1 and y2 <= b[3] for b in boxes)
        )
        return covered / (self.place.content[0] * self.place.content[1])

    def cover(self, minimum: int) -> list[Origin]:
        """Return the origins of the negative chips."""
        boxes = [box for box in self.proposals if self.places(box, 0) and self.places(box, 1)]
        if len(boxes) < minimum:
            return []
        word = random_stream(self.config.seed, self.image_id, self.place.level, MINE).bit_generator.random_raw()
        positions = (self.positions(boxes, 0), self.positions(boxes, 1))
        rank_x, rank_y = (ranks(word, axis, own) for axis, own in enumerate(positions))
        inside = [[{p for p in positions[axis] if p in self.places(box, axis)} for box in boxes] for axis in (0, 1)]
        limit = self.config.negative.max_ignored_area + EPS
        left, chosen = set(range(len(boxes))), list[Origin]()
        worth = [
            (x, y)
            for x, y in itertools.product(*positions)
            if sum(x in inside[0][b] and y in inside[1][b] for b in left) >= minimum
        ]
        open_ = [at for at in worth if not self.shows_valid(at) and self.ignored_share(at) <= limit]
        while open_:
            gain = {(x, y): sum(x in inside[0][b] and y in inside[1][b] for b in left) for x, y in open_}
            best = min(open_, key=lambda at: (-gain[at], rank_x[at[0]], rank_y[at[1]]))
            if gain[best] < minimum:
                break
            chosen.append(best)
            left = {b for b in left if best[0] not in inside[0][b] or best[1] not in inside[1][b]}
        return chosen

    def places(self, box: Box, axis: int) -> range:
        """Return the whole positions at which a window encloses a box along one axis."""
        content, room = self.place.content[axis], self.place.size[axis] - self.place.content[axis]
        first, last = math.ceil(box[axis + 2] - content - EPS), math.floor(box[axis] + EPS)
        return range(max(0, first), min(room, last) + 1)

    def positions(self, boxes: list[Box], axis: int) -> list[int]:
        """Return all candidate positions along one axis."""
        room = self.place.size[axis] - self.place.content[axis]
        grid = {*range(0, room, self.config.stride), room}
        runs = [self.places(box, axis) for box in boxes]
        return sorted(grid | {(run[0] + run[-1]) // 2 for run in runs if not grid & set(run)})


def _clipped(xywh: Box, size: list[float]) -> Box | None:
    """Return a box inside its image, or None."""
    x, y, w, h = xywh
    if min(w, h) <= 1e-9 or not all(map(math.isfinite, xywh)):
        return None
    box = max(0.0, x), max(0.0, y), min(size[0], x + w), min(size[1], y + h)
    return box if box[2] - box[0] > 1e-9 and box[3] - box[1] > 1e-9 else None


def _area(box: Box) -> float:
    """Return the area of a box."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _common(box: Box, other: Box) -> Box:
    """Return what two boxes share; its sides are negative when they share nothing."""
    return max(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), min(box[3], other[3])

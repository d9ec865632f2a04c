"""The planner as one would write it on a first reading of the method: loops over plain numbers, slow and plain.

It shares with the program the dataset (clipped boxes), the automatic ranges and the random stream; nothing else.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from chipgen.dataset import IGNORED_BY, INVALID
from chipgen.streams import random_stream

if TYPE_CHECKING:
    from chipgen import Plan

EPS = 1e-6
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class NaiveBox:
    """A box in a chip: which annotation, where, how visible, and why ignored."""

    annotation: int
    xyxy_chip: Box
    visibility: float
    reason: str


@dataclass(frozen=True)
class NaiveChip:
    """A chip and what it holds."""

    image: int
    level: int
    origin: tuple[int, int]
    content: tuple[int, int]
    boxes: tuple[NaiveBox, ...]

    def valid(self) -> dict[int, tuple[float, float]]:
        """Return visibility and distance to the border of each valid box, by annotation."""
        found = {}
        for box in self.boxes:
            if not box.reason:
                x1, y1, x2, y2 = box.xyxy_chip
                found[box.annotation] = box.visibility, min(x1, y1, self.content[0] - x2, self.content[1] - y2)
        return found


def scaled_size(token: str, width: int, height: int) -> tuple[int, int]:
    """Return the scaled size of an image under one scale token."""
    if token.endswith("x"):
        numerator, denominator = float(token[:-1]), 1.0
    elif "x" in token:
        short, longest = (float(part) for part in token.split("x"))
        by_longest = longest / max(width, height) < short / min(width, height)
        numerator = longest if by_longest else short
        denominator = max(width, height) if by_longest else min(width, height)
    else:
        numerator, denominator = float(token), max(width, height)
    first, second = (max(1, math.floor(side * numerator / denominator + 0.5)) for side in (width, height))
    return first, second


def ranks(word: int, axis: int, positions: list[int]) -> dict[int, int]:
    """Return the random rank of positions along an axis, lowest first, from the first word of a stream."""

    def mixed(number: int) -> int:
        value = (word + ((axis << 32) + number + 1) * 0x9E3779B97F4A7C15) % 2**64
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
        return value ^ value >> 31

    order = sorted(range(len(positions)), key=lambda number: (mixed(number) >> 40, number))
    return {positions[number]: rank for rank, number in enumerate(order)}


class NaivePlanner:
    """Plans what a plan was made from, again."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.config = plan, plan.config
        self.annotations = plan.dataset.annotations

    def chips(self) -> list[NaiveChip]:
        """Return all chips in plan order."""
        found = []
        for image, level in itertools.product(range(len(self.plan.dataset.images)), range(len(self.config.scales))):
            place = Place(self, image, level)
            chips = [place.chip(origin) for origin in place.cover()]
            found += chips if self.config.assign == "all" else assigned(chips)
        return found


def assigned(chips: list[NaiveChip]) -> list[NaiveChip]:
    """Leave each annotation valid in one chip only, given the chips of one image and level."""
    left = {row for chip in chips for row in chip.valid()}
    homes = {row: best([chip.valid().get(row) for chip in chips]) for row in left}
    return [
        replace(
            chip,
            boxes=tuple(
                replace(box, reason="assigned_elsewhere") if not box.reason and homes[box.annotation] != number else box
                for box in chip.boxes
            ),
        )
        for number, chip in enumerate(chips)
    ]


def best(shown: list[tuple[float, float] | None]) -> int:
    """Return which of several chips shows a box best, given (visibility, distance to the border), None where invalid.

    The most visible; among such the farthest from the border; among such the first.
    """
    there = [number for number, values in enumerate(shown) if values is not None]
    for column in (0, 1):
        values = {number: pair[column] for number in there if (pair := shown[number]) is not None}
        there = [number for number in there if values[number] >= max(values.values()) - EPS]
    return there[0]


class Place:
    """One image at one level."""

    def __init__(self, planner: NaivePlanner, image: int, level: int) -> None:
        self.planner, self.image, self.level = planner, image, level
        width, height = (int(side) for side in planner.plan.dataset.images.size_img[image])
        self.size = scaled_size(planner.config.scales[level].token, width, height)
        self.factor = (self.size[0] / width, self.size[1] / height)
        chip = planner.config.chip_size
        self.content = (min(chip, self.size[0]), min(chip, self.size[1]))
        self.range = tuple(float(end) for end in planner.plan.levels.range_img[image, level])
        self.rows = [row for row, own in enumerate(planner.annotations.image) if own == image and self.usable(row)]

    def usable(self, row: int) -> bool:
        """Tell whether an annotation has a box at all."""
        reason: str = INVALID[self.planner.annotations.invalid[row]]
        return not reason

    def scaled(self, row: int) -> Box:
        """Return a box, scaled px."""
        x1, y1, x2, y2 = (float(end) for end in self.planner.annotations.xyxy_img[row])
        return x1 * self.factor[0], y1 * self.factor[1], x2 * self.factor[0], y2 * self.factor[1]

    def in_range(self, row: int) -> bool:
        """Tell whether the size of a box lies in the valid range."""
        x1, y1, x2, y2 = (float(end) for end in self.planner.annotations.xyxy_img[row])
        return self.range[0] - EPS <= math.sqrt((x2 - x1) * (y2 - y1)) < self.range[1] - EPS

    def origins(self, row: int, axis: int) -> list[int]:
        """Return every whole position at which a window encloses a box along one axis."""
        box, room = self.scaled(row), self.size[axis] - self.content[axis]
        low, high = box[axis + 2] - self.content[axis] - EPS, box[axis] + EPS
        around = range(max(0, math.floor(low) - 1), min(room, math.ceil(high) + 1) + 1)
        return [position for position in around if low <= position <= high]

    def holdable(self, row: int) -> bool:
        """Tell whether some window holds a box."""
        return bool(self.origins(row, 0) and self.origins(row, 1))

    def counts(self, row: int) -> bool:
        """Tell whether a box counts toward positive chips."""
        x1, y1, x2, y2 = self.scaled(row)
        thick = min(x2 - x1, y2 - y1) >= max(self.planner.config.min_box, 1.0) - EPS
        learnable = IGNORED_BY[self.planner.annotations.ignored_by[row]] == ""
        return learnable and self.in_range(row) and self.holdable(row) and thick

    def positions(self, rows: list[int], axis: int) -> list[int]:
        """Return all candidate positions along one axis."""
        room = self.size[axis] - self.content[axis]
        grid = {*range(0, room, self.planner.config.stride), room}
        extra = set()
        for row in rows:
            own = self.origins(row, axis)
            if not grid & set(own):
                extra.add((own[0] + own[-1]) // 2)
        return sorted(grid | extra)

    def cover(self) -> list[tuple[int, int]]:
        """Return the origins of the greedy cover."""
        left = [row for row in self.rows if self.counts(row)]
        if not left:
            return []
        image_id = int(self.planner.plan.dataset.images.id[self.image])
        word = random_stream(self.planner.config.seed, image_id, self.level).bit_generator.random_raw()
        xs, ys = (self.positions(left, axis) for axis in (0, 1))
        rank_x, rank_y = (ranks(word, axis, positions) for axis, positions in enumerate((xs, ys)))
        where = {row: (set(self.origins(row, 0)), set(self.origins(row, 1))) for row in left}
        chosen = []
        while left:
            gains = {
                (x, y): sum(x in where[row][0] and y in where[row][1] for row in left)
                for x, y in itertools.product(xs, ys)
            }
            best = min(gains, key=lambda at: (-gains[at], rank_x[at[0]], rank_y[at[1]]))
            chosen.append(best)
            left = [row for row in left if best[0] not in where[row][0] or best[1] not in where[row][1]]
        return chosen

    def chip(self, origin: tuple[int, int]) -> NaiveChip:
        """Return a chip with its boxes."""
        boxes = [self.box(row, origin) for row in self.rows]
        return NaiveChip(self.image, self.level, origin, self.content, tuple(box for box in boxes if box))

    def box(self, row: int, origin: tuple[int, int]) -> NaiveBox | None:
        """Return a box in a chip, or None when it does not meet it."""
        x1, y1, x2, y2 = self.scaled(row)
        left, top = max(x1, origin[0]), max(y1, origin[1])
        right, bottom = min(x2, origin[0] + self.content[0]), min(y2, origin[1] + self.content[1])
        if right - left < 1 - EPS or bottom - top < 1 - EPS:
            return None
        visibility = (right - left) * (bottom - top) / ((x2 - x1) * (y2 - y1))
        cut = (left - origin[0], top - origin[1], right - origin[0], bottom - origin[1])
        return NaiveBox(row, cut, min(visibility, 1.0), self.reason(row, visibility, min(right - left, bottom - top)))

    def reason(self, row: int, visibility: float, side: float) -> str:
        """Return why a box is ignored in a chip, or nothing."""
        config = self.planner.config
        checks = (
            ("crowd", IGNORED_BY[self.planner.annotations.ignored_by[row]] != ""),
            ("out_of_range", not self.in_range(row)),
            ("too_large", not self.holdable(row)),
            ("truncated", visibility < config.min_visibility - EPS),
            ("too_small", side < config.min_box - EPS),
        )
        return next((name for name, applies in checks if applies), "")

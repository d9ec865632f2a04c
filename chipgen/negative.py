"""Negative chips: background in which a detector sees objects.

At each level the proposals in its valid range are taken, less those that show an object and those that a positive
chip of the level already shows. What is left is covered like objects are, by the same greedy cover on the same
candidates; a window is worth a chip when it encloses enough proposals that no window before it does.

No window may stand where an object to learn would show enough to be valid, nor where ignored objects would take up more
than a share of it; what else of them shows is written as ignored, as in positive chips.

Source: SNIPER, section 3.3 (negative chip selection). Deliberate differences: proposals that show an object are no
background, so they do not count; no chip holds an object to learn; ignored objects do not fill a chip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, area, inside, sides
from chipgen.chips import windows_at
from chipgen.cover import Terms, candidate_positions, enclosing_origins, greedy_cover
from chipgen.negative_config import PAPER_MINIMUM, PAPER_PER_IMAGE
from chipgen.positive import THINNEST
from chipgen.windows import showing, taken_up

if TYPE_CHECKING:
    from numpy.random import Generator

    from chipgen.config import PlanConfig
    from chipgen.negative_config import NegativeConfig
    from chipgen.samplers import View


@dataclass(frozen=True)
class Found:
    """The negative chips of one image at one level, in the order found; K of them.

    Parameters
    ----------
    origins
        Left upper corners, shape ``(K, 2)``, int64, scaled px.
    holds
        Which proposals that count each chip encloses, shape ``(K, P)``, bool.
    shown
        Which proposals a positive chip of the level encloses, shape ``(P,)``, bool.
    """

    origins: Ints
    holds: Bools
    shown: Bools


@dataclass(frozen=True)
class Minimum:
    """How many proposals a negative chip needs.

    Parameters
    ----------
    finest, others
        At the finest level of an image and at the others.
    given
        One number, or one for each level, that the user asked for instead.
    """

    finest: int
    others: int
    given: tuple[int, ...] | None = None

    @classmethod
    def of(cls, config: NegativeConfig, an_image: float) -> Minimum:
        """Return the minimum for a file with so many proposals an image.

        The paper's code asks for more than 25 at the finest level and more than 10 at the others, of about 300
        proposals an image. These numbers are kept down to 200 proposals an image; for files with fewer they shrink
        in proportion, rounded up: with 100 an image they are 13 and 6.
        """
        share = min(1.0, an_image / PAPER_PER_IMAGE)
        finest, others = (max(1, math.ceil(number * share - TOLERANCE)) for number in PAPER_MINIMUM)
        return cls(finest, others, config.min_proposals)

    def at_levels(self, factor: Floats) -> Ints:
        """Return the minimum of each level of an image, shape ``(L,)``; `factor` has the same shape."""
        if self.given is not None:
            return np.broadcast_to(np.array(self.given, dtype=np.int64), factor.shape)
        return np.where(factor == factor.max(), self.finest, self.others).astype(np.int64)

    def __str__(self) -> str:
        """Return the minimum for people."""
        if self.given is not None:
            return f"at least {', '.join(map(str, self.given))} in each"
        return f"at least {self.finest} in each at the finest level, {self.others} at the others"


def mine(view: View, eligible: Bools, positive: Ints, at_least: int, config: PlanConfig, rng: Generator) -> Found:
    """Find the negative chips of one image at one level.

    Parameters
    ----------
    view
        The image at the level, with its proposals.
    eligible
        Which proposals lie in the level's valid range and show no object, shape ``(P,)``.
    positive
        Origins of the positive chips of the level, shape ``(K, 2)``, scaled px.
    at_least
        Proposals a chip must enclose that no chip before it does.
    config
        Holds ``min_visibility``, ``min_box`` and ``max_ignored_area``.
    rng
        Decides between equally good windows.
    """
    boxes = view.proposals_scaled
    shown = np.asarray(_enclosed(boxes, positive, view).any(axis=0))
    counts = eligible & ~shown
    held = boxes[counts]
    held = held[enclosing_origins(held, view.size_scaled, view.chip_size).exist]

    def closed(x: Ints, y: Ints) -> Bools:
        limit = config.negative.max_ignored_area * float(view.content.prod()) + TOLERANCE
        return _shows_valid(view, x, y, config) | (taken_up(x, y, view.content, _all_boxes(view)) > limit)

    origins = greedy_cover(held, view.size_scaled, view.chip_size, view.stride, rng, Terms(at_least, closed))
    return Found(origins, np.asarray(_enclosed(boxes, origins, view) & counts), shown)


def _all_boxes(view: View) -> Floats:
    """Return every box of the image; what of them shows in a negative chip is ignored there."""
    return np.concatenate((view.valid_scaled, view.ignored_scaled))


def _shows_valid(view: View, x: Ints, y: Ints, config: PlanConfig) -> Bools:
    """Tell which windows show so much of an object to learn that it would be valid there; by a hair too many."""
    boxes = view.valid_scaled
    least = np.full((len(boxes), 2), max(config.min_box, THINNEST) - TOLERANCE)
    return showing(x, y, view.content, (boxes, least, (config.min_visibility - TOLERANCE) * area(boxes)))


def _enclosed(xyxy_scaled: Floats, origins: Ints, view: View) -> Bools:
    """Tell which boxes each chip encloses, shape ``(K, P)``."""
    windows = windows_at(origins, view.content)
    enclosed = np.array([inside(xyxy_scaled, window) for window in windows], dtype=np.bool_)
    return enclosed.reshape(len(windows), len(xyxy_scaled))


def background(view: View, count: int | None, rng: Generator) -> Ints:
    """Choose windows of the candidate grid at random that show no annotated box at all and do not overlap.

    Parameters
    ----------
    view
        The image at the level.
    count
        At most so many; None for as many as find room.
    rng
        Decides where.

    Returns
    -------
    ndarray
        Origins, shape ``(K, 2)``, int64, scaled px.
    """
    nothing = np.empty(0, dtype=np.int64)
    room = (view.size_scaled - view.content).tolist()
    x, y = (candidate_positions(nothing, nothing, last, view.stride) for last in room)
    boxes = _all_boxes(view)
    free = ~showing(x, y, view.content, (boxes, np.minimum(sides(boxes), THINNEST), np.zeros(len(boxes))))
    chosen: list[tuple[int, int]] = []
    for cell in rng.permutation(np.flatnonzero(free)).tolist():
        if count is not None and len(chosen) >= count:
            break
        column, row = divmod(cell, len(y))
        if free[column, row]:
            chosen.append((int(x[column]), int(y[row])))
            beside_x, beside_y = np.abs(x - x[column]) < view.content[0], np.abs(y - y[row]) < view.content[1]
            free[np.ix_(beside_x, beside_y)] = False
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)

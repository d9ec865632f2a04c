"""Few groups that hold every box: a set cover close to the smallest there is, for many images at once.

First a greedy choice: each box gives its weight to every group that holds it, and the heaviest group is taken, again
and again. Boxes that few groups hold weigh most, so that what must be taken anyway is taken first. Groups that the
others make superfluous are dropped again.

The smallest cover is the answer of a linear program in whole numbers. Its relaxation gives each box a price such that
no group costs more than 1; the sum of the prices bounds the number of groups from below, and good prices are good
weights for the greedy choice. So prices are improved step by step, each time with a new choice, until bound and choice
meet, which proves that no fewer groups do, or patience ends. Parts that share no group are problems of their own; most
have one or two groups, and need no proof.

All numbers are integers: sums are the same in any order, on any machine.

Source: Held and Karp, "The traveling-salesman problem and minimum spanning trees" (1971), for improving prices along
their subgradient; Caprara, Fischetti and Toth, "A heuristic method for the set covering problem" (1999), for choosing
by prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints
    from chipgen.grouping.incidence import Incidence

ONE = 1 << 20
"""The price 1."""
EASY = 2
"""Groups of a part that need no proof: did one do, it would have been taken, being heavier than any other."""
SPREADS = 12
"""Rounds in which the parts are found."""
TURNS = (8, 4, 4, 4)
"""Steps in which prices are improved before each new choice."""
EFFORT = 20_000
"""Entries of a part times its turns, about: the larger a part, the fewer turns it gets, but one at least."""
ENDLESS = 100_000
"""Entries of a part above which prices are not improved at all."""
SLOWER = 95
"""Each step is this many hundredths of the last."""


@dataclass(frozen=True)
class Cover:
    """What was chosen.

    Parameters
    ----------
    chosen
        Whether each group is taken, shape ``(G,)``, bool.
    proven
        Whether no fewer groups would do for the part that each box belongs to, shape ``(B,)``, bool.
    """

    chosen: Bools
    proven: Bools


def small_cover(table: Incidence, image: Ints) -> Cover:
    """Choose few groups that hold every box.

    Parameters
    ----------
    table
        Groups of boxes, each of boxes of one image.
    image
        Image of each box, sorted, shape ``(B,)``, int64.
    """
    part = parts(table, image)
    chosen = greedy(table, ONE // table.degrees)
    proven = np.bincount(part[table.any_box[chosen]], minlength=int(part.max(initial=-1)) + 1)[part] <= EASY
    hopeful = ~proven & (np.bincount(part[table.box])[part] <= ENDLESS)
    if hopeful.any():
        hard, groups, boxes = table.of_boxes(hopeful)
        better = _Search(hard, part[boxes], chosen[groups]).run()
        chosen[groups], proven[boxes] = better.chosen, better.proven
    return Cover(chosen, proven)


def parts(table: Incidence, image: Ints) -> Ints:
    """Return the part of the table that each box belongs to, numbered from 0 on, shape ``(B,)``; parts share no group.

    A part that is still not known whole after some rounds counts as the rest of its image.
    """
    label = np.arange(len(table.box_starts))
    for _ in range(SPREADS):
        spread = table.over_boxes(np.minimum, table.over_groups(np.minimum, label))
        spread = spread[spread]  # a box's label is a box of its part, whose own label may be lower by now
        settled = spread == label
        label = spread
        if settled.all():
            break
    else:
        unsettled = np.unique(image[~settled])
        rest = np.isin(image, unsettled)
        label[rest] = np.searchsorted(image, image[rest])
    return np.unique(label, return_inverse=True)[1]


def greedy(table: Incidence, weight: Ints) -> Bools:
    """Take the heaviest group by the weights of its open boxes, again and again; drop superfluous ones.

    A group is heavier than all others that share an open box with it until it is taken, whatever is taken elsewhere:
    so all such groups can be taken in the same round. Of equally heavy ones the first counts as heavier.
    """
    chosen = np.zeros(len(table.starts), dtype=np.bool_)
    left, names = table, np.arange(len(table.starts))
    while len(left.box):
        bits = len(names).bit_length()
        rank = (left.over_groups(np.add, weight) << bits) + np.arange(len(names), 0, -1)
        heaviest = left.over_boxes(np.maximum, rank)
        taken = left.over_groups(np.maximum, heaviest) == rank
        chosen[names[taken]] = True
        left, groups, boxes = left.of_boxes(heaviest != left.over_boxes(np.maximum, np.where(taken, rank, -1)))
        names, weight = names[groups], weight[boxes]
    return _lean(table, chosen)


def _lean(table: Incidence, chosen: Bools) -> Bools:
    """Drop groups all of whose boxes lie in others that are chosen, small ones first."""
    table, names = table.of_groups(chosen)
    stays = np.ones(len(names), dtype=np.bool_)
    rank = (table.sizes << len(names).bit_length()) + np.arange(len(names))
    while True:
        times = table.over_boxes(np.add, stays.astype(np.int64))
        spare = stays & (table.over_groups(np.minimum, times) > 1)
        if not spare.any():
            break
        least = table.over_boxes(np.minimum, np.where(spare, rank, np.iinfo(np.int64).max))
        stays &= ~(spare & (table.over_groups(np.minimum, least) == rank))
    lean = np.zeros_like(chosen)
    lean[names[stays]] = True
    return lean


class _Search:
    """The search for fewer groups, in parts that need three or more."""

    def __init__(self, table: Incidence, part: Ints, chosen: Bools) -> None:
        self.table, self.part = table, np.unique(part, return_inverse=True)[1]
        self.chosen, self.proven = chosen.copy(), np.zeros(len(part), dtype=np.bool_)

    def run(self) -> Cover:
        """Improve prices and choice until all parts are proven, or patience ends."""
        table, part, names, boxes = self.table, self.part, np.arange(len(self.chosen)), np.arange(len(self.part))
        patience = np.maximum(EFFORT // np.bincount(part[table.box]), 1)
        price = ONE // table.over_boxes(np.maximum, table.sizes)
        for turn, steps in enumerate(TURNS):
            choice = self.chosen[names]
            count = np.bincount(part[table.any_box[choice]], minlength=len(patience))
            best, price = _improved(table, part, price, count, steps)
            proven = best > (count - 1) * ONE
            self.proven[boxes] = proven[part]
            keep = ~(proven | (patience <= turn))[part]
            if not keep.any():
                break
            table, groups, own = table.of_boxes(keep)
            names, boxes, part, price = names[groups], boxes[own], part[own], price[own]
            self._choose(table, part, names, greedy(table, np.maximum(price, 1)))
        return Cover(self.chosen, self.proven)

    def _choose(self, table: Incidence, part: Ints, names: Ints, choice: Bools) -> None:
        """Keep a choice in the parts where it is smaller."""
        own = part[table.any_box]
        new, old = (np.bincount(own[one], minlength=int(own.max()) + 1) for one in (choice, self.chosen[names]))
        better = (new < old)[own]
        self.chosen[names[better]] = choice[better]


def _improved(table: Incidence, part: Ints, price: Ints, count: Ints, steps: int) -> tuple[Ints, Ints]:
    """Take some steps to better prices; return the best bound of each part on the way, times `ONE`, and the prices.

    Groups that cost more than 1 are bought, and what they cost too much is taken off the bound. Boxes that nothing
    bought holds become dearer, those held more than once cheaper.
    """
    own = part[table.any_box]
    best = np.zeros(len(count), dtype=np.int64)
    pace = ONE
    for _ in range(steps):
        rest = ONE - table.over_groups(np.add, price)
        bought = (rest < 0).astype(np.int64)
        bound, steep = np.zeros_like(best), np.zeros_like(best)
        np.add.at(bound, part, price)
        np.add.at(bound, own, rest * bought)
        best = np.maximum(best, bound)
        slope = 1 - table.over_boxes(np.add, bought)
        np.add.at(steep, part, slope * slope)
        length = np.maximum(count * ONE - bound, 0) * pace // ONE // np.maximum(steep, 1)
        price = np.maximum(price + slope * length[part], 0)
        pace = pace * SLOWER // 100
    return best, price

"""Few groups that hold every box of every image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.flat import bounds, spread
from chipgen.grouping.cliques import Layout
from chipgen.grouping.dominance import leading
from chipgen.grouping.set_cover import small_cover

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints
    from chipgen.cover import Origins
    from chipgen.grouping.incidence import Incidence


CROWDED = 2000
"""Boxes of an image above which it is looked at tile by tile: the table of an image grows with the square of them."""


@dataclass(frozen=True)
class Grouping:
    """Groups of boxes that one window can enclose, by image; every box is in one.

    Parameters
    ----------
    group, box
        Every pair of a group and a box in it, by group, shape ``(E,)``, int64.
    proven
        Whether an image cannot do with fewer, shape ``(M,)``, bool.
    """

    group: Ints
    box: Ints
    proven: Bools


def few_groups(origins: Origins, image: Ints, tile: int) -> Grouping:
    """Choose few groups.

    Parameters
    ----------
    origins
        Where windows enclose each box; N boxes, each held by some window.
    image
        Row of the image of each box, sorted and without a gap, shape ``(N,)``, int64.
    tile
        Side of the tiles in which images with very many boxes are looked at, scaled px.
    """
    crowded = np.bincount(image) > CROWDED
    found = []
    for tiled in (False, True):
        images, rows = np.flatnonzero(crowded == tiled), np.flatnonzero(crowded[image] == tiled)
        if len(rows):
            some, own = origins.take(rows), np.searchsorted(images, image[rows])
            part = _of_crowds(some, own, tile) if tiled else _of_images(some, own)
            found.append((rows, part, images))
    if len(found) == 1:
        return found[0][1]
    return _together(found, image)


def _together(found: list[tuple[Ints, Grouping, Ints]], image: Ints) -> Grouping:
    """Put the groups of some images and of the others together, by image."""
    proven = np.ones(int(image.max(initial=-1)) + 1, dtype=np.bool_)
    before, groups, boxes = 0, [], []
    for rows, part, images in found:
        proven[images] = part.proven
        groups.append(part.group + before)
        boxes.append(rows[part.box])
        before += int(part.group[-1]) + 1
    group, box = (np.concatenate([np.empty(0, dtype=np.int64), *column]) for column in (groups, boxes))
    order = np.lexsort((box, group, image[box]))
    number = np.cumsum(np.diff(group[order], prepend=group[order[:1]]) != 0)
    return Grouping(number, box[order], proven)


def _of_images(origins: Origins, image: Ints) -> Grouping:
    """Choose the groups of images of which each is a table of its own."""
    layout = Layout.of(origins, image)
    rows = np.flatnonzero(leading(layout.x, layout.y, image))
    led = Layout.of(origins.take(rows), image[rows])
    table = led.groups()
    cover = small_cover(table, image[rows])
    few, _ = table.of_groups(cover.chosen)
    group, box = _members(few, rows, layout, image)
    proven = led.whole()
    proven[image[rows[~cover.proven]]] = False
    return Grouping(group, box, proven)


def _of_crowds(origins: Origins, image: Ints, tile: int) -> Grouping:
    """Choose the groups of images that are looked at tile by tile; not all groups are, so nothing is proven."""
    table = Layout.of(origins, image, tile).groups()
    cover = small_cover(table, image)
    few, _ = table.of_groups(cover.chosen)
    return Grouping(few.group, few.box, np.zeros(int(image[-1]) + 1, dtype=np.bool_))


def _members(few: Incidence, rows: Ints, layout: Layout, image: Ints) -> tuple[Ints, Ints]:
    """Return every pair of a group and a box that its window can enclose, those set aside included.

    The boxes of a group share cliques along either axis, of which the first is taken; whoever is there belongs to it.
    """
    column, row = (few.over_groups(np.maximum, spans.start[rows]) for spans in (layout.x, layout.y))
    starts = bounds(np.bincount(image))
    own = image[rows[few.any_box]]
    group, box = spread(starts[own], np.diff(starts)[own])
    inside = (layout.x.start[box] <= column[group]) & (column[group] < layout.x.stop[box])
    inside &= (layout.y.start[box] <= row[group]) & (row[group] < layout.y.stop[box])
    return group[inside], box[inside]

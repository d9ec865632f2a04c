"""Which proposals show an object, or lie in a region that the source ignores: finding them is no mistake.

Most proposals and boxes of an image are far apart. To find the other pairs without a look at each, the boxes are the
bits of words: along each axis a table tells which boxes begin up to a place, another which end before it, and a look
into both gives a proposal the boxes that it may meet there. Only these are measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, area
from chipgen.flat import bounds, pieces, spread
from chipgen.words import BITS, bit, ones

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.negative_config import NegativeConfig
    from chipgen.streams import Words

PLACES = 128
"""Places along a side of an image that the tables tell apart."""
AT_ONCE = 65_536
"""Proposals looked up together: few enough for the caches."""
PAIRS_AT_ONCE = 65_536
"""Pairs of proposal and box measured together, and a few more."""


@dataclass(frozen=True)
class Objects:
    """Annotated boxes of some images, of whatever size, by image; N of them.

    Parameters
    ----------
    image
        Row of the image of each, sorted, shape ``(N,)``, int64.
    xyxy_img
        Shape ``(N, 4)``, float64, image px.
    crowd
        Which of them the source ignores, shape ``(N,)``, bool.
    """

    image: Ints
    xyxy_img: Floats
    crowd: Bools


def on_object(xyxy_img: Floats, image: Ints, objects: Objects, size_img: Ints, config: NegativeConfig) -> Bools:
    """Tell which proposals show an object, or lie in a region that the source ignores.

    Parameters
    ----------
    xyxy_img
        Proposals, shape ``(P, 4)``, float64, image px.
    image
        Row of the image of each, sorted, shape ``(P,)``, int64.
    objects
        The annotated boxes of these images.
    size_img
        Width and height of the images, shape ``(I, 2)``, int64.
    config
        Holds ``object_iou``, ``object_share`` and ``crowd_share``.

    Returns
    -------
    ndarray
        Shape ``(P,)``, bool.
    """
    found = np.zeros(len(xyxy_img), dtype=np.bool_)
    share = np.where(objects.crowd, config.crowd_share, np.inf if config.object_share is None else config.object_share)
    own, boxes = area(xyxy_img), area(objects.xyxy_img)
    for proposal, box in _near(xyxy_img, image, objects.image, _meeting(objects, share, config), size_img):
        one, other = np.take(xyxy_img, proposal, axis=0), np.take(objects.xyxy_img, box, axis=0)
        width, height = (
            np.minimum(one[:, axis + 2], other[:, axis + 2]) - np.maximum(one[:, axis], other[:, axis])
            for axis in (0, 1)
        )
        common = np.maximum(width, 0.0) * np.maximum(height, 0.0)
        iou = common / (own[proposal] + boxes[box] - common)
        found[proposal[(iou >= config.object_iou) | (common >= share[box] * own[proposal])]] = True
    return found


def _meeting(objects: Objects, share: Floats, config: NegativeConfig) -> Floats:
    """Return what of each box a proposal must reach to show it, shape ``(N, 4)``; too much rather than too little.

    An IoU of so much needs as large a share of the box along either axis, from whichever side the proposal comes.
    """
    reach = np.array(objects.xyxy_img)
    needed = np.where(np.isinf(share), config.object_iou - TOLERANCE, 0.0)
    for axis in (0, 1):
        side = needed * (reach[:, axis + 2] - reach[:, axis])
        reach[:, axis] += side
        reach[:, axis + 2] -= side
    return reach


def _near(xyxy_img: Floats, image: Ints, box_image: Ints, reach: Floats, size_img: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs of proposal and box of the same image that may meet, each pair once.

    The boxes of an image are cut into groups of as many as a word has bits.
    """
    boxes = np.bincount(box_image, minlength=len(size_img))
    groups = -(-boxes // BITS)
    first_group, first_box, many = bounds(groups), bounds(boxes), groups[image]
    group_image = np.repeat(np.arange(len(size_img)), groups)
    unit = PLACES / size_img
    for own in pieces(many, AT_ONCE):
        start, stop = image[own.start], image[own.stop - 1] + 1
        low, high = first_group[start], first_group[stop]
        if low == high:
            continue
        there = slice(first_box[start], first_box[stop])
        number = np.arange(there.start, there.stop) - first_box[box_image[there]]
        group = first_group[box_image[there]] - low + number // BITS
        proposal, at = spread(first_group[image[own]] - low, many[own])
        words = _words(
            (_placed(reach[there], unit, box_image[there]), group, bit(number % BITS)),
            (np.take(_placed(xyxy_img[own], unit, image[own]), proposal, axis=1), at),
        )
        first = first_box[group_image[low:high]] + BITS * (np.arange(low, high) - first_group[group_image[low:high]])
        for row, number in _bits(words):
            yield own.start + proposal[row], first[at[row]] + number


def _placed(xyxy_img: Floats, unit: Floats, image: Ints) -> Ints:
    """Return in which places the sides of boxes lie, shape ``(4, N)``."""
    along = [np.take(unit[:, axis], image) for axis in (0, 1)]
    return np.array([xyxy_img[:, side] * along[side % 2] for side in range(4)]).astype(np.int64)


def _words(reach: tuple[Ints, Ints, Words], proposals: tuple[Ints, Ints]) -> Words:
    """Return for each proposal the boxes of its group that it may meet.

    Parameters
    ----------
    reach
        Places of the sides of the boxes, shape ``(4, N)``, the group of each, sorted, and its bit there, ``(N,)``.
    proposals
        Places of their sides, shape ``(4, P)``, and groups, shape ``(P,)``.
    """
    (box_places, box_group, bits), (places, group) = reach, proposals
    width, length = PLACES + 2, int(box_group[-1]) + 1
    starts = group * width
    met = np.full(len(group), ~np.uint64(0))
    for axis in (0, 1):
        begin, end = np.zeros((2, length * width), dtype=np.uint64)
        np.add.at(begin, box_group * width + box_places[axis], bits)
        np.add.at(end, box_group * width + box_places[axis + 2] + 1, bits)
        begun, ended = (marks.reshape(length, width).cumsum(axis=1).ravel() for marks in (begin, end))
        met &= begun[starts + places[axis + 2]] & ~ended[starts + places[axis]]
    return met


def _bits(words: Words) -> Iterator[tuple[Ints, Ints]]:
    """Yield row and number of every bit that is set."""
    row = np.flatnonzero(words != 0)
    words = words[row]
    found: list[tuple[Ints, Ints]] = []
    while len(row):
        rest = words & (words - np.uint64(1))
        found.append((row, ones((words ^ rest) - np.uint64(1)).astype(np.int64)))
        left = np.flatnonzero(rest != 0)
        row, words = row[left], rest[left]
        if not len(row) or sum(len(rows) for rows, _ in found) > PAIRS_AT_ONCE:
            rows, numbers = (np.concatenate(column) for column in zip(*found, strict=True))
            yield rows, numbers
            found = []

"""Which chips of a build are shown to people: evenly over levels, kinds and images, and whole images where that goes.

A page of a few hundred chips must show something of every level and kind, rare ones too, and for some images all
chips, so that one sees how they lie in their picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.streams import SHOW, first_words, hashes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Bools, Ints
    from chipgen.streams import Words

LOOKED_AT = 4
"""Images looked at for one chip that is wanted: whether all their chips can be shown."""


def choose(image_id: Ints, group: Ints, limit: int, seed: int) -> Ints:
    """Choose chips to be shown.

    Half of `limit` is kept for an even share of each group. Of the rest whole images are taken, in random order, and
    then more of all groups.

    Parameters
    ----------
    image_id, group
        Of each chip the id of its source image and a number for its level and kind, shape ``(C,)``, int64.
    limit
        At most so many chips.
    seed
        Seed of the order of images, and of chips in them.

    Returns
    -------
    ndarray
        Their rows, shape ``(N,)``, int64. Whoever cannot show them all leaves out the last ones.
    """
    ids, image = np.unique(image_id, return_inverse=True)
    _, group = np.unique(group, return_inverse=True)
    words = first_words(seed, ids, 0, SHOW)
    counts = np.zeros((len(ids), int(group.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(counts, (image, group), 1)
    whole = np.zeros(len(ids), dtype=np.bool_)
    whole[list(_whole_images(counts, np.argsort(words, kind="stable"), limit))] = True
    quota = even(counts.sum(axis=0), counts[whole].sum(axis=0), limit)
    word, taken = hashes(words[image], np.arange(len(image), dtype=np.uint64)), whole[image]
    turn = turns(image * counts.shape[1] + group, word)
    order = np.lexsort((word, words[image], turn, group, taken))
    order = order[: int(np.count_nonzero(~taken))]
    wanted = quota - counts[whole].sum(axis=0)
    more = order[_position_in(group[order]) < wanted[group[order]]]
    some = np.flatnonzero(taken)
    return np.concatenate((more, some[np.argsort(words[image[some]], kind="stable")]))


def _whole_images(counts: Ints, order: Ints, limit: int) -> Iterator[int]:
    """Yield the images of which all chips are shown; what each group is due stays affordable.

    Parameters
    ----------
    counts
        Chips of each image in each group, shape ``(M, G)``.
    order
        The order in which images are looked at, shape ``(M,)``.
    limit
        Chips that can be shown.
    """
    due, taken = even(counts.sum(axis=0), np.zeros_like(counts[0]), limit // 2) if len(counts) else 0, 0
    for image in order[: LOOKED_AT * limit].tolist():
        left, size = np.maximum(due - counts[image], 0), int(counts[image].sum())
        if taken + size + int(left.sum()) <= limit:
            due, taken = left, taken + size
            yield image


def even(counts: Ints, least: Ints, limit: int) -> Ints:
    """Return how many of each group are taken, as evenly as they allow, together at most `limit`.

    Parameters
    ----------
    counts, least
        How many there are, and how many are taken in any case, shape ``(G,)``, int64.
    """
    low, high = 0, int(counts.max(initial=0)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        fits = int(np.maximum(least, np.minimum(counts, middle)).sum()) <= limit
        low, high = (middle, high) if fits else (low, middle)
    taken = np.maximum(least, np.minimum(counts, low))
    more = np.flatnonzero((counts > taken) & (taken <= low))[: max(0, limit - int(taken.sum()))]
    taken[more] += 1
    return taken


def of_classes(category: Ints, image_id: Ints, first: Bools, most: int, seed: int) -> Ints:
    """Choose some of the boxes of each class: those of chips that are shown anyway, then spread over images.

    Parameters
    ----------
    category, image_id
        Of each box its class and the id of its source image, shape ``(N,)``, int64; one box for a chip and a class.
    first
        Whether its chip is to be preferred, shape ``(N,)``, bool.
    most
        At most so many of each class.
    seed
        Seed of the order of images.

    Returns
    -------
    ndarray
        Their rows, by class, shape ``(K,)``, int64.
    """
    ids, image = np.unique(image_id, return_inverse=True)
    words = first_words(seed, ids, 0, SHOW)
    word = hashes(words[image], np.arange(len(image), dtype=np.uint64))
    turn = turns(category * max(1, len(ids)) + image, np.where(first, word >> np.uint64(1), word | np.uint64(1 << 63)))
    order = np.lexsort((words[image], turn, ~first, category))
    return order[_position_in(category[order]) < most]


def turns(group: Ints, word: Words) -> Ints:
    """Return for each member of a group how many of it have a smaller word, shape ``(N,)``, int64."""
    order = np.lexsort((word, group))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = _position_in(group[order])
    return turn


def _position_in(group: Ints) -> Ints:
    """Return the position of each among those of its group, which stand together."""
    begins = np.flatnonzero(np.diff(group, prepend=group[:1] - 1)) if len(group) else np.zeros(0, dtype=np.int64)
    return np.arange(len(group)) - np.repeat(begins, np.diff(begins, append=len(group)))

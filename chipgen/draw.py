"""Drawing negative chips: which of those that were found are shown, in a build or in one epoch of training.

Every image has its negative chips in a random order of its own, made from seed and image id alone. A draw of N takes
the first N of them; the next epoch takes up where the last one ended, and begins anew at the end: each epoch brings
other negatives, and no negative comes back before all the others of its image were shown.

Source: SNIPER, section 3.3 (a fixed number of negative chips is drawn for each image at each epoch). Deliberate
difference: draws of successive epochs are not independent of each other.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from chipgen.streams import DRAW, first_words, hashes

if TYPE_CHECKING:
    from chipgen.boxes import Bools, Ints
    from chipgen.streams import Words


def draw(image_id: Ints, per_image: int | None, total: int | None, seed: int, epoch: int = 0) -> Bools:
    """Choose negative chips.

    Parameters
    ----------
    image_id
        Source image of each negative chip, those of one image together, shape ``(K,)``, int64.
    per_image
        At most so many of each image; None for all.
    total
        At most so many altogether, spread over the images as evenly as they allow; None for all.
    seed
        Seed of the random streams.
    epoch
        Number of the epoch, from 0 on.

    Returns
    -------
    ndarray
        Whether each chip is drawn, shape ``(K,)``, bool.
    """
    turn, lot = _turns(image_id, per_image, seed, epoch)
    rows = np.flatnonzero(turn >= 0)
    if total is not None and total < len(rows):
        # Every image's first chip before anybody's second; between images, by lot. Rows are a last resort.
        queue = rows[np.lexsort((rows, lot[rows], turn[rows]))]
        rows = queue[(epoch * total + np.arange(total)) % len(queue)]
    drawn = np.zeros(len(image_id), dtype=np.bool_)
    drawn[rows] = True
    return drawn


def _turns(image_id: Ints, per_image: int | None, seed: int, epoch: int) -> tuple[Ints, Words]:
    """Return when each chip is drawn among those of its image, -1 for not in this epoch, and the lot of its image."""
    starts = np.flatnonzero(np.diff(image_id, prepend=image_id[:1] - 1)) if len(image_id) else image_id
    counts = np.diff(starts, append=len(image_id))
    words = np.repeat(first_words(seed, image_id[starts], 0, DRAW), counts)
    number = np.arange(len(image_id)) - np.repeat(starts, counts)
    lot = hashes(words, np.zeros(1, dtype=np.uint64))
    order = np.lexsort((hashes(words, number.astype(np.uint64) + np.uint64(1)), np.repeat(starts, counts)))
    place = np.empty_like(order)
    place[order] = number
    many = np.repeat(counts, counts)
    taken = many if per_image is None else np.minimum(per_image, many)
    turn = (place - epoch * taken) % many
    return np.where(turn < taken, turn, -1), lot


def share_of(ratio: float | None, positives: int) -> int | None:
    """Return how many negative chips a ratio allows, halves rounded up; None without a ratio."""
    return None if ratio is None else math.floor(ratio * positives + 0.5)

"""Choosing the chips of a dataset: the sampler's positive chips and the negative chips beside them.

Proposals are read for a stretch of images at a time; what must wait for the end, because a budget over the whole run
is drawn from it, is kept packed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from chipgen.candidates import Candidates, proposals_an_image, usable
from chipgen.chips import KINDS, Chips, content_of
from chipgen.dataset import Images
from chipgen.draw import share_of
from chipgen.mining import STATUSES, Account, Mining, drawn_of
from chipgen.negative import Minimum
from chipgen.sampling import Chosen, Sampling
from chipgen.stretch import Finder
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.boxes import Bools
    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.levels import Levels
    from chipgen.mining import Pool
    from chipgen.positive import Fit
    from chipgen.samplers import Sampler
    from chipgen.scored import ProposalSource

MANY_OVER_EDGE = 0.25
"""Share of proposals that leave their image above which they are hardly x, y, width, height."""

PROPOSALS_AT_ONCE = 250_000
"""Proposals in memory while chips are chosen, unless a single image has more."""


def select(
    dataset: Dataset, levels: Levels, fits: Fit, config: PlanConfig, sampler: Sampler, proposals: ProposalSource | None
) -> tuple[Chips, Mining]:
    """Choose all chips.

    Parameters
    ----------
    dataset, levels, fits
        What to choose them for.
    config
        How.
    sampler
        Chooses the positive chips.
    proposals
        What negative chips are mined from, or None.

    Returns
    -------
    Chips, Mining
        The chips in plan order, and how the negative ones came about.
    """
    mode = config.negative.mode(proposals=proposals is not None)
    an_image = proposals_an_image(proposals, config.negative) if proposals is not None else 0.0
    least = Minimum.of(config.negative, an_image)
    sampling = Sampling(dataset, levels, fits, config, sampler)
    account, positives = Account(len(levels.scales)), []
    finder = Finder(sampling, mode, least, account)
    for start, stop, candidates in _stretches(dataset.images, proposals, config):
        account.batch(candidates)
        chosen = sampling.chips(range(start, stop), candidates)
        positives.append(chosen)
        finder.find(range(start, stop), candidates, chosen)
    count = sum(len(level.image) for chosen in positives for level in chosen)
    drawn = drawn_of(account.pools, dataset.images.id, count, config)
    account.close(int(proposals.counts.sum()) if proposals is not None else 0, drawn)
    notes = _notes(account, mode, int(np.count_nonzero(drawn)), share_of(config.negative.negative_ratio, count))
    return _in_plan_order(positives, account.pools, drawn, levels, config), account.mining(mode, least, notes)


def _stretches(
    images: Images, proposals: ProposalSource | None, config: PlanConfig
) -> Iterator[tuple[int, int, Candidates]]:
    """Yield stretches of images with their proposals: first image, the one after the last, what they may show."""
    if proposals is None or not len(images):
        nothing = np.empty(0)
        spans = np.zeros((len(images), 2), dtype=np.int64)
        yield 0, len(images), Candidates(spans, nothing.reshape(0, 4), nothing, 0, 0)
        return
    before = np.concatenate(([0], np.cumsum(proposals.counts)))
    low, high = (before[np.searchsorted(proposals.image_id, images.id, side)] for side in ("left", "right"))
    start = 0
    while start < len(images):
        stop = max(start + 1, int(np.searchsorted(high, low[start] + PROPOSALS_AT_ONCE, "right")))
        some = Images(images.id[start:stop], images.file_name[start:stop], images.size_img[start:stop])
        read = proposals.between(int(some.id[0]), int(some.id[-1]))
        yield start, stop, usable(read, some, config.negative)
        start = stop


def _in_plan_order(
    positives: list[list[Chosen]], pools: list[Pool], drawn: Bools, levels: Levels, config: PlanConfig
) -> Chips:
    """Put all chips together: by image, level, positive before negative, and then as they were found."""
    none = np.empty(0, dtype=np.int64)
    chosen = [(level, chips) for stretch in positives for level, chips in enumerate(stretch)]
    counts = [len(chips.image) for _, chips in chosen]
    at = [
        np.concatenate([none, *(getattr(pool, name) for pool in pools)])[drawn]
        for name in ("image", "level", "proposals")
    ]
    image = np.concatenate([none, *(chips.image for _, chips in chosen), at[0]])
    level = np.concatenate((np.repeat(np.array([level for level, _ in chosen], dtype=np.int64), counts), at[1]))
    kind = np.repeat(np.arange(len(KINDS)), (sum(counts), len(at[0])))
    origins = np.concatenate([none.reshape(0, 2), *(pool.origin for pool in pools)])[drawn]
    origin = np.concatenate([none.reshape(0, 2), *(chips.origin for _, chips in chosen), origins])
    held = np.concatenate((np.zeros(sum(counts), dtype=np.int64), at[2]))
    content = content_of(levels.size_scaled[image, level], config.chip_size)
    chips = Chips(image, level, kind, origin, content, held)
    return chips.take(np.lexsort((kind, level, image)))


def _notes(account: Account, mode: str, drawn: int, wanted: int | None) -> tuple[str, ...]:
    """Say what is worth knowing about negative chips and proposals."""
    notes = []
    known = int(account.statuses.sum()) - int(account.statuses[STATUSES.index("other_image")])
    if mode == "proposals":
        if account.statuses[STATUSES.index("other_image")]:
            others = counted(int(account.statuses[STATUSES.index("other_image")]), "proposal")
            notes.append(f"{others} of images that are not planned here: not used")
        if account.without:
            notes.append(f"{counted(account.without, 'image')} without a usable proposal: no negative chip there")
        if account.over_edge > MANY_OVER_EDGE * known:
            share = f"{account.over_edge / known:.0%} of the proposals reach over an edge of their image"
            notes.append(f"{share}: if they are x1, y1, x2, y2, convert them with chipgen proposals --box-format xyxy")
    if mode != "none" and wanted is not None and drawn < wanted:
        notes.append(f"the ratio asks for {counted(wanted, 'negative chip')}, only {drawn:,} were to be had")
    return tuple(notes)

"""Choosing the chips of a dataset: image by image, the sampler's positive chips and the negative chips beside them.

Proposals are read for a stretch of images at a time; what must wait for the end, because a budget over the whole run
is drawn from it, is kept packed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chipgen.boxes import TOLERANCE, Bools, Floats, Ints, size
from chipgen.candidates import Candidates, on_object, proposals_an_image, usable
from chipgen.chips import KINDS, Chips, content_of
from chipgen.dataset import Images
from chipgen.draw import share_of
from chipgen.mining import STATUSES, Account, Mining, Pool, drawn_of
from chipgen.negative import Minimum, background, mine
from chipgen.sampling import Chosen, Sampling
from chipgen.streams import MINE
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chipgen.config import PlanConfig
    from chipgen.dataset import Dataset
    from chipgen.positive import Fit
    from chipgen.samplers import Sampler, View
    from chipgen.scales import Levels
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
    selector = _Selector(sampling, mode, least)
    account, positives = Account(len(levels.scales)), []
    for start, stop, candidates in _stretches(dataset.images, proposals, config):
        account.batch(candidates)
        chosen = sampling.chips(range(start, stop), candidates)
        positives.append(chosen)
        if mode == "none" and not len(candidates.score):
            account.without += stop - start
            continue
        for image in range(start, stop):
            first, end = candidates.spans[image - start].tolist()
            here = [level.of(image) for level in chosen]
            chips = selector.image(image, candidates.xyxy_img[first:end], candidates.score[first:end], here)
            account.image(chips.pool, chips.at_level)
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


@dataclass(frozen=True)
class _ImageChips:
    """What was chosen in one image: negative chips, and the tally of `Account.image`."""

    pool: Pool
    at_level: Ints


@dataclass(frozen=True)
class _Selector:
    """Chooses the negative chips of one image after the other."""

    sampling: Sampling
    mode: str
    least: Minimum

    def image(self, image: int, xyxy_img: Floats, score: Floats, positive: list[Ints]) -> _ImageChips:
        """Choose the negative chips of one image."""
        levels = range(len(positive))
        views = [self.sampling.view(image, level, xyxy_img, score) for level in levels]
        if self.mode == "proposals":
            return self.mined(image, xyxy_img, views, positive)
        found = [np.empty((0, 2), dtype=np.int64)] * len(views)
        if self.mode == "random":
            limit = self.sampling.config.negative.per_image
            found = [background(view, limit, self.sampling.stream(view, MINE)) for view in views]
        flags = np.zeros((3, len(xyxy_img)), dtype=np.bool_)
        held = np.zeros((sum(map(len, found)), len(xyxy_img)), dtype=np.bool_)
        return _ImageChips(_pool(image, found, held, flags), np.zeros((len(views), 3), dtype=np.int64))

    def mined(self, image: int, xyxy_img: Floats, views: list[View], positive: list[Ints]) -> _ImageChips:
        """Mine the negative chips of one image at every level."""
        object_ = self.on_object(image, xyxy_img)
        levels, config = self.sampling.levels, self.sampling.config
        least = self.least.at_levels(np.sqrt(levels.factor[image].prod(axis=1))).tolist()
        found, held, at_level = [], [], np.zeros((len(views), 3), dtype=np.int64)
        shown, left = np.zeros_like(object_), np.zeros_like(object_)
        sizes_img = size(xyxy_img)
        for view, origins in zip(views, positive, strict=True):
            lo, hi = levels.range_img[image, view.level].tolist()
            in_range = (sizes_img >= lo - TOLERANCE) & (sizes_img < hi - TOLERANCE)
            eligible = in_range & ~object_
            here = mine(view, eligible, origins, least[view.level], config, self.sampling.stream(view, MINE))
            found.append(here.origins)
            held.append(here.holds)
            shown |= eligible & here.shown
            left |= eligible & ~here.shown
            numbers = (in_range, in_range & object_, eligible & here.shown)
            at_level[view.level] = [np.count_nonzero(flags) for flags in numbers]
        flags = np.stack((object_, shown, left))
        return _ImageChips(_pool(image, found, np.concatenate(held), flags), at_level)

    def on_object(self, image: int, xyxy_img: Floats) -> Bools:
        """Tell which proposals of an image show an object or lie in a region that the source ignores."""
        dataset = self.sampling.dataset
        annotations, own = dataset.annotations, slice(*dataset.spans[image].tolist())
        usable_ = annotations.invalid[own] == 0
        boxes_img, crowd = annotations.xyxy_img[own][usable_], annotations.ignored_by[own][usable_] > 0
        return on_object(xyxy_img, boxes_img, crowd, self.sampling.config.negative)


def _pool(image: int, found: list[Ints], held: Bools, flags: Bools) -> Pool:
    """Pack what was found in one image; `flags` has shape ``(3, P)``."""
    level = np.repeat(np.arange(len(found)), [len(origins) for origins in found])
    on_object_, shown, left = np.packbits(flags, axis=1)
    held_ = np.packbits(held, axis=1)
    return Pool(image, level, np.concatenate(found), held_, on_object_, shown, left, flags.shape[1])


def _in_plan_order(
    positives: list[list[Chosen]], pools: list[Pool], drawn: Bools, levels: Levels, config: PlanConfig
) -> Chips:
    """Put all chips together: by image, level, positive before negative, and then as they were found."""
    none = np.empty(0, dtype=np.int64)
    chosen = [(level, chips) for stretch in positives for level, chips in enumerate(stretch)]
    counts = [len(chips.image) for _, chips in chosen]
    sizes = [len(pool.level) for pool in pools]
    own = np.repeat(np.array([pool.image for pool in pools], dtype=np.int64), sizes)[drawn]
    image = np.concatenate([none, *(chips.image for _, chips in chosen), own])
    deep = np.concatenate([none, *(pool.level for pool in pools)])[drawn]
    level = np.concatenate((np.repeat(np.array([level for level, _ in chosen], dtype=np.int64), counts), deep))
    kind = np.repeat(range(len(KINDS)), (sum(counts), len(own)))
    origin = np.concatenate(
        [
            none.reshape(0, 2),
            *(chips.origin for _, chips in chosen),
            np.concatenate([none.reshape(0, 2), *(pool.origins for pool in pools)])[drawn],
        ]
    )
    held = np.concatenate([np.zeros(sum(counts), dtype=np.int64), *(pool.proposals for pool in pools)])
    held = held[np.concatenate((np.ones(sum(counts), dtype=np.bool_), drawn))]
    content = content_of(levels.size_scaled[image, level], config.chip_size)
    chips = Chips(image, level, kind.astype(np.int64), origin, content, held)
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

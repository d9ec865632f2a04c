"""The plan: all chips and their boxes, without pixels; everything that can be known before decoding an image."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipgen.config import PlanConfig, PlanSettings
from chipgen.errors import DataError, Problem
from chipgen.labels import ChipBoxes, label
from chipgen.ledger import NONE_SKIPPED, Ledger, make_ledger
from chipgen.levels import Levels, make_levels
from chipgen.positive import Fit, fit
from chipgen.samplers import COVERING, Sampler, bind, find_sampler, name_of
from chipgen.scales import gaps
from chipgen.selection import select
from chipgen.summary import Summary, summarize
from chipgen.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from typing_extensions import Unpack

    from chipgen.boxes import Ints
    from chipgen.chips import Chips
    from chipgen.dataset import Dataset, Skipped
    from chipgen.mining import Mining
    from chipgen.scored import ProposalSource


@dataclass(frozen=True)
class Plan:
    """All chips of a dataset and the boxes they hold.

    Parameters
    ----------
    dataset, config
        What was planned, and how.
    levels, fits
        Every scale at every image; how each annotation fits each level.
    chips, boxes
        The chips in plan order and their boxes. A chip's row is its id.
    mining
        How the negative chips came about.
    proposals
        What they were mined from; None without.
    """

    dataset: Dataset
    config: PlanConfig
    levels: Levels
    fits: Fit
    chips: Chips
    boxes: ChipBoxes
    mining: Mining
    proposals: ProposalSource | None = None

    @cached_property
    def shards(self) -> Ints:
        """Return the first chip of each shard and the end of the last, shape ``(S + 1,)``.

        Boundaries belong to the plan, never to a writer: only so can shards be written anywhere, in any order.
        """
        return shard_bounds(self.chips.image, self.config.shard_target(len(self.chips)))

    @cached_property
    def box_spans(self) -> Ints:
        """Return the first box of each chip and the end of the last, shape ``(C + 1,)``."""
        return np.searchsorted(self.boxes.chip, np.arange(len(self.chips) + 1))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is worth knowing about dataset and configuration, one sentence each."""
        return (*self.dataset.notes, *_notes(self), *self.mining.notes)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Return the annotations and proposals that cannot be used."""
        return (*self.dataset.skipped, *self.mining.skipped)

    def ledger(self, skipped_images: Mapping[int, str] = NONE_SKIPPED) -> Ledger:
        """Return what became of every annotation, given the images (by row) that could not be read."""
        return make_ledger(self.dataset, self.levels, self.fits, self.chips, self.boxes, skipped_images)

    def summary(self) -> Summary:
        """Return the figures of the plan; printed, they are a table."""
        return summarize(self, self.ledger())


def plan(
    dataset: Dataset,
    scales: str,
    valid_ranges: str = "auto",
    sampler: Sampler | str = "sniper",
    proposals: ProposalSource | None = None,
    **settings: Unpack[PlanSettings],
) -> Plan:
    """Choose the chips of a dataset and label their boxes.

    Parameters
    ----------
    dataset
        What `read_coco` returns.
    scales
        Scale tokens, such as ``"3x,1.667x,512"``.
    valid_ranges
        Range tokens in the same order, such as ``"0-80,32-150,120-"``, or ``"auto"``.
    sampler
        Name of a sampler, or a callable ``sampler(view, rng)``.
    proposals
        What `read_proposals` returns: negative chips are mined from them.
    **settings
        Other fields of `PlanConfig`: ``chip_size``, ``stride``, ``min_visibility``, ``min_box``, ``assign``,
        ``seed``, ``chips_per_shard``, ``sampler_options`` (values by name); and of `NegativeConfig`: ``negatives``,
        ``negatives_per_image``, ...

    Returns
    -------
    Plan
        The same for the same arguments, anywhere.

    Raises
    ------
    UsageError
        A setting that cannot be meant.
    SamplerError
        A sampler that broke its protocol.
    DataError
        Proposals that cannot be used, unless they were read with ``on_error="skip"``.
    """
    name = sampler if isinstance(sampler, str) else name_of(sampler)
    config = PlanConfig.parse(scales, valid_ranges, sampler=name, **settings)
    return make_plan(dataset, config, find_sampler(name) if isinstance(sampler, str) else sampler, proposals)


def make_plan(
    dataset: Dataset, config: PlanConfig, sampler: Sampler | None = None, proposals: ProposalSource | None = None
) -> Plan:
    """Choose the chips of a dataset as a configuration says; see `plan`."""
    found = sampler or find_sampler(config.sampler)
    sampler, options = bind(found, dict(config.sampler_options), config.sampler)
    config = replace(config, sampler_options=options)
    levels = make_levels(config.scales, config.valid_ranges, dataset.images.size_img, config.chip_size)
    fits = fit(dataset, levels, config)
    chips, mining = select(dataset, levels, fits, config, sampler, proposals)
    if proposals is not None and proposals.on_error == "fail" and mining.skipped:
        raise DataError(
            _problem(proposals.path, dataset.source.said(entry.image_id), entry) for entry in mining.skipped
        )
    boxes = label(dataset, levels, fits, chips, config)
    return Plan(dataset, config, levels, fits, chips, boxes, mining, proposals)


def _problem(path: str, image_id: int | None, entry: Skipped) -> Problem:
    """Return a proposal that cannot be used as a problem, for when nothing may be skipped."""
    what = f"{entry.message} ({entry.reason})"
    return Problem(path, f"image {image_id}", what, "mend it, or go on with --on-error skip")


def shard_bounds(image: Ints, target: int) -> Ints:
    """Cut chips into shards of whole images, of `target` chips or a little more.

    An image with more chips than that is cut itself: no shard grows without bound.

    Parameters
    ----------
    image
        Image row of each chip, sorted, shape ``(C,)``.
    target
        Chips a shard should hold.

    Returns
    -------
    ndarray
        First chip of each shard and the end of the last, shape ``(S + 1,)``; one empty shard without any chip.
    """
    first_of_image = np.flatnonzero(np.diff(image, prepend=-1)).tolist()
    bounds = [0]
    for first, stop in itertools.pairwise([*first_of_image, len(image)]):
        if bounds[-1] < first and stop - bounds[-1] > target:
            bounds.append(first)
        while stop - bounds[-1] > target:
            bounds.append(bounds[-1] + target)
    return np.array([*bounds, len(image)], dtype=np.int64)


def _notes(plan: Plan) -> Iterator[str]:
    """Yield what a user should know about the configuration."""
    config = plan.config
    unusable = Counter(entry.reason for entry in plan.dataset.skipped)
    if unusable:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(unusable.items()))
        yield f"{counted(len(plan.dataset.skipped), 'annotation')} cannot be used: {reasons}; build names them"
    if config.stride > config.chip_size:
        yield f"stride {config.stride} is above the chip size {config.chip_size}: the grid leaves places out"
    if config.sampler not in COVERING and (left := plan.ledger().counts().get("uncovered", 0)):
        yield f"{counted(left, 'object')} uncovered, that is enclosed by no chip of {config.sampler}: see the ledger"
    if config.valid_ranges is None:
        return
    annotations = plan.dataset.annotations
    learnable = (annotations.invalid == 0) & (annotations.ignored_by == 0)
    nowhere = int(np.count_nonzero(learnable & ~plan.fits.in_range.any(axis=1)))
    if nowhere:
        holes = ", ".join(str(gap) for gap in gaps(config.valid_ranges))
        yield f"no valid range holds sizes {holes} px: {counted(nowhere, 'annotation')} there, learnt nowhere"

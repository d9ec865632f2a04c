"""A dataset before it is built: its sizes, scales that suit it, and what a plan comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chipgen.plan import Plan, plan
from chipgen.scales import GOOD_CHIP
from chipgen.spread import Spread, spread_of
from chipgen.stats_page import page, planned_facts
from chipgen.suggestion import Suggestion, suggest
from chipgen.summary import Summary, learnable_sizes
from chipgen.text import counted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from chipgen.config import PlanSettings
    from chipgen.dataset import Dataset
    from chipgen.samplers import Sampler
    from chipgen.scored import ProposalSource


@dataclass(frozen=True)
class Stats:
    """A dataset before it is built.

    Parameters
    ----------
    suggestion
        Scales and ranges that suit its objects; None without objects.
    summary
        What the given scales come to, or else the suggested ones; None without objects and scales.
    plan
        What the summary is of; None where there is none.
    source
        The annotation file.
    """

    suggestion: Suggestion | None
    summary: Summary | None
    plan: Plan | None = field(default=None, repr=False, compare=False)
    source: str = ""

    @property
    def too_large(self) -> int:
        """Return how many objects fit no chip at any level that would learn them."""
        return self.summary.ledger["too_large"] if self.summary else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        parts = {"suggestion": self.suggestion, "summary": self.summary, "spread": self.spread}
        told = {name: None if part is None else asdict(part) for name, part in parts.items()}
        return {**told, "source": self.source}

    @cached_property
    def spread(self) -> Spread | None:
        """Return the same in detail, what a picture needs; the report for people does without."""
        return None if self.plan is None else spread_of(self.plan, self.plan.ledger())

    def to_html(self) -> str:
        """Return the figures as a page with charts, complete in itself."""
        return page(planned_facts(self))

    def __str__(self) -> str:
        """Return the figures for people."""
        if self.suggestion is None:
            advice = "no objects to learn: nothing to suggest"
        else:
            found = self.suggestion
            advice = (
                f"suggested    --scales {found.scales} --valid-ranges {found.valid_ranges}\n"
                f"             brings sizes {found.small_img:.1f} to {found.large_img:.1f} px, the 2nd to 98th "
                "percentile, to about 50-250 px in a 512 chip"
            )
        if self.too_large:
            lost = counted(self.too_large, "object")
            advice += f"\n             {lost} too large for a chip at the scales above: add a coarser one, such as 512"
        return advice if self.summary is None else f"{self.summary}\n\n{advice}"


def stats(
    dataset: Dataset,
    scales: str | None = None,
    valid_ranges: str = "auto",
    proposals: ProposalSource | None = None,
    sampler: Sampler | str = "sniper",
    **settings: Unpack[PlanSettings],
) -> Stats:
    """Describe a dataset and what building chips from it would come to.

    Parameters
    ----------
    dataset
        What `read_coco` returned, best with ``on_error="skip"``.
    scales, valid_ranges
        As for `plan`; without scales the suggested ones are used, with the ranges suggested for them.
    proposals, sampler, **settings
        As for `plan`.
    """
    found, source = suggest(learnable_sizes(dataset), settings.get("chip_size", GOOD_CHIP)), dataset.source.path
    if scales is None and found is not None:
        scales, valid_ranges = found.scales, found.valid_ranges
    if scales is None:
        return Stats(found, None, source=source)
    made = plan(dataset, scales, valid_ranges, sampler, proposals, **settings)
    return Stats(found, made.summary(), made, source)

"""The settings of a plan: the only ones that decide which chips there are and what they hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from chipgen.errors import UsageError
from chipgen.limits import at_least
from chipgen.negative_config import NegativeConfig, NegativeSettings
from chipgen.scales import Scale, ValidRange, parse_ranges, parse_scales

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

SamplerValue = bool | int | float | str
SamplerOptions = tuple[tuple[str, SamplerValue], ...]
"""Options of a sampler, sorted by name."""

MAX_CHIP_SIZE = 16384
"""Pixels; JPEG and WebP end at or above this side."""

SHARD_CHIPS = (50, 500)
"""Chips in a shard unless told otherwise: a sixteenth of all, within these bounds."""
SHARD_BYTES = 500_000_000

ASSIGN = ("all", "one")
"""Where an object is learnt that several chips of a level show enough of: in all of them, or in the best."""


class PlanSettings(NegativeSettings, total=False):
    """The optional settings of `PlanConfig` and of its negative chips, as keyword arguments."""

    chip_size: int
    stride: int
    min_visibility: float
    min_box: float
    assign: str
    seed: int
    chips_per_shard: int | None
    sampler_options: Mapping[str, SamplerValue]


@dataclass(frozen=True)
class PlanConfig:
    """Everything that decides a plan, besides the dataset.

    Parameters
    ----------
    scales
        The scales, in the order of the levels.
    valid_ranges
        One range for each scale, or None to choose them for each image.
    chip_size
        Side of a chip, px.
    stride
        Distance of the candidate grid, scaled px.
    sampler
        Name of the sampler: a built-in or installed one, or ``package.module:name``.
    min_visibility
        Share of a box that must be visible in a chip for it to be learnt there.
    min_box
        Shortest side of a box to be learnt, chip px. Below 1 it acts as 1: thinner boxes are not written at all.
    assign
        ``all``: an object is valid in every chip that shows it enough. ``one``: at each level only in the one that
        shows most of it; in the others it is ignored.
    seed
        Seed of all random streams, 0 or more.
    chips_per_shard
        Chips a shard should hold; None to choose by the number of chips.
    negative
        How negative chips are found and how many are kept.
    sampler_options
        Options of the sampler. In the configuration of a `Plan` all of them, also those that keep their default.
    """

    scales: tuple[Scale, ...]
    valid_ranges: tuple[ValidRange, ...] | None = None
    chip_size: int = 512
    stride: int = 32
    sampler: str = "sniper"
    min_visibility: float = 0.5
    min_box: float = 2.0
    assign: str = "all"
    seed: int = 0
    chips_per_shard: int | None = None
    negative: NegativeConfig = field(default_factory=NegativeConfig)
    sampler_options: SamplerOptions = ()

    def __post_init__(self) -> None:
        at_least("--chip-size", self.chip_size, 1, MAX_CHIP_SIZE)
        at_least("--stride", self.stride, 1, 2**31)
        at_least("--min-visibility", self.min_visibility, 0, 1)
        at_least("--min-box", self.min_box, 0, self.chip_size)
        if self.assign not in ASSIGN:
            raise UsageError.one("--assign", str(self.assign), "is unknown", f"use {' or '.join(ASSIGN)}")
        at_least("--seed", self.seed, 0, 2**63 - 1)
        if self.chips_per_shard is not None:
            at_least("--chips-per-shard", self.chips_per_shard, 1)
        given = len(self.negative.min_proposals or (0,))
        if given not in {1, len(self.scales)}:
            what = f"{given} numbers for {len(self.scales)} scales"
            raise UsageError.one(
                "--min-proposals", "", what, "give one number, or one for each scale in the same order"
            )

    @classmethod
    def parse(
        cls, scales: str, valid_ranges: str = "auto", sampler: str = "sniper", **settings: Unpack[PlanSettings]
    ) -> PlanConfig:
        """Make a configuration from scale and range tokens.

        Raises
        ------
        UsageError
            A token or number that cannot be meant.
        """
        parsed, known = parse_scales(scales), {setting.name for setting in fields(NegativeConfig)}
        given: dict[str, Any] = {**settings}
        negative = NegativeConfig.parse({name: given.pop(name) for name in known & given.keys()})
        given["sampler_options"] = tuple(sorted(given.get("sampler_options", {}).items()))
        return cls(parsed, parse_ranges(valid_ranges, len(parsed)), sampler=sampler, negative=negative, **given)

    @property
    def scale_tokens(self) -> str:
        """Return the scales as written on the command line."""
        return ",".join(scale.token for scale in self.scales)

    @property
    def range_tokens(self) -> str:
        """Return the valid ranges as written on the command line."""
        return "auto" if self.valid_ranges is None else ",".join(map(str, self.valid_ranges))

    def recorded(self) -> dict[str, Any]:
        """Return all settings by the names of their options, for the manifest."""
        own = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "negative"}
        tokens = {"scales": self.scale_tokens, "valid_ranges": self.range_tokens}
        return {**own, **vars(self.negative), **tokens, "sampler_options": self._recorded_options()}

    def _recorded_options(self) -> dict[str, SamplerValue]:
        """Return the options of the sampler as JSON can hold them: it has no infinity."""
        options = dict(self.sampler_options)
        return {name: str(value) if value in {math.inf, -math.inf} else value for name, value in options.items()}

    def shard_target(self, chips: int) -> int:
        """Return how many chips a shard should hold, for a plan of so many chips.

        A sixteenth of the plan keeps a few workers busy with small datasets; the upper bound keeps even
        incompressible chips below `SHARD_BYTES`.
        """
        if self.chips_per_shard is not None:
            return self.chips_per_shard
        fewest, most = SHARD_CHIPS
        by_size = max(1, SHARD_BYTES // (3 * self.chip_size**2))
        return min(max(-(-chips // 16), fewest), most, by_size)

"""The account of negative chips: what was found in each image, what is drawn of it, what became of every proposal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chipgen.draw import draw, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from chipgen.boxes import Bools, Ints
    from chipgen.candidates import Candidates
    from chipgen.config import PlanConfig
    from chipgen.dataset import Skipped

STATUSES = (
    "other_image",
    "invalid",
    "low_score",
    "beyond_max",
    "on_object",
    "used",
    "covered",
    "left_over",
    "out_of_range",
)
"""What became of a proposal: the first that applies; together they add up to the file.

``other_image``: its image is not in the dataset. ``low_score``, ``beyond_max``: left out as asked. ``on_object``: it
shows an object or a region that the source ignores. ``used``: a negative chip encloses it. ``covered``: a positive
chip of a level in whose range it lies encloses it. ``left_over``: it lies in a range, but no chip encloses it there.
"""

AT_LEVEL = ("in_range", "on_object", "covered", "used", "left_over")
"""What became of proposals at one level: the first is the sum of the others."""


@dataclass(frozen=True)
class Pool:
    """The negative chips found in one image, and what its proposals are; K chips, P proposals.

    Proposals are packed eight to a byte along the last axis: the account of a large run stays small.

    Parameters
    ----------
    image
        Row in the image table.
    level, origins
        Of each chip, shapes ``(K,)`` and ``(K, 2)``, int64, scaled px.
    held
        Which proposals each chip encloses that count there, packed ``(K, P)``.
    on_object, shown, left
        Which proposals show an object; which a positive chip encloses at some level in whose range they lie; which
        none encloses at some such level; each packed ``(P,)``.
    count
        P.
    """

    image: int
    level: Ints
    origins: Ints
    held: NDArray[np.uint8]
    on_object: NDArray[np.uint8]
    shown: NDArray[np.uint8]
    left: NDArray[np.uint8]
    count: int

    @property
    def proposals(self) -> Ints:
        """Return how many proposals each chip encloses that count there, shape ``(K,)``."""
        return _ones(self.held)


def _ones(packed: NDArray[np.uint8]) -> Ints:
    """Count the bits that are set along the last axis."""
    return np.asarray(np.unpackbits(packed, axis=-1).sum(axis=-1, dtype=np.int64))


def _any(packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the bits that are set in any row, shape ``(B,)``."""
    return np.asarray(np.bitwise_or.reduce(packed, axis=0, initial=0), dtype=np.uint8)


@dataclass
class Account:
    """The running account of a plan: pools wait here until all images were seen and the draw can be made.

    Parameters
    ----------
    levels
        Number of levels.
    pools
        Images with negative chips, in order.
    statuses
        Proposals by position in `STATUSES`, shape ``(9,)``.
    at_level
        Proposals of each level by position in `AT_LEVEL`, shape ``(L, 5)``.
    skipped
        Proposals that cannot be used.
    without
        Images without a usable proposal.
    over_edge
        Proposals that reached over an edge of their image.
    """

    levels: int
    pools: list[Pool] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    without: int = 0
    over_edge: int = 0
    statuses: Ints = field(init=False)
    at_level: Ints = field(init=False)

    def __post_init__(self) -> None:
        self.statuses = np.zeros(len(STATUSES), dtype=np.int64)
        self.at_level = np.zeros((self.levels, len(AT_LEVEL)), dtype=np.int64)

    def batch(self, candidates: Candidates) -> None:
        """Enter what was left out of some images before mining."""
        self.skipped += candidates.skipped
        self.over_edge += candidates.over_edge
        self._enter(invalid=len(candidates.skipped), low_score=candidates.low_score, beyond_max=candidates.beyond_max)

    def image(self, pool: Pool, at_level: Ints) -> None:
        """Enter what was found in one image; `at_level` has shape ``(L, 3)``: in range, on an object, covered."""
        self.at_level[:, :3] += at_level
        self.without += pool.count == 0
        if len(pool.level):
            self.pools.append(pool)
        else:
            self._settle(pool, np.zeros(0, dtype=np.bool_))

    def close(self, total: int, drawn: Bools) -> None:
        """Enter what was drawn; `total` is the number of proposals in the file."""
        start = 0
        for pool in self.pools:
            stop = start + len(pool.level)
            self._settle(pool, drawn[start:stop])
            start = stop
        self._enter(other_image=total - int(self.statuses.sum()))
        self.at_level[:, 4] = self.at_level[:, 0] - self.at_level[:, 1:4].sum(axis=1)

    def mining(self, mode: str, least: object, notes: tuple[str, ...]) -> Mining:
        """Return the finished account; `least` says in words how many proposals a chip needed."""
        found = np.concatenate([np.empty(0, dtype=np.int64), *(pool.level for pool in self.pools)])
        return Mining(
            mode=mode,
            minimum=str(least) if mode == "proposals" else "",
            found=np.bincount(found, minlength=self.levels),
            statuses=self.statuses,
            at_level=self.at_level,
            skipped=tuple(self.skipped),
            notes=notes,
        )

    def _settle(self, pool: Pool, drawn: Bools) -> None:
        """Decide what became of the proposals of one image."""
        held, level = pool.held[drawn], pool.level[drawn]
        for number in np.unique(level).tolist():
            self.at_level[number, 3] += _ones(_any(held[level == number]))
        free = ~pool.on_object
        used = _any(held)
        shown = pool.shown & free & ~used
        left = pool.left & free & ~used & ~shown
        counts = [int(_ones(flags)) for flags in (pool.on_object, used, shown, left)]
        self._enter(
            **dict(zip(("on_object", "used", "covered", "left_over"), counts, strict=True)),
            out_of_range=pool.count - sum(counts),
        )

    def _enter(self, **numbers: int) -> None:
        """Add to the statuses."""
        for name, number in numbers.items():
            self.statuses[STATUSES.index(name)] += number


@dataclass(frozen=True)
class Mining:
    """How negative chips came about.

    Parameters
    ----------
    mode
        ``proposals``, ``random`` or ``none``.
    minimum
        How many proposals a chip needed, in words; empty unless from proposals.
    found
        Negative chips found at each level, of which the plan holds those that were drawn, shape ``(L,)``, int64.
    statuses, at_level
        See `STATUSES` and `AT_LEVEL`.
    skipped
        Proposals that cannot be used.
    notes
        What is worth knowing, one sentence each.
    """

    mode: str
    minimum: str
    found: Ints
    statuses: Ints
    at_level: Ints
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    def proposals(self) -> dict[str, int]:
        """Return what became of the proposals by status; they add up to the file."""
        return dict(zip(STATUSES, self.statuses.tolist(), strict=True))


def drawn_of(pools: Sequence[Pool], image_id: Ints, positives: int, config: PlanConfig) -> Bools:
    """Draw the negative chips of a build from those found.

    Parameters
    ----------
    pools
        What was found, by image.
    image_id
        Id of each image of the dataset, shape ``(M,)``.
    positives
        Number of positive chips.
    config
        Holds budget and seed.

    Returns
    -------
    ndarray
        Whether each chip of all pools, one after the other, is kept, bool.
    """
    images = np.repeat([pool.image for pool in pools], [len(pool.level) for pool in pools]).astype(np.int64)
    negative = config.negative
    return draw(image_id[images], negative.per_image, share_of(negative.negative_ratio, positives), config.seed)

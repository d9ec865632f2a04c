"""The account of negative chips: what was found in each image, what is drawn of it, what became of every proposal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chipgen.draw import draw, share_of
from chipgen.flat import bounds

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
class Found:
    """The negative chips of some successive images at one level, by image and then as found; K of them.

    Parameters
    ----------
    image
        Row of the image of each among these images, shape ``(K,)``, int64.
    origin
        Shape ``(K, 2)``, int64, scaled px.
    chip, proposal
        Every pair of a chip and a proposal that counts and that it encloses: their rows, shape ``(pairs,)``, int64.
    """

    image: Ints
    origin: Ints
    chip: Ints
    proposal: Ints


@dataclass(frozen=True)
class Pool:
    """The negative chips found in some successive images, by level, then image, then as found; K of them.

    The pools of a run wait for the draw. So what a chip encloses is packed, a bit for each proposal of its image.

    Parameters
    ----------
    image, level, origin
        Row in the image table, level and left upper corner of each chip, shapes ``(K,)`` and ``(K, 2)``, int64.
    proposals
        How many proposals each chip encloses that count there, shape ``(K,)``, int64.
    first, many
        Number of the first proposal of each chip's image among those of images with chips, and how many it has,
        shape ``(K,)``, int64.
    held
        Which proposals of its image each chip encloses that count there, one chip after the other, packed.
    shown
        Which proposals of images with chips a positive chip encloses at some level in whose range they lie, packed.
    """

    image: Ints
    level: Ints
    origin: Ints
    proposals: Ints
    first: Ints
    many: Ints
    held: NDArray[np.uint8]
    shown: NDArray[np.uint8]

    @classmethod
    def of(cls, start: int, levels: list[Found], spans: Ints, shown: Bools) -> Pool:
        """Put together what was found at each level.

        Parameters
        ----------
        start
            Row of the first of the images in the image table.
        levels
            What was found at each.
        spans
            First proposal of each image and the end of the last, shape ``(I + 1,)``, int64.
        shown
            Which proposals a positive chip encloses at some level in whose range they lie, shape ``(P,)``.
        """
        image = np.concatenate([found.image for found in levels])
        first, many = spans[image], np.diff(spans)[image]
        sizes = [len(found.image) for found in levels]
        chip = np.concatenate([found.chip + before for found, before in zip(levels, bounds(sizes), strict=False)])
        held = np.zeros(many.sum(), dtype=np.bool_)
        held[(bounds(many)[:-1] - first)[chip] + np.concatenate([found.proposal for found in levels])] = True
        with_chips = np.bincount(image, minlength=len(spans) - 1) > 0
        kept = np.diff(spans) * with_chips
        return cls(
            image + start,
            np.repeat(np.arange(len(levels)), sizes),
            np.concatenate([found.origin for found in levels]),
            np.bincount(chip, minlength=len(image)),
            bounds(kept)[image],
            many,
            np.packbits(held),
            np.packbits(shown[np.repeat(with_chips, np.diff(spans))]),
        )

    def used(self, drawn: Bools) -> tuple[Ints, int, int]:
        """Count proposals that drawn chips enclose, those that count for several chips once.

        Returns
        -------
        at_level
            At each level that has chips and at those before it, shape ``(L,)``, int64.
        altogether, shown
            At any level, and how many of these a positive chip shows at another one.
        """
        levels = int(self.level.max(initial=-1)) + 1
        at = np.flatnonzero(np.unpackbits(self.held, count=int(self.many.sum())))
        before = bounds(self.many)
        chip = np.searchsorted(before, at, "right") - 1
        number = at - before[chip] + self.first[chip]
        used = np.zeros((levels, int((self.first + self.many).max(initial=0))), dtype=np.bool_)
        used[self.level[chip[drawn[chip]]], number[drawn[chip]]] = True
        anywhere = used.any(axis=0)
        shown = np.unpackbits(self.shown, count=used.shape[1]).astype(np.bool_)
        return used.sum(axis=1), int(np.count_nonzero(anywhere)), int(np.count_nonzero(anywhere & shown))


@dataclass
class Account:
    """The running account of a plan: pools wait here until all images were seen and the draw can be made.

    Parameters
    ----------
    levels
        Number of levels.
    pools
        The negative chips found, by image.
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

    def images(self, pool: Pool | None, at_level: Ints, **statuses: int) -> None:
        """Enter what was found in some images, as if none of it were drawn.

        Parameters
        ----------
        pool
            Their negative chips, if any.
        at_level
            Proposals in range, on an object and covered at each level, shape ``(L, 3)``.
        **statuses
            What becomes of their proposals.
        """
        if pool is not None and len(pool.level):
            self.pools.append(pool)
        self.at_level[:, :3] += at_level
        self._enter(**statuses)

    def close(self, total: int, drawn: Bools) -> None:
        """Enter what was drawn; `total` is the number of proposals in the file."""
        start = 0
        for pool in self.pools:
            stop = start + len(pool.level)
            at_level, used, shown = pool.used(drawn[start:stop])
            self.at_level[: len(at_level), 3] += at_level
            self._enter(used=used, covered=-shown, left_over=shown - used)
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
    none = np.empty(0, dtype=np.int64)
    image, level = (np.concatenate([none, *(getattr(pool, name) for pool in pools)]) for name in ("image", "level"))
    order = np.lexsort((level, image))
    negative, drawn = config.negative, np.zeros(len(image), dtype=np.bool_)
    total = share_of(negative.negative_ratio, positives)
    drawn[order] = draw(image_id[image[order]], negative.per_image, total, config.seed)
    return drawn

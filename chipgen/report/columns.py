"""The boxes of a plan table as columns, and what is counted of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from chipgen.boxes import Bools, Floats, Ints


@dataclass(frozen=True)
class BoxColumns:
    """The boxes of all chips of a build; B of them.

    Parameters
    ----------
    valid, ignore_reason, source_id
        As in the table, shape ``(B,)``.
    level, positive
        Of their chips, shape ``(B,)``.
    visibility
        Visible area / area inside the image, shape ``(B,)``, 0..1.
    size_chip
        sqrt(w * h) of the whole box, also of what is not visible, shape ``(B,)``, float64, chip px.
    factor
        Scaled px per image px, shape ``(B,)``, float64: the square root of the change of area.
    """

    valid: Bools
    ignore_reason: NDArray[Any]
    source_id: Ints
    level: Ints
    positive: Bools
    visibility: Floats
    size_chip: Floats
    factor: Floats

    def enclosed_pairs(self) -> int:
        """Count the valid (box, level) pairs that a positive chip encloses."""
        rows = self.valid & (self.visibility > 1 - 1e-6) & self.positive
        return len({*zip(self.source_id[rows].tolist(), self.level[rows].tolist(), strict=True)})

    def shown_best(self, rows: Ints, *, each_level: bool) -> Ints:
        """Return of some boxes, by row, those that show most of their object, one an object, or one at each level."""
        level = self.level if each_level else np.zeros_like(self.level)
        order = rows[np.lexsort((self.visibility[rows], level[rows], self.source_id[rows]))]
        if not len(order):
            return order
        ends = np.diff(self.source_id[order]) | np.diff(level[order])  # the last of each is the best
        return np.asarray(order[np.append(ends != 0, True)])


def boxes_of(chips: pa.Table) -> BoxColumns:
    """Return the boxes of a plan table as flat columns, with the level, kind and factor of their chips."""
    objects = chips["objects"].combine_chunks()
    names = ("valid", "ignore_reason", "visibility", "source_id")
    column = {name: objects.field(name).flatten().to_numpy(zero_copy_only=False) for name in names}
    chip = np.repeat(np.arange(len(chips)), objects.field("id").value_lengths().to_numpy(zero_copy_only=False))
    bbox = objects.field("bbox").flatten().flatten().to_numpy().reshape(-1, 4).astype(np.float64)
    return BoxColumns(
        **column,
        level=chips["level"].to_numpy()[chip],
        positive=(chips["kind"].to_numpy() == "positive")[chip],
        size_chip=np.sqrt(bbox[:, 2:].prod(axis=1) / column["visibility"]),
        factor=factors(chips)[chip],
    )


def factors(chips: pa.Table) -> Floats:
    """Return the factor of each chip, scaled px per image px, shape ``(C,)``, float64."""
    transform = chips["transform"].combine_chunks()
    x, y = (transform.field(name).to_numpy() for name in ("factor_x", "factor_y"))
    return np.asarray(np.sqrt(x * y), dtype=np.float64)


def source_sizes(boxes: BoxColumns) -> Floats:
    """Return sqrt(w * h) of each source annotation seen, image px, from the chip that shows most of it."""
    best = boxes.shown_best(np.arange(len(boxes.valid)), each_level=False)
    return boxes.size_chip[best] / boxes.factor[best]


def counted_words(words: NDArray[Any]) -> dict[str, int]:
    """Count words."""
    names, numbers = np.unique(words.astype(str), return_counts=True)
    return dict(zip(names.tolist(), numbers.tolist(), strict=True))

"""Some chips of a shard, whatever its format, in the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chipgen.boxes import Bools, Floats, Ints
    from chipgen.verification.columns import Boxes, Chips

Header = tuple[str, tuple[int, int]]


@dataclass(frozen=True)
class Part:
    """Some chips of a shard; C of them, with B boxes.

    Parameters
    ----------
    chips, boxes
        What the plan tells, too.
    size
        Width and height with padding, shape ``(C, 2)``, int64, chip px.
    names
        What each picture is called.
    headers
        Format and size that each picture has by its own account; None where it is no picture, and where it is not
        looked at because its file was found damaged before.
    unseen
        Which pictures were not looked at, shape ``(C,)``, bool.
    crowd, area
        Of each box, shape ``(B,)``, bool and float64.
    """

    chips: Chips
    boxes: Boxes
    size: Ints
    names: Sequence[str]
    headers: Sequence[Header | None]
    unseen: Bools
    crowd: Bools
    area: Floats

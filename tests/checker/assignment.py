"""In which state each chip of a level may show an annotation, where all of them together decide it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checker.laws import NEAR, Seen, possible_states, seen

if TYPE_CHECKING:
    from checker.laws import View
    from checker.model import Annotation, Chip, Settings

SAME = 1e-9
"""Numbers that differ by less are equal; by more, but not by more than the contract's tolerance: nobody can tell."""


@dataclass(frozen=True)
class Claim:
    """A chip that would learn an annotation, or by rounding might."""

    chip: Chip
    clipped: Seen
    sure: bool

    @property
    def margin(self) -> float:
        """Return the distance of the box to the nearest side of the content."""
        x1, y1, x2, y2 = self.clipped.xyxy
        return min(x1, y1, self.chip.content_width - x2, self.chip.content_height - y2)

    def beats(self, other: Claim) -> bool | None:
        """Tell whether this chip shows the annotation better: more of it, farther from the border, before the other."""
        for own, its in ((self.clipped.visibility, other.clipped.visibility), (self.margin, other.margin)):
            if abs(own - its) > SAME:
                return own > its if abs(own - its) > 2 * NEAR else None
        return self.chip.id < other.chip.id


def states_of_level(
    chips: list[Chip], view: View, annotation: Annotation, settings: Settings
) -> dict[int, tuple[Seen, set[str]]]:
    """Return what each chip of an image and level shows of an annotation, and its possible states; by chip id."""
    shown = {chip.id: (chip, seen(chip, view, annotation)) for chip in chips}
    states = {
        id_: set() if clipped.meets is False else possible_states(annotation, view, clipped, settings)
        for id_, (_, clipped) in shown.items()
    }
    if settings.assign == "one":
        claims = [
            Claim(chip, clipped, states[id_] == {""} and clipped.meets is True)
            for id_, (chip, clipped) in shown.items()
            if "" in states[id_]
        ]
        for claim in claims:
            states[claim.chip.id] = states[claim.chip.id] - {""} | _ends(claim, [c for c in claims if c is not claim])
    return {id_: (clipped, states[id_]) for id_, (_, clipped) in shown.items()}


def _ends(claim: Claim, others: list[Claim]) -> set[str]:
    """Return how a claim may end: valid, or in another chip."""
    if any(other.sure and other.beats(claim) for other in others):
        return {"assigned_elsewhere"}
    return {""} if all(claim.beats(other) for other in others) else {"", "assigned_elsewhere"}

"""The contract's arithmetic, one number at a time.

Where two exact computations may fall on different sides of a bound only by rounding, the answer is None: the checker
then accepts either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from checker.model import XYXY, Annotation, Build, Chip, Picture, Settings

NEAR = 1e-6
FLOAT32 = 1e-4
"""Slack of a range that is only known from a file's float32."""


def scaled_size(token: str, width: int, height: int) -> tuple[int, int]:
    """Return the size of an image at a scale: floor(x + 0.5) of exact fractions, at least 1."""
    if token.endswith("x"):
        factor = Fraction(token[:-1])
    elif "x" in token:
        shortest, longest = map(int, token.split("x"))
        factor = min(Fraction(shortest, min(width, height)), Fraction(longest, max(width, height)))
    else:
        factor = Fraction(int(token), max(width, height))
    half = Fraction(1, 2)
    return max(1, math.floor(width * factor + half)), max(1, math.floor(height * factor + half))


@dataclass(frozen=True)
class Range:
    """`[lo, hi)` in image px; ends known to `slack`."""

    lo: float
    hi: float
    slack: float = NEAR

    def holds(self, size: float) -> bool | None:
        """Tell whether a size lies in the range."""
        if any(0 < abs(size - end) < self.slack for end in (self.lo, self.hi)):
            return None
        return self.lo <= size < self.hi


def read_range(token: str) -> Range:
    """Read a range as written on the command line."""
    lo, _, hi = token.partition("-")
    return Range(float(lo or 0), float(hi or math.inf))


class Window(Protocol):
    """A place on the scaled image: a chip's, or one where a chip could be."""

    @property
    def origin(self) -> tuple[int, int]:
        """Return the top left corner, whole scaled px."""

    @property
    def content_width(self) -> int:
        """Return the width without padding."""

    @property
    def content_height(self) -> int:
        """Return the height without padding."""


@dataclass(frozen=True)
class View:
    """One image at one level; `range` None where it was chosen by chipgen and no chip tells it."""

    level: int
    size: tuple[int, int]
    factor: tuple[float, float]
    range: Range | None

    def scaled(self, box_img: XYXY) -> XYXY:
        """Return a box in scaled px."""
        (fx, fy), (x1, y1, x2, y2) = self.factor, box_img
        return x1 * fx, y1 * fy, x2 * fx, y2 * fy

    def in_range(self, annotation: Annotation) -> bool | None:
        """Tell whether an annotation's size lies in the level's range."""
        assert annotation.box_img is not None
        return self.size_in_range(annotation.box_img)

    def size_in_range(self, box_img: XYXY) -> bool | None:
        """Tell whether a box's size lies in the level's range."""
        x1, y1, x2, y2 = box_img
        return None if self.range is None else self.range.holds(math.sqrt((x2 - x1) * (y2 - y1)))

    def holdable(self, annotation: Annotation, chip_size: int) -> bool:
        """Tell whether some window at whole scaled pixels holds the scaled box."""
        assert annotation.box_img is not None
        x1, y1, x2, y2 = self.scaled(annotation.box_img)
        return _window_exists(x1, x2, self.size[0], chip_size) and _window_exists(y1, y2, self.size[1], chip_size)

    def thick(self, annotation: Annotation, min_box: float) -> bool | None:
        """Tell whether both scaled sides are long enough."""
        assert annotation.box_img is not None
        x1, y1, x2, y2 = self.scaled(annotation.box_img)
        return at_least(min(x2 - x1, y2 - y1), max(min_box, 1.0))


def _window_exists(start: float, stop: float, extent: int, chip_size: int) -> bool:
    """Try the rightmost window that still begins before the box: no other reaches further."""
    length = min(extent, chip_size)
    first = min(math.floor(start + NEAR), extent - length)
    return first >= 0 and first + length >= stop - NEAR


def at_least(value: float, bound: float) -> bool | None:
    """Compare with the contract's tolerance; None within it."""
    return None if 0 < abs(value - bound) < NEAR else value >= bound


def all_of(*answers: bool | None) -> bool | None:
    """Combine answers: one no decides, else one doubt."""
    if False in answers:
        return False
    return None if None in answers else True


def views(picture: Picture, build: Build, settings: Settings) -> list[View]:
    """Return an image at every level."""
    return list(_views(picture, build, settings))


def _views(picture: Picture, build: Build, settings: Settings) -> Iterator[View]:
    for level, token in enumerate(settings.scales):
        size = scaled_size(token, picture.width, picture.height)
        factor = size[0] / picture.width, size[1] / picture.height
        if settings.ranges is not None:
            yield View(level, size, factor, read_range(settings.ranges[level]))
        else:
            chips = build.of_level(picture.id, level)
            yield View(level, size, factor, _told_range(chips[0]) if chips else None)


def _told_range(chip: Chip) -> Range:
    mean = math.sqrt(chip.factor_x * chip.factor_y)
    return Range(chip.lo / mean, math.inf if chip.hi is None else chip.hi / mean, FLOAT32)


def counts(annotation: Annotation, view: View, settings: Settings) -> bool | None:
    """Tell whether an annotation counts toward positive chips of a level."""
    if annotation.crowd or annotation.box_img is None:
        return False
    return all_of(
        view.in_range(annotation),
        view.thick(annotation, settings.min_box),
        view.holdable(annotation, settings.chip_size),
    )


def encloses(window: Window, view: View, annotation: Annotation) -> bool:
    """Tell whether a window fully encloses an annotation's box."""
    assert annotation.box_img is not None
    return encloses_box(window, view, annotation.box_img)


def encloses_box(window: Window, view: View, box_img: XYXY) -> bool:
    """Tell whether a window fully encloses a box."""
    x1, y1, x2, y2 = view.scaled(box_img)
    left, top = window.origin
    inside_x = left <= x1 + NEAR and x2 <= left + window.content_width + NEAR
    return inside_x and top <= y1 + NEAR and y2 <= top + window.content_height + NEAR


@dataclass(frozen=True)
class Seen:
    """What of an annotation a window shows: the clipped box in chip px, and whether that is enough to be written."""

    xyxy: XYXY
    visibility: float
    meets: bool | None

    @property
    def shortest(self) -> float:
        """Return the shorter side."""
        return min(self.xyxy[2] - self.xyxy[0], self.xyxy[3] - self.xyxy[1])


def seen(window: Window, view: View, annotation: Annotation) -> Seen:
    """Clip an annotation to a window."""
    assert annotation.box_img is not None
    x1, y1, x2, y2 = view.scaled(annotation.box_img)
    (left, top), area = window.origin, (x2 - x1) * (y2 - y1)
    x1, x2 = (min(max(end - left, 0.0), window.content_width) for end in (x1, x2))
    y1, y2 = (min(max(end - top, 0.0), window.content_height) for end in (y1, y2))
    meets = at_least(min(x2 - x1, y2 - y1), 1.0)
    return Seen((x1, y1, x2, y2), (x2 - x1) * (y2 - y1) / area, meets)


def possible_states(annotation: Annotation, view: View, clipped: Seen, settings: Settings) -> set[str]:
    """Return the states an annotation may have in a chip: one, or two where rounding decides; "" is valid."""
    in_range = view.in_range(annotation)
    visible = at_least(clipped.visibility, settings.min_visibility)
    thick = at_least(clipped.shortest, settings.min_box)
    rules = (
        ("crowd", annotation.crowd),
        ("out_of_range", None if in_range is None else not in_range),
        ("too_large", not view.holdable(annotation, settings.chip_size)),
        ("truncated", None if visible is None else not visible),
        ("too_small", None if thick is None else not thick),
    )
    states = set()
    for state, applies in rules:
        if applies is not False:
            states.add(state)
        if applies:
            return states
    return states | {""}

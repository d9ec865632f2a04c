"""Negative chips: what they may hold, what they are made for, how many there are, and that none is missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from checker.laws import NEAR, View, encloses_box, possible_states, seen, views
from checker.proposals import EXACT, Verdict, boxes_of_image, conflicts, judge, read_proposals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from checker.laws import Window
    from checker.model import XYXY, Annotation, Build, Chip, Picture, Proposal, Settings, Source

NAMED = 8
"""How many proposals a message names."""


def check_negatives(source: Source, build: Build, settings: Settings) -> None:
    """Check what negative chips hold, what they enclose, their number, and where more should be."""
    asked = settings.negatives
    negatives = [chip for chip in build.chips if chip.kind == "negative"]
    assert asked.mode != "none" or not negatives, f"{negatives[0]}: is negative, and none was asked for"
    told = _told(build, settings)
    _check_budgets(build, settings)
    for scene in scenes(source, build, settings):
        for chip in scene.negatives:
            _check_no_valid_box(chip, scene, settings)
        if asked.mode == "random":
            _check_random(scene, told)
        elif asked.mode == "proposals":
            for chip in scene.negatives:
                _check_ignored_area(chip, scene, settings)
                _check_proposals(chip, scene, settings, told[chip.id])
            if _has_room(scene.picture, build, settings):
                _check_complete(scene, settings)


@dataclass(frozen=True)
class Scene:
    """One image at one level: its annotations that have a box, its chips, and its proposals, judged."""

    picture: Picture
    view: View
    annotations: list[Annotation]
    positives: list[Chip]
    negatives: list[Chip]
    verdicts: list[Verdict]

    def __str__(self) -> str:
        return f"image {self.picture.id}, level {self.view.level}"

    @cached_property
    def lost(self) -> list[Verdict]:
        """Return the proposals that surely qualify and that no negative chip encloses."""
        return [
            verdict
            for verdict in self.verdicts
            if verdict.qualifies and not any(encloses_box(chip, self.view, verdict.box_img) for chip in self.negatives)
        ]


def scenes(source: Source, build: Build, settings: Settings) -> Iterator[Scene]:
    """Go through images and levels; images that could not be read have no chips and promise none."""
    path = settings.negatives.proposals
    proposals = read_proposals(path) if path is not None else []
    for picture in source.pictures.values():
        if picture.id not in build.skipped_images:
            yield from _scenes_of(picture, source, build, settings, proposals)


def _scenes_of(
    picture: Picture, source: Source, build: Build, settings: Settings, proposals: list[Proposal]
) -> Iterator[Scene]:
    annotations = [annotation for annotation in source.of_image(picture.id) if annotation.box_img is not None]
    boxes = boxes_of_image(proposals, picture, settings.negatives)
    rules = conflicts([box for _, box in boxes], annotations, settings.negatives)
    for view in views(picture, build, settings):
        chips = build.of_level(picture.id, view.level)
        positives = [chip for chip in chips if chip.kind == "positive"]
        negatives = [chip for chip in chips if chip.kind == "negative"]
        verdicts = [judge(*pair, rule, view, positives) for pair, rule in zip(boxes, rules, strict=True)]
        yield Scene(picture, view, annotations, positives, negatives, verdicts)


def _told(build: Build, settings: Settings) -> dict[int, int]:
    """Return the plan's count of proposals of each chip; 0 for positive ones."""
    if settings.negatives.mode == "none":
        told = {row["image_id"]: row.get("proposals", 0) for row in build.plan}
    else:
        assert all("proposals" in row for row in build.plan), "plan: has no column proposals"
        told = {row["image_id"]: row["proposals"] for row in build.plan}
        plan = build.folder / "_plan.parquet"
        kind = pq.read_schema(plan).field("proposals").type if plan.exists() else pa.int32()
        assert kind == pa.int32(), f"plan: column proposals is {kind}"
    for chip in build.chips:
        assert chip.kind == "negative" or told[chip.id] == 0, f"positive {chip}: says {told[chip.id]} proposals"
    return told


def _check_budgets(build: Build, settings: Settings) -> None:
    """Not more negative chips than an image's budget, and than the run's."""
    asked = settings.negatives
    for image_id in {chip.source.id for chip in build.chips}:
        number = len(_negatives_of(build, image_id))
        enough = asked.per_image is None or number <= asked.per_image
        assert enough, f"image {image_id}: {number} negative chips, the budget is {asked.per_image}"
    number, wanted = _run_budget(build, settings)
    # The chips of an image that could not be read may have been part of the bargain.
    enough = wanted is None or bool(build.skipped_images) or number <= wanted + 1
    assert enough, f"{number} negative chips, the budget of the run is {wanted} by ratio {asked.ratio}"


def _negatives_of(build: Build, image_id: int) -> list[Chip]:
    return [chip for chip in build.of_image(image_id) if chip.kind == "negative"]


def _run_budget(build: Build, settings: Settings) -> tuple[int, float | None]:
    """Return how many negative chips there are, and how many the ratio asks for; None for as many as there can be."""
    positives = sum(chip.kind == "positive" for chip in build.chips)
    ratio = settings.negatives.ratio
    return len(build.chips) - positives, None if ratio is None else ratio * positives


def _has_room(picture: Picture, build: Build, settings: Settings) -> bool:
    """Tell whether no budget was reason to leave out a chip of an image: then the pool must have been used up."""
    per_image = settings.negatives.per_image
    number, wanted = _run_budget(build, settings)
    run_has_room = wanted is None or (number < wanted - 1 and not build.skipped_images)
    return run_has_room and (per_image is None or len(_negatives_of(build, picture.id)) < per_image)


def _check_no_valid_box(chip: Chip, scene: Scene, settings: Settings) -> None:
    """No annotation would be valid there, and none is written as valid."""
    for annotation in scene.annotations:
        clipped = seen(chip, scene.view, annotation)
        states = possible_states(annotation, scene.view, clipped, settings)
        surely_valid = bool(clipped.meets) and states == {""}
        assert not surely_valid, f"negative {chip}: shows annotation {annotation.id}, which is valid there"
    for box in chip.boxes:
        assert not box.valid, f"negative {chip}: annotation {box.source_id} is written as valid"


def _check_ignored_area(chip: Chip, scene: Scene, settings: Settings) -> None:
    """Annotations, all ignored there, cover not too much of a negative chip."""
    there = [a for a in scene.annotations if seen(chip, scene.view, a).meets]
    area = union_area([seen(chip, scene.view, annotation).xyxy for annotation in there])
    share, limit = area / (chip.content_width * chip.content_height), settings.negatives.max_ignored_area
    ids = [annotation.id for annotation in there]
    assert share <= limit + EXACT, f"negative {chip}: annotations {ids} cover {share:.6f} of it, more than {limit}"


def union_area(boxes: list[XYXY]) -> float:
    """Return the area that boxes cover together: mark the cells between all of their edges."""
    xs = sorted({x for x1, _, x2, _ in boxes for x in (x1, x2)})
    ys = sorted({y for _, y1, _, y2 in boxes for y in (y1, y2)})
    covered = np.zeros((max(len(xs) - 1, 0), max(len(ys) - 1, 0)))
    for x1, y1, x2, y2 in boxes:
        covered[xs.index(x1) : xs.index(x2), ys.index(y1) : ys.index(y2)] = 1
    return float(np.diff(xs) @ covered @ np.diff(ys)) if boxes else 0.0


def _check_proposals(chip: Chip, scene: Scene, settings: Settings, told: int) -> None:
    """A negative chip encloses enough proposals that qualify, and its count says how many."""
    enclosed = [verdict for verdict in scene.verdicts if encloses_box(chip, scene.view, verdict.box_img)]
    surely = sum(verdict.qualifies is True for verdict in enclosed)
    possibly = sum(verdict.qualifies is not False for verdict in enclosed)
    others = [str(verdict) for verdict in enclosed if verdict.qualifies is not True]
    others.sort(key=lambda text: "out of range" in text)
    beside = f"; not counted: {'; '.join(others[:NAMED]) or 'none'}"
    if len(others) > NAMED:
        beside += f" and {len(others) - NAMED} more"
    needed = settings.negatives.needed(scene.view.level)
    least = 1 if needed is None else needed
    assert possibly >= least, f"negative {chip}: needs {least} proposals, encloses {surely} that qualify{beside}"
    right = surely <= told <= possibly
    assert right, f"negative {chip}: says {told} proposals, encloses {surely} that qualify{beside}"


def _check_random(scene: Scene, told: dict[int, int]) -> None:
    """Random background chips show no annotation, lie apart, and count no proposals."""
    for chip in scene.negatives:
        assert told[chip.id] == 0, f"random {chip}: says {told[chip.id]} proposals"
        for annotation in scene.annotations:
            assert not seen(chip, scene.view, annotation).meets, f"random {chip}: shows annotation {annotation.id}"
    for one, other in combinations(scene.negatives, 2):
        assert not _overlap(one, other), f"random {one}: overlaps {other}"


def _overlap(one: Chip, other: Chip) -> bool:
    across = one.content_width - abs(one.origin[0] - other.origin[0])
    down = one.content_height - abs(one.origin[1] - other.origin[1])
    return across > 0 and down > 0


@dataclass(frozen=True)
class Place:
    """A place where a chip could be."""

    origin: tuple[int, int]
    content_width: int
    content_height: int


def _check_complete(scene: Scene, settings: Settings) -> None:
    """No window of the grid shows nothing to learn and would enclose enough proposals that no negative chip has."""
    needed = settings.negatives.needed(scene.view.level)
    if needed is None or len(scene.lost) < needed:
        return
    for place in _full_windows(scene, settings, needed):
        if _is_free(place, scene, settings):
            numbers = [v.proposal.number for v in scene.lost if encloses_box(place, scene.view, v.box_img)]
            raise AssertionError(
                f"{scene}: no negative chip encloses proposals {numbers}, as one at {place.origin} would"
            )


def _full_windows(scene: Scene, settings: Settings, needed: int) -> Iterator[Place]:
    """Yield the windows of the grid that enclose enough lost proposals."""
    x1, y1, x2, y2 = np.array([scene.view.scaled(verdict.box_img) for verdict in scene.lost]).T
    width, height = (min(extent, settings.chip_size) for extent in scene.view.size)
    lefts, inside_x = _along_axis(x1, x2, scene.view.size[0], width, settings.stride)
    tops, inside_y = _along_axis(y1, y2, scene.view.size[1], height, settings.stride)
    enclosed = inside_x @ inside_y.T
    for column, row in np.argwhere(enclosed >= needed).tolist():
        yield Place((int(lefts[column]), int(tops[row])), width, height)


def _along_axis(
    starts: NDArray[np.float64], stops: NDArray[np.float64], extent: int, length: int, stride: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the positions of windows along an axis, and for each window and proposal 1 where it is inside."""
    positions = np.unique([*range(0, extent - length + 1, stride), extent - length])
    begins = positions[:, None] <= starts + NEAR
    ends = stops <= positions[:, None] + length + NEAR
    return positions, (begins & ends).astype(np.int64)


def _is_free(place: Window, scene: Scene, settings: Settings) -> bool:
    """Tell whether surely nothing forbids a negative chip at a place; slivers under a pixel count as ignored area."""
    nothing_ignored = settings.negatives.max_ignored_area >= 1
    return all(
        seen(place, scene.view, annotation).shortest <= 0
        or (nothing_ignored and not _may_forbid(place, annotation, scene.view, settings))
        for annotation in scene.annotations
    )


def _may_forbid(place: Window, annotation: Annotation, view: View, settings: Settings) -> bool:
    """Tell whether a box to learn would, or by rounding might, be valid in a negative chip."""
    clipped = seen(place, view, annotation)
    return clipped.meets is not False and "" in possible_states(annotation, view, clipped, settings)

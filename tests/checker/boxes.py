"""Coverage, and which boxes a chip holds in which state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checker.assignment import states_of_level
from checker.laws import View, counts, encloses, views

if TYPE_CHECKING:
    from checker.laws import Seen
    from checker.model import Annotation, Box, Build, Chip, Settings, Source

    States = dict[int, tuple[Seen, set[str]]]
    """What each chip of an image and level shows of an annotation, and its possible states; by id of the chip."""

BBOX_PX = 0.05
VISIBILITY = 1e-3
MADE_ANEW = frozenset(
    ("id", "image_id", "category_id", "bbox", "area", "iscrowd", "segmentation", "keypoints", "num_keypoints")
)


def check_coverage(source: Source, build: Build, settings: Settings) -> int:
    """Every counting (annotation, level) pair is enclosed by a positive chip; return how many pairs there are."""
    pairs = 0
    for picture in source.pictures.values():
        if picture.id in build.skipped_images:
            continue
        chips = [chip for chip in build.of_image(picture.id) if chip.kind == "positive"]
        levels = views(picture, build, settings)
        for annotation in source.of_image(picture.id):
            pairs += _covered_levels(annotation, levels, chips, settings)
    return pairs


def _covered_levels(annotation: Annotation, levels: list[View], chips: list[Chip], settings: Settings) -> int:
    answers = [counts(annotation, view, settings) for view in levels]
    for view, counted in zip(levels, answers, strict=True):
        if counted:
            covered = any(chip.level == view.level and encloses(chip, view, annotation) for chip in chips)
            assert covered, f"annotation {annotation.id}: counts at level {view.level}, no positive chip encloses it"
    if settings.ranges is None and None in answers:
        _check_no_gap(annotation, levels, answers, settings)
    return answers.count(True)


def _check_no_gap(annotation: Annotation, levels: list[View], answers: list[bool | None], settings: Settings) -> None:
    """Automatic ranges leave no gap: what every level could hold counts at one of them."""
    everywhere = all(
        view.holdable(annotation, settings.chip_size) and view.thick(annotation, settings.min_box) for view in levels
    )
    doubtful = any(view.range is not None and counts(annotation, view, settings) is None for view in levels)
    assert not everywhere or doubtful or True in answers, f"annotation {annotation.id}: counts at no level"


def check_boxes(source: Source, build: Build, settings: Settings) -> None:
    """Every chip holds exactly the annotations that meet it, each clipped and in the right state."""
    for picture in source.pictures.values():
        annotations = [a for a in source.of_image(picture.id) if a.box_img is not None]
        of_image = build.of_image(picture.id)
        for view in views(picture, build, settings):
            chips = [chip for chip in of_image if chip.level == view.level]
            states = {one.id: states_of_level(chips, view, one, settings) for one in annotations}
            for chip in chips:
                _check_chip(chip, annotations, states, settings)
            if settings.assign == "one":
                _check_once(chips, states)


def _check_once(chips: list[Chip], states: dict[int, States]) -> None:
    """An annotation that some chip of an image and level would learn is valid in one of them, and in one only."""
    for id_, of_chips in states.items():
        valid = [chip.id for chip in chips for box in chip.boxes if box.source_id == id_ and box.valid]
        assert len(valid) < 2, f"annotation {id_}: is valid in chips {valid} of one level"
        sure = any(clipped.meets and found <= {"", "assigned_elsewhere"} for clipped, found in of_chips.values())
        assert valid or not sure, f"annotation {id_}: is valid in none of chips {sorted(of_chips)} of one level"


def _check_chip(chip: Chip, annotations: list[Annotation], states: dict[int, States], settings: Settings) -> None:
    boxes = {box.source_id: box for box in chip.boxes}
    assert len(boxes) == len(chip.boxes), f"{chip}: an annotation stands there twice"
    strangers = boxes.keys() - {annotation.id for annotation in annotations}
    assert not strangers, f"{chip}: annotations {sorted(strangers)} are not of this image"
    for annotation in annotations:
        box = boxes.get(annotation.id)
        _check_annotation(chip, annotation, box, states[annotation.id][chip.id], settings)
    assert chip.kind == "positive" or not any(box.valid for box in chip.boxes), f"{chip}: negative with a valid box"


def _check_annotation(
    chip: Chip, annotation: Annotation, box: Box | None, found: tuple[Seen, set[str]], settings: Settings
) -> None:
    where = f"{chip}, annotation {annotation.id}"
    clipped, states = found
    if clipped.meets is False:
        assert box is None, f"{where}: is there without meeting the chip"
        return
    left_out = settings.ignored in {"drop", "paint"}
    if box is None:
        reason_to_miss = clipped.meets is None or (left_out and states != {""})
        assert reason_to_miss, f"{where}: is missing ({' or '.join(states) or 'valid'})"
        return
    assert box.reason in states, f"{where}: is {box.reason!r}, should be {states}"
    assert not (left_out and box.reason), f"{where}: an ignored box with --ignored {settings.ignored}"
    _check_flags(where, box, settings)
    off = max(abs(a - b) for a, b in zip(box.xyxy, clipped.xyxy, strict=True))
    assert off <= BBOX_PX, f"{where}: box {box.xyxy} is {off:.3f} px off {clipped.xyxy}"
    assert box.xyxy[2] <= chip.content_width + 1e-3, f"{where}: leaves the chip"
    assert box.xyxy[3] <= chip.content_height + 1e-3, f"{where}: leaves the chip"
    assert abs(box.visibility - clipped.visibility) <= VISIBILITY, f"{where}: visibility {box.visibility}"
    assert box.category_id == annotation.category_id, f"{where}: category {box.category_id}"


def _check_flags(where: str, box: Box, settings: Settings) -> None:
    assert box.valid == (box.reason == ""), f"{where}: valid is {box.valid}, reason {box.reason!r}"
    crowd = not box.valid and settings.ignored != "keep"
    assert box.iscrowd == crowd, f"{where}: iscrowd is {box.iscrowd}"


def check_extra(source: Source, build: Build, settings: Settings) -> None:
    """Source fields that chipgen does not make itself are kept as they came."""
    del settings
    raw = {annotation.id: annotation.raw for annotation in source.annotations}
    dropped = MADE_ANEW | ({"ignore"} if build.form == "coco" else set())
    for chip in build.chips:
        for box in chip.boxes:
            expected = {name: value for name, value in raw[box.source_id].items() if name not in dropped}
            assert box.extra == expected, f"{chip}, annotation {box.source_id}: extra fields {box.extra}"

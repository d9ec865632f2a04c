"""Ways to break a finished build, each with the check that must see it and what it must say."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from checker.model import Box, Build, Chip


def boxes(build: Build) -> Iterator[tuple[Chip, Box]]:
    return ((chip, box) for chip in build.chips for box in chip.boxes)


def first(build: Build, wanted: Callable[[Box], Any]) -> Box:
    return next(box for _, box in boxes(build) if wanted(box))


def move_box(build: Build) -> None:
    first(build, lambda box: box.valid).bbox[0] += 1


def shrink_box(build: Build) -> None:
    first(build, lambda box: box.valid).bbox[3] -= 0.1


def drop_ignored_box(build: Build) -> None:
    chip, box = next((chip, box) for chip, box in boxes(build) if box.reason == "out_of_range")
    chip.boxes.remove(box)


def drop_valid_box(build: Build) -> None:
    chip, box = next((chip, box) for chip, box in boxes(build) if box.valid)
    chip.boxes.remove(box)


def add_stranger(build: Build) -> None:
    there = {box.source_id for box in build.chips[-1].boxes}
    box = first(build, lambda box: box.source_id not in there)
    build.chips[-1].boxes.append(copy.copy(box))


def flip_valid(build: Build) -> None:
    first(build, lambda box: box.valid).valid = False


def accept_truncated(build: Build) -> None:
    box = first(build, lambda box: box.reason == "truncated")
    box.reason, box.valid, box.iscrowd = "", True, False


def learnt_elsewhere(build: Build) -> tuple[Box, Box]:
    """Return a box that is learnt in another chip of its level, and the one there."""
    return next(
        (box, other)
        for chip, box in boxes(build)
        if box.reason == "assigned_elsewhere"
        for there in build.of_level(chip.source.id, chip.level)
        for other in there.boxes
        if other.valid and other.source_id == box.source_id
    )


def learn(box: Box) -> None:
    box.reason, box.valid, box.iscrowd = "", True, False


def leave(box: Box) -> None:
    box.reason, box.valid, box.iscrowd = "assigned_elsewhere", False, True


def claim_twice(build: Build) -> None:
    learn(learnt_elsewhere(build)[0])


def claim_nowhere(build: Build) -> None:
    leave(learnt_elsewhere(build)[1])


def claim_in_worse_chip(build: Build) -> None:
    worse, better = learnt_elsewhere(build)
    learn(worse)
    leave(better)


def mistake_reason(build: Build) -> None:
    first(build, lambda box: box.reason == "crowd").reason = "out_of_range"


def hide_crowd(build: Build) -> None:
    first(build, lambda box: not box.valid).iscrowd = False


def round_visibility(build: Build) -> None:
    first(build, lambda box: 0.1 < box.visibility < 0.9).visibility += 0.01


def change_category(build: Build) -> None:
    box = first(build, lambda box: box.valid)
    box.category_id = 7 - box.category_id


def change_class(build: Build) -> None:
    box = first(build, lambda box: box.valid)
    box.category = 1 - (box.category or 0)


def repeat_box_id(build: Build) -> None:
    build.chips[1].boxes[0].id = build.chips[0].boxes[0].id


def start_ids_at_zero(build: Build) -> None:
    for _, box in boxes(build):
        box.id -= 1


def repeat_chip_id(build: Build) -> None:
    build.chips[1].id = 0


def swap_chip_ids(build: Build) -> None:
    build.chips[0].id, build.chips[-1].id = build.chips[-1].id, build.chips[0].id


def lose_chip(build: Build) -> None:
    del build.chips[0]


def turn_negative(build: Build) -> None:
    build.chips[-1].kind = "negative"


def shift_transform(build: Build) -> None:
    build.chips[0].x0 += 0.25


def leave_image(build: Build) -> None:
    build.chips[0].x0 = build.chips[0].source.width - 3


def swap_factor(build: Build) -> None:
    build.chips[0].factor_y *= 1.001


def widen_range(build: Build) -> None:
    build.chips[0].hi = None if build.chips[0].hi else 1000.0


def repaint(chip: Chip, paint: Callable[[Any], Any]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(paint(chip.pixels())).save(buffer, "PNG")
    chip.encoded = buffer.getvalue()


def shift_pixels(build: Build) -> None:
    repaint(build.chips[-1], lambda pixels: np.roll(pixels, 2, axis=1))


def swap_colours(build: Build) -> None:
    repaint(build.chips[0], lambda pixels: pixels[..., ::-1])


def pad_with_zeros(build: Build) -> None:
    chip = next(chip for chip in build.chips if chip.content_height < chip.height)
    rows = (np.arange(chip.height) < chip.content_height)[:, None, None]
    repaint(chip, lambda pixels: pixels * rows)


def shift_polygon(build: Build) -> None:
    box = first(build, lambda box: box.valid and isinstance(box.segmentation, list))
    box.segmentation = [[number + 6 for number in part] for part in box.segmentation]


def lose_part(build: Build) -> None:
    first(build, lambda box: isinstance(box.segmentation, list) and len(box.segmentation) > 1).segmentation.pop()


def lose_mask(build: Build) -> None:
    first(build, lambda box: isinstance(box.segmentation, dict)).segmentation = None


def take_box_area(build: Build) -> None:
    box = first(build, lambda box: isinstance(box.segmentation, list) and box.area > 2000)
    box.area = box.bbox[2] * box.bbox[3]


def move_keypoint(build: Build) -> None:
    points = first(build, lambda box: box.keypoints).keypoints
    assert points is not None
    points[0] += 0.2


def label_keypoint(build: Build) -> None:
    points = first(build, lambda box: box.keypoints).keypoints
    assert points is not None
    points[8] = 1


def lose_extra(build: Build) -> None:
    first(build, lambda box: box.extra).extra = {}


def change_status(build: Build) -> None:
    row = next(row for row in build.ledger if row["status"] == "too_large")
    row["status"] = "out_of_range"


def count_wrong(build: Build) -> None:
    build.ledger[0]["n_ignored"] += 1


def forget_level(build: Build) -> None:
    next(row for row in build.ledger if row["levels"])["levels"].pop()


def lose_row(build: Build) -> None:
    build.ledger.pop()


def swap_rows(build: Build) -> None:
    build.ledger[:2] = build.ledger[1::-1]


def lose_skipped(build: Build) -> None:
    build.skipped.clear()


def lose_plan_row(build: Build) -> None:
    build.plan.pop()


def shift_plan(build: Build) -> None:
    build.plan[0]["transform"]["y0"] += 1


def miscount_rows(build: Build) -> None:
    build.manifest["shards"][0]["rows"] += 1


def unlist_file(build: Build) -> None:
    build.manifest["files"].pop()


def name_place(build: Build) -> None:
    build.manifest["configuration"]["images"] = "/data/images"


def negatives(build: Build) -> list[Chip]:
    return [chip for chip in build.chips if chip.kind == "negative"]


def plan_row(build: Build, chip: Chip) -> dict[str, Any]:
    return next(row for row in build.plan if row["image_id"] == chip.id)


def beside_positive(build: Build) -> tuple[Chip, Chip]:
    """Return a negative chip and a positive one of the same image and level."""
    return next(
        (chip, other)
        for chip in negatives(build)
        for other in build.of_level(chip.source.id, chip.level)
        if other.kind == "positive"
    )


def add_chip(build: Build, like: Chip, kind: str) -> Chip:
    """Put one more chip at the place of another, and into the plan."""
    chip = copy.copy(like)
    chip.id, chip.kind, chip.boxes = len(build.chips), kind, []
    row = {**plan_row(build, like), "image_id": chip.id, "kind": kind}
    build.plan.append(row | ({"proposals": 0} if kind == "positive" else {}))
    build.chips.append(chip)
    return chip


def move_onto_object(build: Build) -> None:
    negative, positive = beside_positive(build)
    negative.x0, negative.y0 = positive.x0, positive.y0


def write_as_valid(build: Build) -> None:
    chip = next(chip for chip in negatives(build) if chip.boxes)
    chip.boxes[0].valid = True


def claim_one_more(build: Build) -> None:
    plan_row(build, negatives(build)[0])["proposals"] += 1


def claim_one_less(build: Build) -> None:
    plan_row(build, negatives(build)[-1])["proposals"] -= 1


def claim_for_positive(build: Build) -> None:
    plan_row(build, next(chip for chip in build.chips if chip.kind == "positive"))["proposals"] = 3


def lose_claims(build: Build) -> None:
    for row in build.plan:
        del row["proposals"]


def show_by_positive(build: Build) -> None:
    add_chip(build, negatives(build)[0], "positive")


def lose_empty_negatives(build: Build) -> None:
    """Lose those that show no annotation: nothing else can be why they are missing."""
    build.chips = [chip for chip in build.chips if chip.kind == "positive" or chip.boxes]


def number_negative_first(build: Build) -> None:
    negative, positive = beside_positive(build)
    negative.id, positive.id = positive.id, negative.id


def swap_plan_rows(build: Build) -> None:
    build.plan[:2] = build.plan[1::-1]


def repeat_random(build: Build) -> None:
    add_chip(build, negatives(build)[0], "negative")


def overlap_by_a_pixel(build: Build) -> None:
    chip = next(chip for chip in negatives(build) if chip.x0 > 0 and chip.content_width == chip.width)
    other = add_chip(build, chip, "negative")
    shift = (chip.content_width - 1) / chip.factor_x
    other.x0 += -shift if chip.x0 >= shift else shift


MUTATIONS: dict[str, list[tuple[Callable[[Build], None], str]]] = {
    "check_coverage": [(lose_chip, "no positive chip"), (turn_negative, "no positive chip")],
    "check_boxes": [
        (move_box, "px off"),
        (shrink_box, "px off"),
        (drop_ignored_box, "is missing"),
        (drop_valid_box, "is missing"),
        (add_stranger, "not of this image|without meeting"),
        (flip_valid, "valid is False"),
        (accept_truncated, "is '', should be"),
        (mistake_reason, "is 'out_of_range', should be"),
        (hide_crowd, "iscrowd is False"),
        (round_visibility, "visibility"),
        (change_category, "category"),
        (turn_negative, "negative with a valid box"),
    ],
    "check_geometry": [
        (change_class, "class"),
        (repeat_box_id, "annotation id"),
        (start_ids_at_zero, "not above 0"),
        (repeat_chip_id, "0..N-1"),
        (swap_chip_ids, "do not go by"),
        (shift_transform, "no whole pixel"),
        (leave_image, "leaves the scaled image"),
        (swap_factor, "factor"),
        (widen_range, "upper end"),
    ],
    "check_pixels": [(shift_pixels, "pixels differ"), (swap_colours, "pixels differ"), (pad_with_zeros, "padding")],
    "check_masks": [
        (shift_polygon, "mask overlaps"),
        (lose_part, "mask overlaps"),
        (lose_mask, "no mask"),
        (take_box_area, "area"),
    ],
    "check_keypoints": [(move_keypoint, "keypoint 0"), (label_keypoint, "keypoint 2")],
    "check_extra": [(lose_extra, "extra fields")],
    "check_ledger": [
        (change_status, "out_of_range, should be"),
        (count_wrong, "chips say"),
        (forget_level, "chips say"),
        (lose_row, "rows"),
        (swap_rows, "rows"),
        (lose_skipped, "skipped annotations"),
    ],
    "check_files": [
        (lose_plan_row, "other chips"),
        (shift_plan, "lies at"),
        (miscount_rows, "rows"),
        (unlist_file, "differ in"),
        (name_place, "absolute path"),
    ],
}

MUTATIONS_OF_ASSIGNED: dict[str, list[tuple[Callable[[Build], None], str]]] = {
    "check_boxes": [
        (claim_twice, "is '', should be {'assigned_elsewhere'}"),
        (claim_nowhere, "is 'assigned_elsewhere', should be {''}"),
        (claim_in_worse_chip, "is '', should be {'assigned_elsewhere'}|is 'assigned_elsewhere', should be {''}"),
    ],
    "check_ledger": [(claim_twice, "chips say"), (claim_nowhere, "chips say")],
}
"""For a build that learns each object once at a level."""

MUTATIONS_OF_MINED: dict[str, list[tuple[Callable[[Build], None], str]]] = {
    "check_negatives": [
        (move_onto_object, "shows annotation .* which is valid there"),
        (write_as_valid, "is written as valid"),
        (claim_one_more, r"says \d+ proposals, encloses \d+"),
        (claim_one_less, r"says \d+ proposals, encloses \d+"),
        (claim_for_positive, "positive chip .* says 3 proposals"),
        (lose_claims, "no column"),
        (show_by_positive, r"encloses 0 that qualify.* proposal \d+: .*positive chip \d+ .* encloses it"),
        (lose_empty_negatives, "no negative chip encloses proposals"),
    ],
    "check_geometry": [(number_negative_first, "do not go by")],
    "check_files": [(swap_plan_rows, "do not go by")],
    "check_boxes": [(move_onto_object, "is missing|without meeting|px off")],
}
"""For a build with all negative chips that can be mined from proposals."""

MUTATIONS_OF_RANDOM: dict[str, list[tuple[Callable[[Build], None], str]]] = {
    "check_negatives": [
        (move_onto_object, "shows annotation"),
        (claim_one_more, "random chip .* says 1 proposals"),
        (claim_for_positive, "positive chip .* says 3 proposals"),
        (repeat_random, "overlaps"),
        (overlap_by_a_pixel, "overlaps|shows annotation"),
    ],
}
"""For a build with random negative chips."""

"""Where chips lie, how they are numbered, and what they say about themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from checker.laws import View, views

if TYPE_CHECKING:
    from checker.model import Build, Chip, Settings, Source

WHOLE = 1e-6
KINDS = ("positive", "negative")


def check_geometry(source: Source, build: Build, settings: Settings) -> None:
    """Check numbering, classes, and each chip's window, transform and range."""
    _check_ids(build)
    _check_classes(source, build)
    for picture in source.pictures.values():
        levels = views(picture, build, settings)
        for chip in build.of_image(picture.id):
            assert chip.source == picture, f"{chip}: source {chip.source}, should be {picture}"
            assert 0 <= chip.level < len(levels), f"{chip}: no such level"
            _check_window(chip, levels[chip.level], settings)
            _check_range(chip, levels[chip.level])
    strangers = {chip.source.id for chip in build.chips} - source.pictures.keys()
    assert not strangers, f"chips of unknown images {sorted(strangers)}"


def _check_ids(build: Build) -> None:
    ids = [chip.id for chip in build.chips]
    # Ids are known before the first pixel: the chips of an image that could not be read leave theirs unused.
    expected = set(ids) if build.skipped_images else set(range(len(ids)))
    assert sorted(ids) == sorted(expected), "chip ids are not 0..N-1, each once"
    by_id = sorted(build.chips, key=lambda chip: chip.id)
    order = [(chip.source.id, chip.level, KINDS.index(chip.kind)) for chip in by_id]
    assert order == sorted(order), "chip ids do not go by source image id, level, kind"
    boxes = [box.id for chip in build.chips for box in chip.boxes]
    assert len(set(boxes)) == len(boxes), "an annotation id stands there twice"
    assert all(box > 0 for box in boxes), "an annotation id is not above 0"


def _check_classes(source: Source, build: Build) -> None:
    names = [category["name"] for category in source.categories]
    assert build.class_names == names, "class names are not those of the category table"
    assert build.form == "parquet" or build.categories == source.categories, "the category table was changed"
    index = {category["id"]: position for position, category in enumerate(source.categories)}
    for chip in build.chips:
        for box in chip.boxes:
            known = box.category is None or box.category == index[box.category_id]
            assert known, f"{chip}, box {box.id}: class {box.category} for category id {box.category_id}"


def _check_window(chip: Chip, view: View, settings: Settings) -> None:
    assert (chip.factor_x, chip.factor_y) == view.factor, f"{chip}: factor, should be {view.factor}"
    exact = chip.x0 * chip.factor_x, chip.y0 * chip.factor_y
    content = chip.content_width, chip.content_height
    for axis in (0, 1):
        start = round(exact[axis])
        assert abs(exact[axis] - start) < WHOLE, f"{chip}: begins at {exact[axis]} scaled px, no whole pixel"
        length = min(view.size[axis], settings.chip_size)
        assert content[axis] == length, f"{chip}: content {content}, should be {length} on axis {axis}"
        assert 0 <= start <= view.size[axis] - length, f"{chip}: leaves the scaled image {view.size}"
    size = (settings.chip_size, settings.chip_size) if settings.pad else content
    assert (chip.width, chip.height) == size, f"{chip}: {chip.width} x {chip.height}, should be {size}"


def _check_range(chip: Chip, view: View) -> None:
    assert view.range is not None
    assert chip.lo >= 0, f"{chip}: valid range begins at {chip.lo}"
    assert (chip.hi is None) == math.isinf(view.range.hi), f"{chip}: upper end {chip.hi}"
    mean = math.sqrt(chip.factor_x * chip.factor_y)
    off = abs(chip.lo - view.range.lo * mean) + (0 if chip.hi is None else abs(chip.hi - view.range.hi * mean))
    assert off < 1e-3, f"{chip}: valid range {chip.lo} to {chip.hi}, should be {view.range} times {mean}"

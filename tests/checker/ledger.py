"""The ledger: one row for each source annotation, adding up with the list of skipped things."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from checker.assignment import states_of_level
from checker.laws import View, counts, views

if TYPE_CHECKING:
    from checker.model import Annotation, Build, Settings, Source

SKIPPED_KEYS = {"kind", "image_id", "annotation_id", "file_name", "reason", "message"}
STATUSES = ("invalid", "image_skipped", "crowd", "covered", "too_large", "too_small", "out_of_range")
Tally = dict[int, tuple[int, int, list[int]] | None]


def check_ledger(source: Source, build: Build, settings: Settings) -> None:
    """Check order, statuses, counts recomputed from the chips, and that nothing is missing."""
    rows = [(row["image_id"], row["annotation_id"], row["category_id"]) for row in build.ledger]
    wanted = [(a.image_id, a.id, a.category_id) for a in source.annotations]
    assert rows == wanted, f"the ledger has {len(rows)} rows, the source {len(wanted)}, or they stand elsewhere"
    levels = {id_: views(picture, build, settings) for id_, picture in source.pictures.items()}
    tally = _tally(build) if settings.ignored in {"crowd", "keep"} else _expected(source, build, settings)
    for annotation, row in zip(source.annotations, build.ledger, strict=True):
        statuses = _possible_statuses(annotation, levels[annotation.image_id], build, settings)
        where = f"ledger, annotation {annotation.id}"
        assert row["status"] in statuses, f"{where}: {row['status']}, should be {sorted(statuses)}"
        written = row["n_valid"], row["n_ignored"], row["levels"]
        found = tally.get(annotation.id, (0, 0, []))
        assert found is None or written == found, f"{where}: n_valid, n_ignored, levels {written}, chips say {found}"
        assert (row["status"] == "covered") == (row["n_valid"] > 0), f"{where}: {row['status']}, {written}"
    _check_skipped(source, build)
    _check_counts(build)


def _tally(build: Build) -> Tally:
    """Count in which chips each annotation is written as valid and as ignored."""
    tally: dict[int, tuple[int, int, set[int]]] = {}
    for chip in build.chips:
        for box in chip.boxes:
            valid, ignored, levels = tally.get(box.source_id, (0, 0, set()))
            levels = levels | {chip.level} if box.valid else levels
            tally[box.source_id] = (valid + box.valid, ignored + (not box.valid), levels)
    return {id_: (valid, ignored, sorted(levels)) for id_, (valid, ignored, levels) in tally.items()}


def _expected(source: Source, build: Build, settings: Settings) -> Tally:
    """Count from geometry alone, for forms that leave ignored boxes out."""
    tally: Tally = {}
    for annotation in source.annotations:
        if annotation.box_img is not None:
            levels = views(source.pictures[annotation.image_id], build, settings)
            tally[annotation.id] = _expected_of(annotation, levels, build, settings)
    return tally


def _expected_of(
    annotation: Annotation, levels: list[View], build: Build, settings: Settings
) -> tuple[int, int, list[int]] | None:
    """Return None where rounding decides in some chip."""
    valid_at: list[int] = []
    ignored = 0
    of_image = build.of_image(annotation.image_id)
    for view in levels:
        chips = [chip for chip in of_image if chip.level == view.level]
        for clipped, states in states_of_level(chips, view, annotation, settings).values():
            if clipped.meets is None or (clipped.meets and len(states) > 1):
                return None
            if clipped.meets and states == {""}:
                valid_at.append(view.level)
            elif clipped.meets:
                ignored += 1
    return len(valid_at), ignored, sorted(set(valid_at))


def _possible_statuses(annotation: Annotation, levels: list[View], build: Build, settings: Settings) -> set[str]:
    """Return the first status that applies; more where rounding or an unknown range decides."""
    if annotation.box_img is None:
        return {"invalid"}
    if annotation.image_id in build.skipped_images:
        return {"image_skipped"}
    return {"crowd"} if annotation.crowd else _by_size(annotation, levels, settings)


def _by_size(annotation: Annotation, levels: list[View], settings: Settings) -> set[str]:
    """Return the first of the statuses that depend on size alone."""
    in_range = [view.in_range(annotation) for view in levels]
    covered = [counts(annotation, view, settings) for view in levels]
    if True in covered:
        return {"covered"}
    if None in in_range or None in covered:
        return {"covered", "too_large", "too_small", "out_of_range"}
    if True not in in_range:
        return {"out_of_range"}
    holdable = [view.holdable(annotation, settings.chip_size) for view in levels]
    return {"too_small"} if (True, True) in zip(in_range, holdable, strict=True) else {"too_large"}


def _check_skipped(source: Source, build: Build) -> None:
    """Every line of the skipped list has its rows in the ledger, and the other way round."""
    for line in build.skipped:
        assert line.keys() == SKIPPED_KEYS, f"skipped list: keys {sorted(line)}"
        assert line["kind"] in {"image", "annotation", "mask", "proposal"}, f"skipped list: {line}"
        assert line["reason"], f"skipped list: no reason in {line}"
        assert line["message"], f"skipped list: no message in {line}"
    invalid = Counter(row["annotation_id"] for row in build.ledger if row["status"] == "invalid")
    lines = Counter(line["annotation_id"] for line in build.skipped if line["kind"] == "annotation")
    assert lines == invalid, f"skipped annotations {sorted(lines)}, invalid in the ledger {sorted(invalid)}"
    gone = {row["image_id"] for row in build.ledger if row["status"] == "image_skipped"}
    assert gone <= build.skipped_images, f"images {sorted(gone - build.skipped_images)} are not in the skipped list"
    assert build.skipped_images <= source.pictures.keys(), "a skipped image is not in the source"
    with_chips = {chip.source.id for chip in build.chips}
    assert not with_chips & build.skipped_images, "a skipped image has chips"


def _check_counts(build: Build) -> None:
    """The manifest repeats the counts of the ledger."""
    told: dict[str, Any] = build.manifest["counts"]
    statuses = Counter(row["status"] for row in build.ledger)
    assert set(statuses) <= set(STATUSES), f"unknown statuses {set(statuses) - set(STATUSES)}"
    assert {name: number for name, number in told["ledger"].items() if number} == dict(statuses), "counts of the ledger"
    assert told["annotations"] == len(build.ledger), "count of annotations"
    assert told["chips"] == len(build.chips), "count of chips"

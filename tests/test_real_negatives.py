"""Negative chips of real photographs, by the real program, against the independent checker."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import checker
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checker import Negatives
from checker.example import build_options, run_chipgen
from test_real_data import DATA, PAPER, PIXELS, annotations_of, part_of

if TYPE_CHECKING:
    from pathlib import Path

    from checker import Build, Settings


def proposals_of(name: str, file: str = "selsearch200.json") -> Path:
    annotations_of(name)  # skips where there is no real data
    return DATA / name / file


def asked(settings: Settings, path: Path | None, **wanted: Any) -> tuple[Settings, list[str]]:
    """Return settings for the checker and the options that ask for the same."""
    mode = "random" if path is None else "proposals"
    options = ["--negatives", "random"] if path is None else ["--proposals", str(path)]
    budget, least = wanted.get("per_image"), wanted.get("min_proposals")
    options += ["--negatives-per-image", "all" if budget is None else str(budget)]
    if least is not None:
        options += ["--min-proposals", ",".join(map(str, least))]
    for name in ("ratio", "max_ignored_area", "max_proposals", "min_score"):
        if name in wanted:
            option = "--negative-ratio" if name == "ratio" else f"--{name.replace('_', '-')}"
            options += [option, str(wanted[name])]
    return replace(settings, negatives=Negatives(mode=mode, proposals=path, **wanted)), options


def build_and_check(path: Path, root: Path, out: Path, settings: Settings, *options: str) -> Build:
    """Build quietly, run every check but those of pixels and masks, which other tests make."""
    run_chipgen("build", "--coco", path, "--images", root, "--out", out, "--workers", "1", "-q", *options)
    finished, source = checker.read_build(out), checker.read_source(path, root)
    for check in (checker.check_geometry, checker.check_boxes, checker.check_ledger, checker.check_negatives):
        check(source, finished, settings)
    return finished


def negatives(build: Build) -> int:
    return sum(chip.kind == "negative" for chip in build.chips)


@pytest.mark.parametrize(("least", "limit"), [((26, 11, 11), 0.5), ((5,), 1.0)], ids=str)
def test_photographs(tmp_path: Path, least: tuple[int, ...], limit: float) -> None:
    path = annotations_of("coco_cc")
    settings, options = asked(PAPER, proposals_of("coco_cc"), min_proposals=least, max_ignored_area=limit)
    built = build_and_check(
        path, path.parent / "images", tmp_path / "chips", settings, "--preset", "sniper-coco", *options
    )
    assert negatives(built) > 50


def test_photographs_with_two_an_image_by_default(tmp_path: Path) -> None:
    path = part_of("coco_cc", tmp_path / "part.json", lambda image_id: image_id % 2 == 0)
    settings, _ = asked(PIXELS, proposals_of("coco_cc"), per_image=2, min_proposals=(26, 11, 11))
    options = (*build_options(settings), "--proposals", str(proposals_of("coco_cc")), "--format", "coco")
    built = build_and_check(path, DATA / "coco_cc" / "images", tmp_path / "chips", settings, *options)
    assert negatives(built) > 20


@pytest.mark.parametrize("ratio", [0.1, 0.25])
def test_photographs_with_a_ratio(tmp_path: Path, ratio: float) -> None:
    path = part_of("coco_cc", tmp_path / "part.json", lambda image_id: image_id % 3 == 0)
    settings, options = asked(PIXELS, proposals_of("coco_cc"), ratio=ratio, min_proposals=(5,))
    root, options = DATA / "coco_cc" / "images", [*build_options(settings), *options]
    built = build_and_check(path, root, tmp_path / "chips", settings, *options)
    assert abs(negatives(built) - ratio * (len(built.chips) - negatives(built))) <= 1


@pytest.mark.parametrize("settings", [PAPER, PIXELS], ids=["paper", "pixels"])
def test_drone_views(tmp_path: Path, settings: Settings) -> None:
    path = part_of("aerial_cars", tmp_path / "part.json", lambda image_id: image_id % 3 == 0)
    settings, options = asked(settings, proposals_of("aerial_cars"), min_proposals=(8,))
    root = DATA / "aerial_cars" / "images"
    built = build_and_check(path, root, tmp_path / "chips", settings, *build_options(settings), *options)
    assert negatives(built) > 5


def test_detections_near_objects_make_no_negative_chip(tmp_path: Path) -> None:
    """Every one of these example results lies on an object."""
    path = annotations_of("coco_cc")
    settings, options = asked(PAPER, proposals_of("coco_cc", "fakebbox_results.json"), min_proposals=(1,))
    built = build_and_check(
        path, path.parent / "images", tmp_path / "chips", settings, "--preset", "sniper-coco", *options
    )
    assert built.manifest["counts"]["negatives"]["proposals"]["on_object"] == 86
    assert negatives(built) == 0


def test_detections_far_from_objects_do(tmp_path: Path) -> None:
    """The same results on the same pictures, whose annotations are taken away: now each is a mistake."""
    document = json.loads(annotations_of("coco_cc").read_bytes())
    document["annotations"] = []
    path = tmp_path / "nothing.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    settings, options = asked(PAPER, proposals_of("coco_cc", "fakebbox_results.json"), min_proposals=(1,))
    root = DATA / "coco_cc" / "images"
    built = build_and_check(path, root, tmp_path / "chips", settings, "--preset", "sniper-coco", *options)
    assert negatives(built) > 20


def test_random_background(tmp_path: Path) -> None:
    path = annotations_of("coco_cc")
    settings, options = asked(PAPER, None, per_image=3)
    built = build_and_check(
        path, path.parent / "images", tmp_path / "chips", settings, "--preset", "sniper-coco", *options
    )
    assert negatives(built) > 50


@pytest.mark.parametrize("name", ["coco_cc", "aerial_cars"])
def test_every_form_of_the_same_proposals_gives_the_same_chips(tmp_path: Path, name: str) -> None:
    path, source = annotations_of(name), proposals_of(name)
    rows = json.loads(source.read_bytes())
    forms = {
        "json": source,
        "jsonl": tmp_path / "p.jsonl",
        "parquet": tmp_path / "p.parquet",
        "npz": tmp_path / "p.npz",
        "converted": tmp_path / "converted.parquet",
    }
    forms["jsonl"].write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    ids, boxes = np.array([row["image_id"] for row in rows]), np.array([row["bbox"] for row in rows])
    scores = np.array([row["score"] for row in rows])
    columns = dict(zip("xywh", boxes.T, strict=True))
    pq.write_table(pa.table({"image_id": ids, **columns, "score": scores}), forms["parquet"])
    np.savez(forms["npz"], image_id=ids, bbox=boxes, score=scores)
    run_chipgen("proposals", source, forms["converted"])
    found = {}
    for form, file in forms.items():
        options = ("--coco", path, "--preset", "sniper-coco", "--proposals", file, "--out", tmp_path / form)
        run_chipgen("build", *options, "--limit", "6", "-q")
        manifest = json.loads((tmp_path / form / "_manifest.json").read_bytes())
        found[form] = [file["sha256"] for file in manifest["files"]]
    assert all(files == found["json"] for files in found.values())
    assert negatives(checker.read_build(tmp_path / "json")) > 2

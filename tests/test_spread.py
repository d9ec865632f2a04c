"""How sizes spread: as a naive count says, and the same before a build and after it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from run_cli import chipgen_here as chipgen
from small_set import LEVELS, SCALES, small_coco, write_small_set
from strategies import cocos, plan_settings
from thorough import times

import chipgen as library
from chipgen.boxes import size
from chipgen.report.columns import BoxColumns
from chipgen.report.names import category_names
from chipgen.spread import Spread, band, spread_of

if TYPE_CHECKING:
    from pathlib import Path


def count(bins: tuple[tuple[float, float | None, int], ...]) -> int:
    """Return how many a histogram counts."""
    return sum(number for _, _, number in bins)


@pytest.fixture(scope="module")
def before() -> Spread:
    """Return the spread of the small dataset, planned as it is built."""
    found = library.stats(small_coco().read(), LEVELS[1], LEVELS[3], chip_size=int(LEVELS[5])).spread
    assert found is not None
    return found


@settings(max_examples=times(40), deadline=None)
@given(cocos(), plan_settings())
def test_arrivals_are_what_a_naive_count_says(coco: Coco, arguments: dict[str, object]) -> None:
    plan = library.plan(coco.read(), **arguments)  # type: ignore[arg-type]
    spread = spread_of(plan, plan.ledger())
    low, high = spread.good_chip
    well: set[int] = set()
    for level in range(len(plan.levels.scales)):
        found: dict[int, float] = {}
        for box in range(len(plan.boxes)):
            chip, annotation = int(plan.boxes.chip[box]), int(plan.boxes.annotation[box])
            if plan.boxes.state[box] == 0 and plan.chips.level[chip] == level:
                factor = plan.levels.factor[plan.chips.image[chip], level]
                x1, y1, x2, y2 = plan.dataset.annotations.xyxy_img[annotation]
                found[annotation] = math.sqrt((x2 - x1) * factor[0] * (y2 - y1) * factor[1])
        good = {annotation for annotation, side in found.items() if low - 1e-3 < side < high + 1e-3}
        one = spread.arrivals[level]
        assert (one.objects, one.well, count(one.sizes_chip)) == (len(found), len(good), len(found))
        well |= good
    assert spread.well == len(well)
    assert count(spread.sizes_img) == spread.objects == sum(one.objects for one in spread.categories)


def test_categories_count_what_is_learnt_and_what_is_not(before: Spread) -> None:
    annotations = small_coco().annotations
    learnable = [
        one
        for one in annotations
        if not (one["iscrowd"] or one.get("ignore") or one.get("difficult"))
        and not one.get("attributes", {}).get("ignore")
    ]
    names = {7: "car", 1: "person", 90: "boat"}
    found = {one.name: one.objects for one in before.categories}
    assert sum(found.values()) == before.objects
    assert set(found) == set(names.values())
    assert found["person"] == sum(one["category_id"] == 1 for one in learnable)
    assert [one.objects for one in before.categories] == sorted(found.values(), reverse=True)
    assert any(one.covered < one.objects for one in before.categories)


@pytest.mark.parametrize("name", ["parquet", "coco"])
def test_a_build_tells_the_same_as_its_plan(name: str, before: Spread, built: dict[str, Path]) -> None:
    after = library.built_stats(built[name]).spread
    assert after.settings == before.settings
    assert after.arrivals == before.arrivals
    assert after.bands == before.bands
    assert (after.good_chip, after.well, after.objects) == (before.good_chip, before.well, before.objects)
    assert set(after.categories) == {one for one in before.categories if one.objects}


def test_a_build_with_automatic_ranges_tells_those_of_its_images(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    out = tmp_path / "out"
    chipgen("build", "--coco", str(coco), "--scales", "512,256", "--out", str(out), "-q").expect(0)
    before = library.stats(small_coco().read(), "512,256").spread
    after = library.built_stats(out).spread
    assert before is not None
    assert [one.level for one in after.bands] == [one.level for one in before.bands]
    for planned, read in zip(before.bands, after.bands, strict=True):
        assert planned.widest_img[0] <= read.widest_img[0] + 0.01
        assert (
            read.widest_img[1] is None or planned.widest_img[1] is None or read.widest_img[1] <= planned.widest_img[1]
        )
    assert before.bands[1].range_img != before.bands[1].widest_img  # images differ in size, and so do their ranges


def test_band_is_that_of_the_middle_and_reaches_over_all() -> None:
    factor = np.array([1.0, 0.5, 0.25])
    ranges = np.array([[10.0, 100.0], [20.0, 200.0], [40.0, math.inf]])
    one = band(3, "512", factor, ranges)
    assert (one.range_img, one.widest_img) == ((20.0, 200.0), (10.0, None))
    assert band(0, "1x", np.empty(0), np.empty((0, 2))).widest_img == (0.0, None)


def test_no_level_without_chips_has_a_range_made_up(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set", only_small())
    out = tmp_path / "out"
    chipgen("build", "--coco", str(coco), "--scales", "2x,0.1x", "--out", str(out), "-q").expect(0)
    spread = library.built_stats(out).spread
    assert [one.level for one in spread.bands] == [0]
    assert [one.objects for one in spread.arrivals] == [2, 0]


def only_small() -> Coco:
    """Return a dataset of which nothing is seen at a coarse scale."""
    coco = Coco()
    image = coco.image(400, 400)
    coco.box(image, [10, 10, 20, 20])
    coco.box(image, [200, 10, 20, 20])
    return coco


def test_a_build_tells_whole_objects_of_which_chips_show_parts(tmp_path: Path) -> None:
    coco = Coco()
    image = coco.image(600, 600)
    for x in range(20, 440, 35):
        coco.box(image, [x, x, 128, 100])
    path, out = write_small_set(tmp_path / "set", coco), tmp_path / "out"
    options = ("--scales", "1x,1.5x", "--valid-ranges", "-,-", "--chip-size", "160", "--sampler", "grid")
    chipgen("build", "--coco", str(path), *options, "--out", str(out), "-q").expect(0)
    before = library.stats(coco.read(), "1x,1.5x", "-,-", sampler="grid", chip_size=160).spread
    after = library.built_stats(out).spread
    assert before is not None
    assert before.categories[0].covered < before.categories[0].objects  # some are shown in parts only
    assert (after.arrivals, after.well) == (before.arrivals, before.well)
    assert after.sizes_img == before.sizes_img


def test_of_each_object_the_chip_counts_that_shows_most() -> None:
    rows = [(9, 0, 0.5), (7, 1, 0.9), (9, 0, 1.0), (7, 0, 0.6), (9, 1, 0.7), (7, 1, 0.8)]
    source, level, visibility = (np.array(column) for column in zip(*rows, strict=True))
    yes, nothing = np.ones(6, dtype=np.bool_), np.zeros(6)
    boxes = BoxColumns(yes, nothing, source, level, yes, visibility, nothing, nothing)
    every = np.arange(6)
    assert sorted(boxes.shown_best(every, each_level=False).tolist()) == [1, 2]
    assert sorted(boxes.shown_best(every, each_level=True).tolist()) == [1, 2, 3, 4]
    assert sorted(boxes.shown_best(np.array([0, 5]), each_level=True).tolist()) == [0, 5]
    assert boxes.shown_best(np.empty(0, dtype=np.int64), each_level=True).tolist() == []


def test_categories_without_known_names_have_their_ids(built: dict[str, Path], tmp_path: Path) -> None:
    folder, chips = built["parquet"], pq.read_table(built["parquet"] / "_plan.parquet")
    shard = min((folder / "data").iterdir())
    configuration = {"format": "parquet"}
    told = {"configuration": configuration, "shards": [{"path": f"data/{shard.name}"}]}
    assert category_names(folder, told, chips) == {7: "car", 1: "person", 90: "boat"}
    for path in (f"../parquet/data/{shard.name}", str(shard), "data/nothing.parquet", "_ledger.parquet", "README.md"):
        assert category_names(folder, {**told, "shards": [{"path": path}]}, chips) == {}
    assert category_names(tmp_path, {}, chips) == {}


@pytest.mark.parametrize("options", [("yolo",), ("webdataset",), ("coco", "--layout", "roboflow")])
def test_a_build_of_any_format_knows_its_names(options: tuple[str, ...], tmp_path: Path) -> None:
    coco, out = write_small_set(tmp_path / "set"), tmp_path / "out"
    skipping = ("--on-error", "skip", "--max-skipped", "99")
    chipgen("build", "--coco", str(coco), *SCALES, "--format", *options, *skipping, "--out", str(out), "-q").expect(0)
    part = out / "train" if "roboflow" in options else out  # where its splits are, each a build
    assert {one.name for one in library.built_stats(part).spread.categories} == {"car", "person", "boat"}


def test_a_build_that_lost_its_shard_still_has_figures(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    out = tmp_path / "out"
    chipgen("build", "--coco", str(coco), *SCALES, "--out", str(out), "-q").expect(0)
    whole = library.built_stats(out)
    for shard in (out / "data").iterdir():
        shard.unlink()
    bare = library.built_stats(out)
    assert [one.objects for one in bare.spread.categories] == [one.objects for one in whole.spread.categories]
    assert {one.name for one in bare.spread.categories} == {"category 1", "category 7", "category 90"}


def test_sizes_of_a_plan_are_those_of_its_objects(before: Spread) -> None:
    annotations = small_coco().read().annotations
    sizes = size(annotations.xyxy_img[annotations.ignored_by == 0])
    assert before.percentiles_img == pytest.approx(tuple(np.percentile(sizes, (2, 98)).tolist()))
    assert count(before.sizes_img) == len(sizes)

"""The demo: a dataset is made, chips are built from it, and two pictures are drawn of them. Samplers to copy."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import sysconfig
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from run_cli import chipgen as program
from small_set import LEVELS, small_coco

import chipgen
from chipgen.samplers import Sampler, find_sampler
from chipgen.testing import check_sampler

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent.parent / "examples"
LEVEL_COLOURS = ((255, 184, 0), (236, 36, 130), (36, 122, 255))


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def example(name: str, *arguments: str | Path) -> None:
    run(sys.executable, "-W", "error", EXAMPLES / name, *arguments)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "demo"
    program = Path(sysconfig.get_path("scripts")) / "chipgen"
    example("make_dataset.py", folder, "--images", "2")
    coco, scales = folder / "instances.json", "2x,0.8x,768"
    example("propose.py", coco, folder / "images", folder / "proposals.json")
    proposals = ("--proposals", folder / "proposals.json")
    run(program, "build", "--coco", coco, "--scales", scales, *proposals, "--out", folder / "chips")
    return folder


@pytest.fixture(scope="module")
def coco(demo: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo / "instances.json").read_text())
    return found


def test_proposals_lie_inside_their_pictures_best_first(demo: Path, coco: dict[str, Any]) -> None:
    found = json.loads((demo / "proposals.json").read_text())
    sizes = {image["id"]: (image["width"], image["height"]) for image in coco["images"]}
    for image, (width, height) in sizes.items():
        own = [entry for entry in found if entry["image_id"] == image]
        assert len(own) == 300
        assert [entry["score"] for entry in own] == sorted((entry["score"] for entry in own), reverse=True)
        for x, y, w, h in (entry["bbox"] for entry in own):
            assert min(x, y) >= 0
            assert x + w <= width + 0.1
            assert y + h <= height + 0.1
    assert "negative" in pq.read_table(demo / "chips" / "data")["kind"].to_pylist()


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_objects_come_in_every_category_and_in_very_different_sizes(coco: dict[str, Any]) -> None:
    assert {entry["category_id"] for entry in coco["annotations"]} == {1, 7, 18, 90}
    assert {entry["id"] for entry in coco["categories"]} == {1, 7, 18, 90}
    sizes = [np.sqrt(entry["bbox"][2] * entry["bbox"][3]) for entry in coco["annotations"]]
    assert max(sizes) / min(sizes) > 50


def test_dataset_has_what_real_ones_have(coco: dict[str, Any]) -> None:
    entries = coco["annotations"]
    assert any(not entry["iscrowd"] and len(entry["segmentation"]) == 2 for entry in entries)
    assert sum(entry["iscrowd"] for entry in entries) == 1
    assert all("heading" in entry for entry in entries)
    assert all(("keypoints" in entry) == (entry["category_id"] == 7) for entry in entries)


def test_crowd_code_fits_its_picture_box_and_area(coco: dict[str, Any]) -> None:
    (crowd,) = (entry for entry in coco["annotations"] if entry["iscrowd"])
    image = next(entry for entry in coco["images"] if entry["id"] == crowd["image_id"])
    code = coco_mask.frPyObjects(crowd["segmentation"], image["height"], image["width"])
    assert coco_mask.area(code) == crowd["area"]
    assert coco_mask.toBbox(code).tolist() == crowd["bbox"]


def test_polygons_lie_in_their_boxes(coco: dict[str, Any]) -> None:
    for entry in coco["annotations"]:
        if not entry["iscrowd"]:
            points = np.array(list(chain(*entry["segmentation"]))).reshape(-1, 2)
            x, y, width, height = entry["bbox"]
            assert points.min(axis=0) == pytest.approx((x, y), abs=0.06)
            assert points.max(axis=0) == pytest.approx((x + width, y + height), abs=0.06)


def test_pictures_are_of_the_size_they_claim_and_not_flat(demo: Path, coco: dict[str, Any]) -> None:
    for entry in coco["images"]:
        path = demo / "images" / entry["file_name"]
        assert pixels(path).shape == (entry["height"], entry["width"], 3)
        assert pixels(path).std(axis=(0, 1)).min() > 10
        assert path.stat().st_size < 2_000_000


def test_same_seed_gives_the_same_dataset(demo: Path, tmp_path: Path) -> None:
    example("make_dataset.py", tmp_path, "--images", "2", "--seed", "0")
    for name in ("instances.json", "images/aerial_01.jpg", "images/aerial_02.jpg"):
        assert (tmp_path / name).read_bytes() == (demo / name).read_bytes()


def test_other_seed_gives_other_pictures(demo: Path, tmp_path: Path) -> None:
    example("make_dataset.py", tmp_path, "--images", "1", "--seed", "1")
    name = "images/aerial_01.jpg"
    assert (tmp_path / name).read_bytes() != (demo / name).read_bytes()


def test_every_object_of_the_demo_is_learnt_somewhere(demo: Path, coco: dict[str, Any]) -> None:
    status = pq.read_table(demo / "chips" / "_ledger.parquet")["status"].to_pylist()
    assert sorted(status) == ["covered"] * (len(coco["annotations"]) - 1) + ["crowd"]
    levels = pq.read_table(demo / "chips" / "data")["level"].to_pylist()
    assert set(levels) == {0, 1, 2}


def test_explaining_picture_shows_three_levels(demo: Path, tmp_path: Path) -> None:
    example("explain_image.py", demo / "chips", demo / "images", tmp_path / "explain.png")
    drawing = pixels(tmp_path / "explain.png").astype(np.int64)
    assert drawing.shape[1] == 1400
    assert (drawing != 255).any(axis=2).mean() > 0.5
    for colour in LEVEL_COLOURS:
        assert (np.abs(drawing - colour).max(axis=2) < 16).mean() > 0.001
    assert (tmp_path / "explain.png").stat().st_size < 1_200_000


# -- samplers to copy --------------------------------------------------------------------------------------------------


@pytest.fixture
def sampler(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what finds a sampler of the examples."""
    monkeypatch.chdir(ROOT)
    return lambda name: find_sampler(f"examples.samplers:{name}")


def chips_of(plan: chipgen.Plan) -> set[tuple[int, ...]]:
    chips = plan.chips
    return {tuple(row) for row in np.column_stack((chips.image, chips.level, chips.origin_scaled)).tolist()}


def small_plan(sampler: Sampler | str, **options: Any) -> chipgen.Plan:
    scales, ranges, size = LEVELS[1::2]
    return chipgen.plan(small_coco().read(), scales, ranges, sampler, chip_size=int(size), sampler_options=options)


@pytest.mark.parametrize(
    ("name", "options"),
    [("balanced", {}), ("balanced", {"rare": "1,4", "extra": 3}), ("twice", {}), ("twice", {"times": 5})],
)
def test_samplers_keep_the_laws_and_cover(name: str, options: dict[str, Any], sampler: Any) -> None:
    check_sampler(functools.partial(sampler(name), **options), covers=True)


def test_balanced_adds_chips_around_rare_classes_only(sampler: Any) -> None:
    usual = small_plan("sniper")
    assert chips_of(small_plan(sampler("balanced"))) == chips_of(usual)
    assert chips_of(small_plan(sampler("balanced"), rare="1", extra=0)) == chips_of(usual)
    for rare in (1, 2):
        plan = small_plan(sampler("balanced"), rare=str(rare), extra=3)
        more = chips_of(plan) - chips_of(usual)
        assert chips_of(usual) < chips_of(plan)
        category = plan.dataset.annotations.category[plan.boxes.annotation]
        chips = plan.boxes.chip[plan.boxes.enclosed & (plan.boxes.state == 0) & (category == rare)]
        rows = np.column_stack((plan.chips.image, plan.chips.level, plan.chips.origin_scaled))
        assert more <= {tuple(row) for row in rows[chips].tolist()}, "each of them encloses a rare object"


def test_twice_shows_every_object_at_more_places(sampler: Any) -> None:
    usual = small_plan("sniper")
    some, many = (small_plan(sampler("twice"), times=times) for times in (2, 6))
    assert chips_of(small_plan(sampler("twice"), times=1)) == chips_of(usual)
    assert chips_of(usual) < chips_of(some) < chips_of(many)
    assert len(chips_of(many)) == len(many.chips), "none is there twice"


@pytest.mark.parametrize(("name", "option"), [("balanced", ("rare", "0")), ("twice", ("times", 3))])
def test_samplers_build(name: str, option: tuple[str, Any], small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    named = ("--sampler", f"examples.samplers:{name}", "--sampler-option", "=".join(map(str, option)))
    program("build", "--coco", str(small_set), *LEVELS, *named, "--out", str(out), cwd=ROOT).expect(0)
    manifest = json.loads((out / "_manifest.json").read_bytes())
    assert manifest["configuration"]["sampler_options"][option[0]] == option[1]
    assert "uncovered" not in manifest["counts"]["ledger"]
    assert manifest["counts"]["chips"] > len(small_plan("sniper").chips)
    assert (
        "nothing to do"
        in program("build", "--coco", str(small_set), *LEVELS, *named, "--out", str(out), cwd=ROOT).expect(0).out
    )
    program("verify", str(out)).expect(0)

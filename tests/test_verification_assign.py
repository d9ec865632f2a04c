"""Verifying builds with ``--assign one``: whole ones are found whole, every broken claim is named."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets_made import Coco
from PIL import Image
from run_cli import chipgen_here as program
from run_cli import tree
from small_set import SCALES, small_coco, write_small_set
from tampering import MANIFEST, build, manifest, rows

import chipgen

PLAN = "_plan.parquet"
FORMS = ("parquet", "coco")
WHOLE: dict[str, Any] = {"scales": "1x", "valid_ranges": "-", "chip_size": 100}


class Shown(NamedTuple):
    """A box in a chip, the shard that holds it, and how visible and how far from the border it is."""

    chip: int
    box: int
    shard: str
    bbox: list[float]
    visibility: float
    margin: float


class Shared(NamedTuple):
    """An object that two chips of a level show enough of: where it is ignored for that, and where it is learnt."""

    worse: Shown
    better: Shown


def row_of_objects() -> Coco:
    """Return the small dataset with a row of small objects, so close that chips show several of them together."""
    coco = small_coco()
    for x in range(20, 600, 37):
        coco.box(5, [x, 400, 30, 30])
    return coco


def shared(out: Path) -> list[Shared]:
    """Return all objects that some chip leaves to another."""
    there: dict[tuple[int, int], Shown] = {}
    left: list[tuple[tuple[int, int], Shown]] = []
    for row in pq.read_table(out / PLAN).to_pylist():
        objects, shard = row["objects"], f"data/train-{row['shard']:05d}-of-00008.parquet"
        for at, reason in enumerate(objects["ignore_reason"]):
            x, y, width, height = bbox = objects["bbox"][at]
            margin = min(x, y, row["content_width"] - x - width, row["content_height"] - y - height)
            shown = Shown(row["image_id"], objects["id"][at], shard, bbox, objects["visibility"][at], margin)
            key = objects["source_id"][at], row["level"]
            if reason == "assigned_elsewhere":
                left.append((key, shown))
            elif not reason:
                assert key not in there
                there[key] = shown
    return [Shared(shown, there[key]) for key, shown in left]


def whole_in_both(out: Path) -> Shared:
    """Return an object that both chips show whole, the worse one first, each in a shard of its own or of both."""
    return next(
        pair
        for pair in shared(out)
        if pair.worse.visibility == 1
        and pair.worse.margin + 1 < pair.better.margin
        and pair.worse.chip < pair.better.chip
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build, not to be changed."""
    folder = tmp_path_factory.mktemp("assigned")
    return build(folder, "parquet", row_of_objects(), assign="one", negatives="random")


@pytest.fixture
def out(built: Path, tmp_path: Path) -> Path:
    """Return a copy of the build."""
    return Path(shutil.copytree(built, tmp_path / "out"))


def change(out: Path, path: str, box: int, **values: Any) -> None:
    """Change columns of one box in a table."""
    with rows(out, path) as table:
        objects = next(row["objects"] for row in table if box in row["objects"]["id"])
        for name, value in values.items():
            objects[name][objects["id"].index(box)] = value


def learn(out: Path, shown: Shown, *, plan: bool = True) -> None:
    """Call a box valid in its shard and, unless told otherwise, in the plan."""
    change(out, shown.shard, shown.box, valid=True, ignore_reason="", iscrowd=False)
    if plan:
        change(out, PLAN, shown.box, valid=True, ignore_reason="")


def forget(out: Path, shown: Shown, reason: str) -> None:
    """Call a box ignored in plan and shard."""
    change(out, shown.shard, shown.box, valid=False, ignore_reason=reason, iscrowd=True)
    change(out, PLAN, shown.box, valid=False, ignore_reason=reason)


def named(shown: Shown, path: str = PLAN) -> str:
    """Return how a line about a box begins."""
    return f"{path}: chip {shown.chip}: box {shown.box}: "


def faults(out: Path) -> list[str]:
    return [str(fault).removeprefix(f"{out}/") for fault in chipgen.verify(out).faults]


@pytest.mark.parametrize("ignored", ["crowd", "drop", "keep", "paint"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_whole(form: str, ignored: str, tmp_path: Path) -> None:
    out = build(tmp_path, form, row_of_objects(), assign="one", ignored=ignored, negatives="random")
    assert faults(out) == []
    written = chipgen.built_stats(out)
    assert written.ignored_boxes["assigned_elsewhere"] == len(shared(out)) > 2
    assert written.coverage == 1.0
    counts = json.loads((out / MANIFEST).read_bytes())["counts"]
    assert written.valid_boxes == counts["valid_pairs"]


@pytest.mark.parametrize("form", FORMS)
def test_sampler_that_does_not_cover_is_whole(form: str, tmp_path: Path) -> None:
    def corner(view: chipgen.View, _: Any) -> Any:
        room = view.size_scaled - view.content
        return np.unique(np.minimum([(0, 0), (7, 9), (30, 3)], room), axis=0)

    out = build(tmp_path, form, row_of_objects(), assign="one", sampler=corner)
    assert chipgen.built_stats(out).ignored_boxes["assigned_elsewhere"]
    assert faults(out) == []


def test_positive_chip_with_nothing_left_to_learn_is_whole(tmp_path: Path) -> None:
    coco = Coco()
    image = coco.image(160, 100)
    for x in (
        0,
        40,
        100,
        140,
    ):  # a chip may take the two in the middle first; two more each show one of them farther in
        coco.box(image, [x, 40, 20, 20])
    settings = {**WHOLE, "stride": 10, "assign": "one"}
    seed = next(seed for seed in range(50) if len(chipgen.plan(coco.read(), **settings, seed=seed).chips) == 3)
    out = build(tmp_path, "parquet", coco, **settings, seed=seed)
    valid = [row["objects"]["valid"] for row in pq.read_table(out / PLAN).to_pylist()]
    assert sorted(valid) == [[False, False], [True, True], [True, True]]
    assert faults(out) == []
    assert chipgen.built_stats(out).coverage == 1.0


def test_equals_that_differ_as_they_are_written_are_whole(tmp_path: Path) -> None:
    def sampler(*_: Any) -> Any:
        return np.array([(0, 0), (40, 0)])

    coco = Coco()
    coco.box(coco.image(140, 100), [59.65, 30, 20.7, 40])  # 19.65 px from the border in both: in single precision not
    out = build(tmp_path, "parquet", coco, **WHOLE, assign="one", sampler=sampler)
    assert [row["objects"]["valid"] for row in pq.read_table(out / PLAN).to_pylist()] == [[True], [False]]
    assert faults(out) == []


def test_two_chips_that_claim_an_object_are_named(out: Path) -> None:
    worse, better = whole_in_both(out)
    learn(out, worse)
    found = faults(out)
    assert {fault.partition(":")[0] for fault in found} <= {PLAN, better.shard}
    assert found[0].startswith(f"{named(better)}is valid, as in chip {worse.chip}: --assign one means once at a level")


def test_shard_that_claims_against_its_plan_is_named(out: Path) -> None:
    worse, _ = whole_in_both(out)
    learn(out, worse, plan=False)
    (found,) = faults(out)
    assert found.startswith(f"{named(worse, worse.shard)}valid is True, {PLAN} says False")


def test_shard_that_claims_is_named_without_its_plan(out: Path) -> None:
    worse, better = next(pair for pair in shared(out) if pair.worse.shard == pair.better.shard)
    learn(out, worse, plan=False)
    (out / PLAN).unlink()
    missing, found = faults(out)
    first, second = sorted((worse, better))
    assert missing.startswith(f"{PLAN}: is missing")
    assert found.startswith(f"{named(second, worse.shard)}is valid, as in chip {first.chip}")


def test_object_that_no_chip_claims_is_named(out: Path) -> None:
    worse, better = whole_in_both(out)
    forget(out, better, "truncated")
    assert faults(out)[0].startswith(f"{named(worse)}is assigned_elsewhere, but is valid in no chip of its level")


def test_chip_that_shows_it_nearer_to_the_border_is_named(out: Path) -> None:
    worse, better = whole_in_both(out)
    learn(out, worse)
    forget(out, better, "assigned_elsewhere")
    what = f"is assigned_elsewhere, but chip {worse.chip}, where it is valid, shows it nearer to the border"
    assert faults(out)[0].startswith(named(better) + what)


def test_chip_that_shows_less_of_it_is_named(out: Path) -> None:
    worse, better = next(pair for pair in shared(out) if pair.worse.visibility < 0.9)
    learn(out, worse)
    forget(out, better, "assigned_elsewhere")
    what = f"is assigned_elsewhere, but chip {worse.chip}, where it is valid, shows less of it"
    assert any(fault.startswith(named(better) + what) for fault in faults(out))


@pytest.mark.parametrize(("column", "said"), [("visibility", "but hardly visible"), ("bbox", "but too small")])
def test_box_that_would_not_be_valid_is_named(column: str, said: str, out: Path) -> None:
    worse, _ = whole_in_both(out)
    x, y, _, height = worse.bbox
    change(out, PLAN, worse.box, **{column: 0.2 if column == "visibility" else [x, y, 1.0, height]})
    assert faults(out)[0].startswith(f"{named(worse)}is assigned_elsewhere, {said}")


def test_negative_chip_that_shows_something_to_learn_is_named(out: Path) -> None:
    worse, _ = whole_in_both(out)
    with rows(out, PLAN) as table:
        row = next(row for row in table if row["image_id"] == worse.chip)
        at = row["objects"]["id"].index(worse.box)
        row["kind"] = "negative"
        row["objects"] = {name: column[at : at + 1] for name, column in row["objects"].items()}
    assert any(fault.startswith(f"{named(worse)}is assigned_elsewhere in a negative chip") for fault in faults(out))


@pytest.mark.parametrize("setting", [{"assign": "all"}, {}], ids=["all", "older"])
def test_build_that_says_another_setting_is_named(setting: dict[str, str], out: Path) -> None:
    with manifest(out) as value:
        del value["configuration"]["assign"]
        value["configuration"].update(setting)
    first = min(pair.worse for pair in shared(out))
    assert faults(out)[0].startswith(f"{named(first)}is assigned_elsewhere, which --assign all never says")


def test_build_of_all_that_says_one_is_named(tmp_path: Path) -> None:
    out = build(tmp_path, "parquet", row_of_objects())
    with manifest(out) as value:
        del value["configuration"]["assign"]
    assert faults(out) == []  # as chipgen wrote it when it knew nothing else
    with manifest(out) as value:
        value["configuration"]["assign"] = "one"
    assert "is valid, as in chip" in faults(out)[0]
    with manifest(out) as value:
        value["configuration"]["assign"] = "two"
    assert faults(out)[0].startswith(f"{MANIFEST}: configuration.assign: ")


@pytest.mark.parametrize("form", FORMS)
def test_command_line(form: str, tmp_path: Path) -> None:
    path, out = write_small_set(tmp_path / "set", row_of_objects()), tmp_path / "out"
    arguments = ("build", "--coco", str(path), *SCALES, "--format", form, "--out", str(out), "--negatives", "random")
    report = program(*arguments, "--assign", "one", "--workers", "2").expect(0).out
    told = f" {len(shared(out))} assigned_elsewhere"
    assert told in report
    assert told in (out / "README.md").read_text()
    assert "learnt in one chip of a level" in (out / "README.md").read_text()
    assert program("verify", str(out), "--sources", str(path)).expect(0).out.startswith("verified")
    assert told in program("stats", str(out)).expect(0).out
    assert json.loads((out / MANIFEST).read_bytes())["configuration"]["assign"] == "one"
    before = tree(out)
    assert "finished" in program(*arguments, "--assign", "one", "--workers", "1").expect(0).out
    refused = program(*arguments).expect(4)
    assert "configuration.assign: is one there and all now" in refused.err
    assert tree(out) == before


def test_an_object_learnt_elsewhere_is_painted_over_like_others_that_are_ignored(built: Path, tmp_path: Path) -> None:
    worse, _ = whole_in_both(built)
    x, y, width, height = map(round, worse.bbox)
    for assign in ("one", "all"):
        settings = {"assign": assign, "negatives": "random", "ignored": "paint", "image_format": "png"}
        out = build(tmp_path / assign, "parquet", row_of_objects(), **settings)
        chip = next(row for row in pq.read_table(out / worse.shard).to_pylist() if row["image_id"] == worse.chip)
        pixels = np.asarray(Image.open(io.BytesIO(chip["image"]["bytes"])))
        painted = (pixels[y : y + height, x : x + width] == (124, 116, 104)).all()
        assert painted == (worse.box not in chip["objects"]["id"]) == (assign == "one")

"""Verifying builds with ``--assign one``: whole ones are found whole, every broken claim is named."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets_made import Coco
from PIL import Image
from run_cli import chipgen as program
from run_cli import tree
from small_set import SCALES, small_coco, write_small_set
from tampering import MANIFEST, build, manifest, rows

import chipgen

PLAN, SHARD, LAST = "_plan.parquet", "data/train-00001-of-00008.parquet", "data/train-00004-of-00008.parquet"
FORMS = ("parquet", "coco")
WHOLE: dict[str, Any] = {"scales": "1x", "valid_ranges": "-", "chip_size": 100}


def row_of_objects() -> Coco:
    """Return the small dataset with a row of small objects, so close that chips show several of them together.

    At level 0 chip 4, in shard 1, shows annotation 20 as box 5, 3 px from its border, chip 6 as box 23, 50 px from it.
    At level 1 chip 13 shows half of annotation 32 as box 54, chip 16, in shard 4, all of it as box 61.
    """
    coco = small_coco()
    for x in range(20, 600, 37):
        coco.box(5, [x, 400, 30, 30])
    return coco


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
        for row in table:
            if box in row["objects"]["id"]:
                for name, value in values.items():
                    row["objects"][name][row["objects"]["id"].index(box)] = value
                return
    raise AssertionError(box)


def learn(out: Path, box: int, *shards: str) -> None:
    """Call a box valid in the plan and a shard, or only where told."""
    for path in shards or (PLAN, SHARD):
        change(out, path, box, valid=True, ignore_reason="", **({} if path == PLAN else {"iscrowd": False}))


def forget(out: Path, box: int, reason: str, *shards: str) -> None:
    """Call a box ignored in the plan and a shard, or only where told."""
    for path in shards or (PLAN, SHARD):
        change(out, path, box, valid=False, ignore_reason=reason, **({} if path == PLAN else {"iscrowd": True}))


def faults(out: Path) -> list[str]:
    return [str(fault).removeprefix(f"{out}/") for fault in chipgen.verify(out).faults]


@pytest.mark.parametrize("ignored", ["crowd", "drop", "keep", "paint"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_whole(form: str, ignored: str, tmp_path: Path) -> None:
    out = build(tmp_path, form, row_of_objects(), assign="one", ignored=ignored, negatives="random")
    assert faults(out) == []
    written = chipgen.built_stats(out)
    assert written.ignored_boxes["assigned_elsewhere"] == 6
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
    for x in (0, 40, 100, 140):  # the first chip shows the two in the middle, the others one of these each, farther in
        coco.box(image, [x, 40, 20, 20])
    out = build(tmp_path, "parquet", coco, **WHOLE, stride=10, assign="one")
    valid = [row["objects"]["valid"] for row in pq.read_table(out / PLAN).to_pylist()]
    assert valid == [[False, False], [True, True], [True, True]]
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
    learn(out, 5)
    assert [fault.partition(":")[0] for fault in faults(out)] == [PLAN, SHARD]
    assert all("chip 6: box 23: is valid, as in chip 4: --assign one" in fault for fault in faults(out))


def test_shard_that_claims_against_its_plan_is_named(out: Path) -> None:
    learn(out, 5, SHARD)
    (found,) = faults(out)
    assert found.startswith(f"{SHARD}: chip 4: box 5: valid is True, {PLAN} says False")


def test_shard_that_claims_is_named_without_its_plan(out: Path) -> None:
    learn(out, 5, SHARD)
    (out / PLAN).unlink()
    missing, found = faults(out)
    assert missing.startswith(f"{PLAN}: is missing")
    assert found.startswith(f"{SHARD}: chip 6: box 23: is valid, as in chip 4")


def test_object_that_no_chip_claims_is_named(out: Path) -> None:
    forget(out, 23, "truncated")
    assert faults(out)[0].startswith(
        f"{PLAN}: chip 4: box 5: is assigned_elsewhere, but is valid in no chip of its level"
    )


def test_chip_that_shows_it_nearer_to_the_border_is_named(out: Path) -> None:
    learn(out, 5)
    forget(out, 23, "assigned_elsewhere")
    assert faults(out)[0].startswith(
        f"{PLAN}: chip 6: box 23: is assigned_elsewhere, but chip 4, where it is valid, shows it nearer to the border"
    )


def test_chip_that_shows_less_of_it_is_named(out: Path) -> None:
    learn(out, 54, PLAN, "data/train-00003-of-00008.parquet")
    forget(out, 61, "assigned_elsewhere", PLAN, LAST)
    assert faults(out)[0].startswith(
        f"{PLAN}: chip 16: box 61: is assigned_elsewhere, but chip 13, where it is valid, shows less of it"
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [({"visibility": 0.2}, "but hardly visible"), ({"bbox": [3.0, 208.0, 1.0, 30.0]}, "but too small")],
)
def test_box_that_would_not_be_valid_is_named(values: dict[str, Any], said: str, out: Path) -> None:
    change(out, PLAN, 5, **values)
    assert faults(out)[0].startswith(f"{PLAN}: chip 4: box 5: is assigned_elsewhere, {said}")


def test_negative_chip_that_shows_something_to_learn_is_named(out: Path) -> None:
    with rows(out, PLAN) as table:
        table[4]["kind"] = "negative"
        table[4]["objects"] = {name: column[2:3] for name, column in table[4]["objects"].items()}
    assert any("chip 4: box 5: is assigned_elsewhere in a negative chip" in fault for fault in faults(out))


@pytest.mark.parametrize("setting", [{"assign": "all"}, {}], ids=["all", "older"])
def test_build_that_says_another_setting_is_named(setting: dict[str, str], out: Path) -> None:
    with manifest(out) as value:
        del value["configuration"]["assign"]
        value["configuration"].update(setting)
    assert faults(out)[0].startswith(f"{PLAN}: chip 4: box 5: is assigned_elsewhere, which --assign all never says")


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
    assert " 6 assigned_elsewhere" in report
    assert " 6 assigned_elsewhere" in (out / "README.md").read_text()
    assert "learnt in one chip of a level" in (out / "README.md").read_text()
    assert program("verify", str(out), "--sources", str(path)).expect(0).out.startswith("verified")
    assert " 6 assigned_elsewhere" in program("stats", str(out)).expect(0).out
    assert json.loads((out / MANIFEST).read_bytes())["configuration"]["assign"] == "one"
    before = tree(out)
    assert "finished" in program(*arguments, "--assign", "one", "--workers", "1").expect(0).out
    refused = program(*arguments).expect(4)
    assert "configuration.assign: is one there and all now" in refused.err
    assert tree(out) == before


def test_an_object_learnt_elsewhere_is_painted_over_like_others_that_are_ignored(tmp_path: Path) -> None:
    for assign in ("one", "all"):
        settings = {"assign": assign, "negatives": "random", "ignored": "paint", "image_format": "png"}
        out = build(tmp_path / assign, "parquet", row_of_objects(), **settings)
        chip = pq.read_table(out / SHARD).to_pylist()[0]
        pixels = np.asarray(Image.open(io.BytesIO(chip["image"]["bytes"])))
        painted = (pixels[208:238, 3:33] == (124, 116, 104)).all()
        assert painted == (5 not in chip["objects"]["id"]) == (assign == "one")

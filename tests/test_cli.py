"""The command line: exit codes, one-line errors, configuration files, reports."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from run_cli import PROGRAM, chipgen, tree
from small_set import LEVELS, SCALES, small_coco, write_small_set
from zoo.running import run_here

import chipgen as library

if TYPE_CHECKING:
    from pathlib import Path


def test_build_works_with_nothing_else_given(small_set: Path) -> None:
    done = chipgen("build", "--coco", "instances.json", "--scales", "256,512,1024", cwd=small_set.parent).expect(0)
    assert "coverage     100.00%" in done.out
    assert "written" in done.out
    assert done.err == ""  # no progress where nobody watches
    assert (small_set.parent / "chips" / "_manifest.json").exists()


def test_ids_follow_the_plan_and_tables_agree(built: dict[str, Path]) -> None:
    out = built["parquet"]
    shards = pq.read_table(out / "data")
    plan, ledger = pq.read_table(out / "_plan.parquet"), pq.read_table(out / "_ledger.parquet")
    assert shards["image_id"].to_pylist() == plan["image_id"].to_pylist() == list(range(len(plan)))
    sources = [row["image_id"] for row in plan["source"].to_pylist()]
    assert sources == sorted(sources)
    for name in ("id", "bbox", "category", "category_id", "valid", "ignore_reason", "source_id"):
        assert [row[name] for row in shards["objects"].to_pylist()] == [
            row[name] for row in plan["objects"].to_pylist()
        ]
    assert sum(ledger["n_valid"].to_pylist()) == sum(sum(row["valid"]) for row in shards["objects"].to_pylist())
    keys = list(zip(ledger["image_id"].to_pylist(), ledger["annotation_id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert len(keys) == len(small_coco().annotations)
    assert (out / "_skipped.jsonl").read_bytes() == b""


def test_both_formats_hold_the_same(built: dict[str, Path]) -> None:
    rows = pq.read_table(built["parquet"] / "data").to_pylist()
    document = json.loads((built["coco"] / "annotations.json").read_bytes())
    for row, image in zip(rows, document["images"], strict=True):
        assert row["image_id"] == image["id"]
        assert row["image"]["bytes"] == (built["coco"] / image["file_name"]).read_bytes()
        facts = {key: row[key] for key in ("kind", "level", "source", "transform", "content_width", "content_height")}
        assert facts == {key: image["chipgen"][key] for key in facts}
    flat = [
        {key: values[index] for key, values in row["objects"].items()}
        for row in rows
        for index in range(len(row["objects"]["id"]))
    ]
    for ours, coco in zip(flat, document["annotations"], strict=True):
        assert ours["bbox"] == pytest.approx(coco["bbox"], abs=1e-3)
        for key in ("id", "category_id", "valid", "ignore_reason", "source_id"):
            assert ours[key] == coco[key]
        assert (json.loads(ours["segmentation"]) if ours["segmentation"] else []) == coco["segmentation"]


@pytest.mark.parametrize("form", ["crowd", "drop", "keep", "paint"])
def test_every_form_of_ignored_boxes(form: str, small_set: Path, tmp_path: Path) -> None:
    arguments = ("build", "--coco", str(small_set), *SCALES, "--ignored", form, "--out", str(tmp_path / "out"))
    chipgen(*arguments, "--json").expect(0)
    objects = [row for chip in pq.read_table(tmp_path / "out" / "data")["objects"].to_pylist() for row in _rows(chip)]
    reasons = {row["ignore_reason"] for row in objects}
    if form in {"drop", "paint"}:
        assert reasons == {""}
    else:
        assert reasons == {"", "crowd", "out_of_range", "too_large", "truncated", "too_small"}
        assert all(row["iscrowd"] == (form == "crowd" and not row["valid"]) for row in objects)
    ledger = pq.read_table(tmp_path / "out" / "_ledger.parquet")
    assert sum(ledger["n_ignored"].to_pylist()) > 5  # the same count, whatever is written


def _rows(objects: dict[str, list[object]]) -> list[dict[str, object]]:
    """Turn a struct of lists into a list of structs."""
    return [dict(zip(objects, values, strict=True)) for values in zip(*objects.values(), strict=True)]


def test_skipping_says_what_was_lost(small_set: Path, tmp_path: Path) -> None:
    (small_set.parent / "images" / "5.png").write_bytes(b"no picture")
    coco = small_coco()
    wrong = coco.box(3, [1, 1, 0, 5])
    broken = coco.box(11, [10, 10, 40, 40], segmentation=[[1, 2, 3]])
    small_set.write_text(coco.text(), encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out"))
    refused = chipgen(*arguments).expect(1)
    assert f"annotation {wrong} of image 3" in refused.err
    assert not (tmp_path / "out").exists()
    chipgen(*arguments, "--on-error", "skip", "--dry-run").expect(0)
    chipgen(*arguments, "--on-error", "skip").expect(3)
    lines = [json.loads(line) for line in (tmp_path / "out" / "_skipped.jsonl").read_text("utf-8").splitlines()]
    found = [(line["kind"], line["image_id"], line["annotation_id"], line["reason"]) for line in lines]
    assert found == [
        ("annotation", 3, wrong, "zero_area"),
        ("image", 5, None, "unidentified"),
        ("mask", 11, broken, "bad_polygon"),
    ]
    assert all(list(line) == ["kind", "image_id", "annotation_id", "file_name", "reason", "message"] for line in lines)
    ledger = pq.read_table(tmp_path / "out" / "_ledger.parquet").to_pylist()
    statuses = {row["annotation_id"]: (row["status"], row["reason"], row["n_valid"]) for row in ledger}
    assert statuses[1] == ("image_skipped", "unidentified", 0)
    assert statuses[wrong] == ("invalid", "zero_area", 0)
    assert statuses[broken][0] == "covered"
    plan = pq.read_table(tmp_path / "out" / "_plan.parquet")
    assert plan["image_id"].to_pylist() == pq.read_table(tmp_path / "out" / "data")["image_id"].to_pylist()
    assert 5 not in {row["image_id"] for row in plan["source"].to_pylist()}


def test_what_was_skipped_when_reading_is_no_error_when_exporting(small_set: Path, tmp_path: Path) -> None:
    coco = small_coco()
    coco.box(3, [1, 1, 0, 5])
    small_set.write_text(coco.text(), encoding="utf-8")
    plan = library.plan(library.read_coco(small_set, on_error="skip"), "1x", chip_size=256)
    report = library.export(plan, tmp_path / "out", workers=1)
    assert (report.chips, report.skipped, report.within_limit) == (len(plan.chips), {"zero_area": 1}, False)


def test_remarks_count_images_however_many_shards_show_them(tmp_path: Path) -> None:
    coco = small_coco()
    path = write_small_set(tmp_path / "set", coco)
    picture = tmp_path / "set" / "images" / "8.png"
    Image.open(picture).convert("CMYK").save(picture, "TIFF")
    plan = library.plan(library.read_coco(path), "1x", chip_size=128, chips_per_shard=1)
    assert np.count_nonzero(plan.dataset.images.id[plan.chips.image] == 8) > 1
    report = library.export(plan, tmp_path / "out", workers=1)
    assert report.notes == ("1 image: CMYK: converted to RGB without a colour profile",)


def test_more_skipped_than_allowed_is_exit_three(small_set: Path, tmp_path: Path) -> None:
    (small_set.parent / "images" / "5.png").unlink()
    arguments = ("build", "--coco", str(small_set), *SCALES, "--on-error", "skip", "--max-skipped", "1")
    chipgen(*arguments, "--out", str(tmp_path / "out")).expect(0)


@pytest.mark.row("A10")
def test_dataset_without_a_chip_writes_one_empty_shard(tmp_path: Path) -> None:
    coco = small_coco()
    coco.annotations.clear()
    path = write_small_set(tmp_path / "set", coco)
    for name in ("parquet", "coco"):
        out = tmp_path / name
        chipgen("build", "--coco", str(path), "--scales", "512", "--format", name, "--out", str(out)).expect(0)
        manifest = json.loads((out / "_manifest.json").read_bytes())
        assert [shard["rows"] for shard in manifest["shards"]] == [0]
    assert len(pq.read_table(tmp_path / "parquet" / "data")) == 0
    assert json.loads((tmp_path / "coco" / "annotations.json").read_bytes())["images"] == []


@pytest.mark.row("H80")
def test_configuration_file_has_the_options_names(small_set: Path, tmp_path: Path) -> None:
    config = tmp_path / "chips.toml"
    lines = ['scales = ["1x", "256"]', "chip-size = 256", "seed = 3", "pad = false", 'fill = "#010203"']
    config.write_text("\n".join(lines), encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), "--config", str(config), "--out", str(tmp_path / "out"))
    chipgen(*arguments, "--seed", "4").expect(0)
    made = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())["configuration"]
    assert (made["scales"], made["chip_size"], made["pad"], made["fill"]) == ("1x,256", 256, False, [1, 2, 3])
    assert made["seed"] == 4  # the command line wins
    config.write_text("chipsize = 256", encoding="utf-8")
    refused = chipgen(*arguments).expect(2)
    assert refused.err == f"{config}: chipsize: is no option: did you mean chip-size?\n"


def test_manifest_tells_nothing_of_the_machine(built: dict[str, Path]) -> None:
    for out in built.values():
        manifest = json.loads((out / "_manifest.json").read_bytes())
        assert str(out.parent) not in json.dumps(manifest)
        assert not {"workers", "progress", "overwrite"} & set(manifest["configuration"])
        files = {file["path"]: file for file in manifest["files"]}
        checksums = tree(out)
        assert set(files) == set(checksums) - {"_manifest.json"}
        assert all(files[path]["sha256"] == checksums[path] for path in files)
        assert all(shard["path"] in files for shard in manifest["shards"])


def test_stats_before_and_after_agree(small_set: Path, built: dict[str, Path]) -> None:
    before = json.loads(chipgen("stats", str(small_set), *LEVELS, "--json").expect(0).out)["summary"]
    for out in built.values():
        after = json.loads(chipgen("stats", str(out), "--json").expect(0).out)
        for key in ("images", "annotations", "chips", "chips_per_image", "coverage", "valid_boxes"):
            assert after[key] == before[key]
        for key in ("pixels_to_single_scale", "pixels_to_pyramid"):
            assert after[key] == before[key]
        assert after["ledger"] == {key: count for key, count in before["ledger"].items() if count}
        assert [level[2] for level in after["levels"]] == [level["chips"] for level in before["levels"]]


def test_stats_suggests_scales(small_set: Path) -> None:
    done = chipgen("stats", str(small_set)).expect(0)
    assert "suggested    --scales " in done.out
    assert "coverage     100.00%" in done.out


def test_stats_of_a_folder_that_is_no_build(tmp_path: Path) -> None:
    assert "holds no finished build" in chipgen("stats", str(tmp_path)).expect(1).err


def test_defect_of_ours_is_one_line_and_debug_shows_where(small_set: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def s(view, rng):\n    raise ValueError('x')\n", encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), "--scales", "1x", "--sampler", "bad:s", "--dry-run")
    quiet = chipgen(*arguments, cwd=tmp_path).expect(1)
    assert quiet.err.count("\n") == 1
    assert "Traceback" in chipgen(*arguments, "--debug", cwd=tmp_path).err


def test_overwrite_replaces_an_earlier_build(small_set: Path, tmp_path: Path) -> None:
    arguments = ("build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out"), "-q")
    chipgen(*arguments).expect(0)
    chipgen(*arguments, "--format", "coco").expect(4)
    assert not (tmp_path / "out" / "shards").exists()
    chipgen(*arguments, "--format", "coco", "--overwrite").expect(0)
    assert not (tmp_path / "out" / "data").exists()
    assert (tmp_path / "out" / "shards").exists()


def test_lack_of_memory_is_one_line(small_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starve(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sys.modules["chipgen.plan"], "make_plan", starve)
    outcome = run_here(["build", "--coco", str(small_set), "--scales", "1x", "--dry-run"])
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert outcome.stderr.startswith("chipgen: out of memory: ")


@pytest.mark.parametrize("command", [(), ("build",), ("stats",), ("verify",)])
def test_help_names_every_option_with_what_it_does(command: tuple[str, ...]) -> None:
    done = chipgen(*command, "--help").expect(0)
    assert done.out.startswith("Usage: chipgen")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_whole_shards_and_no_processes(number: signal.Signals, tmp_path: Path) -> None:
    coco = small_coco()
    for image in range(100, 400):
        coco.image(640, 480, image)
        coco.images[-1]["file_name"] = "5.png"
        for x in range(0, 450, 50):
            coco.box(image, [x, x, 30, 30])
    path = write_small_set(tmp_path / "set", coco)
    command = [str(PROGRAM), "build", "--coco", str(path), *SCALES, "--workers", "2", "--out", str(tmp_path / "out")]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not list(tmp_path.glob("out/data/*")):
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(number)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 128 + number
    assert re.fullmatch(r"chipgen: interrupted: \d+ of \d+ shards are finished: run again to resume\n", err)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["_journal.jsonl", "_run.json", "data"]
    with pytest.raises(ProcessLookupError):
        while True:  # the group ends with its last process
            os.killpg(running.pid, 0)
            time.sleep(0.1)


@pytest.mark.row("J101")
def test_reader_of_the_report_may_go_away(small_set: Path, tmp_path: Path) -> None:
    command = [str(PROGRAM), "build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out")]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out" / "_manifest.json").exists()


def test_module_is_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "chipgen", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == chipgen("--version").expect(0).out


def test_verbose_says_what_is_done_on_stderr(small_set: Path, tmp_path: Path) -> None:
    done = chipgen("build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out"), "-q", "-v").expect(0)
    assert done.out == ""
    assert "planned:" in done.err


def test_try_on_the_first_images_meets_their_faults_only(small_set: Path, tmp_path: Path) -> None:
    coco = small_coco()
    coco.box(11, [1, 1, 0, 5])
    small_set.write_text(coco.text(), encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), *SCALES, "--out", str(tmp_path / "out"), "--limit")
    chipgen(*arguments, "4").expect(1)
    assert "images" in chipgen(*arguments, "3").expect(0).out

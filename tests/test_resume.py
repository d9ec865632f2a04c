"""The same command again: goes on, has nothing to do, refuses what would be a mixture, tries skipped images again."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from fault_scenes import tree
from faulty_disk import Disk, SuddenDeath
from run_cli import PROGRAM, chipgen
from small_set import SCALES, small_coco, texture
from thorough import THOROUGH
from zoo.running import Outcome, assert_refused, run_here

import chipgen as library

if TYPE_CHECKING:
    from collections.abc import Sequence

NEGATIVES = ("--negatives", "random", "--negatives-per-image", "all")


def build(coco: Path, out: Path, *more: str) -> Outcome:
    """Run the build of the small set here."""
    return run_here(["build", "--coco", str(coco), *SCALES, "--workers", "1", "--out", str(out), *more])


MOMENTS: dict[tuple[Any, ...], list[int]] = {}
"""For options and a dataset, which operations give shards their names: the same ones in every folder."""


def begin(coco: Path, out: Path, *more: str, shards: int = 2) -> None:
    """Leave a build that died after some shards."""
    with pytest.MonkeyPatch.context() as patch:
        key = (more, frozenset(tree(coco.parent).items()))
        if key not in MOMENTS:
            disk = Disk()
            with disk.installed(patch):
                assert build(coco, out, *more).code in {0, 3}
            shutil.rmtree(out)
            done = enumerate(disk.log, 1)
            MOMENTS[key] = [n for n, (name, args) in done if name == "replace" and _is_shard(out, args[1])]
        final = MOMENTS[key]
        with Disk(final[shards - 1], "dies after").installed(patch), pytest.raises(SuddenDeath):
            build(coco, out, *more)


def _is_shard(out: Path, target: Path) -> bool:
    return target.parent in {out / "data", out / "shards"}


def expect(outcome: Outcome, code: int, said: str = "") -> Outcome:
    """Check how a run ended and what it said."""
    assert outcome.code == code, outcome
    assert said in outcome.stdout + outcome.stderr
    return outcome


def _but_for_locks(out: Path) -> dict[str, bytes]:
    """Return all files but those that a killed run leaves and the next one clears."""
    return {path: data for path, data in tree(out).items() if not path.startswith((".lock", ".tmp"))}


# -- nothing to do -----------------------------------------------------------------------------------------------------


@pytest.mark.row("I84")
def test_finished_build_is_nothing_to_do_and_the_images_are_not_even_looked_at(small_set: Path, tmp_path: Path) -> None:
    expect(build(small_set, tmp_path / "out"), 0)
    before = tree(tmp_path / "out")
    shutil.rmtree(small_set.parent / "images")
    start = time.monotonic()
    done = chipgen("build", "--coco", str(small_set), *SCALES, "--workers", "7", "--out", str(tmp_path / "out"))
    assert time.monotonic() - start < 10  # one second where nothing else runs
    assert "nothing to do" in done.expect(0).out
    assert tree(tmp_path / "out") == before
    report = json.loads(build(small_set, tmp_path / "out", "--json").stdout)
    assert (report["plan"], report["build"]["unchanged"]) == (None, True)


@pytest.mark.row("I84")
def test_nothing_to_do_in_python(small_set: Path, tmp_path: Path) -> None:
    plan = library.plan(library.read_coco(small_set), "1x", chip_size=256)
    first = library.export(plan, tmp_path / "out", workers=1)
    again = library.export(plan, tmp_path / "out", workers=1)
    assert (first.unchanged, again.unchanged) == (False, True)
    assert (first.chips, first.shards, first.bytes) == (again.chips, again.shards, again.bytes)


@pytest.mark.row("A1", "G66", "I84")
@pytest.mark.parametrize("option", ["--coco", "--proposals"])
@pytest.mark.parametrize("place", ["pipe", "/dev/zero", "folder"])
def test_input_that_is_no_file_is_refused_beside_a_finished_build_too(
    option: str, place: str, small_set: Path, tmp_path: Path
) -> None:
    """Its checksum is compared before it is read: that must neither wait nor go on for ever."""
    expect(build(small_set, tmp_path / "out"), 0)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    given = {"--coco": str(small_set), "--images": str(small_set.parent / "images"), option: str(tmp_path / place)}
    arguments = [part for pair in given.items() for part in pair]
    done = chipgen("build", *arguments, *SCALES, "--out", str(tmp_path / "out"), timeout=30)
    assert "not a regular file" in done.expect(1).err


def test_exit_code_stays_when_nothing_is_to_do(small_set: Path, tmp_path: Path) -> None:
    (small_set.parent / "images" / "5.png").unlink()
    for limit, code in (("0", 3), ("0", 3), ("1", 0)):
        expect(build(small_set, tmp_path / "out", "--on-error", "skip", "--max-skipped", limit), code)
    lines = assert_refused_untouched(build(small_set, tmp_path / "out"), tmp_path / "out", 1)
    assert "image 5" in lines[0]


def assert_refused_untouched(outcome: Outcome, out: Path, code: int) -> list[str]:
    """Check a refusal after which the folder is still a build."""
    lines = assert_refused(outcome, out.parent / "never", code)
    assert (out / "_manifest.json").exists()
    return lines


# -- going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.row("I86", "K108")
@pytest.mark.parametrize(
    ("form", "shards"),
    [
        *[("parquet", 1), ("coco", 3), ("yolo", 1), ("webdataset", 2)],
        *([("parquet", 3), ("coco", 1), ("yolo", 3)] if THOROUGH else []),
    ],
)
def test_unfinished_build_goes_on_with_other_workers(
    form: str, shards: int, small_set: Path, tmp_path: Path, built: dict[str, Path]
) -> None:
    out = tmp_path / "out"
    begin(small_set, out, "--format", form, shards=shards)
    kept = {path: path.stat().st_mtime_ns for name in ("data", "shards") for path in out.glob(f"{name}/*")}
    assert len(kept) == shards
    total = len(json.loads((built[form] / "_manifest.json").read_bytes())["shards"])
    said = f"resumed      {shards} of {total} shards were finished before"
    arguments = ("build", "--coco", str(small_set), *SCALES, "--format", form, "--workers", "2", "--out", str(out))
    assert said in chipgen(*arguments).expect(0).out
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert tree(out) == tree(built[form])


@pytest.mark.row("I87")
@pytest.mark.parametrize("form", ["parquet", "coco", "yolo", "webdataset"])
@pytest.mark.parametrize("damage", ["lost", "emptied", "first line", "garbage"])
def test_shards_that_no_journal_tells_of_are_made_again(
    damage: str, form: str, small_set: Path, tmp_path: Path, built: dict[str, Path]
) -> None:
    out = tmp_path / "out"
    begin(small_set, out, "--format", form, shards=3)
    journal = out / "_journal.jsonl"
    first, *others = journal.read_bytes().splitlines(keepends=True)
    rest = {"lost": b"", "emptied": b"", "first line": b"".join(others), "garbage": b"\0" * len(first) + b"\n"}[damage]
    journal.unlink() if damage == "lost" else journal.write_bytes(rest)
    expect(build(small_set, out, "--format", form), 0, "made again")
    assert tree(out) == tree(built[form])


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_foreign_files_among_those_of_chips_are_named_and_stay(form: str, small_set: Path, tmp_path: Path) -> None:
    """In a build that was begun: names that look like those of chips are not enough."""
    out, folder = tmp_path / "out", "shards/00000/images" if form == "coco" else "images"
    begin(small_set, out, "--format", form, shards=2)
    (real,) = (path for path in (out / folder).glob("00000001-*"))
    labels = [] if form == "coco" else ["labels/00000001-notes.txt", f"labels/{real.stem}.json"]
    mine = [f"{folder}/00000001-mine.txt", f"{folder}/{real.stem}.png", f"{folder}/00000099-3-0.jpg", *labels]
    for name in mine:
        (out / name).write_bytes(b"mine")
        before = _but_for_locks(out)
        for more in ((), ("--overwrite",)):
            expect(build(small_set, out, "--format", form, *more), 4, f"{name}: chipgen did not write it")
        assert _but_for_locks(out) == before
        (out / name).unlink()
    expect(build(small_set, out, "--format", form), 0)


def test_many_lost_files_are_one_line(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    expect(build(small_set, out, "--format", "coco"), 0)
    shutil.rmtree(out / "shards")
    outcome = expect(build(small_set, out, "--format", "coco"), 0, "files were missing or damaged")
    assert outcome.stdout.count("made again") == 1


@pytest.mark.row("I95")
@pytest.mark.parametrize("finished", [False, True])
def test_readers_see_whole_shards_at_any_time(finished: bool, small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(small_set, out) if finished else begin(small_set, out)
    rows = len(pq.read_table(out / "data"))
    assert rows > 0
    chips = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(chips) == rows
    assert chips[0]["image"].size == (256, 256)


@pytest.mark.row("I88")
@pytest.mark.parametrize("form", ["parquet", "coco", "yolo", "webdataset"])
@pytest.mark.parametrize("damage", ["deleted", "cut short", "grown", "flipped"])
def test_damaged_file_of_a_finished_build_is_made_again(
    damage: str, form: str, small_set: Path, tmp_path: Path, built: dict[str, Path]
) -> None:
    files = [path for path in tree(built[form]) if path not in {"_manifest.json", "_skipped.jsonl"}]
    kinds = {re.sub(r"\d+", "", re.sub(r".*(images|labels)/", "", path)): path for path in files}
    for number, name in enumerate(path for path in files if path in kinds.values() or form == "parquet"):
        out = Path(shutil.copytree(built[form], tmp_path / f"{number}"))
        _damage(out / name, damage)
        more = ("--format", form, *(("--verify",) if damage == "flipped" else ()))
        expect(build(small_set, out, *more), 0)
        assert tree(out) == tree(built[form]), name


def _damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    elif how == "cut short":
        path.write_bytes(data[:-1])
    elif how == "grown":
        path.write_bytes(data + b"\n")
    else:
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def test_damaged_shards_do_not_cost_the_epochs(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    expect(build(small_set, out, *NEGATIVES), 0)
    library.write_epochs(out, epochs=2)
    before = tree(out)
    next((out / "data").iterdir()).unlink()
    expect(build(small_set, out, *NEGATIVES), 0, "was missing or damaged and has been made again")
    assert tree(out) == before


def test_image_that_changed_is_never_mixed_in(small_set: Path, tmp_path: Path) -> None:
    """An image cut over two shards: one of them is there, and the image is another now."""
    out, more = tmp_path / "out", ("--chips-per-shard", "1")
    begin(small_set, out, *more, shards=1)
    plan = library.plan(library.read_coco(small_set), "1x,2x,256", "20-120,0-60,60-", chip_size=256, chips_per_shard=1)
    assert plan.chips.image[0] == plan.chips.image[1]
    first = int(plan.dataset.images.id[0])
    width, height = plan.dataset.images.size_img[0].tolist()
    texture(width, height, 99).save(small_set.parent / "images" / f"{first}.png")
    before = _but_for_locks(out)
    outcome = expect(build(small_set, out, *more), 4, f"image {first}: has changed since chips were cut from it")
    assert len(outcome.stderr.splitlines()) == 1
    assert _but_for_locks(out) == before


# -- other builds ------------------------------------------------------------------------------------------------------

OTHERS = [
    (("--quality", "90"), "configuration.quality: is 95 there and 90 now"),
    (("--format", "coco"), "configuration.format: is parquet there and coco now"),
    (("--seed", "1"), "configuration.seed: is 0 there and 1 now"),
    (("--stride", "16"), "configuration.stride: is 32 there and 16 now"),
    (("--negatives", "random"), "configuration.negatives: is auto there and random now"),
    (("--max-pixels", "1000000"), "configuration.max_pixels: is "),
    (("--follow-symlinks",), "configuration.follow_symlinks: is false there and true now"),
    (("--limit", "2"), "configuration.limit: is none there and 2 now"),
    (("--chips-per-shard", "5"), "configuration.chips_per_shard: is 4 there and 5 now"),
]


@pytest.mark.row("I85")
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
@pytest.mark.parametrize(("more", "said"), OTHERS, ids=[said.split(":")[0] for _, said in OTHERS])
def test_other_configuration_is_refused(
    more: Sequence[str], said: str, finished: bool, small_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(small_set, out) if finished else begin(small_set, out)
    before = tree(out)
    expect(build(small_set, out, *more), 4, said)
    assert tree(out) == before


@pytest.mark.row("I85")
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "unfinished"])
@pytest.mark.parametrize("key", ["chipgen_version", "encoders.pillow", "format_version", "inputs", "plan"])
def test_other_versions_and_inputs_are_refused(
    key: str, finished: bool, small_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    build(small_set, out) if finished else begin(small_set, out)
    if key == "inputs":
        small_set.write_text(small_set.read_text("utf-8") + " ", encoding="utf-8")
    elif key == "plan":
        monkeypatch.setattr("chipgen.fingerprint.plan_digest", lambda _: "0" * 64)
        shutil.rmtree(out / "data")  # a whole build would not be planned again
    elif key == "chipgen_version":
        monkeypatch.setattr("chipgen._version.__version__", "9.9")
    elif key == "format_version":
        monkeypatch.setattr("chipgen.fingerprint.FORMAT_VERSION", 2)
    else:
        monkeypatch.setattr("chipgen._version.encoder_versions", lambda _: {"pillow": "0.1"})
    before = _but_for_locks(out)
    expect(build(small_set, out), 4, f"{out}: {key}")
    assert _but_for_locks(out) == before


@pytest.mark.row("I85")
def test_custom_sampler_that_does_something_else_now_is_refused(small_set: Path, tmp_path: Path) -> None:
    code = "import numpy as np\ndef s(view, rng):\n    return np.zeros(({}, 2), dtype=int)\n"
    (tmp_path / "mine.py").write_text(code.format(1), encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), *SCALES, "--sampler", "mine:s", "--out", "out")
    assert "written" in chipgen(*arguments, cwd=tmp_path).expect(0).out
    assert "nothing to do" in chipgen(*arguments, cwd=tmp_path).expect(0).out
    (tmp_path / "mine.py").write_text(code.format(2), encoding="utf-8")
    assert "out: plan: is " in chipgen(*arguments, cwd=tmp_path).expect(4).err


@pytest.mark.row("I91")
def test_second_run_at_the_same_time_is_refused(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    begin(small_set, out)
    with library.store.Output(out, overwrite=False):
        before = tree(out)
        for more in ((), ("--overwrite",)):
            expect(build(small_set, out, *more), 4, f"is locked by pid {os.getpid()}")
        assert tree(out) == before
    expect(build(small_set, out), 0)


# -- overwriting -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["annotation", "image"])
def test_overwriting_with_bad_data_keeps_the_old_build(fault: str, small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    expect(build(small_set, out), 0)
    before = tree(out)
    if fault == "annotation":
        coco = small_coco()
        coco.box(3, [1, 1, 0, 5])
        small_set.write_text(coco.text(), encoding="utf-8")
    else:
        (small_set.parent / "images" / "11.png").write_bytes(b"no picture")
    expect(build(small_set, out, "--quality", "50", "--overwrite"), 1)
    assert tree(out) == before


# -- skipped images ----------------------------------------------------------------------------------------------------


def _spoil(coco: Path, *images: int) -> dict[int, bytes]:
    """Spoil some images and return what they were."""
    paths = {image: coco.parent / "images" / f"{image}.png" for image in images}
    kept = {image: path.read_bytes() for image, path in paths.items()}
    for path in paths.values():
        path.write_bytes(b"no picture")
    return kept


SKIP = ("--on-error", "skip", "--max-skipped", "9")


@pytest.mark.parametrize("form", ["parquet", "coco", "yolo"])
def test_mended_images_are_put_in_by_retrying(form: str, small_set: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", ("--format", form, "--chips-per-shard", "2", *SKIP)
    kept = _spoil(small_set, 3, 11)
    expect(build(small_set, out, *more), 0)
    skipping = tree(out)
    expect(build(small_set, out, *more, "--retry-skipped"), 0, "nothing to do")
    assert tree(out) == skipping
    for image in (11, 3):
        (small_set.parent / "images" / f"{image}.png").write_bytes(kept[image])
        expect(build(small_set, out, *more), 0, "nothing to do")  # not without being asked
        expect(build(small_set, out, *more, "--retry-skipped"), 0, "skipped")
    fresh = tmp_path / "fresh"
    expect(build(small_set, fresh, *more), 0)
    assert tree(out) == tree(fresh)
    ledger = pq.read_table(out / "_ledger.parquet")["status"].to_pylist()
    assert "image_skipped" not in ledger


def test_retrying_touches_no_shard_without_a_skipped_image(small_set: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", ("--chips-per-shard", "2", *SKIP)
    kept = _spoil(small_set, 3)
    expect(build(small_set, out, *more), 0)
    times = {path.name: path.stat().st_mtime_ns for path in (out / "data").iterdir()}
    before = tree(out)
    (small_set.parent / "images" / "3.png").write_bytes(kept[3])
    expect(build(small_set, out, *more, "--retry-skipped"), 0)
    same = {path.name for path in (out / "data").iterdir() if before[f"data/{path.name}"] == path.read_bytes()}
    assert 0 < len(same) < len(times)
    assert all((out / "data" / name).stat().st_mtime_ns == times[name] for name in same)


def test_retrying_loses_no_image_that_was_good(small_set: Path, tmp_path: Path) -> None:
    """The shard of a mended image holds others, too; when one of those is gone by now, the build stays as it is."""
    out, more = tmp_path / "out", ("--chips-per-shard", "500", *SKIP)
    kept = _spoil(small_set, 3)
    expect(build(small_set, out, *more), 0)
    before = tree(out)
    (small_set.parent / "images" / "3.png").write_bytes(kept[3])
    good = (small_set.parent / "images" / "5.png").read_bytes()
    (small_set.parent / "images" / "5.png").write_bytes(b"gone bad")
    expect(build(small_set, out, *more, "--retry-skipped"), 4, "image 5: is gone or broken")
    assert tree(out) == before
    (small_set.parent / "images" / "5.png").write_bytes(good)
    expect(build(small_set, out, *more, "--retry-skipped"), 0)
    assert len(pq.read_table(out / "data")) > len(before)


def test_retrying_may_raise_the_limit_of_pixels_but_not_lower_it(small_set: Path, tmp_path: Path) -> None:
    out, limit = tmp_path / "out", ("--max-pixels", "350000")
    expect(build(small_set, out, *SKIP, *limit), 0, "too_large")
    expect(build(small_set, out, *SKIP), 4, "configuration.max_pixels")
    expect(build(small_set, out, *SKIP, "--retry-skipped", "--max-pixels", "349999"), 4, "configuration.max_pixels")
    expect(build(small_set, out, "--retry-skipped"), 0, "skipped      nothing")
    expect(build(small_set, tmp_path / "fresh"), 0)
    assert tree(out) == tree(tmp_path / "fresh")


def test_damaged_list_of_skipped_things_is_named_and_made_again(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _spoil(small_set, 3)
    expect(build(small_set, out, *SKIP), 0)
    whole = tree(out)
    (out / "_skipped.jsonl").write_bytes(whole["_skipped.jsonl"].replace(b"{", b"["))
    for more in ((), (*SKIP, "--retry-skipped")):
        expect(build(small_set, out, *more), 1, "_skipped.jsonl: is damaged")
    (out / "_skipped.jsonl").unlink()
    expect(build(small_set, out, *SKIP), 0)
    assert tree(out) == whole


def test_retrying_clears_epochs_that_no_longer_fit(small_set: Path, tmp_path: Path) -> None:
    out, more = tmp_path / "out", (*NEGATIVES, *SKIP)
    kept = _spoil(small_set, 3)
    expect(build(small_set, out, *more), 0)
    library.write_epochs(out, epochs=2)
    (small_set.parent / "images" / "3.png").write_bytes(kept[3])
    expect(build(small_set, out, *more, "--retry-skipped"), 0, "run chipgen epochs again")
    assert not (out / "epochs").exists()
    assert "epochs" not in json.loads((out / "_manifest.json").read_bytes())
    expect(build(small_set, tmp_path / "fresh", *more), 0)
    assert tree(out) == tree(tmp_path / "fresh")


def test_failing_on_errors_does_not_go_on_with_what_was_skipped(small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _spoil(small_set, 3)
    begin(small_set, out, *SKIP, shards=2)
    before = _but_for_locks(out)
    expect(build(small_set, out), 1, "image 3")
    assert _but_for_locks(out) == before
    expect(build(small_set, out, *SKIP, "--retry-skipped"), 0, "run this once more")


@pytest.mark.parametrize("begun", [0, 1])
def test_failing_leaves_the_folder_as_it_was(begun: int, small_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if begun:
        begin(small_set, out, shards=begun)
    before = _shards(out)
    _spoil(small_set, 11)
    assert_refused(build(small_set, out), tmp_path / "never", 1)
    assert _shards(out) == before
    assert out.exists() == bool(begun)


def _shards(out: Path) -> dict[str, bytes]:
    return {path: data for path, data in tree(out).items() if path.startswith("data")} if out.exists() else {}


def test_sources_tell_which_files_were_read(small_set: Path, tmp_path: Path) -> None:
    _spoil(small_set, 3)
    expect(build(small_set, tmp_path / "out", *SKIP), 0)
    rows: list[dict[str, Any]] = pq.read_table(tmp_path / "out" / "_sources.parquet").to_pylist()
    assert [row["image_id"] for row in rows] == sorted(row["image_id"] for row in rows)
    for row in rows:
        data = (small_set.parent / "images" / row["file_name"]).read_bytes()
        assert row["bytes"] == (None if row["image_id"] == 3 else len(data))
    plan = library.plan(library.read_coco(small_set), "1x,2x,256", "20-120,0-60,60-", chip_size=256)
    assert [row["image_id"] for row in rows] == np.unique(plan.dataset.images.id[plan.chips.image]).tolist()


def test_program_says_resume_after_a_full_disk(small_set: Path, tmp_path: Path) -> None:
    """Row I90, for real: files may not grow beyond a limit."""
    command = (
        f"ulimit -f 40; {PROGRAM} build --coco {small_set} {' '.join(SCALES)} --workers 1 --out {tmp_path / 'out'}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "(errno 27)" in line
    assert "run the same command again" in line
    expect(build(small_set, tmp_path / "out"), 0)


@pytest.mark.parametrize("form", ["parquet", "coco", "yolo", "webdataset"])
def test_checksum_of_a_report_is_another_with_other_pixels_and_the_same_again(
    small_set: Path, tmp_path: Path, form: str
) -> None:
    sums = []
    for out, fill in (("a", "0"), ("a", "0"), ("b", "255"), ("c", "0")):  # the same plan, other padding
        done = expect(build(small_set, tmp_path / out, "--format", form, "--fill", fill, "--json"), 0)
        sums.append(json.loads(done.stdout)["build"]["sha256"])
    assert sums[0] == sums[1] == sums[3] != sums[2]

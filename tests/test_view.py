"""What `chipgen view` adds to a build: the page, the sheets, and nothing else."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from page_data import read_data, read_page, told_by_shards
from PIL import Image
from run_cli import chipgen_here as chipgen
from run_cli import tree
from small_set import SCALES, small_coco, write_small_set
from test_epochs import check_listed

from chipgen import DataError, OutputError, UsageError, ViewReport, verify, view, write_epochs
from chipgen.viewing import adding, content, gallery
from chipgen.viewing.content import dumped
from chipgen.viewing.sheets import safe_name

FORMATS = ("parquet", "coco")
HOSTILE = [
    "</script><script>hacked=1</script>",
    "\"'><img src=x onerror=hacked=1>",
    "../../etc",
    "猫 & dog\u2028",
    "C" * 5000,
]
FILES = ["<b>&\"'5.png", "</script>3.png", "11 {{data}}.png", "é/8.png"]


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def out(built: dict[str, Path], form: str, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built[form], tmp_path / "out"))


def images_of(built: dict[str, Path]) -> Path:
    return built["parquet"].parent / "set" / "images"


def picture(uri: str) -> Image.Image:
    head, _, text = uri.partition(",")
    assert head in {"data:image/jpeg;base64", "data:image/png;base64"}
    return Image.open(io.BytesIO(base64.b64decode(text)))


def hostile_set(folder: Path) -> Path:
    """Write the small dataset with names that try to get out of where they stand."""
    coco = small_coco()
    coco.categories = [{"id": entry["id"], "name": name} for entry, name in zip(coco.categories, HOSTILE, strict=False)]
    coco.categories += [{"id": 200 + n, "name": name} for n, name in enumerate(HOSTILE[3:])]
    for image, name in zip(coco.images, FILES, strict=True):
        image["file_name"] = name
    coco.annotations[0]["category_id"], coco.annotations[1]["category_id"] = 200, 201
    (folder / "images" / "é").mkdir(parents=True)
    moved = folder.with_name("moved")
    path = write_small_set(moved, small_coco())
    for image, old in zip(coco.images, small_coco().images, strict=True):
        target = folder / "images" / image["file_name"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path.parent / "images" / old["file_name"], target)
    (folder / "instances.json").write_text(coco.text(), encoding="utf-8")
    return folder / "instances.json"


# -- what the page holds -----------------------------------------------------------------------------------------------


def test_page_tells_what_the_shards_say(out: Path, form: str) -> None:
    told = told_by_shards(out, form)
    report = view(out)
    data = read_data(out)
    assert (report.chips, report.total, data["total"]) == (len(told), len(told), len(told))
    assert [chip["id"] for chip in data["chips"]] == sorted(told)
    names = {7: "car", 1: "person", 90: "boat"}
    for chip in data["chips"]:
        wish = told[chip["id"]]
        image = data["images"][chip["image"]]
        assert (image["id"], image["file"]) == (str(wish["source"]["image_id"]), wish["source"]["file_name"])
        assert image["size"] == [wish["source"]["width"], wish["source"]["height"]]
        assert (data["kinds"][chip["kind"]], chip["level"]) == (wish["kind"], wish["level"])
        assert chip["size"] == [wish["width"], wish["height"]]
        assert picture(chip["picture"]).size == tuple(chip["size"])
        assert len(chip["boxes"]) == len(wish["boxes"])
        for box, wished in zip(chip["boxes"], wish["boxes"], strict=True):
            source, bbox, category, reason, visible, mask = box
            assert (source, data["classes"][category]["name"]) == (
                str(wished["source_id"]),
                names[wished["category_id"]],
            )
            assert bbox == pytest.approx(wished["bbox"], abs=0.006)
            assert data["reasons"][reason] == wished["ignore_reason"]
            assert (reason == 0) == wished["valid"]
            assert visible == pytest.approx(wished["visibility"], abs=0.0006)
            assert bool(mask) == (wished["segmentation"] is not None)


def test_places_are_those_of_all_chips_of_an_image(out: Path) -> None:
    view(out, limit=4)
    data, plan = read_data(out), pq.read_table(out / "_plan.parquet").to_pylist()
    assert len(data["chips"]) == 4
    for image in data["images"]:
        rows = [row for row in plan if str(row["source"]["image_id"]) == image["id"]]
        assert [place[0] for place in image["chips"]] == [row["image_id"] for row in rows]
        for (_, level, kind, x1, y1, x2, y2), row in zip(image["chips"], rows, strict=True):
            transform = row["transform"]
            assert (level, data["kinds"][kind]) == (row["level"], row["kind"])
            assert (x1, y1) == pytest.approx((transform["x0"], transform["y0"]), abs=0.01)
            assert x2 - x1 == pytest.approx(row["content_width"] / transform["factor_x"], abs=0.02)
            assert y2 - y1 == pytest.approx(row["content_height"] / transform["factor_y"], abs=0.02)
            assert x2 <= image["size"][0] + 0.01
            assert y2 <= image["size"][1] + 0.01


def test_source_pictures_are_shown_where_their_folder_is_named(out: Path, built: dict[str, Path]) -> None:
    view(out)
    assert all(image["picture"] is None for image in read_data(out)["images"])
    report = view(out, images_of(built), overwrite=True)
    assert report.notes == ()
    for image in read_data(out)["images"]:
        real = Image.open(images_of(built) / image["file"]).convert("RGB")
        shown = picture(image["picture"])
        assert max(shown.size) <= 1000
        assert shown.size == real.size
        assert np.abs(np.asarray(shown, dtype=np.int64) - np.asarray(real, dtype=np.int64)).mean() < 4


def test_large_source_pictures_are_reduced(tmp_path: Path) -> None:
    coco = small_coco()
    coco.images, coco.annotations = [], []
    coco.box(coco.image(2600, 1300, 4), [30, 30, 60, 60])
    path = write_small_set(tmp_path / "set", coco)
    chipgen("build", "--coco", str(path), *SCALES, "--out", str(tmp_path / "out")).expect(0)
    view(tmp_path / "out", path.parent / "images")
    assert picture(read_data(tmp_path / "out")["images"][0]["picture"]).size == (1000, 500)


def test_source_pictures_that_are_missing_or_others_now_are_told(
    out: Path, built: dict[str, Path], tmp_path: Path
) -> None:
    images = Path(shutil.copytree(images_of(built), tmp_path / "images"))
    (images / "5.png").unlink()
    Image.new("RGB", (300, 200)).save(images / "3.png")
    Image.new("RGB", (30, 20)).save(images / "11.png")
    report = view(out, images)
    assert "3 source pictures not shown: " in report.notes[0]
    assert all(word in report.notes[0] for word in ("1 missing", "1 changed", "1 size_mismatch"))
    why = {image["file"]: image["why"] for image in read_data(out)["images"] if image["picture"] is None}
    assert why["3.png"] == "the file is another one now than when its chips were cut"
    assert set(why) == {"5.png", "3.png", "11.png"}


def test_names_cannot_get_out_of_their_place(tmp_path: Path, form: str) -> None:
    path = hostile_set(tmp_path / "set")
    out = tmp_path / "out"
    chipgen("build", "--coco", str(path), *SCALES, "--format", form, "--out", str(out)).expect(0)
    view(out, path.parent / "images")
    page, data = read_page(out), read_data(out)
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not {"img", "b"} & {tag for tag, _ in page.tags}
    assert [entry["name"] for entry in data["classes"]][:3] == HOSTILE[:3]
    assert len(data["classes"][4]["name"]) == 300
    assert {image["file"] for image in data["images"]} <= set(FILES)
    assert all(image["picture"] for image in data["images"])
    text = (out / "view" / "index.html").read_bytes()
    assert text.count(b"</script>") == 2
    assert text.isascii() or b"\xe2\x80\xa8" not in text
    files = {path.name for path in (out / "view").iterdir()}
    assert {"index.html", "class-script-script-hacked-1-script.png", "class-etc.png"} <= files
    assert all(len(name) < 60 and name.isascii() for name in files)
    assert verify(out).ok
    check_listed(out)


def test_a_browser_is_told_to_ask_nobody(out: Path) -> None:
    view(out)
    page = read_page(out)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    text = (out / "view" / "index.html").read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert not any(attrs.get("src") or (attrs.get("href") or "#") != "#" for _, attrs in page.tags)


def test_json_in_a_page_cannot_end_its_script() -> None:
    value = {"</script>": ["<!--", "&amp;", "\u2028", "\ud800"]}
    text = dumped(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not set("<>&") & set(text)


# -- which chips, and how many -----------------------------------------------------------------------------------------


def test_the_limit_and_the_seed_decide_and_nothing_else(out: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(out, tmp_path / "elsewhere" / "x", dirs_exist_ok=True))
    for folder in (out, other):
        view(folder, limit=5, seed=3)
    assert tree(out) == tree(other)
    view(out, limit=5, seed=4, overwrite=True)
    assert tree(out) != tree(other)
    assert {chip["level"] for chip in read_data(out)["chips"]} == {0, 1, 2}


def test_a_page_does_not_grow_without_end(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MOST_BYTES", 200_000)
    report = view(out)
    assert report.chips < report.total
    assert "left out: the page is full" in report.notes[0]
    assert 100_000 < (out / "view" / "index.html").stat().st_size <= 200_000
    assert len(read_data(out)["chips"]) == report.chips > 0


@pytest.mark.parametrize("settings", [{"limit": 0}, {"limit": 2001}, {"seed": -1}])
def test_settings_that_cannot_be_meant(out: Path, settings: Any) -> None:
    before = tree(out)
    with pytest.raises(UsageError):
        view(out, **settings)
    assert tree(out) == before


# -- the sheets --------------------------------------------------------------------------------------------------------


def test_there_is_a_sheet_for_each_level_kind_and_class(out: Path) -> None:
    report = view(out)
    plan = pq.read_table(out / "_plan.parquet").to_pylist()
    wanted = {f"{row['kind']}-{row['level']}.png" for row in plan}
    data = read_data(out)
    valid = {box[2] for chip in data["chips"] for box in chip["boxes"] if box[3] == 0}
    wanted |= {f"class-{data['classes'][category]['name']}.png" for category in valid}
    assert {path.name for path in (out / "view").iterdir()} == {*wanted, "index.html"}
    assert report.sheets == len(wanted) >= 5
    assert json.loads((out / "_manifest.json").read_bytes())["view"]["sheets"] == sorted(wanted)
    for name in wanted:
        with Image.open(out / "view" / name) as sheet:
            sheet.load()
            assert sheet.format == "PNG"


def test_of_many_classes_the_commonest_have_a_sheet(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "MOST_CLASSES", 1)
    report = view(out)
    assert [path.name for path in (out / "view").glob("class-*")] == ["class-car.png"]
    assert any("classes: the " in note for note in report.notes)


def test_files_of_classes_have_names_of_their_own() -> None:
    taken: set[str] = set()
    names = [safe_name(name, taken) for name in ("car", "Car", "../", "\0", "a b", "a/b", "猫")]
    assert names == ["car", "Car-2", "class", "class-2", "a-b", "a-b-2", "class-3"]


# -- nothing to show ---------------------------------------------------------------------------------------------------


def test_no_annotations_and_no_chips(tmp_path: Path, form: str) -> None:
    coco = small_coco()
    coco.annotations.clear()
    path, out = write_small_set(tmp_path / "set", coco), tmp_path / "out"
    build = ("build", "--coco", str(path), *SCALES, "--format", form)
    chipgen(*build, "--out", str(out)).expect(0)
    report = view(out)
    assert (report.chips, report.total, report.images, report.sheets) == (0, 0, 0, 0)
    assert report.notes == ("the build holds no chips",)
    assert read_data(out)["chips"] == []
    assert verify(out).ok
    chipgen(*build, "--negatives", "random", "--out", str(tmp_path / "random")).expect(0)
    report = view(tmp_path / "random", path.parent / "images")
    assert report.chips == report.total > 3
    assert {path.name.partition("-")[0] for path in (tmp_path / "random" / "view").glob("*.png")} == {"negative"}
    assert verify(tmp_path / "random").ok


def test_skipped_images_are_not_there(tmp_path: Path, form: str) -> None:
    path, out = write_small_set(tmp_path / "set"), tmp_path / "out"
    (path.parent / "images" / "5.png").write_bytes(b"no image")
    skip = ("--on-error", "skip", "--max-skipped", "1", "--format", form)
    chipgen("build", "--coco", str(path), *SCALES, *skip, "--out", str(out)).expect(0)
    report = view(out, path.parent / "images")
    assert report.notes == ()
    assert [chip["id"] for chip in read_data(out)["chips"]] == sorted(told_by_shards(out, form))
    assert "5" not in {image["id"] for image in read_data(out)["images"]}


@pytest.mark.parametrize("ignored", ["drop", "paint"])
def test_ignored_boxes_are_shown_that_shards_leave_out(tmp_path: Path, ignored: str) -> None:
    path, out = write_small_set(tmp_path / "set"), tmp_path / "out"
    chipgen("build", "--coco", str(path), *SCALES, "--ignored", ignored, "--out", str(out)).expect(0)
    view(out)
    assert read_data(out)["ignored"] == ignored
    reasons = [box[3] for chip in read_data(out)["chips"] for box in chip["boxes"]]
    assert any(reasons)
    assert not all(reasons)


# -- what it does to the build -----------------------------------------------------------------------------------------


def test_nothing_else_changes_and_the_build_is_sound(out: Path, built: dict[str, Path]) -> None:
    before = tree(out)
    view(out)
    after = tree(out)
    assert {path: after[path] for path in before if path != "_manifest.json"} == {
        path: sum_ for path, sum_ in before.items() if path != "_manifest.json"
    }
    assert {path for path in after if not path.startswith("view/")} == set(before)
    report = verify(out, images_of(built))
    assert report.ok, report.faults
    check_listed(out)


def test_same_again_is_nothing_to_do_and_another_one_needs_overwrite(out: Path) -> None:
    assert view(out, seed=1, limit=6).written
    before = tree(out)
    assert not view(out, seed=1, limit=6).written
    assert tree(out) == before
    with pytest.raises(OutputError, match="--overwrite"):
        view(out, seed=2, limit=6)
    assert tree(out) == before
    assert view(out, seed=2, limit=6, overwrite=True).written
    check_listed(out)
    told = json.loads((out / "_manifest.json").read_bytes())["view"]
    assert (told["seed"], told["limit"], told["images"]) == (2, 6, False)
    assert verify(out).ok


def test_foreign_files_are_never_touched(out: Path) -> None:
    (out / "view").mkdir()
    (out / "view" / "index.html").write_bytes(b"mine")
    before = tree(out)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"view/index\.html: is not listed"):
            view(out, limit=3, overwrite=overwrite)
    assert tree(out) == before


def test_epochs_and_view_leave_each_other_alone(out: Path) -> None:
    view(out, limit=3)
    write_epochs(out, epochs=1)
    assert not view(out, limit=3).written
    assert not write_epochs(out, epochs=1).written
    assert verify(out).ok


@pytest.mark.parametrize("overwrite", [False, True])
def test_interrupted_anywhere_the_same_command_finishes(
    built: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    out = Path(shutil.copytree(built["parquet"], tmp_path / "out"))
    if overwrite:
        view(out, limit=2, seed=3)
    arguments: dict[str, Any] = {"limit": 3, "overwrite": overwrite}
    monkeypatch.setattr(adding, "sheets", lambda *_: [("positive-0.png", b"a"), ("negative-1.png", b"b")])
    reference = Path(shutil.copytree(out, tmp_path / "reference"))
    view(reference, **arguments)
    real = os.replace
    for stop in range(1, 40):
        left = [stop]

        def replace(source: Any, target: Any, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            real(source, target)

        trial = Path(shutil.copytree(out, tmp_path / f"trial{stop}"))
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            try:
                view(trial, **arguments)
            except KeyboardInterrupt:
                assert not (trial / ".tmp").exists()
        view(trial, **arguments)
        assert tree(trial) == tree(reference)
        shutil.rmtree(trial)
        if left[0] > 0:
            break
    assert left[0] > 0, "the last trial was to go through"


def test_damage_leaves_the_build_as_it_was(out: Path) -> None:
    shard = next((out / "data").iterdir()) if (out / "data").exists() else next((out / "shards").glob("*/images/*"))
    shard.write_bytes(shard.read_bytes()[:-3000] + b"x" * 3000 if shard.stat().st_size > 9000 else b"")
    before = tree(out)
    done = chipgen("view", str(out)).expect(1)
    assert done.err.count("\n") == 1
    assert tree(out) == before


def test_a_folder_that_is_no_build(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no finished build"):
        view(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_images_that_is_none(out: Path, tmp_path: Path) -> None:
    before = tree(out)
    with pytest.raises(DataError, match="nowhere: is not a folder"):
        view(out, tmp_path / "nowhere")
    assert tree(out) == before


# -- building again ----------------------------------------------------------------------------------------------------


def test_a_build_with_a_view_is_still_finished(built: dict[str, Path], out: Path, form: str) -> None:
    view(out, limit=3)
    coco = built["parquet"].parent / "set" / "instances.json"
    build = ("build", "--coco", str(coco), *SCALES, "--format", form, "--out", str(out))
    before = tree(out)
    assert "nothing to do" in chipgen(*build).expect(0).out
    shard = next(
        path
        for path in sorted(out.rglob("*"))
        if path.suffix in {".parquet", ".png", ".jpg"} and path.parent.name in {"data", "images"}
    )
    shard.unlink()
    chipgen(*build).expect(0)
    assert tree(out) == before
    (out / "view" / "index.html").unlink()
    done = chipgen(*build).expect(0)
    assert "run chipgen view again" in done.out
    assert not (out / "view").exists()
    assert verify(out).ok
    view(out, limit=3)
    assert tree(out) == before


def test_a_view_goes_when_a_build_gets_more_chips(tmp_path: Path) -> None:
    path, out = write_small_set(tmp_path / "set"), tmp_path / "out"
    image = path.parent / "images" / "5.png"
    good = image.read_bytes()
    image.write_bytes(b"no image")
    build = ("build", "--coco", str(path), *SCALES, "--on-error", "skip", "--max-skipped", "1", "--out", str(out))
    chipgen(*build).expect(0)
    view(out, limit=3)
    image.write_bytes(good)
    done = chipgen(*build, "--retry-skipped").expect(0)
    assert "what chipgen view drew showed the earlier chips and is gone: run chipgen view again" in done.out
    assert not (out / "view").exists()
    assert "view" not in json.loads((out / "_manifest.json").read_bytes())
    assert verify(out).ok


def test_overwriting_a_build_takes_its_view_along(built: dict[str, Path], out: Path, form: str) -> None:
    view(out, limit=3)
    coco = built["parquet"].parent / "set" / "instances.json"
    other = ("--scales", "256", "--chip-size", "256", "--format", form, "--overwrite", "--out", str(out))
    chipgen("build", "--coco", str(coco), *other).expect(0)
    assert not (out / "view").exists()
    assert verify(out).ok


# -- what verify says --------------------------------------------------------------------------------------------------


def fault_of(out: Path) -> str:
    faults = verify(out).faults
    assert faults
    return str(faults[0])


def change_manifest(out: Path, change: Any) -> None:
    path = out / "_manifest.json"
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_a_damaged_page_is_told_with_what_makes_it_anew(out: Path) -> None:
    view(out, limit=3)
    page = out / "view" / "index.html"
    page.write_bytes(page.read_bytes()[:-1] + b"x")
    assert "view/index.html: is damaged" in fault_of(out)
    assert "run the same chipgen view again" in fault_of(out)
    page.unlink()
    assert "view/index.html: is missing: run the same chipgen view again" in fault_of(out)
    assert view(out, limit=3).written
    assert verify(out).ok


def test_files_of_a_view_and_the_manifest_must_agree(out: Path) -> None:
    view(out, limit=3)
    whole = (out / "_manifest.json").read_bytes()
    change_manifest(out, lambda m: m.pop("view"))
    assert "belongs to no shard or epoch, and to no view" in fault_of(out)
    (out / "_manifest.json").write_bytes(whole)
    change_manifest(out, lambda m: m["view"]["sheets"].append("positive-9.png"))
    assert "view/positive-9.png is not listed" in fault_of(out)
    (out / "_manifest.json").write_bytes(whole)
    change_manifest(out, lambda m: m["view"].update(sheets=7))
    assert "view.sheets" in fault_of(out)
    (out / "_manifest.json").write_bytes(whole)
    (out / "view" / "more.png").write_bytes(b"x")
    assert "view/more.png: is not listed" in fault_of(out)


# -- the command -------------------------------------------------------------------------------------------------------


def test_command_says_what_it_wrote(out: Path, built: dict[str, Path]) -> None:
    done = chipgen("view", str(out), "--limit", "7", "--images", str(images_of(built))).expect(0)
    total = pq.read_metadata(out / "_plan.parquet").num_rows
    assert f"written      7 of {total} chips, from " in done.out
    assert f"open         {out}/view/index.html" in done.out
    report = ViewReport(
        **json.loads(
            chipgen("view", str(out), "--limit", "7", "--images", str(images_of(built)), "--json").expect(0).out
        )
    )
    assert (report.written, report.chips, report.total) == (False, 7, total)
    assert report.bytes == sum(path.stat().st_size for path in (out / "view").iterdir())
    refused = chipgen("view", str(out)).expect(4)
    assert refused.err.count("\n") == 1
    assert "--overwrite" in refused.err
    assert chipgen("view", str(out), "--overwrite", "-q").expect(0).out == ""
    assert "never more than 40 MB" in chipgen("view", "--help").expect(0).out


# -- killed ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["staged", "journal", "page"])
def test_killed_the_build_is_as_it_was_and_the_same_command_finishes(
    built: dict[str, Path], tmp_path: Path, moment: str
) -> None:
    out = Path(shutil.copytree(built["parquet"], tmp_path / "out"))
    before = tree(out)
    killing = f"""
import os, signal
from pathlib import Path
from chipgen.store import disk
real = disk.replace
def replace(source, target):
    if {moment!r} in {{"staged", "journal"}}:
        os.kill(os.getpid(), signal.SIGKILL)
    real(source, target)
    if target.name == "index.html":
        os.kill(os.getpid(), signal.SIGKILL)
def append(path, data):
    os.kill(os.getpid(), signal.SIGKILL)
disk.replace = replace
if {moment!r} == "staged":
    disk.append = append
import chipgen
chipgen.view({str(out)!r}, limit=3)
"""
    done = subprocess.run([sys.executable, "-c", killing], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    after = tree(out)
    assert {path: after[path] for path in before} == before
    view(out, limit=3)
    view(reference := Path(shutil.copytree(built["parquet"], tmp_path / "reference")), limit=3)
    assert tree(out) == tree(reference)
    assert verify(out).ok

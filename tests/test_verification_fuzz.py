"""Verifying what chance made: builds of odd datasets are whole, garbage is a fault and never a crash."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from datasets_made import Coco
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_set import write_small_set
from strategies import cocos, plan_settings
from tampering import MANIFEST, build, manifest, rich_build, rows, seal
from thorough import THOROUGH, times

import chipgen
from chipgen.verification.faults import Faults
from chipgen.verification.parquet_shard import ParquetShard

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.verification import VerifyReport

ODD = st.sampled_from(
    [None, True, False, 0, -1, 1, 2**31, 2**63, 1.5, "", "x", "/etc/passwd", "../x", "0" * 64, [], [1], {}, {"id": 1}]
)
"""What may stand anywhere instead of what should."""
SLOW = settings(max_examples=times(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a build of each format; whoever changes them puts back what was there."""
    path = tmp_path_factory.mktemp("fuzz")
    for form in ("parquet", "coco", "yolo", "webdataset"):
        rich_build(path, form)
    return path


FORMS = ("parquet", "coco", "roboflow", "yolo", "webdataset")


@given(cocos(), plan_settings(), st.sampled_from(FORMS), st.sampled_from(["crowd", "drop", "keep", "paint"]))
@settings(max_examples=times(35), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_build_of_any_dataset_is_whole(
    tmp_path_factory: pytest.TempPathFactory, coco: Coco, asked: dict[str, Any], form: str, ignored: str
) -> None:
    path, ignored = tmp_path_factory.mktemp("any"), "drop" if (form, ignored) == ("yolo", "crowd") else ignored
    report = chipgen.verify(
        build(path, form, coco, **asked, negatives="random", ignored=ignored), path / "set" / "images"
    )
    shutil.rmtree(path)
    assert report.ok, report.faults


def one_box(folder: Path) -> Path:
    """Make a build with a single small shard."""
    coco = Coco()
    coco.image(16, 16, 1)
    coco.box(1, [2, 2, 8, 8])
    write_small_set(folder / "set", coco)
    return build(folder, "parquet", scales="1x", valid_ranges="auto", chip_size=16, image_format="png")


@pytest.mark.row("I94")
def test_parquet_cut_at_any_byte_is_named(tmp_path: Path) -> None:
    out = one_box(tmp_path)
    path = "data/train-00000-of-00001.parquet"
    length = (out / path).stat().st_size
    assert chipgen.verify(out).ok
    every = 1 if THOROUGH else 7  # but every byte of its ends, where it says what it is
    for stop in [n for n in range(length - 1, -1, -1) if n % every == 0 or n < 20 or length - n < 200]:
        os.truncate(out / path, stop)
        found = Faults(out)
        with found.reading(path):  # as if its checksum had been forged, too
            list(ParquetShard(out, path, ()).parts())
        assert [problem.path for problem in found.problems] == [str(out / path)], f"cut at {stop}"
        if stop % (50 * every) == 0 or length - stop < 20:
            (fault,) = chipgen.verify(out).faults
            assert str(fault).startswith(f"{out / path}: has {stop:,} bytes, the manifest says {length:,}")
    seal(out, path)
    (fault,) = chipgen.verify(out).faults
    assert "cannot be read" in fault.what


@pytest.mark.row("I88")
@pytest.mark.parametrize(
    "path", ["_plan.parquet", "_ledger.parquet", "_sources.parquet", "data/train-00006-of-00008.parquet"]
)
def test_parquet_with_any_bytes_changed_is_read_or_named(path: str, folder: Path) -> None:
    out, chance = folder / "parquet", np.random.default_rng(len(path))
    whole = (out / path).read_bytes()
    before = (out / MANIFEST).read_bytes()
    for _ in range(times(40)):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 1, 4))):
            broken[-1 - int(chance.random() ** 2 * min(len(whole), 9000))] = chance.integers(256)
        (out / path).write_bytes(broken)
        seal(out, path)
        chipgen.verify(out)
    (out / path).write_bytes(whole)
    (out / MANIFEST).write_bytes(before)
    assert chipgen.verify(out).ok


EXTREMES: dict[type, list[Any]] = {
    bool: [True, False],
    int: [-(2**63), 2**63 - 1, -(2**31), 2**31 - 1, -1, 0, 1],
    float: [float("nan"), float("inf"), -float("inf"), 3e38, -1.0, 0.0, 1.0],
    str: ["", "x", "../x", "covered", "crowd", "negative", "0" * 64],
    bytes: [b"", b"x"],
}
TABLES = (
    "_plan.parquet",
    "_ledger.parquet",
    "_sources.parquet",
    "epochs/epoch-0.parquet",
    "data/train-00006-of-00008.parquet",
)


def replace_leaf(value: Any, data: st.DataObject) -> Any:
    """Put an extreme value of the same type somewhere into a row."""
    if isinstance(value, (dict, list)) and value:
        key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        changed = value.copy()
        changed[key] = replace_leaf(value[key], data)
        return changed
    return data.draw(st.sampled_from([None, *EXTREMES.get(type(value), [])]))


@pytest.mark.parametrize("path", TABLES)
@given(st.data())
@SLOW
def test_extreme_values_in_any_table_never_end_verifying(path: str, folder: Path, data: st.DataObject) -> None:
    out = folder / "parquet"
    whole, before = (out / path).read_bytes(), (out / MANIFEST).read_bytes()
    try:
        with contextlib.suppress(pa.ArrowException, OverflowError), rows(out, path) as values:
            for row in data.draw(st.sets(st.sampled_from(range(len(values))), min_size=1, max_size=3)):
                values[row] = replace_leaf(values[row], data)
            if data.draw(st.booleans()):
                del values[data.draw(st.sampled_from(range(len(values)))) :]
        if path == "_ledger.parquet":
            with manifest(out) as value:
                value["counts"] |= {"annotations": len(values), "ledger": {"covered": len(values)}}
        report = chipgen.verify(out, folder / "set" / "images")
    finally:
        (out / path).write_bytes(whole)
        (out / MANIFEST).write_bytes(before)
    assert not any(word in fault.what for fault in report.faults for word in ("Error", "Warning")), report.faults


def edit(value: Any, data: st.DataObject, odd: Any) -> Any:
    """Replace, take out or add something anywhere in a JSON value."""
    inside = isinstance(value, (dict, list)) and len(value) > 0
    if not inside or data.draw(st.integers(0, 5)) == 0:
        return odd
    key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    changed = value.copy()
    action = data.draw(st.sampled_from(["in", "in", "in", "out", "twice"]))
    if action == "in":
        changed[key] = edit(value[key], data, odd)
    elif action == "out":
        del changed[key]
    elif isinstance(changed, list):
        changed.insert(key, value[key])
    else:
        changed[f"{key}2"] = value[key]
    return changed


def verify_edited(out: Path, path: str, data: st.DataObject, text: bytes) -> VerifyReport:
    """Verify with another content of a file, then put the former back."""
    whole, before = (out / path).read_bytes(), (out / MANIFEST).read_bytes()
    try:
        (out / path).write_bytes(text)
        if path != MANIFEST and data.draw(st.booleans(), label="sealed"):
            seal(out, path)
        return chipgen.verify(out, out.parent / "set" / "images")
    finally:
        (out / path).write_bytes(whole)
        (out / MANIFEST).write_bytes(before)


NAMED = ("yolo/shards/00006.txt", "yolo/data.yaml", "yolo/epochs/epoch-0.txt")
READ = (
    *("yolo/labels/00000019-8-0.txt", "yolo/images/00000019-8-0.jpg", "webdataset/data/train-00006-of-00008.tar"),
    "webdataset/_categories.json",
)
"""Pixels, the points of outlines and names of classes stand nowhere else: they may be others."""


@pytest.mark.row("I88")
@pytest.mark.parametrize("path", [*NAMED, *READ])
def test_any_byte_changed_is_named_or_at_least_read(path: str, folder: Path) -> None:
    form, _, name = path.partition("/")
    out, chance = folder / form, np.random.default_rng(len(path))
    whole, before = (out / name).read_bytes(), (out / MANIFEST).read_bytes()
    for _ in range(times(30)):
        broken = bytearray(whole)
        place = int(chance.random() ** 2 * len(whole))
        broken[place] = (broken[place] + int(chance.integers(1, 255))) % 256
        (out / name).write_bytes(broken)
        seal(out, name)
        report = chipgen.verify(out)
        of_a_name = whole[:place].rpartition(b"\n")[2].startswith(b"  ")
        assert not report.ok or path in READ or of_a_name, broken[max(0, place - 90) : place + 1]
        assert not any("cannot be read" in fault.what for fault in report.faults), report.faults
    (out / name).write_bytes(whole)
    (out / MANIFEST).write_bytes(before)
    assert chipgen.verify(out).ok


def test_tar_cut_anywhere_is_named(folder: Path) -> None:
    """All but the zeros at its end, of which a reader needs none."""
    out, name = folder / "webdataset", "data/train-00006-of-00008.tar"
    whole, before = (out / name).read_bytes(), (out / MANIFEST).read_bytes()
    end = len(whole.rstrip(b"\0"))
    for stop in (0, 1, 511, 512, 513, *range(600, end, 4999), end - 1):
        (out / name).write_bytes(whole[:stop])
        seal(out, name)
        assert not chipgen.verify(out).ok, stop
    (out / name).write_bytes(whole)
    (out / MANIFEST).write_bytes(before)


@pytest.mark.parametrize(
    "path",
    [
        *("coco/_manifest.json", "parquet/_manifest.json", "coco/shards/00006/annotations.json"),
        *("coco/annotations.json", "yolo/_manifest.json", "webdataset/_categories.json"),
    ],
)
@given(st.data(), ODD)
@SLOW
def test_json_edited_anywhere_never_ends_verifying(path: str, folder: Path, data: st.DataObject, odd: Any) -> None:
    form, _, name = path.partition("/")
    value = edit(json.loads((folder / path).read_bytes()), data, odd)
    report = verify_edited(folder / form, name, data, json.dumps(value).encode())
    assert all(fault.path and fault.what and fault.todo for fault in report.faults)


@given(st.data(), ODD)
@SLOW
def test_skipped_line_edited_anywhere_is_named(folder: Path, data: st.DataObject, odd: Any) -> None:
    name = "_skipped.jsonl"
    value = [json.loads(line) for line in (folder / "parquet" / name).read_bytes().splitlines()]
    edited = edit(value, data, odd)
    same = edited == value and str(edited) == str(value)
    text = b"".join(json.dumps(line).encode() + b"\n" for line in edited) if isinstance(edited, list) else b"x"
    report = verify_edited(folder / "parquet", name, data, text)
    assert same == report.ok or "message" in str(edited)


@pytest.mark.parametrize("path", [MANIFEST, "_skipped.jsonl", "annotations.json", "shards/00006/annotations.json"])
@given(
    st.one_of(
        st.binary(max_size=200), st.sampled_from([b"[" * 100_000, b'{"a":' * 5000, b"9" * 6000, b"\xff\xfe{}", b"null"])
    ),
    st.data(),
)
@settings(max_examples=times(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_garbage_is_named(path: str, folder: Path, text: bytes, data: st.DataObject) -> None:
    report = verify_edited(folder / "coco", path, data, text)
    assert any(fault.path.endswith(path) for fault in report.faults)

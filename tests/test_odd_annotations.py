"""Odd and broken annotations: what exactly must become of them, where the zoo only asks whether they are refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets_made import Coco
from hypothesis import given, settings
from hypothesis import strategies as st
from zoo.entry import annotation, good, raw
from zoo.running import ONE_TO_ONE, assert_built, assert_refused, build, built_with, chips, objects, run_here

import chipgen
from chipgen.coco import MAX_JSON_BYTES

if TYPE_CHECKING:
    from pathlib import Path


# -- A, B: the file and its images -----------------------------------------------------------------------------------


@pytest.mark.row("A9")
@pytest.mark.parametrize(("size", "more"), [(MAX_JSON_BYTES + 1, ()), (10**9, ("--max-json-bytes", "1000000"))])
def test_a_file_that_is_too_long_is_not_even_read(size: int, more: tuple[str, ...], folder: Path) -> None:
    (folder / "in" / "ann.json").touch()
    os.truncate(folder / "in" / "ann.json", size)  # zeros that take no place on the disk
    tracemalloc.start()
    (line,) = assert_refused(run_here(build(folder, *more)), folder / "out")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"{size:,} bytes are more than" in line
    assert "--max-json-bytes" in line
    assert peak < 10 << 20


@pytest.mark.row("A10")
@pytest.mark.parametrize("form", ["parquet", "coco"])
@pytest.mark.parametrize(
    "empty", [("annotations",), ("images", "annotations"), ("images", "annotations", "categories")], ids="-".join
)
def test_an_empty_dataset_is_built_with_a_remark(empty: tuple[str, ...], form: str, folder: Path) -> None:
    raw(json.dumps({**good(), **{name: [] for name in empty}}))(folder / "in")
    outcome = run_here(build(folder, "--format", form))
    assert_built(outcome, folder / "out")
    assert "note         there are no annotations: there will be no positive chips" in outcome.stdout
    assert pq.read_table(folder / "out" / "_ledger.parquet").num_rows == 0
    if form == "parquet":
        assert chips(folder / "out") == []
    else:
        assert json.loads((folder / "out" / "annotations.json").read_bytes())["images"] == []


@pytest.mark.row("B18")
@pytest.mark.parametrize("form", ["parquet", "coco"])
def test_two_images_of_one_file_are_both_exported(form: str, folder: Path) -> None:
    coco = good()
    coco["images"].append({**coco["images"][0], "id": 9})
    coco["annotations"].append(annotation(9, image_id=9, bbox=[50, 20, 30, 30]))
    raw(json.dumps(coco))(folder / "in")
    outcome = run_here(build(folder, *ONE_TO_ONE, "--format", form))
    assert_built(outcome, folder / "out")
    assert "note         1 image of a file that another image id names too" in outcome.stdout
    if form == "parquet":
        found = [
            (chip["source"]["image_id"], chip["image"]["path"], chip["objects"]["source_id"])
            for chip in chips(folder / "out")
        ]
    else:
        document = json.loads((folder / "out" / "annotations.json").read_bytes())
        named = {
            image["id"]: (image["chipgen"]["source"]["image_id"], image["file_name"]) for image in document["images"]
        }
        found = [(*named[entry["image_id"]], [entry["source_id"]]) for entry in document["annotations"]]
        assert all((folder / "out" / name).is_file() for _, name, _ in found)
    assert [(image, ids) for image, _, ids in found] == [(1, [1]), (2, [2]), (9, [9])]
    assert len({name for _, name, _ in found}) == 3


@pytest.mark.row("B20")
def test_an_image_without_annotations_is_counted_and_gives_negative_chips(folder: Path) -> None:
    coco = good()
    coco["images"].append({**coco["images"][0], "id": 9})
    raw(json.dumps(coco))(folder / "in")
    plan = chipgen.plan(chipgen.read_coco(folder / "in" / "ann.json"), "1x", negatives="random")
    assert plan.summary().images_without_objects == 1
    chipgen.export(plan, folder / "out", workers=1)
    assert [chip["kind"] for chip in chips(folder / "out") if chip["source"]["image_id"] == 9] == ["negative"]


# -- C: boxes --------------------------------------------------------------------------------------------------------


@pytest.mark.row("C28")
@settings(deadline=None)
@given(
    st.lists(st.integers(1, 400).map(lambda n: n / 4), min_size=1, max_size=4, unique=True),
    st.floats(0, 300),
    st.sampled_from((1.0, 2.0, 0.5)),
)
def test_ranges_that_meet_share_no_size_and_leave_none_out(ends: list[float], corner: float, ratio: float) -> None:
    """A box exactly as large as an end of ranges belongs to the range that begins there, wherever it lies."""
    ends = sorted(ends)
    coco = Coco()
    coco.image(1000, 1000)
    for end in ends:
        coco.box(1, [corner, corner, end * ratio, end / ratio])
    tokens = [f"{lo:g}-{hi}" for lo, hi in zip([0, *ends], [*(f"{end:g}" for end in ends), ""], strict=True)]
    scales = ",".join(f"{number + 1}x" for number in range(len(tokens)))
    plan = chipgen.plan(coco.read(), scales, ",".join(tokens))
    assert [np.flatnonzero(levels).tolist() for levels in plan.fits.in_range] == [[n + 1] for n in range(len(ends))]


@pytest.mark.row("C29")
def test_the_area_of_the_source_is_neither_believed_nor_copied(folder: Path) -> None:
    box = {"bbox": [10, 10, 20, 20]}
    half = [[10, 10, 30, 10, 10, 30]]
    built_with(
        folder,
        annotation(9, **box, area=1e9),
        annotation(10, **box, area=0.001),
        annotation(11, **box, segmentation=half, area="large"),
        annotation(12, **box),
        arguments=(*ONE_TO_ONE, "--valid-ranges", "15-25"),
    )
    found = {entry["source_id"]: entry for entry in objects(folder / "out")}
    assert {i: found[i]["area"] for i in (9, 10, 11, 12)} == {9: 400, 10: 400, 11: 200, 12: 400}
    assert all(found[i]["valid"] for i in (9, 10, 11, 12))  # their size is 20, whatever the area says


CROWDED = """
import resource, sys, chipgen
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
before = peak()
plan = chipgen.plan(chipgen.read_coco(sys.argv[1]), "1x", chip_size=256)
ledger = plan.ledger()
print(len(ledger.status), int(ledger.n_valid.min() > 0), len(plan.chips), peak() - before)
"""


@pytest.mark.row("C30")
def test_a_million_annotations_in_one_image_take_bounded_time_and_memory(tmp_path: Path) -> None:
    count = 1_000_000
    entries = (
        f'{{"id":{i},"image_id":1,"category_id":1,"bbox":[{i % 257},{i % 191},{5 + i % 9},{5 + i % 8}]}}'
        for i in range(count)
    )
    head = '{"images":[{"id":1,"file_name":"a.png","width":270,"height":200}],"categories":[{"id":1,"name":"a"}]'
    (tmp_path / "ann.json").write_text(f'{head},"annotations":[{",".join(entries)}]}}')
    command = [sys.executable, "-c", CROWDED, str(tmp_path / "ann.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows, learnt, windows, peak = map(int, done.stdout.split())
    assert (rows, learnt) == (count, 1)
    assert windows == 2
    assert peak < 1000 * count  # both windows show most of them


@pytest.mark.row("C30")
def test_many_windows_over_many_annotations_are_compared_in_pieces() -> None:
    coco = Coco()
    coco.image(1500, 1500)
    for index in range(50_000):
        coco.box(1, [index * 7 % 1491, index * 11 % 1487, 9, 9])
    dataset = coco.read()
    tracemalloc.start()
    plan = chipgen.plan(dataset, "1x", chip_size=256)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(plan.chips) > 40
    assert peak < 80 << 20  # every window with every annotation at once: more than twice as much

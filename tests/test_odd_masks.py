"""Odd masks and crowds: what exactly must become of them, where the zoo only asks whether they are refused."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pycocotools.mask
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import times
from zoo.entry import annotation
from zoo.masks import rle
from zoo.running import ONE_TO_ONE, built_with, chips, ledger, objects

import chipgen
from chipgen.chips import Crop
from chipgen.masks import crop_mask, read_mask

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 120
FINE = 4
"""Points a pixel along each axis, where pixels are counted."""
POINTS = st.tuples(st.integers(0, SIDE), st.integers(0, SIDE))


def _ring(points: list[tuple[int, int]]) -> list[float]:
    """Return an outline, each point moved a little: no edge lies on another, of which even and odd could not tell."""
    return [number + (n * n * 37 % 101 - 50) / 500 for n, number in enumerate(itertools.chain(*points))]


RINGS = st.lists(POINTS, min_size=3, max_size=10).map(_ring)


def _filled(ring: list[float]) -> Any:
    """Return which of many points an outline encloses, even-odd, by counting crossings to the right of each."""
    x, y = ((np.arange(SIDE * FINE) + shift) / FINE for shift in (0.31, 0.68))  # on no diagonal
    inside = np.zeros((len(y), len(x)), dtype=np.bool_)
    for (x1, y1), (x2, y2) in _edges(ring):
        if y1 != y2:
            rows = (y >= min(y1, y2)) & (y < max(y1, y2))
            crossing = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            inside ^= rows[:, None] & (x[None] < crossing[:, None])
    return inside


def _edges(ring: list[float]) -> Any:
    """Return both ends of every edge of an outline."""
    points = list(zip(ring[::2], ring[1::2], strict=True))
    return zip(points, points[1:] + points[:1], strict=True)


@pytest.mark.row("D34", "D35")
@settings(deadline=None, max_examples=times(150))
@given(
    st.lists(RINGS, min_size=1, max_size=3),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(20, 60),
)
def test_outlines_are_filled_even_odd_and_united(rings: list[list[float]], left: int, top: int, side: int) -> None:
    """Against counted pixels: outlines that cross themselves and each other, whole and cut by a chip."""
    try:
        mask = read_mask(rings, (SIDE, SIDE))
    except chipgen.DataError:
        assert min(_filled(ring).sum() for ring in rings) < FINE * SIDE  # one of them encloses nothing
        return
    assert mask is not None
    drawn = np.any([_filled(ring) for ring in rings], axis=0)
    length = sum(math.dist(*edge) for ring in rings for edge in _edges(ring))
    for x, y, width in ((0, 0, SIDE), (left, top, side)):
        _, area = crop_mask(mask, Crop((1.0, 1.0), (x, y), (width, width), (width, width)))
        seen = drawn[y * FINE : (y + width) * FINE, x * FINE : (x + width) * FINE].sum() / FINE**2
        assert area == pytest.approx(seen, abs=2 + length / 10)


WINDOW = [20, 20, 40, 40]
"""A box as large as the chips below: its chip can stand nowhere else."""
CUT = (*ONE_TO_ONE, "--chip-size", "40")


def _in_window(out: Path) -> dict[int, dict[str, Any]]:
    """Return what the chip over the window shows, by source id."""
    (chip,) = (chip for chip in chips(out) if chip["transform"]["x0"] == 20 and chip["source"]["image_id"] == 1)
    return {entry["source_id"]: entry for entry in objects(out) if entry["chip"] == chip["image_id"]}


def _corners(ring: list[float]) -> list[tuple[float, float]]:
    """Return the points of an outline, sorted."""
    return sorted(zip(ring[::2], ring[1::2], strict=True))


@pytest.mark.row("D36")
def test_a_comb_that_a_chip_cuts_keeps_all_its_teeth(folder: Path) -> None:
    """The chip lies below the back of the comb: of its teeth, 16 px wide, it shows three quarters of two."""
    comb = [0, 0, 96, 0, 96, 64, 80, 64, 80, 8, 64, 8, 64, 64, 48, 64, 48, 8, 32, 8, 32, 64, 16, 64, 16, 8, 0, 8]
    built_with(
        folder, annotation(9, bbox=WINDOW), annotation(10, bbox=[0, 0, 96, 64], segmentation=[comb]), arguments=CUT
    )
    found = _in_window(folder / "out")[10]
    pieces = sorted(map(_corners, json.loads(found["segmentation"])))
    assert pieces == [[(0, 0), (0, 40), (12, 0), (12, 40)], [(28, 0), (28, 40), (40, 0), (40, 40)]]
    assert (found["area"], found["ignore_reason"]) == (2 * 12 * 40, "too_large")


@pytest.mark.row("D37")
def test_what_only_touches_a_chip_is_not_in_it(folder: Path) -> None:
    beside = [60, 30, 90, 30, 90, 40, 60, 40]
    built_with(
        folder,
        annotation(9, bbox=WINDOW),
        annotation(10, bbox=[60, 20, 20, 20], segmentation=[beside]),
        annotation(11, bbox=[59.5, 20, 20, 20]),
        annotation(12, bbox=[59, 20, 20, 20]),
        annotation(13, bbox=[50, 30, 40, 10], segmentation=[beside]),
        arguments=CUT,
    )
    found = _in_window(folder / "out")
    assert not {10, 11} & set(found)  # less than a pixel of them
    assert found[12]["bbox"] == [39, 0, 1, 20]
    assert (found[13]["bbox"], found[13]["segmentation"], found[13]["area"]) == ([30, 10, 10, 10], None, 100)


@pytest.mark.row("D41")
@pytest.mark.parametrize("form", ["parquet", "coco"])
def test_crowds_are_cut_and_written_and_never_learnt(form: str, folder: Path) -> None:
    column = rle([40 * 64, 30 * 64, 26 * 64])
    crowds = (
        annotation(9, iscrowd=1, bbox=[40, 0, 30, 64], segmentation=column),
        annotation(10, iscrowd=1, bbox=[30, 30, 50, 30], segmentation=[[30, 30, 80, 30, 80, 60, 30, 60]]),
        annotation(11, image_id=2, iscrowd=1, bbox=[80, 50, 10, 10]),
    )
    report = built_with(folder, *crowds, annotation(12, bbox=WINDOW), arguments=(*CUT, "--format", form))
    assert "note         3 annotations marked iscrowd" in report
    assert {i: status for i, (status, _) in ledger(folder / "out").items() if i != 12} == {
        **dict.fromkeys((1, 2), "covered"),
        **dict.fromkeys((9, 10, 11), "crowd"),
    }
    found = _crowds_in_window(folder / "out", form)
    bbox, (ring,) = found[10]
    assert (bbox, _corners(ring)) == ([10, 10, 30, 30], [(10, 10), (10, 40), (40, 10), (40, 40)])
    bbox, code = found[9]
    assert bbox == [20, 0, 20, 40]
    assert pycocotools.mask.decode(code).tolist() == [[0] * 20 + [1] * 20] * 40


def _crowds_in_window(out: Path, form: str) -> dict[int, tuple[Any, Any]]:
    """Return box and mask of the crowds in the chip over the window, by source id."""
    if form == "parquet":
        entries = list(_in_window(out).values())
        crowds = [{**entry, "segmentation": json.loads(entry["segmentation"])} for entry in entries if entry["iscrowd"]]
    else:
        document = json.loads((out / "annotations.json").read_bytes())
        (chip,) = (image["id"] for image in document["images"] if image["chipgen"]["transform"]["x0"] == 20)
        crowds = [entry for entry in document["annotations"] if entry["image_id"] == chip and entry["iscrowd"] == 1]
    assert all((entry["valid"], entry["ignore_reason"]) == (False, "crowd") for entry in crowds)
    return {entry["source_id"]: (entry["bbox"], entry["segmentation"]) for entry in crowds}

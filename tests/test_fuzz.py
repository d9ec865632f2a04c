"""Random damage: nothing but a ChipgenError may come out of it. And valid run-length codes, against pycocotools.

Runs are repeatable. ``CHIPGEN_FUZZ=20000`` makes them longer, and different each time.
"""

from __future__ import annotations

import copy
import json
import os
from typing import TYPE_CHECKING, Any

import images
import numpy as np
import pycocotools.mask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from thorough import times
from zoo.entry import annotation, good, write_images
from zoo.masks import SQUARE, rle
from zoo.running import build, run_here

import chipgen
from chipgen.chips import Crop
from chipgen.errors import UnusableError
from chipgen.masks import crop_keypoints, crop_mask, read_keypoints, read_mask
from chipgen.masks.rle import read_runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLES = int(os.environ.get("CHIPGEN_FUZZ", times(300)))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CHIPGEN_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
WIDTH, HEIGHT = images.SIZE
PIXELS = WIDTH * HEIGHT


def _rich() -> dict[str, Any]:
    """Return a small dataset with everything in it that can be damaged."""
    coco = good()
    coco["info"] = {"year": 2020, "tags": ["a", None, 1.5]}
    coco["annotations"] += [
        annotation(3, segmentation=[SQUARE, [20, 20, 60, 20, 60, 60]], area=500.5, score=0.5),
        annotation(4, image_id=2, segmentation=rle([0, PIXELS]), iscrowd=1),
        annotation(5, image_id=2, segmentation=rle("02`n1"), keypoints=[12, 12, 2, 30, 30, 1], num_keypoints=2),
        annotation(6, image_id=2, category_id=5, ignore=1, bbox=[-5.5, 3.25, 40, 1e3], note="\u00e9 \U0001f994"),
    ]
    return coco


RICH = _rich()
TEXT = json.dumps(RICH).encode()
TOKENS = (
    *(b"NaN", b"Infinity", b"-1e999", b"1e308", b"null", b"true", b'""', b"{}", b"[]", b"0", b"-0.0", b"1.0"),
    *(b"[", b"]", b"{", b"}", b'"', b",", b":", b"\\", b"\\ud800", b"\\u0000", b"\xff", b"\0", b"\xef\xbb\xbf"),
    *(b"9" * 19, b"9" * 400, b"9" * 5000, b"[" * 2000, b'{"id":' * 50, b"-", b"."),
)
VALUES: list[Any] = [
    *(None, True, False, "", "1", "x" * 300, "\ud800", "a\0b", [], {}, [[]], [{}], {"id": 1}, [1, 2, 3, 4], [SQUARE]),
    *(0, 1, 2, -1, 5, 96, 10**7, 10**7 + 1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 10**400),
    *(0.0, -0.0, 1.0, 0.5, 1e-300, 1e9, 1e300, -1e300, 1.7e308, float("nan"), float("inf"), -float("inf")),
    *(rle([0, PIXELS]), rle(""), rle([PIXELS + 1, -1]), "../../x", "/etc/passwd", "http://x/y.png", "good1.png"),
]

Edit = tuple[int, str, Any]
EDITS = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(("put", "remove", "repeat")), st.sampled_from(VALUES)),
    min_size=1,
    max_size=4,
)
PATCHES = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 6), st.sampled_from(TOKENS) | st.binary(max_size=2)),
    min_size=1,
    max_size=4,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Return every (container, key) below a value, in order."""
    if not isinstance(value, (dict, list)):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


def edited(edits: list[Edit]) -> bytes:
    """Return the rich dataset after some edits of its tree."""
    coco = copy.deepcopy(RICH)
    for number, action, value in edits:
        places = _places(coco)
        if not places:
            break
        container, key = places[number % len(places)]
        if action == "put":
            container[key] = copy.deepcopy(value)
        elif action == "remove":
            del container[key]
        elif isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
    return json.dumps(coco).encode()


def patched(patches: list[tuple[int, int, bytes]]) -> bytes:
    """Return the text of the rich dataset after some edits of its bytes."""
    data = TEXT
    for start, length, piece in patches:
        data = data[:start] + piece + data[start + length :]
    return data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the images of the dataset."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "in").mkdir()
    write_images(folder / "in")
    return folder


def _plan(folder: Path, data: bytes) -> None:
    """Read and plan a damaged dataset; whatever can be read, the ledger must account for."""
    (folder / "in" / "ann.json").write_bytes(data)
    try:
        dataset = chipgen.read_coco(folder / "in" / "ann.json", on_error="skip")
    except chipgen.ChipgenError as error:
        lines = str(error).splitlines()
        assert lines
        assert all(line.isprintable() for line in lines)
        return
    plan = chipgen.plan(dataset, scales="64,1x", chip_size=64)
    assert sum(plan.ledger().counts().values()) == len(dataset.annotations)
    assert len(dataset.skipped) == np.count_nonzero(dataset.annotations.invalid)
    assert str(plan.summary())


@FUZZ
@given(patches=PATCHES)
def test_damaged_bytes(patches: list[tuple[int, int, bytes]], folder: Path) -> None:
    """Section A: a file whose bytes were damaged is refused, or read."""
    _plan(folder, patched(patches))


@FUZZ
@given(edits=EDITS)
def test_damaged_tree(edits: list[Edit], folder: Path) -> None:
    """Sections A to D: valid JSON that means nonsense is refused, or planned."""
    _plan(folder, edited(edits))


@pytest.mark.parametrize("name", ["parquet", "coco"])
@settings(FUZZ, max_examples=EXAMPLES // 4)
@given(edits=EDITS, patches=PATCHES, by_tree=st.booleans())
def test_damaged_dataset_is_built_or_refused(
    name: str, edits: list[Edit], patches: list[tuple[int, int, bytes]], by_tree: bool, folder: Path
) -> None:
    """Sections A to F: to the end, in both formats; what is left out is told, what is written can be read."""
    (folder / "in" / "ann.json").write_bytes(edited(edits) if by_tree else patched(patches))
    more = ("--on-error", "skip", "--overwrite", "--scales", "96", "--chip-size", "64", "--format", name)
    outcome = run_here(build(folder, *more))
    assert outcome.code in {0, 1, 3}
    assert "chipgen: unexpected" not in outcome.stderr
    assert bool(outcome.stderr) == (outcome.code == 1)
    merged = folder / "out" / "annotations.json"
    if outcome.code != 1 and name == "coco":
        json.loads(merged.read_bytes(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))


# -- masks -----------------------------------------------------------------------------------------------------------

COORDINATES = st.one_of(
    st.integers(-5, 100),
    st.floats(-10, 110),
    st.sampled_from((0.0, 96.0, 64.0, 1e-9, 1e-300, 95.999999999, -1e-7, 1e7, -1e7, 1e6)),
)
NUMBERS = COORDINATES | st.sampled_from([value for value in VALUES if not isinstance(value, (list, dict))])
RINGS = st.lists(COORDINATES, min_size=6, max_size=24) | st.lists(NUMBERS, max_size=9)
SIZES = st.just([HEIGHT, WIDTH]) | st.lists(NUMBERS, max_size=3) | st.sampled_from(VALUES)
COUNTS = st.one_of(
    st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=20),
    st.text(max_size=8),
    st.lists(st.integers(0, 3000), max_size=8).map(lambda runs: [*runs, max(0, PIXELS - sum(runs))]),
    st.lists(NUMBERS, max_size=5),
    st.sampled_from(VALUES),
)
SEGMENTATIONS = st.one_of(
    st.lists(RINGS, max_size=4),
    st.builds(lambda size, counts: {"size": size, "counts": counts}, SIZES, COUNTS),
    st.sampled_from(VALUES),
)


@st.composite
def crops(draw: st.DrawFn) -> Crop:
    """Return a chip somewhere in the scaled image of the usual size."""
    factor = draw(st.sampled_from((0.25, 0.5, 1.0, 1.667, 3.0)))
    scaled = [int(side * factor + 0.5) for side in images.SIZE]
    content = [min(side, draw(st.sampled_from((7, 32, 64, 512)))) for side in scaled]
    origin = [draw(st.integers(0, side - part)) for side, part in zip(scaled, content, strict=True)]
    exact = (scaled[0] / WIDTH, scaled[1] / HEIGHT)
    return Crop(exact, (origin[0], origin[1]), (content[0], content[1]), (512, 512))


def _assert_inside(segmentation: Any, area: float, crop: Crop) -> None:
    """Check that a mask lies inside its chip and has the area it says."""
    if segmentation is None:
        assert area == 0
        return
    assert 0 < area <= crop.content[0] * crop.content[1] * 1.001
    if isinstance(segmentation, dict):
        assert segmentation["size"] == [crop.size[1], crop.size[0]]
        pixels = pycocotools.mask.decode(segmentation)
        assert pixels.sum() == pixels[: crop.content[1], : crop.content[0]].sum() == area
        return
    for ring in segmentation:
        assert len(ring) >= 6
        assert len(ring) % 2 == 0
        for start, side in enumerate(crop.content):
            assert min(ring[start::2]) >= -0.01
            assert max(ring[start::2]) <= side + 0.01


def _read(reader: Callable[..., Any], *arguments: Any) -> tuple[Any, str]:
    """Return what was read, or None and the reason why it is unusable."""
    try:
        return reader(*arguments), ""
    except UnusableError as error:
        return None, error.reason


@pytest.mark.row("D32", "D33", "D34", "D35", "D38", "D39", "D40")
@settings(FUZZ, max_examples=3 * EXAMPLES)
@given(segmentation=SEGMENTATIONS, crop=crops())
def test_any_segmentation(segmentation: Any, crop: Crop) -> None:
    """Rows D32 to D40: refused as unusable, or cropped; never another exception, never pixels out of nowhere."""
    mask, reason = _read(read_mask, segmentation, images.SIZE)
    assert reason in {"", "bad_polygon", "bad_rle", "bad_mask"}
    if mask is not None:
        _assert_inside(*crop_mask(mask, crop), crop)


@pytest.mark.row("D32")
@FUZZ
@given(keypoints=st.lists(NUMBERS, max_size=9) | st.sampled_from(VALUES), crop=crops())
def test_any_keypoints(keypoints: Any, crop: Crop) -> None:
    """Row D32: refused as unusable, or moved, and counted anew."""
    points, reason = _read(read_keypoints, keypoints)
    assert reason in {"", "bad_keypoints"}
    if points is not None:
        flat, labelled = crop_keypoints(points, crop)
        assert len(flat) == points.size
        assert labelled == sum(visibility > 0 for visibility in flat[2::3])


# -- against pycocotools ---------------------------------------------------------------------------------------------


def _unpacked(code: dict[str, Any], size_img: tuple[int, int]) -> np.typing.NDArray[np.uint8]:
    """Return the pixels of a run-length code as chipgen reads it."""
    ends = read_runs(code, size_img).ends
    values = np.repeat(np.arange(len(ends)) % 2, np.diff(ends, prepend=0))
    return values.astype(np.uint8).reshape(size_img[::-1], order="F")


@st.composite
def run_lengths(draw: st.DrawFn) -> tuple[list[int], tuple[int, int]]:
    """Return runs, some of no length, and the size of the image that they fill."""
    width, height = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    cuts = draw(st.lists(st.integers(0, width * height), max_size=40))
    ends = [*sorted(cuts), width * height]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)], (width, height)


@pytest.mark.row("D38", "D39")
@settings(FUZZ, max_examples=2 * EXAMPLES)
@given(case=run_lengths())
def test_runs_like_pycocotools(case: tuple[list[int], tuple[int, int]]) -> None:
    """Rows D38 and D39: valid codes, uncompressed and compressed, are read as pycocotools reads them."""
    runs, size_img = case
    width, height = size_img
    packed = pycocotools.mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)
    expected = pycocotools.mask.decode(packed)
    assert np.array_equal(_unpacked({"size": [height, width], "counts": runs}, size_img), expected)
    code = {"size": [height, width], "counts": packed["counts"].decode("ascii")}
    assert np.array_equal(_unpacked(code, size_img), expected)


@pytest.mark.row("D38")
@settings(FUZZ, max_examples=EXAMPLES // 3)
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from((0.0, 0.01, 0.5, 0.99, 1.0)))
def test_noise_like_pycocotools(seed: int, share: float) -> None:
    """Row D38: masks with very many runs, packed by pycocotools, come back pixel for pixel."""
    rng = np.random.default_rng(seed)
    width, height = (int(side) for side in rng.integers(1, 300, 2))
    mask = np.asfortranarray(rng.random((height, width)) < share, dtype=np.uint8)
    code = pycocotools.mask.encode(mask)
    assert np.array_equal(_unpacked({**code, "counts": code["counts"].decode("ascii")}, (width, height)), mask)

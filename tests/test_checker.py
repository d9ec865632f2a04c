"""The checker itself: a finished build passes, and each way to break it fails the check that should see it."""

from __future__ import annotations

import ast
import copy
import math
import shutil
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import checker
import pytest
from checker import Negatives, check_negatives, read_proposals
from checker.assignment import states_of_level
from checker.example import EXAMPLE, build_options, make_example, make_proposals, run_chipgen
from checker.handmade import PICTURE, PLAIN, build_by_hand, mined_by_hand, source_by_hand
from checker.laws import scaled_size, views
from checker.model import Box
from checker.mutations import MUTATIONS, MUTATIONS_OF_ASSIGNED, MUTATIONS_OF_MINED, MUTATIONS_OF_RANDOM, boxes
from checker.negatives import scenes, union_area
from checker.proposals import boxes_of_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from checker import Build, Settings, Source
    from checker.handmade import Place

RANDOM = replace(EXAMPLE, negatives=Negatives("random"))
ASSIGNED = replace(EXAMPLE, assign="one")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base: Path = tmp_path_factory.mktemp("checker")
    make_example(base)
    make_proposals(base)
    return base


def build(folder: Path, name: str, settings: Settings, *more: str) -> Build:
    """Build the example; one annotation and some proposals in it are nothing."""
    once = ("--on-error", "skip", "--max-skipped", "20", "--workers", "1", "-q")
    arguments = ("--coco", folder / "instances.json", "--out", folder / name)
    run_chipgen("build", *arguments, *build_options(settings), *once, *more)
    return checker.read_build(folder / name)


@pytest.fixture(scope="module")
def source(folder: Path) -> Source:
    return checker.read_source(folder / "instances.json", folder / "images")


@pytest.fixture(scope="module")
def finished(folder: Path) -> Build:
    return build(folder, "chips", EXAMPLE)


@pytest.fixture(scope="module")
def mining(folder: Path) -> Settings:
    return replace(EXAMPLE, negatives=Negatives("proposals", folder / "proposals.json", min_proposals=(3,)))


@pytest.fixture(scope="module")
def mined(folder: Path, mining: Settings) -> Build:
    return build(folder, "mined", mining)


@pytest.fixture(scope="module")
def with_random(folder: Path) -> Build:
    return build(folder, "random", RANDOM)


@pytest.fixture(scope="module")
def assigned(folder: Path) -> Build:
    return build(folder, "assigned", ASSIGNED)


def run_check(name: str, source: Source, build: Build, settings: Settings = EXAMPLE) -> None:
    if name == "check_files":
        checker.check_files(build, source)
    else:
        getattr(checker, name)(source, build, settings)


def cases(mutations: dict[str, list[tuple[Callable[[Build], None], str]]]) -> list[Any]:
    return [
        pytest.param(name, mutate, message, id=f"{mutate.__name__}-{name}")
        for name, several in mutations.items()
        for mutate, message in several
    ]


def break_and_check(
    source: Source, build: Build, settings: Settings, case: tuple[str, Callable[[Build], None], str]
) -> None:
    name, mutate, message = case
    broken = copy.deepcopy(build)
    mutate(broken)
    with pytest.raises(AssertionError, match=message):
        run_check(name, source, broken, settings)


def test_finished_build_passes_and_holds_one_of_everything(source: Source, finished: Build) -> None:
    checker.check_all(source, finished, EXAMPLE)
    statuses = {row["status"] for row in finished.ledger}
    assert statuses == {"invalid", "crowd", "covered", "too_large", "too_small", "out_of_range"}
    states = {box.reason for _, box in boxes(finished)}
    assert states == {"", "crowd", "out_of_range", "too_large", "truncated", "too_small"}
    assert {chip.level for chip in finished.chips} == {0, 1, 2}


@pytest.mark.parametrize(("name", "mutate", "message"), cases(MUTATIONS))
def test_broken_build_fails(
    source: Source, finished: Build, name: str, mutate: Callable[[Build], None], message: str
) -> None:
    break_and_check(source, finished, EXAMPLE, (name, mutate, message))


@pytest.mark.parametrize("ignored", ["crowd", "drop", "keep", "paint"])
@pytest.mark.parametrize("form", ["parquet", "coco"])
def test_assigned_build_passes(source: Source, folder: Path, form: str, ignored: str) -> None:
    settings = replace(ASSIGNED, ignored=ignored)
    finished = build(folder, f"assigned-{form}-{ignored}", settings, "--format", form)
    checker.check_all(source, finished, settings)
    if ignored in {"crowd", "keep"}:
        assert "assigned_elsewhere" in {box.reason for _, box in boxes(finished)}


@pytest.mark.parametrize(("name", "mutate", "message"), cases(MUTATIONS_OF_ASSIGNED))
def test_broken_assigned_build_fails(
    source: Source, assigned: Build, name: str, mutate: Callable[[Build], None], message: str
) -> None:
    break_and_check(source, assigned, ASSIGNED, (name, mutate, message))


def test_other_assignment_than_asked_for_fails(source: Source, finished: Build, assigned: Build) -> None:
    with pytest.raises(AssertionError, match=r"is 'assigned_elsewhere', should be {''}"):
        checker.check_boxes(source, assigned, EXAMPLE)
    with pytest.raises(AssertionError, match=r"is '', should be {'assigned_elsewhere'}"):
        checker.check_boxes(source, finished, ASSIGNED)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([60, 35, 30, 30], [{"assigned_elsewhere"}, {""}]),  # 10 px from the border, 20 px
        ([55, 35, 30, 30], [{""}, {"assigned_elsewhere"}]),  # 15 px in both: the first
        ([55 - 1e-6, 35, 30, 30], [{"", "assigned_elsewhere"}] * 2),  # farther from the border by rounding
        ([55 - 1e-5, 35, 30, 30], [{""}, {"assigned_elsewhere"}]),
        ([55 + 1e-5, 35, 30, 30], [{"assigned_elsewhere"}, {""}]),
        ([80, 35, 30, 30], [{"assigned_elsewhere"}, {""}]),  # two thirds of it, all
        ([93, 35, 30, 30], [{"truncated"}, {""}]),
        ([80, 35, 60, 9], [{"truncated"}, {""}]),
        ([80, 35, 70, 70], [{"out_of_range"}] * 2),
    ],
)
def test_states_of_chips_that_share_an_object(tmp_path: Path, box: list[float], expected: list[set[str]]) -> None:
    source, build = source_by_hand(tmp_path, [{"bbox": box}]), build_by_hand([POSITIVE, ("positive", 40, 0, 0)])
    settings = replace(PLAIN, assign="one")
    [view] = views(PICTURE, build, settings)
    [annotation] = source.annotations
    assert [states for _, states in states_of_level(build.chips, view, annotation, settings).values()] == expected


@pytest.mark.parametrize(
    ("valid", "message"), [([True, True], r"is valid in chips \[0, 1\]"), ([False] * 2, "in none")]
)
def test_object_is_learnt_once_where_rounding_decides_where(tmp_path: Path, valid: list[bool], message: str) -> None:
    bbox = [55 - 1e-6, 35, 30, 30]
    source, build = source_by_hand(tmp_path, [{"bbox": bbox}]), build_by_hand([POSITIVE, ("positive", 40, 0, 0)])
    for chip, good in zip(build.chips, valid, strict=True):
        own = [bbox[0] - chip.x0, *bbox[1:]]
        reason = "" if good else "assigned_elsewhere"
        chip.boxes.append(Box(1, own, 0, 1, 900, not good, good, reason, 1.0, 1, None, None, None, {}))
    with pytest.raises(AssertionError, match=message):
        checker.check_boxes(source, build, replace(PLAIN, assign="one"))


def test_mined_negatives_pass(source: Source, mined: Build, mining: Settings) -> None:
    checker.check_all(source, mined, mining)
    negatives = [chip for chip in mined.chips if chip.kind == "negative"]
    assert {chip.level for chip in negatives} == {0, 1, 2}
    assert any(chip.boxes for chip in negatives)
    assert len({chip.source.id for chip in negatives}) > 1


def test_random_negatives_pass(source: Source, with_random: Build) -> None:
    checker.check_all(source, with_random, RANDOM)
    numbers = Counter((chip.source.id, chip.level) for chip in with_random.chips if chip.kind == "negative")
    assert max(numbers.values()) > 1


@pytest.mark.parametrize(("name", "mutate", "message"), cases(MUTATIONS_OF_MINED))
def test_broken_mined_negatives_fail(
    source: Source, mined: Build, mining: Settings, name: str, mutate: Callable[[Build], None], message: str
) -> None:
    break_and_check(source, mined, mining, (name, mutate, message))


@pytest.mark.parametrize(("name", "mutate", "message"), cases(MUTATIONS_OF_RANDOM))
def test_broken_random_negatives_fail(
    source: Source, with_random: Build, name: str, mutate: Callable[[Build], None], message: str
) -> None:
    break_and_check(source, with_random, RANDOM, (name, mutate, message))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"mode": "none"}, "none was asked for"),
        ({"mode": "random"}, "says|shows annotation"),
        ({"per_image": 1}, "the budget is 1"),
        ({"ratio": 0.01}, "the budget of the run"),
        ({"min_proposals": (100,)}, "needs 100 proposals"),
        ({"min_proposals": (1,), "max_ignored_area": 1.0}, "no negative chip encloses"),
        ({"max_ignored_area": 0.001}, "more than 0.001"),
        ({"min_score": 0.5}, "encloses"),
        ({"max_proposals": 5}, "encloses"),
    ],
)
def test_other_negatives_than_asked_for_fail(
    source: Source, mined: Build, mining: Settings, asked: dict[str, Any], message: str
) -> None:
    other = replace(mining, negatives=replace(mining.negatives, **asked))
    with pytest.raises(AssertionError, match=message):
        check_negatives(source, mined, other)


@pytest.mark.parametrize(
    "asked",
    [
        Negatives("proposals", per_image=1, min_proposals=(2, 1, 3)),
        Negatives("proposals", per_image=2, min_proposals=(1,), max_ignored_area=1.0),
        Negatives("proposals", ratio=0.2, min_proposals=(2,)),
        Negatives("proposals", ratio=50.0, min_proposals=(2,), max_ignored_area=0.0),
        Negatives("proposals", min_proposals=(2,), min_score=0.5),
        Negatives("proposals", min_proposals=(2,), max_proposals=40),
        Negatives("proposals", min_proposals=(2,), object_iou=0.1, crowd_share=0.2),
        Negatives("random", per_image=1),
        Negatives("random", ratio=0.1),
    ],
    ids=lambda asked: f"{asked.mode} {asked.per_image} {asked.ratio} {asked.min_proposals} {asked.max_ignored_area}",
)
def test_other_negatives_pass(tmp_path: Path, asked: Negatives) -> None:
    path = make_example(tmp_path)
    proposals = make_proposals(tmp_path) if asked.mode == "proposals" else None
    settings = replace(EXAMPLE, negatives=replace(asked, proposals=proposals))
    finished = build(tmp_path, "chips", settings)
    checker.check_all(checker.read_source(path, tmp_path / "images"), finished, settings)


def test_changed_byte_fails(source: Source, finished: Build, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "chips")
    shard = next((tmp_path / "chips" / "data").iterdir())
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 1
    shard.write_bytes(content)
    with pytest.raises(AssertionError, match="has changed"):
        checker.check_files(replace(finished, folder=tmp_path / "chips"), source)


def test_unlisted_file_fails(source: Source, finished: Build, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "chips")
    (tmp_path / "chips" / "_plan.parquet.tmp").touch()
    with pytest.raises(AssertionError, match="differ in"):
        checker.check_files(replace(finished, folder=tmp_path / "chips"), source)


@pytest.mark.parametrize(
    ("ignored", "message"), [("drop", "ignored box"), ("paint", "ignored box"), ("keep", "iscrowd")]
)
def test_other_form_of_ignored_boxes_fails(source: Source, finished: Build, ignored: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        checker.check_boxes(source, finished, replace(EXAMPLE, ignored=ignored))
    if ignored == "paint":
        with pytest.raises(AssertionError, match="paint"):
            checker.check_pixels(source, finished, replace(EXAMPLE, ignored=ignored))


def test_checker_is_independent() -> None:
    for path in Path(checker.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "chipgen" for name in names), path


@pytest.mark.parametrize(
    ("token", "size", "scaled"),
    [
        ("512", (640, 480), (512, 384)),
        ("512", (333, 500), (341, 512)),
        ("800x1333", (640, 480), (1067, 800)),
        ("800x1333", (2000, 500), (1333, 333)),
        ("1.667x", (3, 480), (5, 800)),
        ("0.5x", (1, 5), (1, 3)),
    ],
)
def test_scaled_size(token: str, size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert scaled_size(token, *size) == scaled


WORLD: list[dict[str, Any]] = [
    {"bbox": [10, 10, 40, 40]},  # 1: to learn
    {"bbox": [0, 120, 60, 60], "iscrowd": 1},  # 2
    {"bbox": [300, 0, 100, 80]},  # 3: out of range
    {"bbox": [5, 5, 0, 9]},  # 4: nothing
]
BACKGROUND: list[list[float]] = [[160, 60, 20, 20], [200, 100, 20, 20], [220, 60, 20, 20]]
ON_OBJECT: list[list[float]] = [[10, 10, 30, 40], [12, 12, 30, 30], [60, 60, 20, 20]]
"""The last one is only beside it, in the same positive chip."""
POSITIVE, NEGATIVE = ("positive", 0, 0, 0), ("negative", 150, 50, 3)


@pytest.mark.parametrize(
    ("box", "qualifies"),
    [
        ([160, 60, 20, 20], True),
        ([160, 60, 10, 10], True),  # range is closed at 10
        ([160, 60, 9.99, 10], False),
        ([160, 60, 60, 60], False),  # and open at 60
        ([160, 60, 59.99, 60], True),
        ([160, 60, 10, 10 - 1e-8], None),
        ([390, 150, 20, 10], True),  # clipped: 10 x 10
        ([391, 150, 20, 10], False),
        ([60, 60, 40, 40], False),  # the positive chip encloses it
        ([60, 60, 40 + 5e-7, 40], False),
        ([60, 60, 40.01, 40], True),
        ([300, 10, 60, 39.99], True),  # IoU with an object out of range is just below 0.3
        ([300, 10, 60, 40], None),
        ([300, 10, 60, 40.01], False),
        ([45, 110, 30, 30], True),  # 15 x 20 of 30 x 30 in the crowd region
        ([45, 120, 30, 30], None),  # half of it
        ([44.99, 120, 30, 30], False),
        ([0, 101, 60, 20], True),  # 1 of 20 rows
        ([-10, 120, 40, 40], False),
    ],
)
def test_which_proposals_qualify(tmp_path: Path, box: list[float], qualifies: bool | None) -> None:
    source = source_by_hand(tmp_path, WORLD)
    build, settings = build_by_hand([POSITIVE, NEGATIVE]), mined_by_hand(tmp_path, [box])
    [scene] = scenes(source, build, settings)
    assert [verdict.qualifies for verdict in scene.verdicts] == [qualifies]


@pytest.mark.parametrize(
    "box",
    [
        [10, 10, 0, 20],
        [10, 10, 20, -1],
        [400, 10, 20, 20],
        [10, -30, 20, 30],
        [math.nan, 10, 20, 20],
        [10, 10, math.inf, 20],
    ],
)
def test_no_proposals(tmp_path: Path, box: list[float]) -> None:
    settings = mined_by_hand(tmp_path, [box])
    proposals = read_proposals(tmp_path / "proposals.json")
    assert len(proposals) == 1
    assert not boxes_of_image(proposals, PICTURE, settings.negatives)


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [({}, [0, 1, 2]), ({"min_score": 0.99}, [0, 1]), ({"max_proposals": 2}, [0, 1]), ({"min_score": 0.995}, [0])],
)
def test_which_proposals_are_used(tmp_path: Path, asked: dict[str, Any], numbers: list[int]) -> None:
    settings = mined_by_hand(tmp_path, BACKGROUND, **asked)
    proposals = read_proposals(tmp_path / "proposals.json")[::-1]
    used = boxes_of_image(proposals, PICTURE, settings.negatives)
    assert [proposal.number for proposal, _ in used] == numbers


@pytest.mark.parametrize(
    ("boxes", "area"),
    [
        ([], 0),
        ([(0, 0, 2, 3)], 6),
        ([(0, 0, 2, 3), (0, 0, 2, 3)], 6),
        ([(0, 0, 4, 4), (1, 1, 2, 2)], 16),
        ([(0, 0, 2, 2), (1, 1, 3, 3)], 7),
        ([(0, 0, 2, 2), (2, 0, 3, 2), (5, 5, 6, 6)], 7),
        ([(0, 1, 9, 2), (4, 0, 5, 9)], 17),
    ],
)
def test_area_of_a_union(boxes: list[tuple[float, float, float, float]], area: float) -> None:
    assert union_area(boxes) == area


@pytest.mark.parametrize(
    ("places", "asked"),
    [
        pytest.param([POSITIVE, NEGATIVE], {}, id="all"),
        pytest.param([POSITIVE, NEGATIVE], {"per_image": 1}, id="budget used up"),
        pytest.param([POSITIVE, NEGATIVE], {"ratio": 1.0}, id="ratio"),
        pytest.param([POSITIVE], {"per_image": 0}, id="no budget"),
        pytest.param([POSITIVE], {"min_proposals": (4,)}, id="too few proposals"),
        pytest.param([POSITIVE], {"min_score": 0.99}, id="low scores"),
        pytest.param([POSITIVE], {"max_proposals": 2}, id="so many proposals only"),
        pytest.param([POSITIVE], {"ratio": 1.0}, id="within one of the ratio"),
        pytest.param([POSITIVE, ("negative", 149, 49, 3)], {}, id="off the grid"),
        # 40 % of the width of annotation 1 shows, then 52 % of width and height, 27 % of its area.
        pytest.param([POSITIVE, NEGATIVE, ("negative", 34, 0, 1)], {"min_proposals": (1,)}, id="too little to learn"),
        pytest.param([POSITIVE, NEGATIVE, ("negative", 29, 29, 1)], {"min_proposals": (1,)}, id="area decides"),
    ],
)
def test_negatives_by_hand_pass(tmp_path: Path, places: list[Place], asked: dict[str, Any]) -> None:
    source, build = source_by_hand(tmp_path, WORLD), build_by_hand(places)
    proposals = [*BACKGROUND, [105.0, 60, 20, 20]] if len(places) > 2 else BACKGROUND
    check_negatives(source, build, mined_by_hand(tmp_path, proposals, **asked))


@pytest.mark.parametrize(
    ("places", "asked", "message"),
    [
        ([POSITIVE, NEGATIVE], {"mode": "none"}, r"chip 1 .* is negative, and none was asked for"),
        (
            [POSITIVE],
            {},
            r"image 1, level 0: no negative chip encloses proposals \[0, 1, 2\], as one at \(150, 50\) would",
        ),
        ([POSITIVE], {"per_image": 1}, "no negative chip encloses"),
        ([POSITIVE], {"ratio": 1.5}, "no negative chip encloses"),
        ([POSITIVE, ("negative", 160, 0, 2)], {"min_proposals": (1,)}, r"no negative chip encloses proposals \[1\]"),
        ([POSITIVE, NEGATIVE], {"per_image": 0}, "image 1: 1 negative chips, the budget is 0"),
        ([POSITIVE, NEGATIVE, NEGATIVE, NEGATIVE], {"ratio": 1.0}, "3 negative chips, the budget of the run is 1.0"),
        ([POSITIVE, ("negative", 150, 50, 4)], {}, "says 4 proposals, encloses 3"),
        ([POSITIVE, ("negative", 150, 50, 2)], {}, "says 2 proposals, encloses 3"),
        ([("positive", 0, 0, 1), NEGATIVE], {}, "positive chip 0 .* says 1 proposals"),
        ([POSITIVE, NEGATIVE, ("negative", 161, 50, 2)], {}, "needs 3 proposals, encloses 2"),
        (
            [POSITIVE, ("positive", 145, 50, 0), NEGATIVE],
            {},
            "encloses 0 .* proposal 0: positive chip 1 .* encloses it",
        ),
        (
            [POSITIVE, NEGATIVE, ("negative", 0, 0, 3)],
            {},
            "negative chip 2 .* shows annotation 1, which is valid there",
        ),
        ([POSITIVE, NEGATIVE, ("negative", 30, 10, 0)], {}, "negative chip 2 .* shows annotation 1"),
        ([POSITIVE, NEGATIVE, ("negative", 300, 0, 0)], {}, r"annotations \[3\] cover 0.800000 of it, more than 0.5"),
        ([POSITIVE, NEGATIVE], {"min_proposals": (4,)}, "needs 4 proposals, encloses 3"),
        ([("negative", 100, 0, 3)], {"mode": "random"}, "random chip 0 .* says 3 proposals"),
        ([("negative", 201, 0, 0)], {"mode": "random"}, "random chip 0 .* shows annotation 3"),
        ([("negative", 61, 80, 0), ("negative", 160, 50, 0)], {"mode": "random"}, "random chip 0 .* overlaps chip 1"),
    ],
)
def test_negatives_by_hand_fail(tmp_path: Path, places: list[Place], asked: dict[str, Any], message: str) -> None:
    source, build = source_by_hand(tmp_path, WORLD), build_by_hand(places)
    settings = mined_by_hand(tmp_path, BACKGROUND + ON_OBJECT)
    settings = replace(settings, negatives=replace(settings.negatives, **asked))
    with pytest.raises(AssertionError, match=message):
        check_negatives(source, build, settings)


def test_random_chips_side_by_side_pass(tmp_path: Path) -> None:
    """They may touch each other, and an annotation that shows less than a pixel."""
    source = source_by_hand(tmp_path, [{"bbox": [300, 0, 100, 80]}])
    build = build_by_hand([("negative", 100, 0, 0), ("negative", 200, 0, 0), ("negative", 300, 80, 0)])
    check_negatives(source, build, replace(PLAIN, negatives=Negatives("random", per_image=3)))


@pytest.mark.parametrize(
    ("left", "max_ignored_area", "wanted"),
    [
        (250, 0.5, True),  # the box to learn does not show
        (278, 0.5, False),  # it does, ignored: its area may be why there is no chip
        (278, 1.0, True),  # it cannot; 45 % of the width and 75 % of the height show
        (284, 1.0, True),  # 60 % and 75 %, of the area 45 %: still ignored
        (292, 1.0, False),  # 80 % and 75 %, of the area 60 %: valid there
    ],
)
def test_where_a_negative_chip_must_be(tmp_path: Path, left: float, max_ignored_area: float, wanted: bool) -> None:
    source, build = source_by_hand(tmp_path, [{"bbox": [left, 70, 40, 40]}]), build_by_hand([])
    asked = {"min_proposals": (1,), "max_ignored_area": max_ignored_area}
    settings = replace(mined_by_hand(tmp_path, [[350, 20, 20, 20]], **asked), stride=300)
    with pytest.raises(AssertionError, match=r"\[0\], as one at \(300, 0\)") if wanted else nullcontext():
        check_negatives(source, build, settings)

"""The sampler protocol: finding one, calling it, and what happens when it breaks a law."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets_made import Coco
from run_cli import chipgen as run

import chipgen
from chipgen.errors import SamplerError, UsageError
from chipgen.samplers import find_sampler, many_of, name_of
from chipgen.streams import random_stream

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen import Dataset, View


def dataset() -> Dataset:
    coco = Coco()
    image = coco.image(1000, 800)
    coco.box(image, [10, 10, 50, 50])
    coco.box(image, [700, 600, 50, 50])
    coco.box(image, [700, 600, 50, 50], iscrowd=1)
    return coco.read()


def corner(view: View, rng: np.random.Generator) -> Any:
    """Take one chip, whatever there is."""
    del rng
    return (view.size_scaled - view.content)[None]


def test_a_callable_chooses_the_chips_and_the_rest_is_done_for_it() -> None:
    plan = chipgen.plan(dataset(), "1x", sampler=corner, chip_size=256)
    assert plan.chips.origin_scaled.tolist() == [[744, 544]]
    assert plan.config.sampler == "test_samplers:corner"
    assert plan.ledger().counts()["uncovered"] == 2
    assert plan.summary().coverage == 0.0


def test_view_tells_valid_boxes_from_ignored_ones() -> None:
    seen: list[View] = []

    def spy(view: View, rng: np.random.Generator) -> Any:
        del rng
        seen.append(view)
        return []

    chipgen.plan(dataset(), "1x,0.5x", "0-,0-10", sampler=spy, chip_size=256)
    assert [(view.level, len(view.valid_scaled), len(view.ignored_scaled)) for view in seen] == [(0, 2, 1), (1, 0, 3)]
    assert seen[1].ignored_scaled[0].tolist() == [5, 5, 30, 30]


def test_view_tells_the_class_of_each_valid_box() -> None:
    seen: list[View] = []

    def spy(view: View, rng: np.random.Generator) -> Any:
        del rng
        seen.append(view)
        return []

    coco = Coco(categories=[{"id": identifier, "name": str(identifier)} for identifier in (90, 7, 1)])
    coco.box(coco.image(1000, 800), [10, 10, 50, 50], category_id=7)
    image = coco.image(1000, 800)
    for identifier, side in ((1, 50), (7, 200), (90, 60), (1, 210), (7, 40)):
        coco.box(image, [10, 10, side, side], category_id=identifier)
    coco.box(image, [10, 10, 50, 50], iscrowd=1)
    chipgen.plan(coco.read(), "1x,0.5x", "0-100,100-", sampler=spy)
    seen.sort(key=lambda view: (view.image_id, view.level))
    assert [view.valid_category.tolist() for view in seen] == [[1], [], [2, 0, 1], [1, 2]]
    assert {view.valid_category.dtype for view in seen} == {np.dtype(np.int64)}
    sides = [(view.valid_scaled[:, 2] - view.valid_scaled[:, 0]).tolist() for view in seen[2:]]
    assert sides == [[50, 60, 40], [100, 105]], "in the order of the boxes"


def test_part_of_a_sampler_is_asked_for_many_images_when_the_whole_is() -> None:
    assert many_of(chipgen.sniper) is not None
    part = functools.partial(chipgen.sniper)
    assert many_of(part) is not None
    plans = [chipgen.plan(dataset(), "1x", sampler=one, chip_size=256) for one in (chipgen.sniper, part)]
    assert np.array_equal(plans[0].chips.origin_scaled, plans[1].chips.origin_scaled)
    assert many_of(functools.partial(chipgen.grid, overlap=0.5)) is None
    assert many_of(corner) is None


def test_objects_left_out_are_told_in_a_note() -> None:
    assert not any("uncovered" in note for note in chipgen.plan(dataset(), "1x").notes)
    note = "2 objects uncovered, that is enclosed by no chip of test_samplers:corner: see the ledger"
    assert note in chipgen.plan(dataset(), "1x", sampler=corner, chip_size=256).summary().notes
    assert not any("uncovered" in note for note in chipgen.plan(dataset(), "1x", sampler=corner, chip_size=1000).notes)


@pytest.mark.parametrize("origins", [[[0.5, 0.5]], [[-1, 0]], [[745, 0]], [1, 2], [[1, 2, 3]], [["a", "b"]], None])
def test_what_the_protocol_forbids_is_refused_by_name(origins: Any) -> None:
    with pytest.raises(SamplerError, match="image 1, level 0"):
        chipgen.plan(dataset(), "1x", sampler=lambda view, rng: origins, chip_size=256)


def test_a_sampler_that_raises_is_named() -> None:
    def broken(view: View, rng: np.random.Generator) -> Any:
        raise KeyError(view.level + rng.integers(1))

    with pytest.raises(SamplerError, match="broken: image 1, level 0: raised KeyError"):
        chipgen.plan(dataset(), "1x", sampler=broken)


@pytest.mark.parametrize("name", ["nothing", "no.such.module:thing", "os:nothing", "os:sep"])
def test_unknown_samplers_are_usage_errors(name: str) -> None:
    with pytest.raises(UsageError, match="--sampler"):
        find_sampler(name)


def test_names() -> None:
    assert name_of(chipgen.sniper) == "sniper"
    assert name_of(chipgen.grid) == name_of(functools.partial(chipgen.grid, overlap=0.5)) == "grid"
    assert name_of(functools.partial(functools.partial(chipgen.random_object, chips=1))) == "random-object"
    assert name_of(corner) == name_of(functools.partial(corner)) == "test_samplers:corner"


@pytest.mark.row("K109")
def test_stream_depends_on_seed_image_and_level_only() -> None:
    def draw(*key: int) -> list[int]:
        numbers: list[int] = random_stream(*key).integers(0, 1000, 5).tolist()
        return numbers

    keys = [(0, 1, 0), (1, 1, 0), (0, 2, 0), (0, 1, 1), (0, -1, 0), (0, 2**40, 0), (2**40, 0, 0)]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)
    assert draw(5, -7, 2) == draw(5, -7, 2)


def test_sampler_of_ones_own_on_the_command_line(small_set: Path, tmp_path: Path) -> None:
    code = "def top_left(view, rng):\n    import numpy as np\n    return np.zeros((1, 2), dtype=int)\n"
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    arguments = ("build", "--coco", str(small_set), "--scales", "1x", "--dry-run", "--json")
    done = run(*arguments, "--sampler", "mine:top_left", cwd=tmp_path).expect(0)
    assert '"chips": 4' in done.out
    broken = run(*arguments, "--sampler", "mine:nothing", cwd=tmp_path).expect(2)
    assert broken.err.startswith("--sampler: mine:nothing: cannot be loaded")

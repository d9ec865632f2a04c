"""The check for samplers of one's own: good ones pass, and every broken law is named."""

from __future__ import annotations

import functools
import random
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import chipgen
from chipgen import SamplerError, UsageError, View
from chipgen.cover import enclosing_origins
from chipgen.samplers import BUILT_IN
from chipgen.testing import BOXES, EXAMPLES, IMAGES, check_sampler, made_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator


def corner(view: View, rng: Generator) -> Any:
    del rng
    return [view.size_scaled - view.content]


def somewhere(view: View, rng: Generator) -> Any:
    return rng.integers(0, view.size_scaled - view.content, endpoint=True)[None]


# -- good ones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_samplers_keep_the_laws(name: str) -> None:
    check_sampler(BUILT_IN[name], seed=1, covers=name in chipgen.samplers.COVERING)


@pytest.mark.parametrize(
    "sampler",
    [
        corner,
        somewhere,
        lambda view, rng: [],
        lambda view, rng: np.zeros((0, 2)),
        functools.partial(chipgen.grid, overlap=0.75, empty=0.3),
        functools.partial(chipgen.random_object, chips=7),
    ],
)
def test_good_samplers_pass(sampler: Any) -> None:
    assert check_sampler(sampler) is None  # type: ignore[func-returns-value]


# -- broken ones -------------------------------------------------------------------------------------------------------


class Counting:
    """Every call goes elsewhere."""

    calls = 0

    def __call__(self, view: View, rng: Generator) -> Any:
        self.calls += 1
        return corner(view, rng) * (self.calls % 3)


class FirstRoom:
    """Takes the first image it sees for all of them."""

    content: Any = None

    def __call__(self, view: View, rng: Generator) -> Any:
        del rng
        self.content = view.content if self.content is None else self.content
        return np.minimum(self.content, view.size_scaled - view.content)[None]


LAST: list[int] = [-1]


def after_another(view: View, rng: Generator) -> Any:
    """Look at what came before: not the same view, but the one before that."""
    if LAST[-1] != view.image_id:
        LAST.append(view.image_id)
    return np.array(corner(view, rng)) // (1 + (LAST[-2] > view.image_id))


KEPT: list[Generator] = []


def own_stream(view: View, rng: Generator) -> Any:
    KEPT.append(rng)
    return somewhere(view, KEPT[0])


def sorts(view: View, rng: Generator) -> Any:
    view.valid_scaled.sort(axis=0)
    return corner(view, rng)


def unlocks_and_moves(view: View, rng: Generator) -> Any:
    view.valid_scaled.setflags(write=True)
    view.valid_scaled[:] += 1
    return corner(view, rng)


def changes_and_puts_back(view: View, rng: Generator) -> Any:
    view.ignored_scaled[:] *= 2
    view.ignored_scaled[:] /= 2
    return corner(view, rng)


def replaces(view: View, rng: Generator) -> Any:
    object.__setattr__(view, "stride", 1)
    return corner(view, rng)


def around_the_middle(view: View, rng: Generator) -> Any:
    """Forget that a chip must lie inside the image."""
    del rng
    middle = (view.valid_scaled[:, :2] + view.valid_scaled[:, 2:]) / 2
    return np.floor(middle - view.chip_size / 2).astype(int)


def of_the_first(view: View, rng: Generator) -> Any:
    del rng
    return [np.floor(view.valid_scaled[0, :2]).astype(int) * 0]


BROKEN: list[tuple[Callable[[View, Generator], Any], str]] = [
    (lambda view, rng: None, "returned object of shape (), not integers of shape (K, 2)"),
    (lambda view, rng: corner(view, rng)[0], "returned int64 of shape (2,), not integers"),
    (lambda view, rng: [[0.0, 0.0]], "returned float64 of shape (1, 2), not integers"),
    (lambda view, rng: [[0, 0, 0]], "returned int64 of shape (1, 3), not integers"),
    (lambda view, rng: [[True, False]], "returned bool of shape (1, 2), not integers"),
    (around_the_middle, "returned a chip outside the scaled image"),
    (lambda view, rng: view.size_scaled[None] - 1, "returned a chip outside the scaled image"),
    (of_the_first, "raised IndexError: "),
    (sorts, "changes the view"),
    (unlocks_and_moves, "changes the view"),
    (changes_and_puts_back, "changes the view"),
    (replaces, "changes the view"),
    (Counting(), "gives other origins for the same view and the same stream"),
    (lambda view, rng: somewhere(view, np.random.default_rng()), "gives other origins for the same view"),
    (own_stream, "gives other origins for the same view and the same stream"),
    (lambda view, rng: somewhere(view, np.random.default_rng(random.randrange(9**9))), "depend on random or numpy"),  # noqa: S311
    (lambda view, rng: somewhere(view, np.random.default_rng(np.random.randint(9**9))), "depend on random or numpy"),  # noqa: NPY002
    (FirstRoom(), "its origins depend on the views seen before"),
    (after_another, "its origins depend on the views seen before"),
]


@pytest.mark.parametrize(("sampler", "law"), BROKEN, ids=range(len(BROKEN)))
def test_broken_law_is_named(sampler: Any, law: str) -> None:
    with pytest.raises(SamplerError) as caught:
        check_sampler(sampler, seed=3)
    line = str(caught.value)
    assert law in line
    assert "\n" not in line
    assert line.startswith("test_testing:")
    again = re.search(r"made_view\((\d+), seed=3\) makes that view again$", line)
    assert again
    view = made_view(int(again[1]), seed=3)
    assert f": view {again[1]}: " in line
    assert f"{view.size_scaled[0]} x {view.size_scaled[1]} px, chip {view.chip_size}" in line


def test_covering_is_asked_for_only_when_told() -> None:
    check_sampler(corner)
    with pytest.raises(SamplerError, match="no chip completely encloses valid box"):
        check_sampler(corner, covers=True)
    with pytest.raises(SamplerError, match="no chip completely encloses valid box"):
        check_sampler(chipgen.grid, covers=True)


def test_option_that_is_refused_is_told_as_such() -> None:
    with pytest.raises(UsageError, match="overlap: 2"):
        check_sampler(functools.partial(chipgen.grid, overlap=2))


def test_streams_that_all_share_are_left_as_they_were() -> None:
    random.seed(99)
    np.random.seed(99)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    check_sampler(corner, examples=3)
    with pytest.raises(SamplerError):
        check_sampler(of_the_first)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize("arguments", [{"examples": 0}, {"seed": -1}])
def test_numbers_have_limits(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        check_sampler(corner, **arguments)


# -- the views ---------------------------------------------------------------------------------------------------------


def test_views_are_what_a_plan_would_show() -> None:
    for number in range(EXAMPLES):
        view = made_view(number, seed=5)
        for boxes in (view.valid_scaled, view.ignored_scaled, view.proposals_scaled):
            assert boxes.shape == (len(boxes), 4)
            assert boxes.dtype == np.float64
            assert (boxes[:, :2] >= 0).all()
            assert (boxes[:, 2:] <= view.size_scaled).all()
            assert (boxes[:, 2:] - boxes[:, :2] >= 1 - 1e-9).all()
        assert enclosing_origins(view.valid_scaled, view.size_scaled, view.chip_size).exist.all()
        assert view.valid_category.shape == (len(view.valid_scaled),)
        assert view.size_scaled.dtype == view.valid_category.dtype == np.int64
        assert view.scores.shape == (len(view.proposals_scaled),)
        assert (np.diff(view.scores) <= 0).all()


def test_views_are_of_every_kind() -> None:
    views = [made_view(number) for number in range(EXAMPLES)]
    assert len(IMAGES) * len(BOXES) * 2 * 3 == EXAMPLES
    sizes = {tuple(np.sign(view.size_scaled - view.chip_size).tolist()) for view in views}
    assert sizes == {(1, 1), (-1, -1), (-1, 1), (1, -1), (0, 0)}
    assert any((view.size_scaled == view.chip_size + 1).all() for view in views)
    assert {len(view.valid_scaled) > 0 for view in views if len(view.ignored_scaled)} == {True, False}
    assert any(not len(view.valid_scaled) and not len(view.ignored_scaled) for view in views)
    assert any(len(view.valid_scaled) == 1 for view in views)
    assert max(len(view.valid_scaled) for view in views) > 50
    assert any((view.valid_scaled[:, :2] == 0).any() for view in views)
    assert any((view.valid_scaled[:, 2:] == view.size_scaled).any() for view in views)
    spans = [view.valid_scaled[:, 2:] - view.valid_scaled[:, :2] == view.chip_size for view in views]
    assert any(span.all(axis=1).any() for span in spans)
    assert any(view.stride > view.size_scaled.max() for view in views)
    assert {len(view.proposals_scaled) > 0 for view in views} == {True, False}
    assert {number % 1 != 0 for view in views for number in view.valid_scaled.ravel().tolist()} == {True, False}

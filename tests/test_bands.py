"""Bands and stretches as they are asked for."""

from __future__ import annotations

import pytest

from chipgen.bands import Look, Stretch, parse_bands, parse_stretch
from chipgen.errors import UsageError


@pytest.mark.parametrize(
    ("text", "bands"), [(None, ()), ("3,2,1", (3, 2, 1)), ("4", (4,)), (" 8, 4 ,2", (8, 4, 2)), ("1,1,1", (1, 1, 1))]
)
def test_bands_are_three_or_one(text: str | None, bands: tuple[int, ...]) -> None:
    assert parse_bands(text) == bands


@pytest.mark.row("H79")
@pytest.mark.parametrize("text", ["", "0", "1,2", "1,2,3,4", "a", "-1", "1.5", "3,2,0", "1,,2", "999999", "3;2;1"])
def test_other_bands_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--bands"):
        parse_bands(text)


@pytest.mark.parametrize(
    ("text", "stretch", "shown"),
    [
        ("200,3000", Stretch(200, 3000, percent=False), "200,3000"),
        ("2%,98%", Stretch(2, 98, percent=True), "2%,98%"),
        (" -0.5 , 1e3", Stretch(-0.5, 1000, percent=False), "-0.5,1000"),
        ("0.5%,99.5%", Stretch(0.5, 99.5, percent=True), "0.5%,99.5%"),
    ],
)
def test_stretch_is_two_values_or_two_percentiles(text: str, stretch: Stretch, shown: str) -> None:
    assert parse_stretch(text) == stretch
    assert str(stretch) == shown
    assert parse_stretch(shown) == stretch


def test_no_stretch_is_none() -> None:
    assert parse_stretch(None) is None
    assert not Look()
    assert Look((1,))
    assert Look(stretch=Stretch(0, 1, percent=False))


@pytest.mark.row("H79")
@pytest.mark.parametrize(
    "text", ["", "5", "5,5", "9,3", "1,2,3", "2%,98", "2,98%", "-1%,50%", "5%,101%", "nan,1", "0,inf", "0,1e999", "a,b"]
)
def test_other_stretches_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--stretch"):
        parse_stretch(text)


def test_bands_shown_are_those_asked_for_or_the_first() -> None:
    assert Look((3, 2, 1)).chosen(8) == (2, 1, 0)
    assert Look((5,)).chosen(8) == (4,)
    assert [Look().chosen(samples) for samples in (1, 2, 3, 4, 9)] == [(0,), (0,), (0, 1, 2), (0, 1, 2), (0, 1, 2)]

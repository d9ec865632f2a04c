"""Scale and range tokens."""

from __future__ import annotations

import math

import pytest

from chipgen.errors import UsageError
from chipgen.scales import ValidRange, gaps, parse_ranges, parse_scales


@pytest.mark.row("H74")
@pytest.mark.parametrize(
    "text", ["", "512,", "0", "-5", "abc", "nan", "512,512", "1x,1.0x", "800x600", "1e3", "0x", "inf", "99999999999"]
)
def test_impossible_scales_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--scales"):
        parse_scales(text)


@pytest.mark.row("H75")
@pytest.mark.parametrize("text", ["", "80-0", "50-50", "abc", "0-80,32-150", "-5-10", "nan-5", "1-2-3"])
def test_impossible_ranges_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--valid-ranges"):
        parse_ranges(text, 1)


def test_ranges_are_read_with_open_ends() -> None:
    assert parse_ranges("0-80, 32.5-150,120-,-9", 4) == (
        ValidRange(0, 80),
        ValidRange(32.5, 150),
        ValidRange(120, math.inf),
        ValidRange(0, 9),
    )
    assert parse_ranges("auto", 3) is None


def test_range_tokens_survive_a_round_trip() -> None:
    ranges = (ValidRange(0, 1234567.25), ValidRange(0.1, math.inf))
    assert parse_ranges(",".join(map(str, ranges)), 2) == ranges


@pytest.mark.row("H76")
def test_gaps_are_what_no_range_holds() -> None:
    assert gaps((ValidRange(50, math.inf), ValidRange(0, 20))) == (ValidRange(20, 50),)
    assert gaps((ValidRange(10, 30), ValidRange(20, 40))) == (ValidRange(0, 10), ValidRange(40, math.inf))
    assert gaps((ValidRange(0, math.inf),)) == ()

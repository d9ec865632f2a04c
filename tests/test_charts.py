"""Charts: what they draw is what they were given, at the right place, and no text becomes an element."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_pages import SVG, counts_drawn, parsed

from chipgen.charts import (
    Bar,
    Histogram,
    Mark,
    Markup,
    Part,
    Range,
    bar_chart,
    element,
    size_chart,
    small_histograms,
    told_bin,
)
from chipgen.charts.axes import CountAxis, LogAxis
from chipgen.charts.markup import number
from chipgen.charts.model import slot
from chipgen.charts.paper import LEFT, RIGHT, WIDTH
from chipgen.charts.words import shortened, width

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET

BINS = ((4.0, 4.75, 3), (4.75, 5.66, 0), (5.66, 6.73, 40), (64.0, 76.1, 7))


def rects(chart: str, style: str = "") -> list[ET.Element]:
    """Return the rectangles of a chart that stand for a count, those in a group or of a class of a style."""
    tree = parsed(chart)
    groups = [one for one in tree.iter(f"{SVG}g") if style in one.get("class", "").split()] if style else [tree]
    return [one for group in groups for one in counts_drawn(group)]


def total(chart: str, style: str = "") -> int:
    """Return what the counts of a chart add up to."""
    return sum(int(one.get("data-count", "")) for one in rects(chart, style))


def span(shape: ET.Element) -> tuple[float, float]:
    """Return the left and right end of a band."""
    xs = [float(corner.partition(",")[0]) for corner in shape.get("points", "").split()]
    return min(xs), max(xs)


# -- markup ----------------------------------------------------------------------------------------------------------


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_text_comes_back_as_text(words: str, value: str) -> None:
    made = element("text", words, data_name=value)
    made.encode()
    read = parsed(made)
    assert list(read) == []
    assert len(read.text or "") == len(words)
    assert all(one in {other, "\ufffd"} for one, other in zip(read.text or "", words, strict=True))
    assert set(read.attrib) == {"data-name"}
    assert len(read.attrib["data-name"]) == len(value)


@pytest.mark.parametrize("hidden", ["\x00", "\x0b", "\r", "\x7f", "\x85", "\ud800", "\uffff"])
def test_what_xml_has_no_place_for_is_marked(hidden: str) -> None:
    assert element("b", f"a{hidden}b") == "<b>a\ufffdb</b>"


def test_markup_is_not_escaped_again_and_text_is() -> None:
    inner = element("b", "<i>&\"'")
    assert inner == "<b>&lt;i&gt;&amp;&quot;&#x27;</b>"
    assert element("p", inner, "<br/>") == f"<p>{inner}&lt;br/&gt;</p>"
    assert element("p", Markup("<br/>")) == "<p><br/></p>"


def test_only_elements_without_content_end_at_once() -> None:
    assert element("rect", x=1.0, class_="a") == '<rect x="1" class="a"/>'
    assert element("td") == "<td></td>"


@pytest.mark.parametrize(("value", "text"), [(1.0, "1"), (-0.001, "0"), (0.126, "0.13"), (1200.5, "1200.5")])
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


# -- axes ------------------------------------------------------------------------------------------------------------

sizes = st.floats(0, 1e7, allow_nan=False)


@given(st.lists(sizes, max_size=6), st.lists(st.one_of(sizes, st.just(math.inf)), min_size=2, max_size=8))
def test_positions_rise_with_values_and_stay_in_the_plot(shown: list[float], values: list[float]) -> None:
    axis = LogAxis.around(shown, 60, 900)
    at = [axis.at(value) for value in sorted(values)]
    assert at == sorted(at)
    assert all(60 <= x <= 900 for x in at)


@given(st.lists(st.floats(0.6, 1e5), min_size=1, max_size=6))
def test_axis_holds_what_it_is_around(shown: list[float]) -> None:
    axis = LogAxis.around(shown, 0, 1)
    assert axis.low <= min(shown)
    assert max(shown) <= axis.high
    assert len(axis.ticks) >= 5
    steps = [axis.at(tick) for tick in axis.ticks]
    assert steps == pytest.approx([row / (len(steps) - 1) for row in range(len(steps))])


def test_middle_of_an_octave_is_its_geometric_mean() -> None:
    assert LogAxis(4, 64, 100, 500).at(16) == 300
    assert LogAxis(4, 64, 100, 500).at(4 * math.sqrt(2)) == pytest.approx(150)


@given(st.integers(0, 10**12))
def test_counts_have_few_round_ticks_and_room(most: int) -> None:
    axis = CountAxis(most, 300, 20)
    assert axis.ticks[0] == 0
    assert axis.ticks[-1] == axis.top >= max(1, most)
    assert 2 <= len(axis.ticks) <= 6
    assert axis.at(0) == 300
    assert axis.at(axis.top) == pytest.approx(20)
    assert str(axis.step).strip("0") in {"1", "2", "5"}


# -- the histogram of sizes ------------------------------------------------------------------------------------------


def test_columns_add_up_and_their_heights_are_their_counts() -> None:
    chart = size_chart("sizes", BINS, (), (), ())
    assert total(chart, "counts") == 50
    columns = {float(one.get("data-lo", "")): float(one.get("height", "")) for one in rects(chart)}
    assert set(columns) == {4.0, 5.66, 64.0}  # nothing is drawn where nothing is
    assert columns[5.66] / columns[64.0] == pytest.approx(40 / 7, rel=0.01)
    assert "5.66 to 6.73 px: 40" in chart


def test_few_are_seen_beside_many() -> None:
    chart = size_chart("sizes", ((4.0, 4.75, 1), (8.0, 9.5, 10**6)), (), (), ())
    assert all(float(one.get("height", "")) >= 1 for one in rects(chart))


def test_columns_stand_where_their_ends_are_on_the_axis() -> None:
    chart = size_chart("sizes", BINS, (), (), ())
    axis = LogAxis.around([4, 76.1], LEFT, WIDTH - RIGHT)
    for one, (lo, hi, _) in zip(rects(chart), (BINS[0], BINS[2], BINS[3]), strict=True):
        left = float(one.get("x", ""))
        assert left == pytest.approx(axis.at(lo), abs=1)
        assert left + float(one.get("width", "")) == pytest.approx(axis.at(hi), abs=1)


def test_open_bins_are_a_quarter_of_an_octave_wide() -> None:
    assert slot(0.0, 1.0) == pytest.approx((2**-0.25, 1.0))
    assert slot(65536.0, None) == pytest.approx((65536.0, 65536 * 2**0.25))
    assert total(size_chart("sizes", ((0.0, 1.0, 2), (65536.0, None, 3)), (), (), ())) == 5


ends = st.tuples(st.floats(0, 3000), st.one_of(st.floats(1, 5000), st.just(math.inf)))


@given(st.lists(ends.filter(lambda pair: pair[0] + 0.01 < pair[1]), min_size=1, max_size=6))
def test_bands_stand_where_their_ends_are_on_the_axis(pairs: list[tuple[float, float]]) -> None:
    ranges = [Range(f"level {row}", f"l{row}", lo, hi) for row, (lo, hi) in enumerate(pairs)]
    tree = parsed(size_chart("sizes", BINS, ranges, (), ()))
    closed = [end for pair in pairs for end in pair if 0 < end < math.inf]
    axis = LogAxis.around([4, 76.1, *closed], LEFT, WIDTH - RIGHT)
    bands = [one for one in tree.iter(f"{SVG}polygon") if one.get("class") == "full"]
    assert len(bands) == len(pairs)
    for shape, (lo, hi) in zip(bands, pairs, strict=True):
        assert span(shape) == pytest.approx((axis.at(lo), axis.at(hi)), abs=0.01)
    tops = [float(one.get("points", "").split()[1].partition(",")[2]) for one in bands]
    assert tops == sorted(set(tops))  # one below the other, so that overlaps are seen


def test_open_ends_are_arrows_and_closed_ones_are_lines_through_the_plot() -> None:
    ranges = [Range("a", "l0", 0, 16), Range("b", "l1", 8, math.inf)]
    tree = parsed(size_chart("sizes", BINS, ranges, (), ()))
    corners = [one.get("points", "").split() for one in tree.iter(f"{SVG}polygon")]
    starts = [[float(corner.partition(",")[0]) for corner in shape] for shape in corners]
    assert starts[0][1] > starts[0][0]  # to the left
    assert starts[0][2] == starts[0][3]  # straight
    assert starts[1][1] == starts[1][0]
    assert starts[1][2] < starts[1][3]
    assert len([one for one in tree.iter(f"{SVG}line") if one.get("class") == "end"]) == 2


def test_pale_band_reaches_as_far_as_any_image() -> None:
    chart = size_chart("sizes", BINS, [Range("a", "l0", 8, 16, (6, 32))], (), ())
    axis = LogAxis.around([4, 76.1], LEFT, WIDTH - RIGHT)
    pale = [one for one in parsed(chart).iter(f"{SVG}polygon") if one.get("class") == "pale"]
    assert [span(one) for one in pale] == [pytest.approx((axis.at(6), axis.at(32)), abs=0.01)]


def test_marks_and_holes_stand_at_their_values() -> None:
    chart = size_chart("sizes", BINS, (), [Mark("2nd", 4.2), Mark("98th", 76.0)], [Range("in none", "hole", 20, 40)])
    tree, axis = parsed(chart), LogAxis.around([4, 76.1], LEFT, WIDTH - RIGHT)
    marks = [float(one.get("x1", "")) for one in tree.iter(f"{SVG}line") if one.get("class") == "mark"]
    assert marks == pytest.approx([axis.at(4.2), axis.at(76.0)], abs=0.01)
    (hole,) = (one for one in tree.iter(f"{SVG}rect") if one.get("class") == "hole")
    assert float(hole.get("x", "")) == pytest.approx(axis.at(20), abs=0.01)
    assert float(hole.get("width", "")) == pytest.approx(axis.at(40) - axis.at(20), abs=0.01)


def texts(tree: ET.Element) -> list[tuple[float, float, float, str]]:
    """Return where texts begin, end and stand, and what they say."""
    found = []
    for one in tree.iter(f"{SVG}text"):
        x, words = float(one.get("x", "")), one.text or ""
        start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[one.get("text-anchor", "start")] * width(words)
        found.append((start, start + width(words), float(one.get("y", "")), words))
    return found


@given(st.lists(ends.filter(lambda pair: pair[0] + 0.01 < pair[1]), max_size=6), st.floats(1, 4000), st.floats(1, 4000))
def test_no_text_leaves_the_paper_or_meets_another(
    pairs: list[tuple[float, float]], small: float, large: float
) -> None:
    ranges = [Range(f"level {row}: 0.333x, {lo:g} to {hi:g} px", "l0", lo, hi) for row, (lo, hi) in enumerate(pairs)]
    marks = [Mark(f"2nd percentile: {small:.1f} px", small), Mark(f"98th percentile: {large:.1f} px", large)]
    found = texts(parsed(size_chart("sizes", BINS, ranges, marks, ())))
    assert all(start >= 0 and stop <= WIDTH for start, stop, _, _ in found)
    for row, (start, stop, y, _) in enumerate(found):
        for left, right, other, _ in found[row + 1 :]:
            assert abs(y - other) >= 12 or stop <= left or right <= start


def test_chart_of_nothing_is_a_chart() -> None:
    parsed(size_chart("sizes", (), (), (), ()))
    parsed(small_histograms("sizes", (), Range("good", "good", 50, 250)))
    parsed(bar_chart("bars", ()))


# -- small histograms ------------------------------------------------------------------------------------------------


def test_each_row_shows_its_counts_on_one_axis() -> None:
    rows = [Histogram("level 0", "x", "l0", BINS), Histogram("level 1", "y", "l1", ()), Histogram("z", "", "l2", BINS)]
    chart = small_histograms("sizes", rows, Range("good", "good", 50, 250))
    assert [total(chart, f"l{row}") for row in range(3)] == [50, 0, 50]
    first, last = rects(chart, "l0"), rects(chart, "l2")
    assert [one.get("x") for one in first] == [one.get("x") for one in last]
    (good,) = (one for one in parsed(chart).iter(f"{SVG}rect") if one.get("class") == "good")
    axis = LogAxis.around([4, 76.1, 50, 250], LEFT, WIDTH - RIGHT)
    assert float(good.get("x", "")) == pytest.approx(axis.at(50), abs=0.01)
    assert float(good.get("x", "")) + float(good.get("width", "")) == pytest.approx(axis.at(250), abs=0.01)


# -- bars ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=8))
def test_bars_add_up_and_their_lengths_are_their_counts(counts: list[tuple[int, int]]) -> None:
    bars = [
        Bar(f"row {row}", f"{a:,}", (Part("a", "l0", a), Part("b", "lost", b))) for row, (a, b) in enumerate(counts)
    ]
    chart = bar_chart("bars", bars)
    assert total(chart) == sum(map(sum, counts))
    unit = max((float(one.get("width", "")) / int(one.get("data-count", "")) for one in rects(chart)), default=0)
    most = max(map(sum, counts), default=0)
    for one in rects(chart):
        length, count = float(one.get("width", "")), int(one.get("data-count", ""))
        assert length >= 1
        if count * 1000 > most > 1000:
            assert length / count <= unit
    assert all(start > -0.01 and stop < WIDTH + 0.01 for start, stop, _, _ in texts(parsed(chart)))


def test_parts_stand_one_after_the_other() -> None:
    chart = bar_chart("bars", [Bar("a", "100", (Part("x", "good", 60), Part("y", "lost", 40)))], full=200)
    first, second = rects(chart)
    assert float(first.get("x", "")) + float(first.get("width", "")) == pytest.approx(
        float(second.get("x", "")), abs=0.02
    )
    assert float(first.get("width", "")) / float(second.get("width", "")) == pytest.approx(1.5, abs=0.001)
    alone = rects(bar_chart("bars", [Bar("a", "100", (Part("x", "good", 60), Part("y", "lost", 40)))]))
    assert float(alone[0].get("width", "")) == pytest.approx(2 * float(first.get("width", "")), abs=0.02)


@given(st.text(max_size=300), st.floats(30, 300))
def test_words_are_cut_to_the_room(text: str, room: float) -> None:
    short = shortened(text, room)
    assert width(short) <= room
    if width(text) <= room:
        assert short == " ".join(text.split())


def test_wide_letters_take_more_room() -> None:
    assert width("\u6c49\u5b57") > 1.5 * width("ab")


@pytest.mark.parametrize(
    ("bin_", "told"),
    [
        ((0.0, 1.0), "below 1 px"),
        ((1.0, 1.189207), "1 to 1.19 px"),
        ((53.8, 64.0), "53.8 to 64 px"),
        ((1024.0, 1217.7), "1,024 to 1,218 px"),
        ((65536.0, None), "65,536 px and more"),
    ],
)
def test_bins_are_told_briefly(bin_: tuple[float, float | None], told: str) -> None:
    assert told_bin(*bin_) == told

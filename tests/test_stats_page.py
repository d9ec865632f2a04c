"""The page of `chipgen stats`: well-formed, complete in itself, true to the figures, and safe whatever names hold."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from datasets_made import Coco
from given_proposals import Given
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reading_pages import HTML, SVG, drawn, parsed, words
from run_cli import chipgen_here as chipgen
from small_set import LEVELS, SCALES, small_coco, small_proposals, write_small_set
from strategies import cocos, plan_settings

import chipgen as library
from chipgen.labels import STATES
from chipgen.ledger import STATUSES
from chipgen.report.page_file import is_ours
from chipgen.stats_page import HEAD
from chipgen.stats_page.counts import REASONS
from chipgen.stats_page.lost import CURES, MEANINGS
from chipgen.stats_page.parts import share

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from pathlib import Path

    from chipgen.report import BuiltStats, Stats

HOSTILE = [
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]><svg onload=alert(1)>",
    "&lt;b&gt; &amp; &#0;",
    "nul \x00 bell \x07 and escape \x1b",
    "\u202eright to left",
    "\u6f22\u5b57" * 40,
    "a" * 5000,
    "",
    "url(http://nowhere.invalid/x)",
]


def several() -> Coco:
    """Return a dataset whose objects have many sizes and two categories."""
    coco = Coco()
    for row in range(6):
        image = coco.image(640, 480)
        for step in range(8):
            side = 8 * 1.5**step
            coco.box(image, [row * 20, step * 10, side, side], category_id=(7, 1)[step % 2])
    return coco


def sections(text: str) -> dict[str, ET.Element]:
    """Return the sections of a page by their titles."""
    found = {}
    for one in parsed(text).iter(f"{HTML}section"):
        title = one.find(f"{HTML}h2")
        assert title is not None
        found[title.text or ""] = one
    return found


def cells(part: ET.Element) -> list[list[str]]:
    """Return the rows of the tables of a part of a page."""
    return [["".join(cell.itertext()) for cell in row] for row in part.iter(f"{HTML}tr")]


class Tags(HTMLParser):
    """Collects tags and attributes as a browser, which knows no XML, finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_safe(text: str) -> None:
    """Check that a page runs nothing, loads nothing and is well-formed, for browsers and for XML."""
    tree = parsed(text)
    parser = Tags()
    parser.feed(text)
    names = [one.tag.partition("}")[2].lower() for one in tree.iter()]
    assert [tag for tag, _ in parser.found] == names
    assert not {"script", "img", "link", "iframe", "object", "image", "use", "a", "form", "input"} & set(names)
    for _, attributes in parser.found:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "href", "style", "action"}]
    bare = re.sub(r' xmlns="http://www\.w3\.org/(1999/xhtml|2000/svg)"', "", text)
    bare = bare.replace("url(http://nowhere.invalid/x)", "")  # a name, shown as text
    assert "://" not in bare
    assert "url(" not in bare
    assert "@import" not in bare


def assert_adds_up(text: str, chips: dict[str, Any], spread: dict[str, Any]) -> None:
    """Check that what is drawn adds up to the figures."""
    parts = sections(text)
    assert drawn(parts["Object sizes and valid ranges"]) == sum(count for _, _, count in spread["sizes_img"])
    assert drawn(parts["Sizes in the chips"]) == sum(one["objects"] for one in spread["arrivals"])
    assert drawn(parts["Chips per level"]) == chips["chips"]
    assert drawn(parts["Coverage"]) == chips["pairs"]
    assert drawn(parts["Annotations by what becomes of them"]) == chips["annotations"]
    lost = sum(count for status, count in chips["ledger"].items() if status in CURES)
    assert drawn(parts["Annotations by what becomes of them"], "lost") == lost
    assert drawn(parts["Ignored boxes by reason"]) == sum(chips["ignored_boxes"].values())
    first = sum(one["objects"] for one in spread["categories"][:20])
    assert drawn(parts["Objects per category"]) == first
    learnt = sum(one["covered"] for one in spread["categories"][:20])
    assert drawn(parts["Objects per category"], "lost") == first - learnt
    table = cells(parts["Objects per category"])[1:]
    assert sum(int(row[1].replace(",", "")) for row in table) == spread["objects"]
    assert drawn(parts["Pixels"]) == sum(
        chips[name] for name in ("chip_pixels", "single_scale_pixels", "pyramid_pixels")
    )
    alarms = [one for one in parsed(text).iter(f"{HTML}div") if one.get("class") == "alarm"]
    assert bool(alarms) == bool(lost)


def check(stats: Stats | BuiltStats) -> str:
    """Check the page of some figures and return it."""
    text, values = stats.to_html(), stats.to_dict()
    assert stats.to_html() == text
    assert_safe(text)
    json.dumps(values)
    if values["spread"] is not None:
        assert_adds_up(text, values.get("summary") or values, values["spread"])
    return text


# -- datasets --------------------------------------------------------------------------------------------------------


def test_page_of_a_dataset_with_suggested_scales() -> None:
    found = library.stats(several().read())
    parts = sections(check(found))
    (command,) = (one for one in parts["Suggested scales"].iter(f"{HTML}code"))
    assert found.suggestion is not None
    given = shlex.split(words(command))
    assert given[:3] == ["chipgen", "build", "--coco"]
    assert given[4:] == ["--scales", found.suggestion.scales, "--valid-ranges", found.suggestion.valid_ranges]
    assert "what they come to" in words(parts["Suggested scales"])
    assert "2nd percentile" in words(parts["Object sizes and valid ranges"])


def test_command_to_copy_names_the_chip_size_it_was_made_for() -> None:
    found = library.stats(several().read(), chip_size=256)
    assert "--chip-size 256" in found.to_html()
    given = library.stats(several().read(), "1x")
    assert "--chip-size" not in given.to_html()
    assert "the scales that were given" in given.to_html()


def test_command_to_copy_is_safe_in_a_shell() -> None:
    found = replace(library.stats(several().read()), source="my set; rm -rf ~.json")
    (command,) = parsed(found.to_html()).iter(f"{HTML}code")
    assert shlex.split(words(command))[3] == "my set; rm -rf ~.json"


@settings(max_examples=30, deadline=None)
@given(cocos(), plan_settings())
def test_page_of_odd_datasets_and_settings(coco: Coco, arguments: dict[str, object]) -> None:
    check(library.stats(coco.read(), **arguments))  # type: ignore[arg-type]


def test_no_objects() -> None:
    coco = Coco()
    coco.image(300, 200)
    text = check(library.stats(coco.read()))
    assert "nothing to plan for" in text
    parts = sections(check(library.stats(coco.read(), "512")))
    assert drawn(parts["Chips per level"]) == 0
    assert "no valid pairs" in words(parts["Coverage"])
    check(library.stats(Coco().read(), "512,1x"))
    check(library.stats(Coco().read()))


def test_no_chips() -> None:
    coco = Coco()
    coco.box(coco.image(300, 200), [10, 10, 30, 30])
    text = check(library.stats(coco.read(), "1x", "100-"))
    assert "1 annotation is learnt nowhere" in text
    assert "1 out_of_range: its size lies in no valid range" in text


def test_one_object_and_all_the_same() -> None:
    coco = Coco()
    image = coco.image(300, 200)
    coco.box(image, [10, 10, 32, 32])
    check(library.stats(coco.read()))
    for _ in range(50):
        coco.box(image, [10, 10, 32, 32])
    rows = cells(sections(check(library.stats(coco.read())))["Object sizes and valid ranges"])
    assert [row[:2] for row in rows[1:]] == [["32 to 38.1 px", "51"]]


def test_tiny_and_huge_objects() -> None:
    coco = Coco()
    coco.box(coco.image(10**6, 10**6), [0, 0, 10**6, 10**6])
    coco.box(1, [5, 5, 0.01, 0.01])
    rows = cells(sections(check(library.stats(coco.read(), "512,1x")))["Object sizes and valid ranges"])
    assert (rows[1][:2], rows[-1][:2]) == (["below 1 px", "1"], ["65,536 px and more", "1"])


def test_thousands_of_categories() -> None:
    coco = Coco(categories=[{"id": number, "name": f"kind {number}"} for number in range(3000)])
    image = coco.image(640, 480)
    for number in range(2500):
        coco.box(image, [number % 600, number % 400, 20, 20], category_id=number)
    part = sections(check(library.stats(coco.read())))["Objects per category"]
    assert "2,500 with objects to learn; 20 are drawn, 2,480 more hold 2,480 objects; 500 without any" in words(part)
    assert drawn(part) == 20
    assert len(cells(part)) == 3001


def test_hostile_names_are_text() -> None:
    coco = Coco(categories=[{"id": number, "name": name} for number, name in enumerate(HOSTILE)])
    image = coco.image(640, 480)
    for number in range(len(HOSTILE)):
        coco.box(image, [10 * number, 5, 40, 40], category_id=number)
    found = library.stats(coco.read())
    text = check(replace(found, source=f"{HOSTILE[0]}{HOSTILE[4]} half \ud800 of a letter.json"))
    text.encode()
    table = [row[0] for row in cells(sections(text)["Objects per category"])[1:]]
    assert table[:4] == HOSTILE[:4]
    assert "(no name)" in table
    assert table[4] == "nul \ufffd bell \ufffd and escape \ufffd"


@pytest.mark.parametrize("count", range(1, 8))
def test_levels_are_told_apart(count: int) -> None:
    scales = ",".join(f"{2 / 2**level:g}x" for level in range(count))
    text = check(library.stats(several().read(), scales))
    chart = next(sections(text)["Object sizes and valid ranges"].iter(f"{SVG}svg"))
    assert len([one for one in chart.iter(f"{SVG}polygon") if one.get("class") == "full"]) == count
    assert [f"level {level}: " in words(chart) for level in range(count)] == [True] * count


def test_what_a_sampler_left_out_stands_out() -> None:
    coco = several()
    for image in range(1, 7):
        coco.box(image, [150, 100, 250, 250])
    found = library.stats(coco.read(), "2x", "-", sampler="grid")
    text = check(found)
    assert found.summary is not None
    uncovered = found.summary.ledger["uncovered"]
    assert uncovered
    assert f"{uncovered} uncovered: could be learnt, but the sampler left it out" in text
    assert drawn(sections(text)["Coverage"], "lost") == found.summary.pairs - found.summary.covered
    bad = [row for row in parsed(text).iter(f"{HTML}td") if "bad" in row.get("class", "").split()]
    assert "uncovered" in {words(cell) for cell in bad}


def test_sizes_in_no_range_are_shaded() -> None:
    part = sections(check(library.stats(several().read(), "2x,1x", "0-20,50-")))["Object sizes and valid ranges"]
    (hole,) = (one for one in part.iter(f"{SVG}rect") if one.get("class") == "hole")
    assert "in no valid range: 20 to 50 px" in words(part)
    assert float(hole.get("width", "")) > 1
    rows = {row[0]: row[4] for row in cells(part)[1:]}
    assert "none" in rows.values()
    whole = sections(check(library.stats(several().read(), "2x,1x")))["Object sizes and valid ranges"]
    assert not [one for one in whole.iter(f"{SVG}rect") if one.get("class") == "hole"]


def test_proposals_are_told() -> None:
    rows = [(one["image_id"], tuple(one["bbox"]), one["score"]) for one in small_proposals()]
    found = library.stats(
        small_coco().read(), "1x,2x,256", "20-120,0-60,60-", Given(rows), chip_size=256, min_proposals=4
    )
    part = sections(check(found))["Negative chips"]
    assert found.summary is not None
    assert drawn(part) == len(rows)
    assert f"{found.summary.negatives.chips:,} of {found.summary.negatives.found:,} found" in words(part)
    assert drawn(sections(found.to_html())["Chips per level"], "outlined") == found.summary.negatives.chips > 0


def test_notes_are_told() -> None:
    coco = several()
    coco.box(1, [1, 1, 5, 5], iscrowd=1)
    assert "1 annotation marked iscrowd" in words(sections(check(library.stats(coco.read())))["Notes"])


def test_every_status_and_reason_has_a_meaning() -> None:
    assert set(MEANINGS) == set(STATUSES)
    assert set(REASONS) == set(STATES[1:])
    assert set(CURES) == set(STATUSES) - {"covered", "crowd"}


@example(10**6, 1)
@example(1, 10**6)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_only_all_is_all_and_only_nothing_is_nothing(part: int, rest: int) -> None:
    told = share(part, part + rest)
    assert (told == "100.00%") == (rest == 0 and part > 0)
    assert (told == "0.00%") == (part == 0 and rest > 0)


def test_charts_speak_to_those_who_do_not_see_them() -> None:
    tree = parsed(library.stats(several().read()).to_html())
    charts = list(tree.iter(f"{SVG}svg"))
    assert len(charts) >= 7
    for one in charts:
        title = one.find(f"{SVG}title")
        assert (one.get("role"), one.get("aria-label")) == ("img", "" if title is None else title.text)
    with_charts = [one for one in tree.iter(f"{HTML}section") if one.find(f".//{SVG}svg") is not None]
    assert all(list(one.iter(f"{HTML}table")) for one in with_charts)


# -- builds ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished build with negative chips."""
    folder = tmp_path_factory.mktemp("pool")
    coco = write_small_set(folder / "set")
    (folder / "p.json").write_text(json.dumps(small_proposals()), encoding="utf-8")
    options = ("--proposals", str(folder / "p.json"), "--min-proposals", "4", "--negatives-per-image", "all")
    chipgen("build", "--coco", str(coco), *SCALES, *options, "--out", str(folder / "out"), "-q").expect(0)
    return folder / "out"


def test_page_of_a_build(built: dict[str, Path]) -> None:
    for out in built.values():
        found = library.built_stats(out)
        text = check(found)
        assert "Suggested scales" not in sections(text)
        assert {"car", "person", "boat"} == {row[0] for row in cells(sections(text)["Objects per category"])[1:]}


def test_page_of_a_build_with_negatives(pool: Path) -> None:
    found = library.built_stats(pool)
    parts = sections(check(found))
    assert drawn(parts["Chips per level"], "outlined") == found.negatives.chips > 0
    assert drawn(parts["Negative chips"]) == len(small_proposals())


def test_page_of_a_build_that_skipped_something(tmp_path: Path) -> None:
    coco = write_small_set(tmp_path / "set")
    (tmp_path / "set" / "images" / "3.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    chipgen("build", "--coco", str(coco), *SCALES, "--out", str(out), "-q", "--on-error", "skip").expect(3)
    text = check(library.built_stats(out))
    assert "image_skipped: its image could not be read" in text
    assert "skipped: 1 unidentified" in words(sections(text)["Notes"])


def test_page_of_a_build_without_chips(tmp_path: Path) -> None:
    coco = Coco()
    coco.image(300, 200)
    path = write_small_set(tmp_path / "set", coco)
    chipgen("build", "--coco", str(path), "--scales", "1x", "--out", str(tmp_path / "out"), "-q").expect(0)
    check(library.built_stats(tmp_path / "out"))


# -- the command line ------------------------------------------------------------------------------------------------


def test_page_is_written_and_told(small_set: Path, tmp_path: Path, built: dict[str, Path]) -> None:
    place = tmp_path / "stats.html"
    plain = chipgen("stats", str(small_set), *LEVELS).expect(0)
    done = chipgen("stats", str(small_set), *LEVELS, "--html", str(place)).expect(0)
    assert done.out == f"{plain.out}page         {place}\n"
    assert_safe(place.read_text(encoding="utf-8"))
    other = tmp_path / "other.html"
    assert chipgen("stats", str(small_set), *LEVELS, "--html", str(other), "-q").expect(0).out == ""
    assert other.read_bytes() == place.read_bytes()
    told = json.loads(chipgen("stats", str(built["coco"]), "--html", str(tmp_path / "b.html"), "--json").expect(0).out)
    assert told["html"] == str(tmp_path / "b.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.html", "other.html", "set", "stats.html"]


def test_page_is_replaced_only_when_it_is_ours_and_asked_for(small_set: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.html", tmp_path / "theirs.html"
    chipgen("stats", str(small_set), "--html", str(ours), "-q").expect(0)
    first = ours.read_bytes()
    refused = chipgen("stats", str(small_set), *LEVELS, "--html", str(ours)).expect(4)
    assert refused.err == f"{ours}: exists: choose another name, or --overwrite what chipgen wrote there\n"
    assert (refused.out, ours.read_bytes()) == ("", first)
    chipgen("stats", str(small_set), *LEVELS, "--html", str(ours), "--overwrite", "-q").expect(0)
    assert ours.read_bytes() != first
    theirs.write_text("<!DOCTYPE html>\n<title>mine</title>\n", encoding="utf-8")
    for place in (theirs, small_set):
        held = place.read_bytes()
        refused = chipgen("stats", str(small_set), "--html", str(place), "--overwrite").expect(4)
        assert "chipgen did not write it" in refused.err
        assert place.read_bytes() == held
    link = tmp_path / "link.html"
    link.symlink_to(ours)
    chipgen("stats", str(small_set), "--html", str(link), "--overwrite").expect(4)


def test_what_stands_in_the_way_is_told_before_anything_is_read(tmp_path: Path) -> None:
    place = tmp_path / "there.html"
    place.write_text("x", encoding="utf-8")
    assert "exists" in chipgen("stats", str(tmp_path / "nowhere.json"), "--html", str(place)).expect(4).err
    missing = chipgen("stats", "nowhere.json", "--html", str(tmp_path / "no" / "s.html")).expect(1)
    assert "its folder does not exist" in missing.err


def test_a_fault_leaves_no_page(tmp_path: Path) -> None:
    place = tmp_path / "stats.html"
    chipgen("stats", str(tmp_path / "nowhere.json"), "--html", str(place)).expect(1)
    assert list(tmp_path.iterdir()) == []


def test_no_page_is_put_into_a_build(pool: Path) -> None:
    for place in (pool / "stats.html", pool / "data" / "stats.html"):
        done = chipgen("stats", str(pool), "--html", str(place)).expect(4)
        assert "lies in the build out, whose manifest lists all that it holds" in done.err
        assert not place.exists()
    chipgen("verify", str(pool)).expect(0)


def test_only_our_pages_are_ours(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    for text, ours in ((HEAD, True), (HEAD + "x", True), (HEAD[:-1], False), (f" {HEAD}", False), ("", False)):
        place.write_text(text, encoding="utf-8")
        assert is_ours(place) is ours
    assert not is_ours(tmp_path)
    assert not is_ours(tmp_path / "nothing")
    assert library.stats(several().read()).to_html().startswith(HEAD)

"""The page in a real browser: filters, the large view, click-through to the source picture, keys."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
from browser import CHROMIUM, DRIVER, Browser, browser
from page_data import read_data
from PIL import Image
from run_cli import chipgen_here as chipgen
from small_set import SCALES
from test_view import HOSTILE, hostile_set

from chipgen import view

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromium-driver are not installed")

CARDS = "#cards .card:not([hidden])"
PLACE = "const place = e => { const b = e.getBBox(); return [b.x, b.y, b.width, b.height]; };"
ESCAPE, LEFT, RIGHT = "\ue00c", "\ue012", "\ue014"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a build of the small dataset, names and all, with its page."""
    folder = tmp_path_factory.mktemp("page")
    path = hostile_set(folder / "set")
    chipgen("build", "--coco", str(path), *SCALES, "--negatives", "random", "--out", str(folder / "out")).expect(0)
    view(folder / "out", path.parent / "images", limit=14)
    return folder / "out"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as started:
        yield started


@pytest.fixture
def page(window: Browser, out: Path) -> Browser:
    """Return a browser at the page, freshly loaded."""
    window.open("about:blank")
    window.complaints()
    window.open(address(out))
    return window


def address(out: Path, fragment: str = "") -> str:
    return f"{(out / 'view' / 'index.html').as_uri()}{fragment}"


def shown(page: Browser) -> list[int]:
    """Return the ids of the chips that are seen."""
    found: list[int] = page.run(f"return [...document.querySelectorAll('{CARDS}')].map(e => Number(e.dataset.chip))")
    return found


def fragment(page: Browser) -> str:
    return str(page.run("return location.hash"))


def holding(data: dict[str, Any], test: Any) -> list[int]:
    return [chip["id"] for chip in data["chips"] if test(chip)]


def test_all_chips_are_seen_and_nothing_is_refused(page: Browser, out: Path) -> None:
    data = read_data(out)
    assert shown(page) == [chip["id"] for chip in data["chips"]]
    assert page.texts("#count") == ["14 of 14 chips"]
    assert page.texts("#about")[0].startswith(f"14 of {data['total']} chips, from ")
    assert page.run("return [...document.querySelectorAll('#cards image')].length") == 14
    assert page.run("return window.hacked === undefined && document.title") == "SNIPER chips"
    assert page.complaints() == []


def test_pictures_are_painted(page: Browser) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert pixels.shape == (900, 1400, 3) or pixels.shape[1] == 1400
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 5000, "photographs have many colours"


def test_filters_show_what_they_say(page: Browser, out: Path) -> None:
    data = read_data(out)
    page.click("#kinds .option:nth-of-type(1)")
    positive = holding(data, lambda chip: chip["kind"] == 0)
    assert shown(page) == positive
    assert fragment(page) == "#kind=positive"
    page.click("#levels .option:nth-of-type(1)")
    both = holding(data, lambda chip: chip["level"] == 0 and chip["kind"] == 0)
    assert shown(page) == both
    assert 0 < len(both) < len(positive) < 14
    assert page.texts("#count") == [f"{len(both)} of 14 chips"]
    page.click("#levels .option:nth-of-type(2)")
    more = holding(data, lambda chip: chip["level"] in {0, 1} and chip["kind"] == 0)
    assert shown(page) == more != both
    page.click("#reset")
    assert len(shown(page)) == 14


def test_counts_beside_filters_are_those_of_the_chips(page: Browser, out: Path) -> None:
    data = read_data(out)
    page.open(address(out, "#kind=negative"))
    negative = [chip for chip in data["chips"] if chip["kind"] == 1]
    wanted = [str(sum(chip["level"] == level for chip in negative)) for level in range(3)]
    assert page.texts("#levels .number") == wanted
    counts = [sum(chip["kind"] == kind for chip in data["chips"]) for kind in (0, 1)]
    assert page.texts("#kinds .number") == [str(count) for count in counts]


def test_classes_and_reasons_filter_too_whatever_they_are_called(page: Browser, out: Path) -> None:
    data = read_data(out)
    assert [entry["name"] for entry in data["classes"]][:3] == HOSTILE[:3]
    for position, name in enumerate(entry["name"] for entry in data["classes"]):
        wanted = holding(data, lambda chip, position=position: any(box[2] == position for box in chip["boxes"]))
        page.open(address(out, f"#class={quote(name, safe='')}"))
        assert shown(page) == wanted
    reason = data["reasons"].index("out_of_range")
    page.open(address(out, "#reason=out_of_range"))
    assert shown(page) == holding(data, lambda chip: any(box[3] == reason for box in chip["boxes"]))
    assert 0 < len(shown(page)) < 14
    page.open(address(out, "#level=7"))
    assert shown(page) == []
    assert page.run("return !document.getElementById('none').hidden")


def test_boxes_and_masks_can_be_hidden(page: Browser) -> None:
    seen = (
        "return [...document.querySelectorAll(arguments[0])].filter(e => getComputedStyle(e).display !== 'none').length"
    )
    kinds = {"valid": "#cards .valid", "ignored": "#cards .ignored", "masks": "#cards .mask"}
    before = {word: page.run(seen, selector) for word, selector in kinds.items()}
    assert all(before.values())
    for position, (word, selector) in enumerate(kinds.items(), 1):
        page.click(f"#drawn .option:nth-of-type({position})")
        assert page.run(seen, selector) == 0
        assert fragment(page) == f"#hide={word}"
        page.click(f"#drawn .option:nth-of-type({position})")
        assert page.run(seen, selector) == before[word]


def test_large_view_lists_the_boxes(page: Browser, out: Path) -> None:
    data = read_data(out)
    chip = max(data["chips"], key=lambda chip: len(chip["boxes"]))
    page.click(f".card[data-chip='{chip['id']}']")
    assert fragment(page) == f"#chip={chip['id']}"
    assert page.run("return document.getElementById('chip-view').open")
    rows = page.run(
        "return [...document.querySelectorAll('#boxes tbody tr')].map(r => [...r.cells].map(c => c.textContent))"
    )
    wanted = [
        [
            data["classes"][box[2]]["name"],
            data["reasons"][box[3]] or "valid",
            box[0],
        ]
        for box in chip["boxes"]
    ]
    assert [[row[0], row[1], row[4]] for row in rows] == wanted
    assert page.count("#chip-picture .box") == len(chip["boxes"])
    assert page.count("#chip-picture .mask") == sum(bool(box[5]) for box in chip["boxes"])
    rects = page.run(f"{PLACE} return [...document.querySelectorAll('#chip-picture .hit')].map(place)")
    assert sorted(map(tuple, np.round(rects, 1).tolist())) == sorted(
        tuple(np.round(box[1], 1).tolist()) for box in chip["boxes"]
    )
    page.click("#drawn-large .option:nth-of-type(1)")
    assert fragment(page) == f"#hide=valid&chip={chip['id']}"
    assert page.run("return getComputedStyle(document.querySelector('#chip-picture .valid')).display") == "none"
    page.press(ESCAPE)
    assert not page.run("return document.getElementById('chip-view').open")
    assert len(shown(page)) == 14
    assert page.run("return document.activeElement.dataset.chip") == str(chip["id"])


def test_arrows_go_through_the_chips_that_are_shown(page: Browser, out: Path) -> None:
    data = read_data(out)
    all_ids = [chip["id"] for chip in data["chips"]]
    ids = holding(data, lambda chip: chip["level"] == 1)
    apart = next(n for n in range(len(ids) - 1) if all_ids.index(ids[n + 1]) > all_ids.index(ids[n]) + 1)
    page.open(address(out, f"#level=1&chip={ids[apart]}"))
    page.press(RIGHT)
    assert fragment(page) == f"#level=1&chip={ids[apart + 1]}"
    page.press(LEFT)
    assert page.texts("#chip-title")[0].startswith(f"chip {ids[apart]}, ")
    for _ in ids:
        page.press(RIGHT)
    assert fragment(page) == f"#level=1&chip={ids[-1]}"
    page.press(ESCAPE)
    assert fragment(page) == "#level=1"


def test_click_through_to_the_picture_and_on_to_another_chip(page: Browser, out: Path) -> None:
    data = read_data(out)
    ids = {chip["id"] for chip in data["chips"]}
    image = max(data["images"], key=lambda image: sum(place[0] in ids for place in image["chips"]))
    here = [place for place in image["chips"] if place[0] in ids]
    page.open(address(out, f"#chip={here[0][0]}"))
    page.click("#to-image")
    assert page.run("return document.getElementById('image-view').open && !document.getElementById('chip-view').open")
    assert page.count("#image-picture .place") == len(image["chips"])
    assert page.count("#image-picture a.place") == len(here)
    assert page.run("return document.querySelector('#image-picture .current').dataset.chip") == str(here[0][0])
    lines = page.run(f"{PLACE} return [...document.querySelectorAll('#image-picture .place .line')].map(place)")
    chips = page.run("return [...document.querySelectorAll('#image-picture .place')].map(e => e.dataset.chip)")
    boxes = {chip: [x, y, x + w, y + h] for chip, (x, y, w, h) in zip(chips, lines, strict=True)}
    for place in image["chips"]:
        assert boxes[str(place[0])] == pytest.approx(place[3:], abs=0.01)
    assert page.run("return document.querySelector('#image-picture image').getAttribute('href')") == image["picture"]
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 2000
    page.click(f"#image-chips li:nth-of-type({image['chips'].index(here[-1]) + 1}) a")
    assert page.texts("#chip-title")[0].startswith(f"chip {here[-1][0]}, ")
    page.run("history.back()")
    page.settle()
    assert page.run("return document.getElementById('image-view').open")
    page.press(ESCAPE)
    assert fragment(page) == f"#chip={here[0][0]}"
    page.press(ESCAPE)
    assert fragment(page) in {"", "#"}


def test_pointing_at_a_place_says_which_chip_it_is(page: Browser, out: Path) -> None:
    data = read_data(out)
    image = data["images"][0]
    page.open(address(out, f"#image={image['id']}"))
    place = image["chips"][0]
    page.run(
        "document.querySelector(arguments[0]).dispatchEvent(new Event('mouseenter'))", f".place[data-chip='{place[0]}']"
    )
    assert page.texts("#pointed")[0].startswith(f"chip {place[0]}, level {place[1]} ")
    assert page.count("#image-chips .pointed") == 1
    page.press(RIGHT)
    assert fragment(page) == f"#image={data['images'][1]['id']}"


def test_without_pictures_chips_stand_in_their_place(window: Browser, out: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(out, tmp_path / "out"))
    view(other, overwrite=True, limit=14)
    data = read_data(other)
    image = data["images"][0]
    here = [chip for chip in data["chips"] if chip["image"] == 0]
    window.open(address(other, f"#image={image['id']}"))
    zoom = "e.viewBox.baseVal.width / e.width.baseVal.value"
    factors = window.run(f"return [...document.querySelectorAll('#image-picture svg svg')].map(e => {zoom})")
    assert len(factors) == len(here)
    assert factors == sorted(factors), "the finest lie on top"
    assert "Put together from chips" in window.texts("#image-note")[0]

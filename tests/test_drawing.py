"""Chips with their boxes drawn over them, and sheets of them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chipgen.images import contact_sheet, shrunk
from chipgen.images.drawing import DARK, GREY, annotated
from chipgen.sheet import Grid, Mark, Tile

RED, BLUE = (250, 10, 20), (10, 40, 240)
SIDE = 200


def encoded(
    colour: tuple[int, int, int] = (90, 120, 90), size: tuple[int, int] = (100, 100), kind: str = "PNG"
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind)
    return buffer.getvalue()


def drawn(*marks: Mark, size: tuple[int, int] = (100, 100)) -> np.ndarray:
    return np.asarray(annotated(Tile(encoded(size=size), size, marks, ()), SIDE))


def mark(**fields: Any) -> Mark:
    return Mark(**{"xyxy_chip": (20, 30, 60, 80), "label": "", "colour": RED, "valid": True, **fields})


def test_sides_of_a_valid_box_are_solid_and_in_its_colour() -> None:
    pixels = drawn(mark())
    assert (pixels[60, 40:119] == RED).all()
    assert (pixels[159, 40:119] == RED).all()
    assert (pixels[60:159, 40] == RED).all()
    assert (pixels[60:159, 119] == RED).all()
    assert (pixels[100, 80] == (90, 120, 90)).all()


def test_sides_of_an_ignored_box_are_dashed_in_light_and_dark() -> None:
    pixels = drawn(mark(valid=False))
    colours = {tuple(pixel) for pixel in pixels[60, 40:119].tolist()}
    assert colours == {GREY, DARK}
    assert not (pixels == RED).all(axis=2).any()


def test_masks_are_translucent_and_even_odd() -> None:
    ring, hole = (
        np.array([[20.0, 30], [60, 30], [60, 80], [20, 80]]),
        np.array([[30.0, 40], [50, 40], [50, 70], [30, 70]]),
    )
    pixels = drawn(mark(parts=((ring, hole),)))
    inside, outside, within = pixels[70, 46], pixels[20, 20], pixels[110, 80]
    assert 100 < inside[0] < 200
    assert (outside == within).all()
    both = drawn(mark(parts=((ring,), (ring,))))
    assert (both[110, 80] == inside).all(), "what two parts have in common is filled once"


def test_reasons_and_names_are_written() -> None:
    plain, named = drawn(mark()), drawn(mark(label="car"))
    assert (named[45:58, 42:60] == RED).all(axis=2).any()
    assert (named != plain).any()
    reason = drawn(mark(valid=False, label="truncated"))
    assert (reason[45:58, 42:60] == DARK).all(axis=2).any()
    faint = drawn(mark(label="car", strong=False))
    assert not (faint[45:58, 42:60] == RED).all(axis=2).any()


@pytest.mark.parametrize("box", [(-5, -5, 200, 200), (99.9, 99.9, 100, 100), (0, 0, 0.2, 0.2)])
def test_boxes_at_the_border_are_seen(box: tuple[float, float, float, float]) -> None:
    assert (drawn(mark(xyxy_chip=box)) == RED).all(axis=2).any()


def test_pictures_that_are_not_square_keep_their_shape() -> None:
    assert drawn(mark(), size=(100, 50)).shape == (100, 200, 3)


def test_a_sheet_holds_its_tiles_at_their_places() -> None:
    grid = Grid()
    tiles = [Tile(encoded(colour), (100, 100), (), ("chip", "file.jpg")) for colour in (RED, BLUE, RED, BLUE, RED)]
    image = Image.open(io.BytesIO(contact_sheet("x" * 900, tiles, grid)))
    assert (image.format, image.size) == ("PNG", grid.size(5))
    pixels = np.asarray(image)
    for tile, (x, y) in zip((RED, BLUE, RED, BLUE, RED), grid.places(5), strict=True):
        assert (pixels[y + 5 : y + 300, x + 5 : x + 300] == tile).all()
        assert (pixels[y + grid.tile + 4 : y + grid.tile + 38, x : x + 200] < 140).any(), "a caption stands below"


def test_the_shorter_picture_is_taken() -> None:
    small = encoded(size=(64, 64))
    assert shrunk(small, 512, 85) == (small, "image/png")
    large, mime = shrunk(encoded(size=(900, 300)), 512, 85)
    assert mime == "image/jpeg"
    assert Image.open(io.BytesIO(large)).size == (512, 171)
    noise = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(noise, "PNG")
    assert shrunk(noise.getvalue(), 512, 85)[1] == "image/jpeg"

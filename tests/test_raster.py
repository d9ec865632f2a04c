"""Rasters read by window: every window is what the whole picture has there, however the file is cut."""

from __future__ import annotations

import contextlib
import os
import struct
from typing import TYPE_CHECKING, Any

import image_tiffs
import numpy as np
import pytest
import rasters_made as made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_tiffs import LONG, PIXELS, SHORT
from images import SIZE
from PIL import Image
from rasters_made import Written, look, means, opened, smooth, values_of
from thorough import times

from chipgen.bands import Look
from chipgen.eight_bits import to_eight_bits
from chipgen.errors import UnusableError
from chipgen.images import rasters
from chipgen.images.rasters import layout, opening, reader
from chipgen.images.rasters.blocks import block_means
from chipgen.images.rasters.source import Source

if TYPE_CHECKING:
    from pathlib import Path

tifffile = pytest.importorskip("tifffile")


@pytest.fixture(autouse=True)
def everything_by_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read small rasters as large ones are, and keep few of their segments."""
    monkeypatch.setattr(opening, "WINDOWED", 0)
    monkeypatch.setattr(opening, "KEPT_PIXELS", 0)
    monkeypatch.setattr(reader, "KEPT_BYTES", 20_000)


def whole(found: rasters.OpenedRaster) -> Any:
    """Return all pixels of a raster."""
    return found.pixels.region((0, 0, *found.pixels.size_img), 1).rgb


def box_of(size: tuple[int, int], shares: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
    """Return a box inside an image."""
    (x, x2), (y, y2) = (sorted((int(a * n), int(b * n))) for n, a, b in zip(size, shares[:2], shares[2:], strict=True))
    return min(x, size[0] - 1), min(y, size[1] - 1), max(x2, min(x, size[0] - 1) + 1), max(y2, min(y, size[1] - 1) + 1)


# -- windows -------------------------------------------------------------------------------------------------------

sizes = st.tuples(st.integers(1, 150), st.integers(1, 150))
parts = st.tuples(sizes, st.tuples(*[st.floats(0, 1)] * 4))
"""Width and height of a raster, and the box to be read of it as shares of them."""


@settings(deadline=None, max_examples=times(120), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sampled_from(made.TYPES), parts, st.integers(1, 6), st.integers(1, 40))
def test_window_is_a_part_of_the_whole(
    tmp_path: Path, data: Any, dtype: str, part: Any, samples: int, side: int
) -> None:
    size, shares = part
    values = values_of((size[1], size[0], samples), dtype)
    path = data.draw(made.ways(dtype)).write(tmp_path / "a.tif", values)
    expected = to_eight_bits(values[:, :, [0, 1, 2] if samples >= 3 else [0, 0, 0]], -100, 20_000)
    left, top, right, bottom = box = box_of(size, shares)
    pixels = opened(path, look("-100,20000"), size).pixels
    plain = pixels.region(box, 1)
    assert np.array_equal(plain.rgb, expected[top:bottom, left:right])
    assert (plain.origin_img, plain.step_img) == ((left, top), (1, 1))
    reduced = pixels.region(box, side)
    x, y = left // side, top // side
    blocks = means(expected, side)[y : -(-bottom // side), x : -(-right // side)]
    assert np.array_equal(reduced.rgb, blocks)
    assert (reduced.origin_img, reduced.step_img) == ((x * side, y * side), (side, side))


@settings(deadline=None)
@given(st.integers(1, 700), st.integers(1, 40), st.integers(1, 3), st.integers(1, 800))
def test_blocks_are_averaged_exactly(height: int, width: int, channels: int, side: int) -> None:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, channels), dtype=np.uint8)
    assert np.array_equal(block_means(pixels, side), means(pixels, side))
    assert (block_means(np.full_like(pixels, 255), side) == 255).all()


def test_half_is_rounded_up() -> None:
    assert block_means(np.array([[[0], [1]], [[1], [0]]], dtype=np.uint8), 2).tolist() == [[[1]]]


@pytest.mark.parametrize("side", [7, 64, 1000])
def test_whole_raster_is_reduced_a_piece_at_a_time(tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "AT_ONCE", 4096)
    values = smooth(700, 500, 3)
    pixels = opened(Written(segment=(64, 96)).write(tmp_path / "a.tif", values)).pixels
    largest = 0

    def window(number: int, box: Any) -> Any:
        nonlocal largest
        largest = max(largest, (box[2] - box[0]) * (box[3] - box[1]))
        return reader.Raster._window(pixels, number, box)

    monkeypatch.setattr(pixels, "_window", window)
    assert np.array_equal(pixels.region((0, 0, 700, 500), side).rgb, means(values, side))
    assert largest <= max(4096, min(side, 500) * min(side, 700))


def test_a_reduction_beyond_reason_is_less(tmp_path: Path) -> None:
    path = Written(segment=16).write(tmp_path / "a.tif", smooth(2100, 40, 1)[:, :, 0])
    region = opened(path).pixels.region((0, 0, 2100, 40), 5000)
    assert region.step_img == (1024, 1024)
    assert region.rgb.shape == (1, 3, 3)


def test_segments_are_decoded_once_while_they_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Written(segment=(64, 64), compression="deflate").write(tmp_path / "a.tif", smooth(640, 640, 3))
    pixels = opened(path).pixels
    decoded: list[tuple[int, int]] = []
    segments = pixels.levels[0].segments
    read = segments.values

    def values(column: int, row: int) -> Any:
        decoded.append((column, row))
        return read(column, row)

    monkeypatch.setattr(segments, "values", values)
    pixels.region((10, 10, 60, 60), 1)
    pixels.region((0, 0, 64, 64), 1)
    assert decoded == [(0, 0)]
    pixels.region((60, 10, 70, 20), 1)
    assert decoded == [(0, 0), (1, 0)]
    pixels.region((0, 0, 640, 640), 1)
    assert pixels._bytes == sum(cell.nbytes for cell in pixels._kept.values()) <= 20_000
    pixels.region((0, 0, 10, 10), 1)
    assert decoded.count((0, 0)) == 3  # one segment is all that is kept here


# -- as Pillow -----------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "grey": (1, {"photometric": "minisblack"}),
    "inverted": (1, {"photometric": "miniswhite"}),
    "palette": (1, {"photometric": "palette", "colormap": values_of((3, 256), "u2")}),
    "rgb": (3, {"photometric": "rgb"}),
    "alpha": (4, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "multiplied": (4, {"photometric": "rgb", "extrasamples": ["assocalpha"]}),
}
SEGMENTS = ((48, 64), 16, 1000)


def as_pillow(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB") if image.mode != "RGBA" else image)[:, :, :3]


@pytest.mark.row("F60")
@pytest.mark.parametrize("compression", made.LOSSLESS)
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_pillow(tmp_path: Path, kind: str, compression: str | None) -> None:
    samples, options = KINDS[kind]
    values = smooth(211, 157, samples, 5)
    values = values[:, :, 0] if samples == 1 else values
    for segment in SEGMENTS:
        for planar in {False, samples == 3}:
            for order in "<>":
                way = Written(order, False, planar, compression, False, segment)
                path = way.write(tmp_path / "a.tif", values, **options)
                assert np.array_equal(whole(opened(path)), as_pillow(path)), way


@pytest.mark.parametrize("segment", [(48, 64), 16, 1008])
@pytest.mark.parametrize("photometric", ["minisblack", "rgb", "ycbcr"])
def test_pixels_of_jpegs_are_those_of_pillow(tmp_path: Path, photometric: str, segment: Any) -> None:
    values = smooth(211, 157, 3)
    values = values[:, :, 0] if photometric == "minisblack" else values
    for subsampling in ((1, 1), (2, 2)) if photometric == "ycbcr" else (None,):
        more = {} if subsampling is None else {"subsampling": subsampling}
        path = Written(compression="jpeg", segment=segment).write(
            tmp_path / "a.tif", values, photometric=photometric, **more
        )
        assert np.array_equal(whole(opened(path)), as_pillow(path))


@pytest.mark.parametrize("name", sorted(image_tiffs.TIFFS))
def test_tiffs_of_others_are_read_as_pillow_reads_them_or_left_to_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(image_tiffs.TIFFS[name]())
    handle = os.open(path, os.O_RDONLY)
    try:
        found = made.attempt(handle, SIZE, Look())
    except UnusableError as error:
        assert error.reason == "unsupported_mode"  # noqa: PT017 -- some are, and must say so
        assert name in {"tiff_16", "tiff_integers", "tiff_floats"}
        return
    finally:
        os.close(handle)
    left = ("group", "ccitt", "LAB", "CMYK", "YCbCr", "turned")
    assert (found is None) == (any(mark in name for mark in left) and name != "tiff_turned_by_xmp")
    if found is not None:
        assert np.array_equal(whole(found), PIXELS if "xmp" in name else as_pillow(path))


def test_planes_of_a_big_endian_bigtiff_are_read_although_pillow_cannot(tmp_path: Path) -> None:
    values = smooth(211, 157, 3)
    path = Written(">", big=True, planar=True, compression="lzw").write(tmp_path / "a.tif", values)
    assert np.array_equal(whole(opened(path)), values)


# -- bands and values ----------------------------------------------------------------------------------------------


def test_bands_are_counted_from_one(tmp_path: Path) -> None:
    values = values_of((70, 90, 5), "u1")
    path = Written().write(tmp_path / "a.tif", values)
    assert np.array_equal(whole(opened(path)), values[:, :, :3])
    assert np.array_equal(whole(opened(path, look(None, 5, 1, 2))), values[:, :, [4, 0, 1]])
    assert np.array_equal(whole(opened(path, look(None, 4))), values[:, :, [3, 3, 3]])
    with pytest.raises(UnusableError, match="has 5 bands, and --bands asks for number 6"):
        opened(path, look(None, 1, 2, 6))


def test_two_bands_show_the_first(tmp_path: Path) -> None:
    values = values_of((70, 90, 2), "u1")
    assert np.array_equal(whole(opened(Written().write(tmp_path / "a.tif", values))), values[:, :, [0, 0, 0]])


@pytest.mark.row("F61")
@pytest.mark.parametrize("dtype", ["u2", "i2", "f4", "i1"])
def test_more_than_eight_bits_want_a_stretch(tmp_path: Path, dtype: str) -> None:
    path = Written().write(tmp_path / "a.tif", values_of((70, 90, 3), dtype))
    with pytest.raises(UnusableError, match="say with --stretch LO,HI which values become 0 and 255") as refused:
        opened(path)
    assert refused.value.reason == "unsupported_mode"


def test_percentiles_are_those_of_each_band(tmp_path: Path) -> None:
    values = np.stack([np.arange(101 * 101).reshape(101, 101) * factor for factor in (1, 2, 3)], axis=2).astype("u2")
    path = Written(segment=101).write(tmp_path / "a.tif", values)
    expected = [to_eight_bits(values[:, :, band], 1020 * (band + 1), 9180 * (band + 1)) for band in range(3)]
    assert np.array_equal(whole(opened(path, look("10%,90%"))), np.stack(expected, axis=2))


def test_percentiles_are_those_of_a_sample_that_is_spread_evenly(tmp_path: Path) -> None:
    values = np.repeat(np.arange(1600, dtype="u2"), 16 * 16).reshape(1600, 16, 16)
    grid = values.reshape(40, 40, 16, 16).transpose(0, 2, 1, 3).reshape(640, 640)
    found = opened(Written(segment=(16, 16), compression="lzw").write(tmp_path / "a.tif", grid), look("0%,100%"))
    assert found.pixels.levels[0].colours.ends == ((0.0, 1575.0),)


def test_what_means_nothing_is_black_and_counts_for_no_percentile(tmp_path: Path) -> None:
    values = np.arange(100, 200, dtype="f4").reshape(10, 10)
    values[0, :3] = (-9999, np.nan, 100)
    path = Written(segment=10).write(tmp_path / "a.tif", values, extratags=[(42113, "s", 0, "-9999", True)])
    found = whole(opened(path, look("0%,100%")))[:, :, 0]
    assert found[0, :4].tolist() == [0, 0, 0, 8]
    assert found[9, 9] == 255
    assert whole(opened(path, look("-20000,0")))[0, :3, 0].tolist() == [0, 0, 255]


def test_inverted_values_are_stretched_the_other_way(tmp_path: Path) -> None:
    values = np.array([[0, 100], [200, 300]], dtype="u2")
    path = Written(segment=2).write(tmp_path / "a.tif", values, photometric="miniswhite")
    assert whole(opened(path, look("0,200")))[:, :, 0].tolist() == [[255, 128], [0, 0]]


def test_palette_has_no_bands(tmp_path: Path) -> None:
    path = Written().write(tmp_path / "a.tif", smooth(50, 50, 1)[:, :, 0], **KINDS["palette"][1])
    with pytest.raises(UnusableError, match="has a palette"):
        opened(path, look("0,100"))


# -- reductions ----------------------------------------------------------------------------------------------------


def pyramid(path: Path, values: Any, *reduced: Any, below: bool) -> Path:
    """Write a raster with its reductions, in directories below it or behind it."""
    options = Written(segment=(32, 32), compression="deflate").options(values)
    with tifffile.TiffWriter(path) as file:
        file.write(values, photometric="rgb", subifds=len(reduced) if below else None, **options)
        for picture in reduced:
            file.write(picture, photometric="rgb", subfiletype=1, **options)
    return path


@pytest.mark.parametrize("below", [True, False])
def test_the_coarsest_reduction_that_is_fine_enough_is_used(tmp_path: Path, below: bool) -> None:
    values, half, quarter = (
        np.full((height, width, 3), grey, "u1")
        for width, height, grey in (
            (401, 301, 10),
            (201, 151, 20),
            (101, 76, 30),
        )
    )
    found = opened(pyramid(tmp_path / "a.tif", values, half, quarter, below=below))
    assert found.notes == ()
    pixels = found.pixels
    assert [level.size for level in pixels.levels] == [(401, 301), (201, 151), (101, 76)]
    steps = {}
    for side in (1, 2, 3, 4, 6, 8, 9):
        region = pixels.region((100, 100, 300, 201), side)
        steps[side] = (int(region.rgb[0, 0, 0]), region.step_img)
        (x, y), (step_x, step_y) = region.origin_img, region.step_img
        assert x <= 100
        assert y <= 100
        assert x + region.rgb.shape[1] * step_x >= 300
        assert y + region.rgb.shape[0] * step_y >= 201
        assert max(step_x, step_y) <= side
    assert steps[1] == (10, (1, 1))
    assert steps[2] == (20, (401 / 201, 301 / 151))
    assert steps[4] == (30, (401 / 101, 301 / 76))
    assert steps[8] == (30, (2 * 401 / 101, 2 * 301 / 76))
    assert steps[3][0] == 20
    assert steps[9] == steps[8]


def test_only_reductions_of_the_same_picture_are_used(tmp_path: Path) -> None:
    values = smooth(400, 300, 3)
    label, mask = np.full((200, 200, 3), 9, "u1"), np.full((150, 200), 9, "u1")
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(values, photometric="rgb", tile=(32, 32), metadata=None)
        file.write(label, photometric="rgb", subfiletype=1, metadata=None)
        file.write(mask, photometric="minisblack", subfiletype=1, metadata=None)
        file.write(values[::2, ::2], photometric="rgb", metadata=None)
    found = opened(path)
    assert len(found.pixels.levels) == 1
    assert found.notes == ("several frames or pages: the first was used",)


def test_percentiles_are_those_of_the_smallest_reduction_that_has_enough_pixels(tmp_path: Path) -> None:
    values = np.full((600, 800, 3), 1, "u2")
    path = pyramid(tmp_path / "a.tif", values, values[::2, ::2] * 500, values[::4, ::4] * 900, below=True)
    ends = opened(path, look("0%,100%")).pixels.levels[0].colours.ends
    assert {lo for lo, _ in ends} == {500.0}


# -- segments that were never stored -------------------------------------------------------------------------------


def sparse(path: Path, tag: int, value: bytes = b"") -> Path:
    """Write a raster of tiles, of which every second says that it was not stored."""
    more = [(42113, "s", 0, value.decode(), True)] if value else []
    Written(segment=(16, 16), compression="deflate").write(path, np.full((64, 64), 77, "u1"), extratags=more)
    with tifffile.TiffFile(path) as file:
        found = file.pages[0].tags[tag]
        where, size, count = found.valueoffset, {3: 2, 4: 4, 16: 8}[int(found.dtype)], found.count
    data = bytearray(path.read_bytes())
    for index in range(0, count, 2):
        data[where + index * size : where + (index + 1) * size] = bytes(size)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("tag", [layout.TILES, layout.TILE_BYTES])
def test_tiles_that_were_not_stored_are_black_or_what_means_nothing(tmp_path: Path, tag: int) -> None:
    for value, empty in ((b"", 0), (b"255", 255)):
        found = whole(opened(sparse(tmp_path / "a.tif", tag, value)))[:, :, 0]
        assert (found[:16, 16:32] == 77).all()
        assert (found[:16, :16] == empty).all()
        stretched = whole(opened(sparse(tmp_path / "a.tif", tag, value), look("50%,100%")))[:, :, 0]
        assert (stretched[:16, :16] == 0).all()


# -- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.row("F53")
@pytest.mark.parametrize("compression", made.LOSSLESS)
def test_raster_that_is_cut_short_is_refused_when_it_is_opened(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    for way in (Written(compression=compression), Written(compression=compression, segment=20)):
        way.write(path, smooth(211, 157, 3))
        data = path.read_bytes()
        with tifffile.TiffFile(path) as file:
            end = max(a + b for a, b in zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True))
        path.write_bytes(data[: end - 1])
        with pytest.raises(UnusableError) as refused:
            opened(path, size=(211, 157))
        assert refused.value.reason == "corrupt"


@pytest.mark.row("F53")
@pytest.mark.parametrize("compression", ["lzw", "deflate", "zstd", "lzma"])
def test_damaged_segment_is_named_where_it_is_needed(
    tmp_path: Path, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = Written(compression=compression, segment=(64, 64)).write(tmp_path / "a.tif", smooth(256, 256, 3))
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[5], file.pages[0].databytecounts[5]
    data = bytearray(path.read_bytes())
    data[offset : offset + length] = b"\xff" * length
    path.write_bytes(data)
    pixels = opened(path).pixels
    assert pixels.region((0, 0, 64, 64), 1).rgb.shape == (64, 64, 3)
    with pytest.raises(UnusableError, match="segment 5 is damaged") as refused:
        pixels.region((60, 60, 70, 70), 1)
    assert refused.value.reason == "corrupt"
    assert capfd.readouterr() == ("", "")


@pytest.mark.row("F53")
def test_small_raster_is_read_whole_so_that_damage_is_found_before_any_chip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "KEPT_PIXELS", 1 << 24)
    monkeypatch.setattr(reader, "KEPT_BYTES", reader.KEPT_PIXELS * 3)
    path = Written(compression="zstd", segment=(64, 64)).write(tmp_path / "a.tif", smooth(256, 256, 3))
    found = opened(path)
    assert found.file is None
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = b"\xff" * 3000
    path.write_bytes(data)
    with pytest.raises(UnusableError, match=r"segment \d+ is damaged"):
        opened(path)
    path.write_bytes(b"")
    assert whole(found).shape == (256, 256, 3)


@pytest.mark.row("F57")
@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd", "lzma", "packbits"])
def test_segment_that_unpacks_to_more_than_its_pixels_gives_no_more(tmp_path: Path, compression: str) -> None:
    """The file says that its segments, which hold 16 million zeros, are 16 x 16 px."""
    path = Written(compression=compression, segment=4096).write(tmp_path / "a.tif", np.zeros((4096, 4096), "u1"))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for tag in (256, 257, 278):
            found = file.pages[0].tags[tag]
            size = {3: 2, 4: 4}[int(found.dtype)]
            data[found.valueoffset : found.valueoffset + size] = (16).to_bytes(size, "little")
    path.write_bytes(data)
    try:
        assert whole(opened(path, size=(16, 16))).shape == (16, 16, 3)
    except UnusableError as error:
        assert error.reason == "corrupt"  # noqa: PT017 -- either will do


@pytest.mark.row("F57")
def test_jpeg_that_is_larger_than_its_segment_is_not_decoded(tmp_path: Path) -> None:
    path = Written(compression="jpeg", segment=(32, 32)).write(tmp_path / "a.tif", smooth(64, 64, 3))
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[0]
    frame = data.index(b"\xff\xc0", start)
    data[frame + 5 : frame + 9] = struct.pack(">HH", 60_000, 60_000)
    path.write_bytes(data)
    with pytest.raises(UnusableError, match="segment 0 is damaged \\(it has 60000 x 60000 px\\)"):
        whole(opened(path))


@pytest.mark.row("F53", "F57")
@pytest.mark.parametrize("compression", [*made.LOSSLESS, "jpeg"])
def test_damaged_bytes_are_refused_or_read(
    tmp_path: Path, compression: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is raised, nothing is printed."""
    rng = np.random.default_rng(7)
    path = tmp_path / "a.tif"
    for segment in ((32, 16), 32):
        Written(compression=compression, segment=segment).write(path, smooth(90, 70, 3))
        sound = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        for _ in range(100):
            data = sound.copy()
            places = rng.integers(0, len(data), 3) if rng.random() < 0.5 else rng.integers(0, 300, 2)
            data[places] = rng.integers(0, 256, len(places))
            path.write_bytes(data.tobytes()[: None if rng.random() < 0.9 else rng.integers(8, len(data))])
            with contextlib.suppress(UnusableError), path.open("rb") as file:
                found = made.attempt(file.fileno(), (90, 70), Look())
                assert found is None or whole(found).shape == (70, 90, 3)
    assert capfd.readouterr() == ("", "")


def by_hand(path: Path, **lines: Any) -> Path:
    path.write_bytes(image_tiffs.tiff(image_tiffs.basic(**lines), PIXELS.tobytes()))
    return path


@pytest.mark.row("F53", "F57")
@pytest.mark.parametrize(
    "lines",
    [
        {"offsets": (273, LONG, [0xFFFFFFF0])},
        {"counts": (279, LONG, [0xFFFFFFF0])},
        {"counts": (279, LONG, [10])},
        {"rows": (278, LONG, [1])},
    ],
)
def test_lies_about_segments_are_refused(tmp_path: Path, lines: dict[str, Any]) -> None:
    with pytest.raises(UnusableError) as refused:
        opened(by_hand(tmp_path / "a.tif", **lines), size=SIZE)
    assert refused.value.reason == "corrupt"


@pytest.mark.parametrize(
    "lines", [{"rows": (278, LONG, [0])}, {"width": (256, LONG, [0])}, {"bits": (258, SHORT, [8, 8, 4])}]
)
def test_what_is_not_understood_is_left_to_pillow(tmp_path: Path, lines: dict[str, Any]) -> None:
    handle = os.open(by_hand(tmp_path / "a.tif", **lines), os.O_RDONLY)
    found = made.attempt(handle, SIZE, Look())
    os.close(handle)
    assert found is None or lines.keys() == {"rows"}


def test_segment_that_is_longer_than_its_pixels_need_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Written(compression="deflate", segment=(16, 16)).write(tmp_path / "a.tif", values_of((16, 16, 3), "u1"))
    assert whole(opened(path)).shape == (16, 16, 3)
    monkeypatch.setattr(layout, "MOST_PACKED", -1000)
    with pytest.raises(UnusableError, match="longer than their pixels need"):
        opened(path)


def test_another_size_than_annotations_say_is_refused(tmp_path: Path) -> None:
    path = Written().write(tmp_path / "a.tif", smooth(64, 48, 3))
    with pytest.raises(UnusableError, match="is 64 x 48 px, its annotations say 48 x 64") as refused:
        opened(path, size=(48, 64))
    assert refused.value.reason == "size_mismatch"


def test_many_segments_are_no_burden(tmp_path: Path) -> None:
    path = Written(segment=(16, 16), compression="zstd").write(tmp_path / "a.tif", np.zeros((2000, 2000), "u1"))
    assert len(opened(path).pixels.levels[0].segments.layout.offsets) == 125**2
    assert not whole(opened(path)).any()


# -- which are read by window --------------------------------------------------------------------------------------


def test_ordinary_pictures_are_left_to_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "WINDOWED", 48 * 64)
    path = Written().write(tmp_path / "a.tif", smooth(64, 48, 3))
    handle = os.open(path, os.O_RDONLY)
    assert made.attempt(handle, (64, 48), Look()) is None
    assert made.attempt(handle, (64, 48), look("0,100")) is not None
    assert made.attempt(handle, (64, 48), look(None, 3, 2, 1)) is not None
    monkeypatch.setattr(opening, "WINDOWED", 48 * 64 - 1)
    assert made.attempt(handle, (64, 48), Look()) is not None
    os.close(handle)


def test_without_the_libraries_pillow_reads_what_it_can(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "can_decode", lambda: False)
    handle = os.open(Written().write(tmp_path / "a.tif", smooth(64, 48, 3)), os.O_RDONLY)
    assert made.attempt(handle, (64, 48), Look()) is None
    with pytest.raises(UnusableError, match=r"install chipgen\[raster\] for --bands"):
        made.attempt(handle, (64, 48), look("0,100"))
    os.close(handle)
    handle = os.open(Written().write(tmp_path / "a.tif", values_of((48, 64, 3), "u2")), os.O_RDONLY)
    with pytest.raises(UnusableError, match=r"--stretch .* and install chipgen\[raster\]"):
        made.attempt(handle, (64, 48), Look())
    os.close(handle)


def test_segments_larger_than_the_limit_are_left_to_pillow_unless_they_can_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MOST_SEGMENT", 10_000)
    values = smooth(200, 100, 3)
    for compression, is_left in (("deflate", True), (None, False)):
        path = Written(compression=compression, segment=100).write(tmp_path / "a.tif", values)
        handle = os.open(path, os.O_RDONLY)
        found = made.attempt(handle, (200, 100), Look())
        os.close(handle)
        assert (found is None) == is_left
        assert found is None or np.array_equal(whole(found), values)


# -- what it was ---------------------------------------------------------------------------------------------------


def test_sampled_checksum_sees_every_byte_that_it_should(tmp_path: Path) -> None:
    path = Written(segment=(64, 64), compression="zstd").write(tmp_path / "a.tif", values_of((1500, 1500, 3), "u1"))
    data = path.read_bytes()
    found = opened(path).file
    assert found is not None
    assert (found.bytes, found.sampled) == (len(data), True)
    assert opened(path).file == found
    for at in (0, len(data) // 63, len(data) - 1):
        if at > 8:
            changed = bytearray(data)
            changed[at] ^= 1
            path.write_bytes(changed)
            assert rasters.sampled(made.metered(os.open(path, os.O_RDONLY))) != found.sha256


def test_source_outlives_the_handle_it_was_made_from(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    handle = os.open(tmp_path / "a", os.O_RDONLY)
    source = Source(made.metered(handle))
    os.close(handle)
    assert source.read(2, 3) == b"234"
    with pytest.raises(UnusableError, match="ends before byte 12"):
        source.read(9, 3)
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(UnusableError, match="ends before byte"):
        source.read(0, 5)
    kept = source._handle
    del source
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(kept)

"""Chips of both engines: a crop of the resized whole, at any factor, wherever the window begins, however it is held."""

from __future__ import annotations

import io
import json
import os
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from run_cli import chipgen
from small_set import texture
from thorough import times

from chipgen.chips import Crop
from chipgen.config import PlanConfig
from chipgen.export_config import ExportConfig
from chipgen.fingerprint import early_record
from chipgen.images import engine_of, open_picture, reduction_for
from chipgen.images.decoded import Decoded, PillowPixels
from chipgen.images.opencv_engine import ArrayPixels
from chipgen.images.turns import TURNS
from chipgen.levels import scaled_sizes
from chipgen.scales import parse_scales

if TYPE_CHECKING:
    from pathlib import Path

    from chipgen.images.pixels import Pixels

IMAGING = ("pillow", "opencv")
FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
WHOLE = texture(211, 157, 1)
NOISE = Image.fromarray(np.random.default_rng(3).integers(0, 256, (157, 211, 3), dtype=np.uint8))
"""The hardest picture there is for a filter: it differs from any other filter everywhere."""


def held(image: Image.Image, imaging: str) -> Decoded:
    """Return a picture as the decoder of an engine would."""
    if imaging == "pillow":
        return PillowPixels(size_img=image.size, stored=image)
    return ArrayPixels(size_img=image.size, stored=np.array(image))


def cut(pixels: Pixels, crop: Crop, imaging: str, **settings: Any) -> Any:
    """Return a chip as an array of signed numbers."""
    config = ExportConfig(imaging=imaging, **settings)
    return np.asarray(engine_of(imaging).cut(pixels, crop, config), dtype=np.int64)


def placed(size: tuple[int, int], factor: float, place: tuple[float, float], side: int) -> Crop:
    """Return a chip of an image, somewhere."""
    (scale,) = parse_scales(f"{factor:.6f}x")
    width, height = scaled_sizes(scale, np.array([size]))[0].tolist()
    content = (min(side, width), min(side, height))
    origin = (int(place[0] * (width - content[0])), int(place[1] * (height - content[1])))
    return Crop((width / size[0], height / size[1]), origin, content, content)


def expected(image: Image.Image, crop: Crop, resample: str = "bilinear") -> Any:
    """Resize the whole and crop."""
    size = (round(image.width * crop.factor[0]), round(image.height * crop.factor[1]))
    (x, y), (width, height) = crop.origin_scaled, crop.content
    whole = image.resize(size, Image.Resampling(FILTERS[resample]))
    return np.asarray(whole.crop((x, y, x + width, y + height)), dtype=np.int64)


SHARE = st.floats(0, 1)


@settings(deadline=None, max_examples=times(150))
@given(st.sampled_from([WHOLE, NOISE]), st.sampled_from(IMAGING), st.floats(0.05, 4), SHARE, SHARE, st.integers(1, 96))
def test_chip_equals_a_crop_of_the_resized_image(
    image: Image.Image, imaging: str, factor: float, right: float, down: float, side: int
) -> None:
    crop = placed(image.size, factor, (right, down), side)
    difference = np.abs(cut(held(image, imaging), crop, imaging) - expected(image, crop))
    if factor > 0.25:
        assert difference.max() <= 3
    else:  # squares of pixels are averaged first, which noise shows and little else
        assert difference.max() <= 40
        assert difference.size < 500 or difference.mean() < 4


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 3.0, 4.0])
def test_factors_that_find_a_pixel_to_begin_at_are_as_exact(imaging: str, factor: float) -> None:
    for place in ((0.0, 0.0), (0.31, 0.77), (1.0, 1.0), (0.5, 0.013)):
        crop = placed(NOISE.size, factor, place, 64)
        assert np.abs(cut(held(NOISE, imaging), crop, imaging) - expected(NOISE, crop)).max() <= 2


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("factor", [0.3, 0.55, 0.8, 0.97, 1.1, 1.667, 2.0])
def test_borders_of_the_image_are_as_exact(imaging: str, factor: float) -> None:
    crop = placed(NOISE.size, factor, (0.0, 0.0), 1000)
    difference = cut(held(NOISE, imaging), crop, imaging) - expected(NOISE, crop)
    assert np.abs(difference).max() <= 3
    assert abs(difference.mean()) < (0.1 if factor < 1 else 0.35)  # rounded, neither up nor down, but for halves


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("resample", FILTERS)
@pytest.mark.parametrize("factor", [0.13, 0.61, 1.0, 2.3])
def test_every_filter_is_that_of_the_resized_image(imaging: str, resample: str, factor: float) -> None:
    crop = placed(WHOLE.size, factor, (0.4, 0.9), 48)
    difference = np.abs(cut(held(WHOLE, imaging), crop, imaging, resample=resample) - expected(WHOLE, crop, resample))
    assert (difference > 0).mean() < 0.02 if resample == "nearest" else difference.mean() < 1.5


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("method", list(TURNS))
@pytest.mark.parametrize("factor", [0.23, 0.7, 1.0, 1.667, 3.0])
def test_chips_of_a_turned_picture_are_those_of_its_turned_copy(
    imaging: str, method: Image.Transpose | None, factor: float
) -> None:
    upright = NOISE if method is None else NOISE.transpose(method)
    stored = {"stored": NOISE} if imaging == "pillow" else {"stored": np.array(NOISE)}
    kind: Any = PillowPixels if imaging == "pillow" else ArrayPixels
    turned = kind(size_img=upright.size, turn=TURNS[method], **stored)
    for place in ((0.0, 0.0), (0.3, 0.8), (1.0, 1.0)):
        crop = placed(upright.size, factor, place, 40)
        difference = np.abs(cut(turned, crop, imaging) - cut(held(upright, imaging), crop, imaging))
        assert difference.mean() < (6 if factor < 0.25 else 1)  # averages begin at another end
        assert difference.max() <= (40 if factor < 0.25 else 2)
    box = (3, 5, 60, 41)
    assert np.array_equal(turned.region(box, 1).rgb, np.asarray(upright.crop(box)))


@pytest.mark.parametrize("imaging", IMAGING)
def test_factor_one_copies_pixels(imaging: str) -> None:
    crop = Crop((1.0, 1.0), (17, 5), (64, 48), (64, 48))
    assert np.array_equal(cut(held(WHOLE, imaging), crop, imaging), np.asarray(WHOLE.crop((17, 5, 81, 53))))


@pytest.mark.parametrize("imaging", IMAGING)
def test_padding_is_right_and_bottom_in_the_fill_colour(imaging: str) -> None:
    crop = Crop((1.0, 1.0), (0, 0), (211, 157), (256, 256))
    chip = cut(held(WHOLE, imaging), crop, imaging, fill=(1, 2, 3))
    assert chip.shape == (256, 256, 3)
    assert np.array_equal(chip[:157, :211], np.asarray(WHOLE))
    assert (chip[157:] == (1, 2, 3)).all()
    assert (chip[:, 211:] == (1, 2, 3)).all()


@pytest.mark.parametrize("imaging", IMAGING)
def test_painting_hides_ignored_boxes_but_never_a_valid_one(imaging: str) -> None:
    engine, crop = engine_of(imaging), Crop((1.0, 1.0), (0, 0), (100, 100), (100, 100))
    chip = engine.cut(held(WHOLE, imaging), crop, ExportConfig(imaging=imaging))
    before = np.array(chip)
    painted = np.asarray(engine.paint_over(chip, [(10, 10, 50, 50)], [(40, 40, 60, 60)], (9, 9, 9)))
    assert (painted[10:40, 10:50] == 9).all()
    assert np.array_equal(painted[40:60, 40:60], before[40:60, 40:60])
    assert np.array_equal(painted[60:], before[60:])
    assert np.array_equal(np.asarray(chip), before)


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp"])
def test_encoding_is_close_and_repeatable(image_format: str, imaging: str) -> None:
    config, engine = ExportConfig(image_format=image_format, imaging=imaging), engine_of(imaging)
    chip = engine.cut(held(WHOLE, imaging), Crop((1.0, 1.0), (0, 0), (128, 128), (128, 128)), config)
    encoded = engine.encode(chip, config)
    decoded = Image.open(io.BytesIO(encoded))
    assert (decoded.format, decoded.size) == (image_format.upper(), (128, 128))
    assert np.abs(np.asarray(decoded.convert("RGB"), dtype=np.int64) - np.asarray(chip)).mean() < 3
    assert engine.encode(chip, config) == encoded


@pytest.mark.parametrize("imaging", IMAGING)
def test_jpeg_keeps_full_colour_resolution(imaging: str) -> None:
    stripes = Image.new("RGB", (64, 64), (255, 0, 0))
    for x in range(0, 64, 2):
        stripes.paste((0, 0, 255), (x, 0, x + 1, 64))
    config, engine = ExportConfig(imaging=imaging), engine_of(imaging)
    chip = engine.cut(held(stripes, imaging), Crop((1.0, 1.0), (0, 0), (64, 64), (64, 64)), config)
    decoded = np.asarray(Image.open(io.BytesIO(engine.encode(chip, config))), dtype=np.int64)
    assert np.abs(decoded - np.asarray(stripes)).mean() < 6


@pytest.mark.parametrize(
    ("finest", "reduction"), [(3.0, 1), (0.26, 1), (0.25, 2), (0.2, 2), (0.125, 4), (0.0625, 8), (0.001, 8)]
)
def test_decoders_reduce_only_what_leaves_the_filter_two_pixels(finest: float, reduction: int) -> None:
    assert reduction_for(finest, "bilinear") == reduction
    assert reduction_for(finest, "nearest") == reduction_for(finest, "box") == 1


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("resample", ["nearest", "box", "bilinear"])
def test_coarse_chips_of_a_build_are_those_of_the_resized_image(imaging: str, resample: str, tmp_path: Path) -> None:
    """All of it is so coarse that JPEG may be decoded reduced: not so before filters that would show it."""
    texture(2048, 1536, 1).save(tmp_path / "a.jpg", quality=95)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [100, 100, 600, 600]}
    coco = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 2048, "height": 1536}],
        "annotations": [box],
        "categories": [{"id": 1, "name": "a"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(coco), encoding="utf-8")
    out = ("--out", str(tmp_path / "out"), "--image-format", "png", "--no-pad", "--format", "coco")
    options = ("--scales", "256", "--valid-ranges", "0-", "--imaging", imaging, "--resample", resample)
    chipgen("build", "--coco", str(tmp_path / "a.json"), *options, *out).expect(0)
    (chip,) = (tmp_path / "out").rglob("*.png")
    whole = Image.open(tmp_path / "a.jpg").resize((256, 192), Image.Resampling(FILTERS[resample]))
    difference = np.abs(np.asarray(Image.open(chip), dtype=np.int64) - np.asarray(whole))
    assert difference.mean() < (4 if resample == "bilinear" else 0.5)


def test_versions_of_an_engine_are_part_of_a_build() -> None:
    for imaging in IMAGING:
        encoders = early_record(PlanConfig.parse("512", "auto"), ExportConfig(imaging=imaging), None)["encoders"]
        assert encoders["pillow"] == version("pillow")
        assert ({"opencv", "simplejpeg"} <= encoders.keys()) == (imaging == "opencv")
    assert encoders["simplejpeg"] == version("simplejpeg")
    assert encoders["opencv"] != "none"


@pytest.mark.parametrize("imaging", IMAGING)
@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(("factor", "reduction"), [(0.25, 2), (0.2, 2), (0.125, 4), (0.06, 8)])
def test_reduced_decoding_stays_within_the_tolerance(
    imaging: str, orientation: int, mode: str, factor: float, reduction: int, tmp_path: Path
) -> None:
    """Sides are no multiples of the reduction: the last pixels stand for less than others."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"progressive": True} if factor == 0.2 else {}
    texture(1003, 757, 1).convert(mode).save(tmp_path / "a.jpg", quality=95, exif=exif, **options)
    config = ExportConfig(imaging=imaging)
    size = (757, 1003) if orientation == 6 else (1003, 757)
    whole = open_picture(tmp_path / "a.jpg", size, config).pixels
    reduced = open_picture(tmp_path / "a.jpg", size, config, reduction).pixels
    assert isinstance(reduced, Decoded)
    assert reduced.step == reduction
    assert reduced.size_img == whole.size_img == size
    for place in ((0.0, 0.0), (0.4, 0.7), (1.0, 1.0)):
        crop = placed(size, factor, place, 40)
        difference = np.abs(cut(reduced, crop, imaging) - cut(whole, crop, imaging))
        assert difference.mean() < 4


@pytest.mark.parametrize("broken", ["raise ImportError('libGL.so.1')", "raise AttributeError('_ARRAY_API not found')"])
def test_opencv_that_cannot_be_loaded_is_not_there(small_set: Path, tmp_path: Path, broken: str) -> None:
    (tmp_path / "cv2.py").write_text(broken, encoding="utf-8")
    build = ("build", "--coco", str(small_set), "--scales", "512", "--out", str(tmp_path / "out"))
    path = os.pathsep.join([str(tmp_path), *sys.path])
    refused = chipgen(*build, "--imaging", "opencv", PYTHONPATH=path).expect(2).err
    assert refused == (
        "--imaging: opencv: is not installed, or cannot be loaded: install chipgen[fast], or use --imaging pillow\n"
    )
    chipgen(*build, PYTHONPATH=path).expect(0)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())
    assert manifest["configuration"]["imaging"] == "pillow"

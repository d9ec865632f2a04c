"""Pixels: chips equal a crop of the resized whole, orientation and colours follow the documented rules."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_set import texture

from chipgen.chips import Crop
from chipgen.errors import UnusableError
from chipgen.export_config import MAX_PIXELS, ExportConfig
from chipgen.images import cut, encode, locate, open_picture, paint_over
from chipgen.scales import parse_scales

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = texture(211, 157, 1)


def pixels(image: Image.Image) -> Any:
    return np.asarray(image, dtype=np.int64)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.05, 4), st.floats(0, 1), st.floats(0, 1), st.integers(1, 96))
def test_chip_equals_a_crop_of_the_resized_image(factor: float, right: float, down: float, side: int) -> None:
    (scale,) = parse_scales(f"{factor:.6f}x")
    width, height = scale.sizes(np.array([WHOLE.size]))[0].tolist()
    content = (min(side, width), min(side, height))
    origin = (int(right * (width - content[0])), int(down * (height - content[1])))
    crop = Crop((width / WHOLE.width, height / WHOLE.height), origin, content, content)
    whole = WHOLE.resize((width, height), Image.Resampling.BILINEAR)
    expected = whole.crop((*origin, origin[0] + content[0], origin[1] + content[1]))
    difference = np.abs(pixels(cut(WHOLE, crop, ExportConfig())) - pixels(expected))
    assert difference.mean() < 1
    assert difference.max() <= 12


def test_factor_one_copies_pixels() -> None:
    crop = Crop((1.0, 1.0), (17, 5), (64, 48), (64, 48))
    assert np.array_equal(pixels(cut(WHOLE, crop, ExportConfig())), pixels(WHOLE.crop((17, 5, 81, 53))))


def test_padding_is_right_and_bottom_in_the_fill_colour() -> None:
    crop = Crop((1.0, 1.0), (0, 0), (211, 157), (256, 256))
    chip = pixels(cut(WHOLE, crop, ExportConfig(fill=(1, 2, 3))))
    assert chip.shape == (256, 256, 3)
    assert np.array_equal(chip[:157, :211], pixels(WHOLE))
    assert (chip[157:] == (1, 2, 3)).all()
    assert (chip[:, 211:] == (1, 2, 3)).all()


def test_painting_hides_ignored_boxes_but_never_a_valid_one() -> None:
    chip = WHOLE.crop((0, 0, 100, 100))
    painted = pixels(paint_over(chip, [(10, 10, 50, 50)], [(40, 40, 60, 60)], (9, 9, 9)))
    assert (painted[10:40, 10:50] == 9).all()
    assert np.array_equal(painted[40:60, 40:60], pixels(chip)[40:60, 40:60])
    assert np.array_equal(painted[60:], pixels(chip)[60:])


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp"])
def test_encoding_is_close_and_repeatable(image_format: str) -> None:
    chip = WHOLE.crop((0, 0, 128, 128))
    encoded = encode(chip, ExportConfig(image_format=image_format))
    decoded = Image.open(io.BytesIO(encoded))
    assert decoded.size == (128, 128)
    assert np.abs(pixels(decoded.convert("RGB")) - pixels(chip)).mean() < 3
    assert encode(chip, ExportConfig(image_format=image_format)) == encoded


def test_jpeg_keeps_full_colour_resolution() -> None:
    stripes = Image.new("RGB", (64, 64), (255, 0, 0))
    for x in range(0, 64, 2):
        stripes.paste((0, 0, 255), (x, 0, x + 1, 64))
    decoded = pixels(Image.open(io.BytesIO(encode(stripes, ExportConfig()))))
    assert np.abs(decoded - pixels(stripes)).mean() < 6


def opened(path: Path, size: tuple[int, int], limit: int = MAX_PIXELS) -> Any:
    return pixels(open_picture(path, size, limit).pixels)


@pytest.mark.row("F55", "F56")
@pytest.mark.parametrize("orientation", range(1, 10))
def test_orientation_is_settled_by_the_size_of_the_annotations(tmp_path: Path, orientation: int) -> None:
    stored = texture(80, 60, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(opened(tmp_path / "a.png", (80, 60)), pixels(stored))
    if orientation in {5, 6, 7, 8}:
        upright = open_picture(tmp_path / "a.png", (60, 80), MAX_PIXELS)
        assert upright.pixels.size == (60, 80)
        assert upright.notes
        turned = {6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}.get(orientation)
        if turned is not None:
            assert np.array_equal(pixels(upright.pixels), pixels(stored.transpose(turned)))
    else:
        with pytest.raises(UnusableError, match="its annotations say 60 x 80"):
            opened(tmp_path / "a.png", (60, 80))


@pytest.mark.row("F56")
def test_nothing_but_pixels_is_taken_from_a_file(tmp_path: Path) -> None:
    stored = texture(40, 30, 2)
    stored.save(tmp_path / "a.jpg", comment=b"secret", icc_profile=b"secret", dpi=(300, 300))
    picture = open_picture(tmp_path / "a.jpg", (40, 30), MAX_PIXELS)
    assert picture.pixels.info == {}
    for image_format in ("jpeg", "png", "webp"):
        assert b"secret" not in encode(picture.pixels, ExportConfig(image_format=image_format))


@pytest.mark.row("F60")
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "RGB"])
def test_colours_become_rgb(tmp_path: Path, mode: str) -> None:
    picture = WHOLE.convert("RGB" if mode == "RGBA" else mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "a.tif")
    expected = pixels(WHOLE if mode in {"RGB", "RGBA"} else picture.convert("RGB"))
    assert np.array_equal(opened(tmp_path / "a.tif", WHOLE.size), expected)


@pytest.mark.row("F61")
@pytest.mark.parametrize(("dtype", "mode"), [(np.uint16, "I;16"), (np.int32, "I"), (np.float32, "F")])
def test_more_than_eight_bits_are_refused_not_clipped(tmp_path: Path, dtype: Any, mode: str) -> None:
    picture = Image.fromarray(np.arange(400, dtype=dtype).reshape(20, 20))
    assert picture.mode == mode
    picture.save(tmp_path / "a.tif")
    with pytest.raises(UnusableError) as refused:
        opened(tmp_path / "a.tif", (20, 20))
    assert refused.value.reason == "unsupported_mode"


@pytest.mark.row("F57")
def test_pixel_limit_is_checked_before_decoding(tmp_path: Path) -> None:
    texture(100, 100, 1).save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png", (100, 100), 10_000).shape == (100, 100, 3)
    for limit in (9_999, 4_000):  # Pillow warns at the first and raises at the second
        with pytest.raises(UnusableError) as refused:
            opened(tmp_path / "a.png", (100, 100), limit)
        assert refused.value.reason == "too_large"


@pytest.mark.row("E44", "E45", "E46", "E47", "E49")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "bad_name"),
        (".", "bad_name"),
        ("a\nb.png", "bad_name"),
        ("a\x00.png", "bad_name"),
        ("\ud800.png", "bad_name"),
        ("a" * 300, "bad_name"),
        ("http://x/a.png", "bad_name"),
        ("../out.png", "outside_root"),
        ("sub/../../out.png", "outside_root"),
        ("/etc/hostname", "outside_root"),
        ("link.png", "outside_root"),
        ("loop.png", "missing"),
        ("nothing.png", "missing"),
    ],
)
def test_names_that_lead_nowhere_or_out(tmp_path: Path, name: str, reason: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "out.png").write_bytes(b"x")
    (root / "link.png").symlink_to(tmp_path / "out.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    with pytest.raises(UnusableError) as refused:
        locate(root, name, follow_symlinks=False)
    assert refused.value.reason == reason


@pytest.mark.row("E45", "E46")
def test_names_that_lead_to_a_file(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/ü 🚗.png"):
        (root / name).write_bytes(b"x")
        assert locate(root, name, follow_symlinks=False) == (root / name).resolve()
    assert locate(root, "sub/../a.png", follow_symlinks=False) == (root / "a.png").resolve()
    assert locate(root, str(root / "a.png"), follow_symlinks=False) == (root / "a.png").resolve()
    (tmp_path / "out.png").write_bytes(b"x")
    (root / "link.png").symlink_to(tmp_path / "out.png")
    assert locate(root, "link.png", follow_symlinks=True) == (tmp_path / "out.png").resolve()

"""Opening images: orientation, colours and limits follow the documented rules, whoever decodes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from images import whole
from PIL import Image, ImageOps
from small_set import texture

from chipgen.chips import Crop
from chipgen.errors import UnusableError
from chipgen.export_config import ExportConfig
from chipgen.images import engine_of, locate, open_picture

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = texture(211, 157, 1)


@pytest.fixture(params=["pillow", "opencv"])
def config(request: pytest.FixtureRequest) -> ExportConfig:
    """Return a configuration of each engine."""
    return ExportConfig(imaging=request.param)


def opened(path: Path, size: tuple[int, int], config: ExportConfig) -> Any:
    return whole(open_picture(path, size, config).pixels)


@pytest.mark.row("F55", "F56")
@pytest.mark.parametrize("form", ["png", "jpg"])
@pytest.mark.parametrize("orientation", range(1, 10))
def test_orientation_is_settled_by_the_size_of_the_annotations(
    tmp_path: Path, orientation: int, form: str, config: ExportConfig
) -> None:
    path, exif = tmp_path / f"a.{form}", Image.Exif()
    exif[0x0112] = orientation
    texture(80, 60, 3).save(path, exif=exif)
    stored = Image.open(path).convert("RGB")
    assert np.array_equal(opened(path, (80, 60), config), np.asarray(stored))
    if orientation in {5, 6, 7, 8}:
        upright = open_picture(path, (60, 80), config)
        assert upright.pixels.size_img == (60, 80)
        assert upright.notes
        assert np.array_equal(whole(upright.pixels), np.asarray(ImageOps.exif_transpose(Image.open(path))))
    else:
        with pytest.raises(UnusableError, match="its annotations say 60 x 80"):
            opened(path, (60, 80), config)


@pytest.mark.row("F56")
@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp"])
def test_nothing_but_pixels_is_taken_from_a_file(tmp_path: Path, image_format: str, config: ExportConfig) -> None:
    stored = texture(40, 30, 2)
    stored.save(tmp_path / "a.jpg", comment=b"secret", icc_profile=b"secret", dpi=(300, 300))
    pixels = open_picture(tmp_path / "a.jpg", (40, 30), config).pixels
    asked, engine = replace(config, image_format=image_format), engine_of(config.imaging)
    for factor in ((1.0, 1.0), (0.5, 0.5)):
        crop = Crop(factor, (0, 0), (20, 15), (20, 15))
        assert b"secret" not in engine.encode(engine.cut(pixels, crop, asked), asked)


@pytest.mark.row("F60")
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "RGB"])
def test_colours_become_rgb(tmp_path: Path, mode: str, config: ExportConfig) -> None:
    picture = WHOLE.convert("RGB" if mode == "RGBA" else mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(tmp_path / "a.tif")
    expected = WHOLE if mode in {"RGB", "RGBA"} else picture.convert("RGB")
    assert np.array_equal(opened(tmp_path / "a.tif", WHOLE.size, config), np.asarray(expected))


@pytest.mark.row("F61")
@pytest.mark.parametrize(("dtype", "mode"), [(np.uint16, "I;16"), (np.int32, "I"), (np.float32, "F")])
def test_more_than_eight_bits_are_refused_not_clipped(
    tmp_path: Path, dtype: Any, mode: str, config: ExportConfig
) -> None:
    picture = Image.fromarray(np.arange(400, dtype=dtype).reshape(20, 20))
    assert picture.mode == mode
    picture.save(tmp_path / "a.tif")
    with pytest.raises(UnusableError) as refused:
        opened(tmp_path / "a.tif", (20, 20), config)
    assert refused.value.reason == "unsupported_mode"


@pytest.mark.row("F57")
def test_pixel_limit_is_checked_before_decoding(tmp_path: Path, config: ExportConfig) -> None:
    texture(100, 100, 1).save(tmp_path / "a.png")
    assert opened(tmp_path / "a.png", (100, 100), replace(config, max_pixels=10_000)).shape == (100, 100, 3)
    for limit in (9_999, 4_000):  # Pillow warns at the first and raises at the second
        with pytest.raises(UnusableError) as refused:
            opened(tmp_path / "a.png", (100, 100), replace(config, max_pixels=limit))
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

"""Rasters through the whole program: the same chips as from a picture, in little memory, whoever cuts them."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasters_made as made
from datasets_made import Coco
from PIL import Image
from rasters_made import Written, smooth
from run_cli import chipgen as in_a_process
from run_cli import chipgen_here as program
from run_cli import measured, tree
from tampering import rows
from thorough import THOROUGH

import chipgen
from chipgen.images.rasters import opening, reader

sys.path.append(str(Path(__file__).parent / "benchmarks"))
from made_raster import write_raster

SIDE = 4200
"""More pixels than are kept: such a raster is read by window, and its checksum is one of samples."""
MB = 1 << 20
SCALES = ("--scales", "2x,1x,512", "--valid-ranges", "0-60,30-200,100-", "--chip-size", "256")


def dataset(folder: Path, size: tuple[int, int], name: str = "1.tif", boxes: int = 60) -> Path:
    """Write annotations of one image with small and large objects."""
    coco = Coco()
    coco.image(*size, 1)
    coco.images[0]["file_name"] = name
    rng = np.random.default_rng(2)
    for _ in range(boxes):
        side = float(rng.integers(10, 250))
        x, y = (float(rng.integers(0, length - 251)) for length in size)
        coco.box(1, [x, y, side, side])
    folder.mkdir(exist_ok=True)
    (folder / "instances.json").write_text(coco.text(), encoding="utf-8")
    return folder / "instances.json"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the annotation file of a raster that is read by window; not to be changed."""
    folder = tmp_path_factory.mktemp("large")
    values = np.tile(smooth(700, 600, 3), (7, 6, 1))[:SIDE, :SIDE]
    Written(compression="deflate", segment=(256, 256)).write(folder / "1.tif", values)
    return dataset(folder, (SIDE, SIDE))


def with_fewer(large: Path, folder: Path, boxes: int) -> Path:
    """Return the annotation file of a copy of the large raster with fewer objects: where chips are not the matter."""
    folder.mkdir()
    shutil.copy(large.parent / "1.tif", folder)
    return dataset(folder, (SIDE, SIDE), boxes=boxes)


def pixels(out: Path) -> list[Any]:
    """Return the bytes of all chips."""
    return [row["bytes"] for row in pq.read_table(out / "data")["image"].to_pylist()]


def array(encoded: bytes) -> Any:
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image)


def build(coco: Path, out: Path, *more: str) -> Any:
    return program("build", "--coco", str(coco), *SCALES, "--out", str(out), "--image-format", "png", *more)


# -- the same chips ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("imaging", ["pillow", "opencv"])
def test_chips_are_those_of_the_picture(large: Path, tmp_path: Path, imaging: str) -> None:
    if imaging == "opencv":
        pytest.importorskip("cv2")
    boxes = 60 if THOROUGH else 20
    window = with_fewer(large, tmp_path / "set", boxes)
    with Image.open(large.parent / "1.tif") as image:
        image.convert("RGB").save(tmp_path / "1.png", compress_level=1)
    coco = dataset(tmp_path, (SIDE, SIDE), "1.png", boxes)
    build(window, tmp_path / "window", "--imaging", imaging).expect(0)
    build(coco, tmp_path / "whole", "--imaging", imaging).expect(0)
    pairs = list(zip(pixels(tmp_path / "window"), pixels(tmp_path / "whole"), strict=True))
    assert len(pairs) > 2 / 3 * boxes
    assert sum(one == other for one, other in pairs) > 0.8 * len(pairs)  # all but those that averages are taken for
    for one, other in pairs:
        difference = np.abs(array(one).astype(int) - array(other))
        assert difference.mean() < 2
        assert difference.max() <= 16


@pytest.mark.row("K104")
def test_two_workers_write_what_one_writes(large: Path, tmp_path: Path) -> None:
    coco = with_fewer(large, tmp_path / "set", 16)
    for workers in ("1", "2"):
        options = ("--workers", workers, "--chips-per-shard", "4", "--stretch", "2%,98%", "--bands", "3,1,2")
        arguments = ("build", "--coco", str(coco), *SCALES, "--image-format", "png", *options)
        in_a_process(*arguments, "--out", str(tmp_path / workers)).expect(0)
    assert tree(tmp_path / "1") == tree(tmp_path / "2")
    assert len(list((tmp_path / "1" / "data").iterdir())) >= 4


# -- what it was ---------------------------------------------------------------------------------------------------


def test_large_raster_is_known_by_samples(large: Path, tmp_path: Path) -> None:
    folder = with_fewer(large, tmp_path / "set", 6).parent
    build(folder / "instances.json", tmp_path / "out", "--chips-per-shard", "2").expect(0)
    (row,) = pq.read_table(tmp_path / "out" / "_sources.parquet").to_pylist()
    assert (row["bytes"], row["sha256"]) == ((folder / "1.tif").stat().st_size, None)
    assert len(row["sampled_sha256"]) == 64
    program("verify", str(tmp_path / "out"), "--sources", str(folder)).expect(0)
    data = bytearray((folder / "1.tif").read_bytes())
    data[-1] ^= 1
    (folder / "1.tif").write_bytes(data)
    told = program("verify", str(tmp_path / "out"), "--sources", str(folder)).expect(1).err
    assert "1.tif: image 1: has another content than when chips were cut from it" in told
    next((tmp_path / "out" / "data").iterdir()).unlink()
    told = build(folder / "instances.json", tmp_path / "out", "--chips-per-shard", "2").expect(4).err
    assert "1.tif: image 1: has changed since chips were cut from it" in told


def test_two_checksums_of_one_image_are_a_fault(large: Path, tmp_path: Path) -> None:
    build(with_fewer(large, tmp_path / "set", 2), tmp_path / "out").expect(0)
    with rows(tmp_path / "out", "_sources.parquet") as values:
        values[0]["sha256"] = "0" * 64
    assert "image 1: has two checksums" in program("verify", str(tmp_path / "out")).expect(1).err


def test_small_raster_is_known_by_all_of_it(tmp_path: Path) -> None:
    Written(segment=(64, 64)).write(tmp_path / "1.tif", made.values_of((300, 300, 3), "u2"))
    build(dataset(tmp_path, (300, 300)), tmp_path / "out", "--stretch", "0,65535").expect(0)
    (row,) = pq.read_table(tmp_path / "out" / "_sources.parquet").to_pylist()
    assert row["sampled_sha256"] is None
    assert row["sha256"]
    program("verify", str(tmp_path / "out"), "--sources", str(tmp_path)).expect(0)


# -- bands and stretch ---------------------------------------------------------------------------------------------


@pytest.mark.row("F61")
def test_sixteen_bits_are_refused_until_a_stretch_is_given(tmp_path: Path) -> None:
    values = made.values_of((256, 256, 5), "u2")
    Written(segment=(64, 64)).write(tmp_path / "1.tif", values)
    coco = dataset(tmp_path, (256, 256), boxes=1)
    one = ("--coco", str(coco), "--scales", "1x", "--chip-size", "256", "--image-format", "png")
    told = program("build", *one, "--out", str(tmp_path / "out")).expect(1).err
    assert "1.tif: image 1: has more than 8 bits a channel (16, unsigned); say with --stretch LO,HI" in told
    assert not (tmp_path / "out").exists()
    given = ("--bands", "5,3,1", "--stretch", "1000,51000", "--out", str(tmp_path / "out"))
    program("build", *one, *given).expect(0)
    expected = np.clip(np.floor((values[:, :, [4, 2, 0]].astype(float) - 1000) / 50_000 * 255 + 0.5), 0, 255)
    assert np.array_equal(array(*pixels(tmp_path / "out")), expected)
    manifest = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())
    assert manifest["configuration"]["bands"] == "5,3,1"
    assert manifest["configuration"]["stretch"] == "1000,51000"
    assert (
        "bands `5,3,1` shown as red, green and blue; values `1000,51000`"
        in (tmp_path / "out" / "README.md").read_text()
    )
    (tmp_path / "chipgen.toml").write_text('bands = [5, 3, 1]\nstretch = "1000, 51000.0"\n')
    program("build", *one, "--config", str(tmp_path / "chipgen.toml"), "--out", str(tmp_path / "out")).expect(0)
    told = (
        program("build", *one, "--bands", "5,3,1", "--stretch", "1000,51001", "--out", str(tmp_path / "out"))
        .expect(4)
        .err
    )
    assert "configuration.stretch: is 1000,51000 there and 1000,51001 now" in told


def test_bands_and_stretch_are_of_tiffs(tmp_path: Path) -> None:
    Image.fromarray(smooth(256, 256, 3)).save(tmp_path / "1.png")
    coco = dataset(tmp_path, (256, 256), "1.png", boxes=1)
    told = program("build", "--coco", str(coco), "--scales", "1x", "--bands", "3,2,1", "--out", str(tmp_path / "out"))
    assert "1.png: image 1: is no TIFF: --bands and --stretch" in told.expect(1).err


# -- damage --------------------------------------------------------------------------------------------------------


def damaged(coco: Path, folder: Path) -> Path:
    """Return a copy of a dataset in which a segment in the middle of the raster is damaged."""
    folder.mkdir()
    (folder / "instances.json").write_bytes(coco.read_bytes())
    data = bytearray((coco.parent / "1.tif").read_bytes())
    with made.tifffile.TiffFile(coco.parent / "1.tif") as file:
        page = file.pages[0]
        for index in range(130, 160):
            at, length = page.dataoffsets[index], page.databytecounts[index]
            data[at + 10 : at + length] = b"\xff" * (length - 10)
    (folder / "1.tif").write_bytes(data)
    return folder / "instances.json"


@pytest.mark.row("F53")
@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_damage_in_the_middle_of_a_large_raster_ends_the_build(large: Path, tmp_path: Path, on_error: str) -> None:
    """Chips of it may be finished by then, in this shard and in others: an image is skipped whole, or not at all."""
    coco = damaged(large, tmp_path / "set")
    told = build(coco, tmp_path / "out", "--on-error", on_error, "--chips-per-shard", "20").expect(1).err
    (line,) = told.splitlines()
    assert line.startswith("1.tif: chip ")
    assert "of image 1: segment 1" in line
    assert "put a sound copy in its place, or take the image out of the annotations" in line
    assert not (tmp_path / "out" / "_manifest.json").exists()


@pytest.mark.row("F53")
def test_damaged_small_raster_is_skipped_whole(tmp_path: Path) -> None:
    path = Written(compression="zstd", segment=(64, 64)).write(tmp_path / "1.tif", made.values_of((600, 600, 3), "u2"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 30_000] = bytes(30_000)
    path.write_bytes(data)
    coco = dataset(tmp_path, (600, 600))
    options = ("--stretch", "0,9", "--chips-per-shard", "5", "--on-error", "skip")
    build(coco, tmp_path / "out", *options).expect(3)
    (line,) = [json.loads(line) for line in (tmp_path / "out" / "_skipped.jsonl").read_text().splitlines()]
    assert (line["image_id"], line["reason"]) == (1, "corrupt")
    assert pixels(tmp_path / "out") == []
    program("verify", str(tmp_path / "out")).expect(0)


# -- limits --------------------------------------------------------------------------------------------------------


def test_limit_of_pixels_is_not_for_what_nothing_holds_whole(large: Path, tmp_path: Path) -> None:
    few = with_fewer(large, tmp_path / "set", 4)
    build(few, tmp_path / "out", "--max-pixels", "2000000").expect(0)
    told = build(few, tmp_path / "other", "--max-pixels", "2000000", "--resample", "nearest").expect(1).err
    assert "a chip is made of 4,449,978 px: raise --max-pixels, or choose another --resample" in told


def test_without_the_libraries_the_limit_holds_and_says_what_to_install(
    large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tifffile", None)
    plan = chipgen.plan(chipgen.read_coco(large), "1x")
    with pytest.raises(chipgen.DataError, match=r"raise --max-pixels or install chipgen\[raster\]"):
        chipgen.export(plan, tmp_path / "out", workers=1, max_pixels=1000)
    with pytest.raises(chipgen.UsageError, match=r"--stretch: 0,9: .* install chipgen\[raster\]"):
        chipgen.export(plan, tmp_path / "out", workers=1, stretch="0,9")


@pytest.mark.row("F57")
@pytest.mark.parametrize("compression", ["jpeg", "deflate", "none"])
def test_memory_does_not_grow_with_the_raster(compression: str, tmp_path: Path) -> None:
    """Of 12,000 x 12,000 px, 432 MB; chips at its full size, of all of it at once, and from values that are spread."""
    coco = write_raster(tmp_path / "set", 12_000, 80, compression)
    options = ("--scales", "1x,512", "--valid-ranges", "0-,0-", "--stretch", "2%,98%", "--workers", "1", "--quiet")
    done, peak = measured("build", "--coco", str(coco), "--out", str(tmp_path / "out"), *options)
    assert (done.code, done.err) == (0, "")
    assert peak < 300 * MB
    assert len(pixels(tmp_path / "out")) > 50


def test_a_raster_is_not_kept_beyond_its_limit() -> None:
    assert opening.WINDOWED == reader.KEPT_PIXELS == 1 << 24
    assert reader.KEPT_BYTES == 48 * MB
    assert SIDE * SIDE > opening.WINDOWED


def test_decoders_belong_to_the_fingerprint(large: Path, tmp_path: Path) -> None:
    build(large, tmp_path / "out").expect(0)
    encoders = json.loads((tmp_path / "out" / "_manifest.json").read_bytes())["encoders"]
    assert {"tifffile", "imagecodecs"} <= encoders.keys()

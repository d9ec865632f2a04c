"""Pixels against the plainest way to make them: resize the whole image, then crop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from checker.laws import View, seen, views

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from checker.model import Annotation, Build, Chip, Picture, Settings, Source

    Grey = NDArray[np.int16]

LOSSY, LOSSLESS = 4.0, 0.5
"""Grey levels, mean absolute difference."""
NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def check_pixels(source: Source, build: Build, settings: Settings) -> None:
    """Check content, place to the pixel, padding and paint of every chip."""
    for picture in source.pictures.values():
        if not build.of_image(picture.id):
            continue
        image = _open(source.root / picture.file_name, picture)
        annotations = [a for a in source.of_image(picture.id) if a.box_img is not None]
        for view in views(picture, build, settings):
            at_level = build.of_level(picture.id, view.level)
            if at_level:
                scaled = image.resize(view.size, Image.Resampling.BILINEAR)
                for chip in at_level:
                    _check_chip(chip, view, scaled, annotations, settings)


def _open(path: Path, picture: Picture) -> Image.Image:
    """Open an image in the frame of its annotations, as RGB."""
    with Image.open(path) as image:
        upright = image if image.size == (picture.width, picture.height) else ImageOps.exif_transpose(image)
        return upright.convert("RGB")


def _check_chip(chip: Chip, view: View, scaled: Image.Image, annotations: list[Annotation], settings: Settings) -> None:
    pixels = chip.pixels().astype(np.int16)
    assert pixels.shape == (chip.height, chip.width, 3), f"{chip}: the picture has shape {pixels.shape}"
    (left, top), width, height = chip.origin, chip.content_width, chip.content_height
    wanted = np.asarray(scaled.crop((left, top, left + width, top + height))).astype(np.int16)
    content = pixels[:height, :width]
    shown = np.ones((height, width), dtype=np.bool_)
    if settings.ignored == "paint":
        painted, touched = _painted(chip, view, annotations)
        _check_fill(f"{chip}: paint", content[painted], settings)
        shown = ~touched
    limit = LOSSLESS if settings.lossless else LOSSY
    off = _difference(content, wanted, shown)
    assert off <= limit, f"{chip}: pixels differ by {off:.2f} grey levels"
    _check_place(chip, content[..., 1], wanted[..., 1], shown)
    padding = [pixels[height:].reshape(-1, 3), pixels[:height, width:].reshape(-1, 3)]
    _check_fill(f"{chip}: padding", np.concatenate(padding), settings)


def _check_place(chip: Chip, content: Grey, wanted: Grey, shown: NDArray[np.bool_]) -> None:
    """No shift by a pixel fits better: on smooth pictures a shift is hardly a difference."""
    inner = (slice(1, -1), slice(1, -1))
    here = _difference(content[inner], wanted[inner], shown[inner])
    for dx, dy in NEIGHBOURS:
        there = _difference(np.roll(content, (dy, dx), (0, 1))[inner], wanted[inner], shown[inner])
        assert here <= there + 0.1, f"{chip}: moved by ({dx}, {dy}) px it would fit better"


def _difference(found: NDArray[np.int16], wanted: NDArray[np.int16], shown: NDArray[np.bool_]) -> float:
    return float(np.abs(found - wanted)[shown].mean()) if shown.any() else 0.0


def _check_fill(where: str, pixels: NDArray[np.int16], settings: Settings) -> None:
    """Lossless chips hold the fill colour exactly; lossy ones ring beside edges."""
    if len(pixels):
        off = np.abs(pixels - np.array(settings.fill))
        worst = float(off.max() if settings.lossless else off.mean())
        assert worst <= (0 if settings.lossless else LOSSY), f"{where}: {worst:.1f} grey levels off the fill colour"


def _painted(chip: Chip, view: View, annotations: list[Annotation]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return pixels that must be painted and those that may be: edges of boxes may fall either way."""
    surely, maybe = (np.zeros((chip.content_height, chip.content_width), dtype=np.bool_) for _ in range(2))
    valid = {box.source_id for box in chip.boxes if box.valid}
    hidden = [a for a in annotations if a.id not in valid]
    kept = [a for a in annotations if a.id in valid]
    for annotation in hidden:
        clipped = seen(chip, view, annotation)
        if clipped.meets is not False:
            _set(surely, clipped.xyxy, 0 if clipped.meets else 10**6, value=True)
            _set(maybe, clipped.xyxy, -1, value=True)
    for annotation in kept:
        xyxy = seen(chip, view, annotation).xyxy
        _set(surely, xyxy, -1, value=False)
        _set(maybe, xyxy, 0, value=False)
    return surely, maybe


def _set(mask: NDArray[np.bool_], xyxy: tuple[float, float, float, float], inset: int, *, value: bool) -> None:
    """Fill the whole pixels of a box that lie at least `inset` inside it; negative also takes those around it."""
    x1, y1 = (max(0, int(np.ceil(end - 1e-6)) + inset) for end in xyxy[:2])
    x2, y2 = (max(0, int(np.floor(end + 1e-6)) - inset) for end in xyxy[2:])
    mask[y1:y2, x1:x2] = value

"""Masks of an image all together: what comes out is what comes out of them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chipgen.chips import Crop, Places
from chipgen.errors import UnusableError
from chipgen.masks import Polygons, crop_many, crop_mask, read_many, read_mask

SIDE = 200
SQUARE = [20.0, 20, 60, 20, 60, 60, 20, 60]
BOW_TIE = [10.0, 10, 60, 60, 60, 10, 10, 60]
SPIKE = [40.0, 40, 40, 60, 60, 40, 40, 40, 40, 0]
TINY = [1e-300, 0, 0, 1, 0, 0]
WITH_A_HOLE = [0.0, 0, 80, 0, 80, 80, 0, 80, 0, 0, 20, 20, 20, 60, 60, 60, 60, 20, 20, 20]


def outline(rng: np.random.Generator) -> list[float]:
    """Return a star around some place, drawn to hundredths, to whole pixels, or by no rule; some cross themselves."""
    points = int(rng.integers(3, 14))
    angle, far = np.sort(rng.uniform(0, 2 * np.pi, points)), rng.uniform(1, 60, points)
    star = rng.uniform(20, 180, 2) + far[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    star = star.clip(0, SIDE)[:: rng.choice((-1, 1))]
    digits = int(rng.choice((0, 2, 12)))
    return [float(number) for number in np.round(rng.permutation(star) if rng.random() < 0.1 else star, digits).ravel()]


def places(crops: list[Crop]) -> Places:
    """Return chips as columns."""
    columns = [[getattr(crop, name) for crop in crops] for name in ("window_img", "factor", "origin_scaled")]
    return Places(*map(np.array, columns))


def readable(values: list[Any]) -> list[Polygons]:
    """Read masks one by one; those that are broken are left out."""
    masks = []
    for value, together in zip(values, read_many(values), strict=True):
        try:
            mask = read_mask(value, (SIDE, SIDE))
        except UnusableError:
            assert together is None
            continue
        assert isinstance(mask, Polygons)
        if together is not None:
            assert [ring.tolist() for ring in together.rings] == [ring.tolist() for ring in mask.rings]
            assert all(one.equals_exact(other, 0) for one, other in zip(together.parts, mask.parts, strict=True))
        masks.append(mask)
    return masks


@pytest.mark.parametrize("seed", range(12))
def test_masks_cut_together_are_masks_cut_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = [[outline(rng) for _ in range(rng.integers(1, 5))] for _ in range(12)]
    masks = readable([*values, [SQUARE, SQUARE], [WITH_A_HOLE], [BOW_TIE, SQUARE], [SPIKE], [TINY, SQUARE]])
    factors = (3.0, 1.0, 0.5, float(rng.uniform(0.3, 4)))
    crops = [
        Crop((factor, factor * 1.01), (int(x), int(y)), (90, 80), (128, 128))
        for factor in factors
        for x, y in rng.integers(0, max(1, int(SIDE * factor) - 90), (4, 2))
    ]
    pairs = [(mask, crop) for crop in crops for mask in range(len(masks))]
    together = crop_many(masks, np.array([mask for mask, _ in pairs]), places([crop for _, crop in pairs]))
    for (mask, crop), cut in zip(pairs, together, strict=True):
        segmentation, area = crop_mask(masks[mask], crop)
        assert cut is not None
        assert cut[0] == segmentation
        assert round(cut[1], 3) == round(area, 3)


@pytest.mark.parametrize(
    "broken",
    [
        [[0.0, 0, 1, 1]],
        [[0.0, 0, 1, 1, 2, 2]],
        [[0.0, 0, 1e9, 0, 5, 5]],
        [SQUARE, [0.0, 0, 1, 1, 2]],
        [[0.0, 1] * 1000],
        [BOW_TIE],
    ],
)
def test_what_is_out_of_the_ordinary_is_left_alone(broken: list[list[float]]) -> None:
    read = read_many([[SQUARE], broken, [SQUARE, SQUARE]])
    assert [mask is None for mask in read] == [False, True, False]


def test_nothing_is_nothing() -> None:
    none = np.empty(0, dtype=np.int64)
    assert read_many([]) == []
    assert crop_many([], none, Places(np.empty((0, 4)), np.empty((0, 2)), np.empty((0, 2), dtype=np.int64))) == []

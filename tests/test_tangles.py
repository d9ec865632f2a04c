"""Outlines that would keep geometry libraries busy for minutes are refused; long ones of real shapes are not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely

from chipgen.chips import Crop
from chipgen.errors import UnusableError
from chipgen.masks import Polygons, crop_mask, read_mask
from chipgen.masks.tangles import KNOTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from chipgen.boxes import Floats

SIZE = (10_000, 10_000)
SECONDS = 4
"""Of CPU time that reading and cutting a mask may take; it takes a tenth of that."""


def saw(teeth: int) -> Floats:
    """Return an outline that crosses itself nowhere, of long teeth side by side."""
    left = np.stack((np.zeros(teeth), 0.02 * np.arange(teeth)), axis=1)
    pairs = np.stack((left, left + np.array((5000, 5000.01))), axis=1).reshape(-1, 2)
    return np.concatenate((pairs, [[5000, 9000], [0, 9000]]))


def shuffled(points: int, seed: int = 0) -> Floats:
    """Return points in no order."""
    return np.random.default_rng(seed).random((points, 2)) * 9000


def loops(count: int) -> Floats:
    """Return a long outline with small loops, each of which is a hole."""
    points = [(0.0, 0.0), (10_000.0, 0.0), (10_000.0, 500.0)]
    for loop in range(count):
        x = 9900 - loop * 10.0
        points += [(x, 500), (x - 6, 500), (x - 6, 495), (x - 3, 495), (x - 3, 505)]
    return np.array([*points, (0, 600)])


def flower(petals: int) -> Floats:
    """Return an outline of triangles that all begin and end in one point, and touch nowhere else."""
    angle = np.linspace(0, 2 * np.pi, 2 * petals, endpoint=False)
    ends = np.stack((np.cos(angle), np.sin(angle)), axis=1).reshape(petals, 2, 2)
    return np.concatenate((np.zeros((petals, 1, 2)), ends), axis=1).reshape(-1, 2) * 4000 + 5000


def beads(count: int) -> Floats:
    """Return a long outline that leaves every point of one side for a little triangle and comes back to it."""
    place = np.stack((np.linspace(100, 9000, count), np.full(count, 5000.0)), axis=1)
    beads = np.stack((place, place + np.array((-1, 3)), place + np.array((1, 3)), place), axis=1).reshape(-1, 2)
    return np.concatenate((beads, [[9000, 100], [100, 100]]))


def circle(points: int, noise: float = 0.0) -> Floats:
    """Return a circle, its points a little off, so that a few edges of a fine one cross."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    ring = np.stack((np.cos(angle), np.sin(angle)), axis=1) * 4000 + 5000
    return ring + np.random.default_rng(0).normal(0, noise, ring.shape)


def staircase(steps: int) -> Floats:
    """Return the outline of pixels, as masks are made from maps."""
    k = np.repeat(np.arange(steps + 1), 2)
    return np.concatenate((np.stack((k[1:-1], k[:-2] + 0.0), axis=1), [[steps, 9000.0], [0.0, 9000.0]]))


def there_and_back(points: int) -> Floats:
    """Return the outline of a thin thing that was traced along one line, with a little square at its beginning."""
    x = np.linspace(1000, 9000, points)
    line = np.stack((x, 3000 + 1000 * np.sin(x / 100)), axis=1)
    return np.concatenate((line, line[::-1], line[0] + np.array([(-10, 0), (-10, 10), (0, 10)])))


def grid(count: int) -> list[Floats]:
    """Return thin outlines that cross each other, none of them itself."""
    places = np.linspace(0, 9000, count)
    lying = [np.array([(0, y), (9000, y), (9000, y + 0.3)]) for y in places]
    return lying + [ring[:, ::-1].copy() for ring in lying]


def _read(*rings: Floats) -> Polygons:
    mask = read_mask([ring.ravel().tolist() for ring in rings], SIZE)
    assert isinstance(mask, Polygons)
    return mask


def _timed(make: Callable[[], Any]) -> Any:
    """Return a value that must not take long to make."""
    start = time.process_time()
    value = make()
    assert time.process_time() - start < SECONDS
    return value


@pytest.mark.parametrize(
    ("rings", "says"),
    [
        ([saw(4000)], "side by side"),
        ([saw(150)] * 10, "side by side"),
        ([saw(90_000)], "side by side"),
        ([shuffled(60, seed) / 20 + 450 * seed for seed in range(20)], "more than 1,000 times"),
        ([shuffled(300)], "more than 1,000 times"),
        ([shuffled(100_000)], "side by side"),
        ([beads(1500)], "more than 1,000 times"),
        (grid(400), "side by side"),
        ([circle(500) + shift for shift in range(100)], "side by side"),
    ],
    ids=["saw", "saws", "long_saw", "small_tangles", "tangle", "large_tangle", "beads", "grid", "pile"],
)
def test_tangle_is_refused_at_once(rings: list[Floats], says: str) -> None:
    def read() -> None:
        with pytest.raises(UnusableError, match=says) as caught:
            _read(*rings)
        assert caught.value.reason == "bad_polygon"

    _timed(read)


@pytest.mark.parametrize(
    "ring",
    [
        circle(100_000),
        circle(50_000, noise=0.01),
        staircase(8000),
        saw(100),
        shuffled(40),
        there_and_back(20_000),
        flower(200),
        beads(400),
    ],
    ids=["circle", "rough_circle", "staircase", "small_saw", "few_points", "there_and_back", "flower", "beads"],
)
def test_long_outline_is_read_and_cut_at_once(ring: Floats) -> None:
    crop = Crop((0.5, 0.5), (100, 100), (2000, 2000), (2000, 2000))
    segmentation, area = _timed(lambda: crop_mask(_read(ring), crop))
    assert segmentation
    assert 0 < area <= 2000 * 2000


def test_holes_are_kept_open_at_once() -> None:
    """Cut through the first hole each time, and a thousand of them take half a minute."""
    count = KNOTS - 100
    mask = _read(loops(count))
    whole = Crop((1.0, 1.0), (0, 0), (9990, 690), (9990, 690))
    segmentation, area = _timed(lambda: crop_mask(mask, whole))
    outlines = sum(_area(np.reshape(ring, (-1, 2))) for ring in segmentation)
    assert area == pytest.approx(outlines, rel=1e-4)
    beside = 10 * 500  # of the mask lies outside the window
    assert area == pytest.approx(shapely.make_valid(shapely.Polygon(loops(count))).area - beside)
    assert len(segmentation) > count


def _area(ring: Floats) -> float:
    """Return what an outline that does not cross itself encloses."""
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)

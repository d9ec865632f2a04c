"""Tables over all windows, against single windows."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chipgen.boxes import clip
from chipgen.windows import showing, taken_up

if TYPE_CHECKING:
    from chipgen.boxes import Floats, Ints

PLACES = st.lists(st.integers(0, 60), min_size=1, max_size=6, unique=True).map(lambda at: np.array(sorted(at)))
SIDE = st.floats(0.2, 50) | st.integers(1, 50).map(float)
BOXES = st.lists(st.tuples(st.floats(0, 90), st.floats(0, 90), SIDE, SIDE), max_size=6).map(
    lambda rows: np.array([(x, y, x + w, y + h) for x, y, w, h in rows]).reshape(-1, 4)
)
CONTENT = np.array([20, 15])


def seen_in(box: Floats, x: int, y: int) -> Floats:
    """Return width and height of what one window shows of one box."""
    corner = np.array([x, y])
    return np.asarray(np.maximum(np.minimum(box[2:], corner + CONTENT) - np.maximum(box[:2], corner), 0.0))


@settings(deadline=None)
@given(PLACES, PLACES, BOXES, st.floats(0.5, 3), st.floats(0, 1))
def test_showing_is_what_single_windows_show(x: Ints, y: Ints, boxes: Floats, least: float, share: float) -> None:
    whole = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    found = showing(x, y, CONTENT, (boxes, np.full((len(boxes), 2), least), share * whole))
    for (i, at_x), (j, at_y) in itertools.product(enumerate(x.tolist()), enumerate(y.tolist())):
        seen = [seen_in(box, at_x, at_y) for box in boxes]
        sure = [s.min() >= least and s.prod() >= share * w for s, w in zip(seen, whole, strict=True)]
        maybe = [s.min() >= least - 1e-5 and s.prod() >= share * w - 1e-4 for s, w in zip(seen, whole, strict=True)]
        assert any(sure) <= found[i, j] <= any(maybe)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6), BOXES)
def test_taken_up_counts_common_pixels_once(corners: list[tuple[int, int]], boxes: Floats) -> None:
    boxes = np.round(boxes)  # then whole pixels can be counted
    picture = np.zeros((200, 200))
    for x1, y1, x2, y2 in boxes.astype(int).tolist():
        picture[x1:x2, y1:y2] = 1
    expected = [picture[x : x + CONTENT[0], y : y + CONTENT[1]].sum() for x, y in corners]
    windows = np.array([(x, y, x + CONTENT[0], y + CONTENT[1]) for x, y in corners], dtype=float).reshape(-1, 4)
    window = np.repeat(np.arange(len(corners)), len(boxes))
    found = taken_up(window, clip(np.tile(boxes, (len(corners), 1)), windows[window]), len(corners))
    assert found.tolist() == expected

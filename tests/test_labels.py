"""Which boxes chips hold: the same however the work is cut into pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import cocos, plan_settings
from thorough import times

import chipgen
from chipgen import reach

if TYPE_CHECKING:
    from datasets_made import Coco


@settings(deadline=None, max_examples=times(60))
@given(cocos(), plan_settings(), st.integers(1, 9))
def test_pieces_of_any_size_give_the_same_boxes(coco: Coco, arguments: dict[str, Any], pairs: int) -> None:
    whole = chipgen.plan(coco.read(), **arguments).boxes
    with mock.patch.object(reach, "PAIRS_AT_ONCE", pairs):
        pieces = chipgen.plan(coco.read(), **arguments).boxes
    for name, column in vars(whole).items():
        other = getattr(pieces, name)
        assert column.dtype == other.dtype
        assert np.array_equal(column, other)

"""The plan of the small dataset, to the last bit, as it must come out on every machine."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from given_proposals import Given
from small_set import small_coco, small_proposals

import chipgen

GOLDEN = {
    "given": "985e1f0551a3337e42c6301e0a694a345588c168fc866d8e17e3f3abb201764a",
    "auto": "7aecd74010461b9c51d61518490bb44216c42e00e4e5003237c62be30d076efe",
    "random": "f7920dd42f809dfb1b1321ccee60060534ac3719406d8d9cc37ee898a4d89428",
}
PLANS: dict[str, dict[str, Any]] = {
    "given": {"scales": "1x,2x,256", "valid_ranges": "20-120,0-60,60-", "chip_size": 256, "min_proposals": 4},
    "auto": {"scales": "1.667x,0.37x,333", "chip_size": 200, "stride": 13, "negatives_per_image": "all", "seed": 3},
    "random": {"scales": "2.9x,100x150", "chip_size": 100, "negatives": "random", "negative_ratio": 0.7},
}


@pytest.mark.row("K110")
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_plan(name: str) -> None:
    """The same on every processor, Python and numpy: whoever changes it changes everybody's chips, and says so."""
    rows = [(row["image_id"], tuple(row["bbox"]), row["score"]) for row in small_proposals()]
    plan = chipgen.plan(small_coco().read(), proposals=Given(rows), chips_per_shard=4, **PLANS[name])
    chips, boxes, dataset = plan.chips, plan.boxes, plan.dataset
    assert np.count_nonzero(chips.kind) > 3
    assert len(np.unique(boxes.state)) > 2
    whole = (
        *(dataset.images.id[chips.image], chips.kind, chips.level, chips.origin_scaled, chips.content, chips.proposals),
        *(boxes.chip, dataset.annotations.id[boxes.annotation], boxes.state, plan.shards),
    )
    exact = (boxes.xyxy_chip, boxes.visibility, plan.levels.factor, plan.levels.range_img)
    digest = hashlib.sha256()
    for kind, columns in {"<i8": whole, "<f8": exact}.items():
        for column in columns:
            digest.update(f"{column.shape}".encode() + np.ascontiguousarray(column).astype(kind).tobytes())
    assert digest.hexdigest() == GOLDEN[name]

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
    "given": "89517ee9bac7d18c5c87e2bd4cdcdf4b6bd73c25af0d0f68e8367f0df28dbe08",
    "auto": "1e202cb6296aedf82cc4b183ed6922ec984b834b90c198597071e9d288172d39",
    "random": "ba3a1acf0e01825b88be5ac114670e0b90c10e0c9fbfac5a82550dab06f7e1fb",
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

"""Hypothesis strategies: datasets as odd as users', and settings as odd as theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datasets_made import Coco
from hypothesis import strategies as st

if TYPE_CHECKING:
    from given_proposals import Row

SCALES = ("64", "200", "333", "1x", "0.5x", "1.667x", "2.9x", "100x150", "90x400")


@st.composite
def bboxes(draw: st.DrawFn, width: int, height: int) -> list[float]:
    """Return x, y, w, h: usually inside the image, sometimes over its edge, sometimes sharp on whole pixels."""
    whole = draw(st.booleans())
    number = st.integers(-10, 400).map(float) if whole else st.floats(-10, 400, allow_subnormal=False)
    side = st.integers(1, 300).map(float) if whole else st.floats(0.3, 300)
    return [draw(number) % (width + 5), draw(number) % (height + 5), draw(side), draw(side)]


@st.composite
def cocos(draw: st.DrawFn, most: int = 3) -> Coco:
    """Return a dataset of a few images and boxes."""
    coco = Coco()
    for _ in range(draw(st.integers(1, most))):
        width, height = draw(st.integers(1, 400)), draw(st.integers(1, 400))
        image_id = coco.image(width, height, draw(st.integers(-5, 10**12)) if draw(st.booleans()) else None)
        for _ in range(draw(st.integers(0, 6))):
            crowd = draw(st.sampled_from((0, 0, 0, 1)))
            coco.box(image_id, draw(bboxes(width, height)), iscrowd=crowd)
    ids = [image["id"] for image in coco.images]
    if len(set(ids)) < len(ids):
        for number, image in enumerate(coco.images):
            image["id"] = number
        for annotation in coco.annotations:
            annotation["image_id"] %= len(ids)
    return coco


@st.composite
def plan_settings(draw: st.DrawFn) -> dict[str, object]:
    """Return the arguments of `chipgen.plan` besides the dataset."""
    scales = draw(st.lists(st.sampled_from(SCALES), min_size=1, max_size=3, unique=True))
    ranges = ",".join(draw(st.sampled_from(("0-40", "20-90", "60-", "-", "0-1000"))) for _ in scales)
    return {
        "scales": ",".join(scales),
        "valid_ranges": draw(st.sampled_from(("auto", ranges))),
        "chip_size": draw(st.sampled_from((16, 64, 100, 128))),
        "stride": draw(st.sampled_from((1, 7, 32, 90, 200))),
        "min_box": draw(st.sampled_from((0.0, 1.0, 2.0, 5.5))),
        "min_visibility": draw(st.sampled_from((0.0, 0.3, 0.5, 1.0))),
        "assign": draw(st.sampled_from(("all", "one"))),
        "seed": draw(st.integers(0, 3)),
    }


@st.composite
def proposals(draw: st.DrawFn, coco: Coco) -> list[Row]:
    """Return proposals for a dataset: a few clusters in each image or none, some outside it, scores with ties."""
    rows: list[Row] = []
    for image in coco.images:
        for _ in range(draw(st.sampled_from((0, 1, 1, 2, 3)))):
            x, y = draw(st.floats(-5, image["width"])), draw(st.floats(-5, image["height"]))
            side = draw(st.sampled_from((4.0, 12.0, 30.0, 90.0)))
            for _ in range(draw(st.integers(1, 5))):
                shift, ratio = draw(st.integers(-8, 8)), draw(st.sampled_from((0.5, 1.0, 1.5)))
                rows.append((image["id"], (x + shift, y - shift, side * ratio, side), draw(st.integers(0, 3)) / 4))
    return draw(st.permutations(rows))

"""pandas reads the Parquet files of a build: boxes, nested columns, joins with plan and ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from consumers.tables import WRONG, check_learnt, check_objects, check_pictures, check_plan
from consumers.tampered import passes, tampered_parquet

if TYPE_CHECKING:
    from pathlib import Path

OF_OBJECTS = ["bbox", "category_id", "valid", "ignore_reason", "source_id", "segmentation"]


def check_pandas(build: Path) -> None:
    """Check what people ask such files for."""
    chips = pd.read_parquet(build / "data").rename(columns={"image_id": "chip"}).sort_values("chip")
    plan, ledger = pd.read_parquet(build / "_plan.parquet"), pd.read_parquet(build / "_ledger.parquet")
    lists = pd.DataFrame({name: [objects[name] for objects in chips["objects"]] for name in OF_OBJECTS})
    lists.insert(0, "chip", chips["chip"].to_numpy())
    flat = lists[lists["source_id"].map(len) > 0].explode(OF_OBJECTS, ignore_index=True)
    masks = flat.pop("segmentation").astype(object)
    flat["segmentation"] = masks.where(masks.notna(), None)  # pandas 3 makes NaN of a text that is not there
    check_objects(flat.to_dict("records"), build)
    learnt = flat[flat["valid"].astype(bool)].merge(ledger, left_on="source_id", right_on="annotation_id")
    check_learnt(
        learnt.groupby("source_id").size().rename("n").reset_index().to_dict("records"), ledger.to_dict("records")
    )
    joined = chips.merge(plan[["image_id", "proposals"]], left_on="chip", right_on="image_id")
    joined["n"] = [len(objects["id"]) for objects in joined["objects"]]
    joined["file_name"] = [source["file_name"] for source in joined["source"]]
    check_plan(joined[["chip", "n", "proposals", "level", "kind", "file_name"]].to_dict("records"), build)
    encoded = [image["bytes"] for image in chips["image"]]
    check_pictures(list(zip(chips["chip"], encoded, chips["transform"], strict=True)), build)


def test_frames_hold_what_the_source_says(builds: dict[str, Path]) -> None:
    check_pandas(builds["parquet"])


@pytest.mark.parametrize("change", WRONG)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(check_pandas, tampered_parquet(builds["parquet"], tmp_path, change))


def test_rewritten_build_is_right(builds: dict[str, Path], tmp_path: Path) -> None:
    check_pandas(tampered_parquet(builds["parquet"], tmp_path, "nothing"))

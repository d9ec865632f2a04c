"""A COCO build keeps every rule that its readers rely on, and each rule is one that can be broken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from consumers.coco_rules import WRONG, read_strictly
from consumers.tampered import passes, tampered_coco

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("form", ["crowd", "nothing"])
def test_build_breaks_no_rule(form: str, builds: dict[str, Path], tmp_path: Path) -> None:
    build = builds["coco"] if form == "crowd" else tampered_coco(builds["coco"], tmp_path, "nothing")
    assert len(read_strictly(build)["annotations"]) > 40


@pytest.mark.parametrize("change", WRONG)
def test_wrong_builds_are_noticed(change: str, builds: dict[str, Path], tmp_path: Path) -> None:
    assert not passes(read_strictly, tampered_coco(builds["coco"], tmp_path, change))


def test_masks_stay_what_they_were_in_the_source(builds: dict[str, Path]) -> None:
    source = json.loads((builds["coco"].parent / "set" / "instances.json").read_bytes())
    kinds = {annotation["id"]: type(annotation.get("segmentation", [])) for annotation in source["annotations"]}
    for annotation in read_strictly(builds["coco"])["annotations"]:
        assert type(annotation["segmentation"]) is kinds[annotation["source_id"]]

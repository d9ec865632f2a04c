"""Say what torchvision sees in a build; run in an environment of its own.

see COCO_BUILD                 what `CocoDetection` gives, as JSON
batches PARQUET_BUILD          what the training example makes of each chip, as JSON
labels PARQUET_BUILD OUT [no]  what both stages are taught about each box they try, as arrays; `no`: no box is respected
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import train_torchvision as example
from torchvision.datasets import CocoDetection
from training import read


def see(build: Path) -> list[dict[str, Any]]:
    """Return what `CocoDetection` gives, image by image."""
    images = CocoDetection(str(build), str(build / "annotations.json"))
    shown = []
    for number, (picture, told) in zip(images.ids, images, strict=True):
        keys = ("bbox", "category_id", "iscrowd", "image_id")
        objects = [{key: annotation[key] for key in keys} for annotation in told]
        shown.append({"id": number, "mode": picture.mode, "size": picture.size, "objects": objects})
    return shown


def batches(build: Path) -> list[dict[str, Any]]:
    """Return what the training example makes of each chip."""
    chips, names = read(build)
    images, targets = example.collate(list(chips))
    return [
        {"id": number, "names": names, "shape": list(image.shape), "range": [float(image.min()), float(image.max())]}
        | {name: value.tolist() for name, value in target.items()}
        for number, image, target in zip(chips["image_id"], images, targets, strict=True)
    ]


class Recorded:
    """A sampler that keeps what it is asked to draw from."""

    def __init__(self, sampler: Any) -> None:
        self.sampler, self.labels = sampler, list[Any]()

    def __call__(self, labels: list[Any]) -> Any:
        self.labels = [label.clone() for label in labels]
        return self.sampler(labels)


def labels(build: Path, out: Path) -> None:
    """Show each chip to a model that knows nothing, and save in both stages the boxes tried and the labels given."""
    chips, names = read(build)
    torch.manual_seed(0)
    model = example.detector(argparse.Namespace(pretrained=False, tiny=True), len(names), 256).train()
    stages = model.rpn, model.roi_heads
    for stage in stages:
        stage.fg_bg_sampler = Recorded(stage.fg_bg_sampler)
    tried: dict[str, Any] = {}
    inner, anchors_of = model.roi_heads.assign_targets_to_proposals, model.rpn.anchor_generator.forward

    def keep_proposals(proposals: Any, *others: Any) -> Any:
        tried["proposals"] = proposals[0].clone()
        return inner(proposals, *others)

    def keep_anchors(*given: Any) -> Any:
        anchors = anchors_of(*given)
        tried["anchors"] = anchors[0]
        return anchors

    model.roi_heads.assign_targets_to_proposals, model.rpn.anchor_generator.forward = keep_proposals, keep_anchors
    kept: dict[str, Any] = {}
    for chip in chips:
        with torch.no_grad():
            model(*example.collate([chip]))
        for name, stage in zip(("anchors", "proposals"), stages, strict=True):
            kept[f"{chip['image_id']} {name}"] = tried[name].numpy()
            kept[f"{chip['image_id']} {name} labels"] = stage.fg_bg_sampler.labels[0].numpy()
    np.savez(out, **kept)


if __name__ == "__main__":
    task, build, *rest = sys.argv[1:]
    if rest[1:] == ["no"]:
        example.OVERLAP = 9.0
    if task == "labels":
        labels(Path(build), Path(rest[0]))
    else:
        print(json.dumps({"see": see, "batches": batches}[task](Path(build))))

"""Say what transformers sees in a build; run in an environment of its own.

batches PARQUET_BUILD     what the training example makes of each chip, as JSON
taught PARQUET_BUILD [no] whether each object of each chip, taken as a query, is taught something, as JSON; `no`: no
                          ignored box is respected
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import train_transformers as example
from training import read
from transformers import RTDetrConfig, RTDetrImageProcessorPil
from transformers.loss.loss_rt_detr import RTDetrLoss

PROCESSOR = RTDetrImageProcessorPil(do_resize=False)
FAR = [[0.5, 0.5, 2.0, 2.0]]
"""A query around the whole chip and as much again: it lies on nothing."""


def batches(build: Path) -> list[dict[str, Any]]:
    """Return what the training example makes of each chip, beside the shape and the range of its pixels."""
    chips, names = read(build)
    made = []
    for chip in chips:
        pixels, labels = example.collate(PROCESSOR, [chip])
        values = {name: value.tolist() for name, value in labels[0].items()}
        made.append(values | {"names": names, "shape": list(pixels.shape), "range": [*map(float, pixels.aminmax())]})
    return made


def taught(build: Path) -> list[dict[str, Any]]:
    """Return for each chip which of its boxes, valid ones, ignored ones and one that is far from all, have a gradient.

    Each is a query at its very place. Valid ones are matched with their objects.
    """
    chips, names = read(build)
    criterion = RTDetrLoss(RTDetrConfig(num_labels=len(names)))
    told = []
    for chip in chips:
        target = example.collate(PROCESSOR, [chip])[1][0]
        low, high = target["ignored"][:, :2], target["ignored"][:, 2:]
        boxes = torch.cat((target["boxes"], torch.cat(((low + high) / 2, high - low), dim=1), torch.tensor(FAR)))
        logits = torch.zeros(1, len(boxes), len(names), requires_grad=True)
        rows = torch.arange(len(target["boxes"]))
        loss = example.respecting_ignored(RTDetrLoss.loss_labels_vfl)
        outputs = {"logits": logits, "pred_boxes": boxes[None]}
        sum(loss(criterion, outputs, [target], [(rows, rows)], 1).values()).backward()
        assert logits.grad is not None
        told.append({"id": chip["image_id"], "taught": logits.grad[0].ne(0).any(dim=1).tolist()})
    return told


if __name__ == "__main__":
    task, build, *rest = sys.argv[1:]
    if rest == ["no"]:
        example.OVERLAP = 9.0
    print(json.dumps({"batches": batches, "taught": taught}[task](Path(build))))

"""Say what transformers sees in a build; run in an environment of its own.

batches PARQUET_BUILD     what the training example makes of each chip, as JSON
taught PARQUET_BUILD [no] which queries at and in the objects of each chip are taught something, as JSON; `no`: no
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
    """Return for each chip some queries, x1 y1 x2 y2 in shares of the chip, and which of them have a gradient.

    They are its valid objects, matched with themselves; its ignored ones; and of all these the middle quarter.
    """
    chips, names = read(build)
    criterion = RTDetrLoss(RTDetrConfig(num_labels=len(names)))
    loss = example.respecting_ignored(RTDetrLoss.loss_labels_vfl)
    told = []
    for chip in chips:
        target = example.collate(PROCESSOR, [chip])[1][0]
        low, high = target["ignored"][:, :2], target["ignored"][:, 2:]
        whole = torch.cat((target["boxes"], torch.cat(((low + high) / 2, high - low), dim=1)))
        boxes = torch.cat((whole, whole * torch.tensor([1, 1, 0.5, 0.5])))
        logits = torch.zeros(1, len(boxes), len(names), requires_grad=True)
        rows = torch.arange(len(target["boxes"]))
        outputs = {"logits": logits, "pred_boxes": boxes[None]}
        sum(loss(criterion, outputs, [target], [(rows, rows)], 1).values()).backward()
        assert logits.grad is not None
        corners = torch.cat((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), dim=1)
        has = logits.grad[0].ne(0).any(dim=1)
        told.append({"id": chip["image_id"], "boxes": corners.tolist(), "taught": has.tolist()})
    return told


if __name__ == "__main__":
    task, build, *rest = sys.argv[1:]
    if rest == ["no"]:
        example.OVERLAP = 9.0
    print(json.dumps({"batches": batches, "taught": taught}[task](Path(build))))

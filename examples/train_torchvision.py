"""Train torchvision's Faster R-CNN on a Parquet build.

    python examples/train_torchvision.py demo/chips model.pt --tiny --epochs 2
    python examples/train_torchvision.py demo/pool model.pt --pretrained --device cuda --batch-size 16 --workers 8

Chips are shown as they are: their objects have the size to be learnt already, so nothing is resized, and where
`chipgen epochs` drew negative chips each epoch shows its own. Ignored boxes are respected in both stages: no anchor and
no proposal that lies on one is taught to be background.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, resnet_fpn_backbone
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops import FrozenBatchNorm2d, box_area, box_iou
from torchvision.transforms.functional import pil_to_tensor
from training import chips_of_epoch, command_line, learn, objects_of, read

if TYPE_CHECKING:
    import argparse

IGNORED, CROWD = 0, -1
"""Labels of ignored boxes; classes begin with 1. They travel with the valid ones, and are set aside before matching."""
OVERLAP = 0.3
"""What overlaps an ignored box by more than this share is left out of the loss, as in SNIP and SNIPER."""


def detector(wanted: argparse.Namespace, classes: int, size: int) -> Any:
    """Return a Faster R-CNN for chips of a size, with random weights unless pretrained ones are asked for."""
    # Statistics of a few chips are too noisy to learn from: frozen where there are some, else by groups of channels.
    norm: Any = FrozenBatchNorm2d if wanted.pretrained else partial(nn.GroupNorm, 32)
    if wanted.tiny:
        body, widths = ResNet(BasicBlock, [1, 1, 1, 1], norm_layer=norm), [64, 128, 256, 512]
        backbone = BackboneWithFPN(body, {f"layer{stage + 1}": str(stage) for stage in range(4)}, widths, 64)
    else:
        weights, layers = ("DEFAULT", 3) if wanted.pretrained else (None, 5)
        backbone = resnet_fpn_backbone(
            backbone_name="resnet50", weights=weights, norm_layer=norm, trainable_layers=layers
        )
    anchors = AnchorGenerator(((16,), (32,), (64,), (128,), (256,)), ((0.5, 1.0, 2.0),) * 5)
    model = FasterRCNN(backbone, classes + 1, min_size=size, max_size=size, rpn_anchor_generator=anchors)
    respect_ignored(model)
    return model


def on_ignored(boxes: Any, target: dict[str, Any]) -> Any:
    """Tell which boxes, shape ``(N, 4)``, lie on something ignored: by IoU; in a crowd by the share that is inside."""
    ignored, crowd = (target["boxes"][target["labels"] == label] for label in (IGNORED, CROWD))
    on_object = box_iou(boxes, ignored).gt(OVERLAP).any(dim=1)
    low, high = torch.maximum(boxes[:, None, :2], crowd[:, :2]), torch.minimum(boxes[:, None, 2:], crowd[:, 2:])
    in_crowd = (high - low).clamp(min=0).prod(dim=2) > OVERLAP * box_area(boxes)[:, None]
    return on_object | in_crowd.any(dim=1)


def leave_out(labels: Any, boxes: Any, target: dict[str, Any]) -> Any:
    """Return labels in which background that lies on something ignored is -1, which no sampler of torchvision draws."""
    return labels.masked_fill((labels == 0) & on_ignored(boxes, target), -1)


def valid_of(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return targets with nothing but their valid boxes."""
    return [{name: target[name][target["labels"] > 0] for name in ("boxes", "labels")} for target in targets]


def respect_ignored(model: Any) -> None:
    """Keep ignored boxes out of what both stages of a Faster R-CNN are taught."""
    rpn, heads, batch = model.rpn, model.roi_heads, list[dict[str, Any]]()
    of_anchors, of_proposals = rpn.assign_targets_to_anchors, heads.assign_targets_to_proposals
    select = heads.select_training_samples

    def label_anchors(anchors: Any, targets: list[dict[str, Any]]) -> tuple[list[Any], Any]:
        labels, matched = of_anchors(anchors, valid_of(targets))
        return list(map(leave_out, labels, anchors, targets)), matched

    def select_samples(proposals: Any, targets: list[dict[str, Any]]) -> Any:
        batch[:] = targets  # the next function is called by `select`, and is not told
        return select(proposals, valid_of(targets))

    def label_proposals(proposals: Any, boxes: Any, labels: Any) -> tuple[Any, list[Any]]:
        matched, found = of_proposals(proposals, boxes, labels)
        return matched, list(map(leave_out, found, proposals, batch))

    rpn.assign_targets_to_anchors, heads.assign_targets_to_proposals = label_anchors, label_proposals
    heads.select_training_samples = select_samples


def collate(chips: list[dict[str, Any]]) -> tuple[list[Any], list[dict[str, Any]]]:
    """Turn rows into pictures and targets."""
    targets = []
    for objects in map(objects_of, chips):
        labels = torch.cat((torch.from_numpy(objects.category) + 1, -torch.from_numpy(objects.crowd).long()))
        boxes = torch.cat((torch.from_numpy(objects.valid), torch.from_numpy(objects.ignored)))
        targets.append({"boxes": boxes, "labels": labels})
    return [pil_to_tensor(chip["image"]) / 255 for chip in chips], targets


def main() -> None:
    """Read the command line, train, and save the weights."""
    parser = command_line("Train torchvision's Faster R-CNN on a Parquet build.", lr=2e-4)
    parser.add_argument("--pretrained", action="store_true", help="begin with torchvision's backbone of ImageNet")
    wanted = parser.parse_args()
    torch.manual_seed(wanted.seed)
    chips, names = read(wanted.build)
    model = detector(wanted, len(names), chips[0]["width"]).to(wanted.device).train()
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=wanted.lr)
    batches = partial(DataLoader, batch_size=wanted.batch_size, shuffle=True, collate_fn=collate)

    def step(batch: tuple[list[Any], list[dict[str, Any]]]) -> float:
        images = [image.to(wanted.device) for image in batch[0]]
        targets = [{name: value.to(wanted.device) for name, value in target.items()} for target in batch[1]]
        loss = sum(model(images, targets).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    learn(wanted, lambda epoch: batches(chips_of_epoch(chips, wanted.build, epoch), num_workers=wanted.workers), step)
    torch.save({"names": names, "weights": model.state_dict()}, wanted.out)
    print(f"{wanted.out}: {len(names)} classes")


if __name__ == "__main__":
    main()

"""Train RT-DETR of Hugging Face `transformers` on a Parquet build.

    python examples/train_transformers.py demo/chips model --tiny --epochs 2
    python examples/train_transformers.py demo/pool model --pretrained PekingU/rtdetr_r18vd --device cuda --workers 8

Chips are shown as they are: their objects have the size to be learnt already, so nothing is resized, and where
`chipgen epochs` drew negative chips each epoch shows its own.

Ignored boxes: detectors of this family know no such thing, and their image processors drop what is marked `iscrowd`,
so that it becomes background. Here a query that no object is matched with, and whose box lies on something ignored, is
left out of the classification loss, in every layer. What this cannot do is keep the encoder from choosing such places
for its queries. A build with `--ignored paint` needs none of it, and no code.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader
from training import chips_of_epoch, command_line, learn, objects_of, read
from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessorPil, RTDetrResNetConfig
from transformers.image_transforms import center_to_corners_format
from transformers.loss.loss_rt_detr import RTDetrLoss

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

OVERLAP = 0.3
"""What overlaps an ignored box by more than this share is left out of the loss, as in SNIP and SNIPER."""


def detector(wanted: argparse.Namespace, names: list[str]) -> Any:
    """Return an RT-DETR, with random weights unless pretrained ones are asked for."""
    classes = {"id2label": dict(enumerate(names)), "label2id": {name: row for row, name in enumerate(names)}}
    if wanted.pretrained:
        return RTDetrForObjectDetection.from_pretrained(wanted.pretrained, ignore_mismatched_sizes=True, **classes)
    width, depth = (16, 1) if wanted.tiny else (64, 2)
    sizes = [width, 2 * width, 4 * width, 8 * width]
    body = RTDetrResNetConfig(
        embedding_size=width, hidden_sizes=sizes, depths=[depth] * 4, layer_type="basic", out_indices=[2, 3, 4]
    )
    hidden, heads = (64, 4) if wanted.tiny else (256, 8)
    config = RTDetrConfig(
        backbone_config=body,
        freeze_backbone_batch_norms=False,  # those of random weights have seen nothing yet
        encoder_in_channels=sizes[1:],
        encoder_hidden_dim=hidden,
        decoder_in_channels=[hidden] * 3,
        d_model=hidden,
        encoder_ffn_dim=4 * hidden,
        decoder_ffn_dim=4 * hidden,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        decoder_layers=depth + 1,
        **classes,
    )
    return RTDetrForObjectDetection(config)


def on_ignored(boxes: Any, ignored: Any, crowd: Any) -> Any:
    """Tell which boxes, shape ``(N, 4)``, lie on something ignored: by IoU; in a crowd by the share that is inside."""
    low, high = torch.maximum(boxes[:, None, :2], ignored[:, :2]), torch.minimum(boxes[:, None, 2:], ignored[:, 2:])
    common = (high - low).clamp(min=0).prod(dim=2)
    own, theirs = ((some[:, 2:] - some[:, :2]).prod(dim=1) for some in (boxes, ignored))
    whole = torch.where(crowd, own[:, None], own[:, None] + theirs - common)
    return (common > OVERLAP * whole).any(dim=1)


def respecting_ignored(labels_loss: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a classification loss of RT-DETR: unmatched queries on something ignored are left out of it."""

    def loss(self: Any, outputs: Any, targets: Any, indices: Any, *others: Any, **options: Any) -> Any:
        corners = center_to_corners_format(outputs["pred_boxes"].detach())
        left_out = torch.stack(
            [on_ignored(box, t["ignored"], t["crowd"]) for box, t in zip(corners, targets, strict=True)]
        )
        left_out[self._get_source_permutation_idx(indices)] = False
        # A constant so low that it adds nothing to the loss, and has no gradient.
        logits = outputs["logits"].masked_fill(left_out[..., None], -1e4)
        return labels_loss(self, {**outputs, "logits": logits}, targets, indices, *others, **options)

    return loss


def collate(processor: Any, chips: list[dict[str, Any]]) -> tuple[Any, list[dict[str, Any]]]:
    """Turn rows into pixels and labels; the processor takes what is valid, as COCO annotations."""
    annotations, aside = [], []
    for chip in chips:
        objects, told = objects_of(chip), chip["objects"]
        rows = zip(told["bbox"], told["area"], told["category"], told["valid"], strict=True)
        valid = [{"bbox": box, "area": area, "category_id": row, "iscrowd": 0} for box, area, row, ok in rows if ok]
        annotations.append({"image_id": chip["image_id"], "annotations": valid})
        size = torch.tensor([chip["width"], chip["height"]] * 2)
        aside.append({"ignored": torch.from_numpy(objects.ignored) / size, "crowd": torch.from_numpy(objects.crowd)})
    made = processor(images=[chip["image"] for chip in chips], annotations=annotations, return_tensors="pt")
    return made["pixel_values"], [{**label, **ignored} for label, ignored in zip(made["labels"], aside, strict=True)]


def main() -> None:
    """Read the command line, train, and save the model."""
    parser = command_line("Train RT-DETR of transformers on a Parquet build.", lr=1e-4)
    parser.add_argument("--pretrained", default="", help="begin with this model of the hub, or of a folder")
    wanted = parser.parse_args()
    torch.manual_seed(wanted.seed)
    chips, names = read(wanted.build)
    processor = RTDetrImageProcessorPil(do_resize=False)
    model = detector(wanted, names).to(wanted.device).train()
    RTDetrLoss.loss_labels_vfl = respecting_ignored(RTDetrLoss.loss_labels_vfl)
    optimizer = torch.optim.AdamW(model.parameters(), lr=wanted.lr)
    batches = partial(DataLoader, batch_size=wanted.batch_size, shuffle=True, collate_fn=partial(collate, processor))

    def step(batch: tuple[Any, list[dict[str, Any]]]) -> float:
        labels = [{name: value.to(wanted.device) for name, value in label.items()} for label in batch[1]]
        loss = model(pixel_values=batch[0].to(wanted.device), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)  # as the family is trained
        optimizer.step()
        return float(loss.detach())

    learn(wanted, lambda epoch: batches(chips_of_epoch(chips, wanted.build, epoch), num_workers=wanted.workers), step)
    model.save_pretrained(wanted.out)
    processor.save_pretrained(wanted.out)
    print(f"{wanted.out}: {len(names)} classes")


if __name__ == "__main__":
    main()

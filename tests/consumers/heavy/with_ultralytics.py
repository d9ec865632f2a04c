"""Say what ultralytics sees in a YOLO build; run in an environment of its own.

see DATA.YAML          the labels of each picture of both splits, as JSON
train DATA.YAML OUT    the same after an epoch of training, of the very objects that it was trained on
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ultralytics import YOLO
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset

SIDE = 256


def labels_of(dataset: Any) -> list[dict[str, Any]]:
    """Return the labels that a dataset of ultralytics has read, boxes as centre and size in shares of the picture."""
    return [
        {
            "name": Path(label["im_file"]).name,
            "shape": label.get("shape"),  # gone once it was trained on
            "classes": label["cls"].ravel().astype(int).tolist(),
            "boxes": label["bboxes"].tolist(),
        }
        for label in dataset.labels
    ]


def see(path: str) -> dict[str, Any]:
    """Return what ultralytics reads."""
    data = check_det_dataset(path)
    told = {
        split: labels_of(YOLODataset(img_path=data[split], data=data, imgsz=SIDE, augment=False, task="detect"))
        for split in ("train", "val")
    }
    return {"names": list(data["names"].values()), **told}


def train(path: str, out: str) -> dict[str, Any]:
    """Train a model that knows nothing for an epoch and return what it was shown."""
    model = YOLO("yolov8n.yaml")
    options = {"imgsz": SIDE, "batch": 2, "workers": 0, "device": "cpu", "plots": False, "amp": False, "epochs": 1}
    model.train(data=path, project=out, name="run", pretrained=False, seed=0, **options)
    trainer = model.trainer
    losses = [float(loss) for loss in trainer.tloss.values()]
    told = {"train": labels_of(trainer.train_loader.dataset), "val": labels_of(trainer.test_loader.dataset)}
    names = list(trainer.data["names"].values())
    return {"names": names, "losses": losses, "saved": Path(trainer.last).is_file(), **told}


if __name__ == "__main__":
    task, *rest = sys.argv[1:]
    print(json.dumps(see(*rest) if task == "see" else train(*rest)))

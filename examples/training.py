"""What the two training examples share: the command line, the chips of an epoch, the boxes of a chip, the loss told.

Nothing here knows a framework, and nothing is needed but `datasets`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from datasets import load_dataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Objects:
    """What a chip shows, boxes as x1, y1, x2, y2 in chip px; the ignored ones are neither objects nor background."""

    valid: npt.NDArray[np.float32]
    """Shape ``(V, 4)``."""
    category: npt.NDArray[np.int64]
    """Classes of the valid boxes, from 0, shape ``(V,)``."""
    ignored: npt.NDArray[np.float32]
    """Shape ``(I, 4)``."""
    crowd: npt.NDArray[np.bool_]
    """Which ignored boxes hold a number of objects that nobody outlined, shape ``(I,)``."""


def objects_of(chip: dict[str, Any]) -> Objects:
    """Return the boxes of a row as `datasets` gives it."""
    told = chip["objects"]
    boxes = np.array(told["bbox"], dtype=np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    valid = np.array(told["valid"], dtype=bool)
    category = np.array(told["category"], dtype=np.int64)
    crowd = np.array([reason == "crowd" for reason in told["ignore_reason"]], dtype=bool)
    return Objects(boxes[valid], category[valid], boxes[~valid], crowd[~valid])


def read(out: Path) -> tuple[Any, list[str]]:
    """Return the chips of a Parquet build, pictures decoded when they are asked for, and the names of the classes."""
    chips = load_dataset(str(out), split="train")
    return chips, chips.features["objects"]["category"].feature.names


def chips_of_epoch(chips: Any, out: Path, number: int) -> Any:
    """Return what is shown in an epoch: what `chipgen epochs` drew for it, or all chips where nothing was drawn.

    Whoever trains longer than was drawn for begins with the first draw again.
    """
    drawn = len(list((out / "epochs").glob("epoch-*.parquet")))
    if not drawn:
        return chips
    return chips.select(pq.read_table(out / "epochs" / f"epoch-{number % drawn}.parquet")["row"].to_pylist())


def command_line(description: str, lr: float) -> argparse.ArgumentParser:
    """Return the options of both examples."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("build", type=Path, help="folder that chipgen build --format parquet wrote")
    parser.add_argument("out", type=Path, help="where the trained model goes")
    parser.add_argument("--epochs", type=int, default=12, help="times that the chips are shown")
    parser.add_argument("--batch-size", type=int, default=4, help="chips a step")
    parser.add_argument("--lr", type=float, default=lr, help="learning rate")
    parser.add_argument("--limit-steps", type=int, default=0, help="stop after so many steps; 0 is never")
    parser.add_argument("--log-steps", type=int, default=10, help="tell the mean loss of so many steps")
    parser.add_argument("--workers", type=int, default=0, help="processes that decode chips")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiny", action="store_true", help="a small model, for a try on a CPU")
    return parser


def learn(wanted: argparse.Namespace, batches: Callable[[int], Iterable[Any]], step: Callable[[Any], float]) -> None:
    """Learn from the batches of one epoch after the other, and tell the loss."""
    count, losses = 0, list[float]()
    for epoch in range(wanted.epochs):
        for batch in batches(epoch):
            losses.append(step(batch))
            count += 1
            last = count == wanted.limit_steps
            if last or count % wanted.log_steps == 0:
                print(f"epoch {epoch}  step {count}  loss {np.mean(losses):.3f}", flush=True)
                losses.clear()
            if last:
                return

"""The shards, one after the other: each against the plan, its pictures, and the settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.images import EXTENSIONS
from chipgen.verification.coco_shard import CocoShard, RoboflowShard
from chipgen.verification.columns import take
from chipgen.verification.compare import differences
from chipgen.verification.laws import check_chips, first_broken, not_rising
from chipgen.verification.parquet_shard import ParquetShard
from chipgen.verification.webdataset_shard import WebdatasetShard
from chipgen.verification.yolo_shard import YoloShard
from chipgen.writers.tables import PLAN

Shard = ParquetShard | CocoShard | WebdatasetShard | YoloShard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from chipgen.verification.faults import Faults
    from chipgen.verification.laws import Law
    from chipgen.verification.manifest import Manifest
    from chipgen.verification.part import Part
    from chipgen.verification.tables import PlanTable

    Found = Iterator[tuple[str, str]]

SHARDS: dict[tuple[str, str], Callable[[Path, str, Collection[str]], Shard]] = {
    ("parquet", "plain"): ParquetShard,
    ("coco", "plain"): CocoShard,
    ("coco", "roboflow"): RoboflowShard,
    ("webdataset", "plain"): WebdatasetShard,
    ("yolo", "plain"): YoloShard,
}
OF_A_CHIP = re.compile(r"(?:images|labels)/(\d{8,18})-[^/]+")
"""A file of one chip in the folders that all shards share, by the id of that."""


@dataclass
class ShardChecks:
    """The checks of all shards.

    Parameters
    ----------
    out
        The output folder.
    manifest
        What was built.
    sound
        The files that are what the manifest says.
    plan
        The plan, None where it cannot be trusted: then the shards are checked by themselves.
    classes
        The category table of the first shard that could be read: all have the same.
    last_id
        Of the last chip read.
    doubted
        Whether the one table of all shards was found wrong, so that shards cannot be held against it.
    """

    out: Path
    manifest: Manifest
    sound: Collection[str]
    plan: PlanTable | None
    classes: tuple[Any, ...] | None = None
    last_id: int = -1
    doubted: bool = False
    of_folder: dict[str, list[str]] = field(default_factory=dict)
    of_chip: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for entry in self.manifest.files:
            found = OF_A_CHIP.fullmatch(entry.path)
            if found:
                self.of_chip.setdefault(int(found[1]), []).append(entry.path)
            else:
                self.of_folder.setdefault(entry.path.rpartition("/")[0], []).append(entry.path)

    def run(self, faults: Faults) -> None:
        """Check all shards that are undamaged."""
        config = self.manifest.configuration
        for index, entry in enumerate(self.manifest.shards):
            if entry.path in self.sound:
                with faults.reading(entry.path):
                    shard = SHARDS[config.format, config.layout](self.out, entry.path, self.sound)
                    before = len(faults)
                    faults.add_each(entry.path, self._whole(shard, index))
                    if shard.table is None or self.classes is None:  # one table of all shards is looked at once
                        known = len(faults)
                        faults.add_each(shard.table or entry.path, self._categories(shard))
                        self.doubted = shard.table is not None and len(faults) > known
                    if len(faults) == before:
                        found = (
                            self._labels(shard, index) if isinstance(shard, YoloShard) else self._chips(shard, index)
                        )
                        faults.add_each(entry.path, found)
        if self.plan is not None:
            for chip in sorted(self.of_chip.keys() - set(self.plan.chips.id.tolist())):
                faults.add(self.of_chip[chip][0], "", f"belongs to no chip: {PLAN} has no chip {chip}")

    def _whole(self, shard: Shard, index: int) -> Found:
        """Yield what is wrong with a shard as a whole."""
        ids, entry = shard.ids, self.manifest.shards[index]
        if len(ids) != entry.rows:
            yield "", f"holds {len(ids)} chips, the manifest says {entry.rows}"
        elif self.plan is not None:
            wanted = self.plan.chips.id[self.plan.shard == index]
            if not np.array_equal(ids, wanted):
                row = int(np.flatnonzero(ids != wanted)[0])
                yield f"row {row}", f"is chip {ids[row]}, {PLAN} says chip {wanted[row]}"
        elif not_rising(ids).any() or ids.min(initial=self.last_id + 1) <= self.last_id:
            yield "", "ids of its chips do not rise, or not above those of the shards before"
        self.last_id = int(ids.max(initial=self.last_id))
        yield from self._files(shard, entry.path)

    def _categories(self, shard: Shard) -> Found:
        """Yield what is wrong with the category table of a shard."""
        self.classes = shard.classes if self.classes is None else self.classes
        ids = shard.class_ids
        if shard.classes is None:
            return  # of a file that is damaged, which was told
        if shard.classes != self.classes:
            yield "categories", "are others than in the shards before"
        elif len(shard.classes) != self.manifest.counts.categories:
            yield "categories", f"are {len(shard.classes)}, the manifest says {self.manifest.counts.categories}"
        elif ids is not None and len(np.unique(ids)) < len(ids):
            yield "categories", "an id stands there twice"
        elif ids is not None and self.plan is not None:
            boxes = self.plan.boxes
            wrong = np.flatnonzero(ids[boxes.category] != boxes.category_id)
            for box in wrong[:1].tolist():
                place, other = boxes.category[box], boxes.category_id[box]
                yield "categories", f"the id at position {place} is {ids[place]}, {PLAN} says {other}"

    def _files(self, shard: Shard, path: str) -> Found:
        """Yield pictures that belong to no chip, and chips without a picture of their own."""
        listed = set(self.of_folder.get(f"{path.rpartition('/')[0]}/images", ()))
        if isinstance(shard, YoloShard):
            listed = {file for chip in shard.ids.tolist() for file in self.of_chip.get(chip, ())}
        for number, file in enumerate(shard.files):
            if file not in listed:
                yield f"images[{number}]", f"{file[:300]!r} is no picture of this shard, or is named twice"
            listed.discard(file)
        for file in sorted(listed):
            yield "images", f"none has the picture {file}, which the manifest lists"

    def _labels(self, shard: YoloShard, index: int) -> Found:
        """Yield what is wrong with each chip of a shard that holds labels and nothing else, one thing each."""
        first = 0 if self.plan is None else int(np.searchsorted(self.plan.shard, index))
        planned = None if self.plan is None else self.plan.part(first, first + len(shard.ids))
        for row, what in shard.faults(planned, self.manifest.configuration):
            yield f"chip {shard.ids[row]}", what

    def _chips(self, shard: ParquetShard | CocoShard | WebdatasetShard, index: int) -> Found:
        """Yield what is wrong with each chip of a shard, one thing each."""
        first = 0 if self.plan is None else int(np.searchsorted(self.plan.shard, index))
        for part in shard.parts():
            chips, boxes = part.chips, part.boxes
            found = dict(first_broken(*self._pictures(part)))
            found |= self._boxes(part, shard)
            if self.plan is None:
                found |= check_chips(chips, boxes, self.manifest.configuration)
            else:
                planned, planned_boxes = self.plan.part(first, first + len(chips))
                if self.manifest.configuration.ignored in {"drop", "paint"}:
                    planned_boxes = take(planned_boxes, planned_boxes.valid)
                found |= differences(chips, boxes, planned, planned_boxes)
            first += len(chips)
            yield from ((f"chip {chips.id[row]}", found[row]) for row in sorted(found))

    def _pictures(self, part: Part) -> Iterator[Law]:
        """Yield what is wrong with the pictures of chips, as far as their headers tell."""
        config, names = self.manifest.configuration, part.names
        wanted = np.full_like(part.size, config.chip_size) if config.pad else part.chips.content
        sizes = part.size.tolist()
        yield (part.size != wanted).any(axis=1), lambda row: f"is {sizes[row]} px, should be {wanted[row].tolist()}"
        told = [(config.image_format, tuple(size)) for size in sizes]
        other = [header != wish for header, wish in zip(part.headers, told, strict=True)]
        yield np.array(other, dtype=np.bool_) & ~part.unseen, lambda row: f"its picture is {_format(part, row)}"
        ending = EXTENSIONS[config.image_format]
        ids = part.chips.id.tolist()
        odd = [not n.startswith(f"{i:08d}-") or not n.endswith(f".{ending}") for n, i in zip(names, ids, strict=True)]
        yield np.array(odd, dtype=np.bool_), lambda row: f"is named {names[row]!r:.200}"

    def _boxes(self, part: Part, shard: ParquetShard | CocoShard | WebdatasetShard) -> dict[int, str]:
        """Return what is wrong with what only shards say of boxes, by chip."""
        boxes, form = part.boxes, self.manifest.configuration.ignored
        laws: list[Law] = [
            (part.crowd != (~boxes.valid & (form != "keep")), f"iscrowd is not as --ignored {form} writes it"),
            (~(part.area > 0), lambda box: f"area is {part.area[box]}"),
        ]
        if form in {"drop", "paint"}:
            laws.append((~boxes.valid, f"is ignored, but --ignored {form} leaves such boxes out"))
        if shard.class_ids is not None and not self.doubted:
            laws.append((~np.isin(boxes.category_id, shard.class_ids), "its category_id is no category"))
        return {int(boxes.chip[box]): f"box {boxes.id[box]}: {what}" for box, what in first_broken(*laws)}


def _format(part: Part, row: int) -> str:
    """Say what a picture is."""
    found = part.headers[row]
    return "none" if found is None else f"{found[0]} of {found[1][0]} x {found[1][1]} px"

"""A finished build: its manifest, its plan, and on demand its chips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.built.readers import READERS
from chipgen.built.reading import TODO, reading
from chipgen.built.values import BuiltBox, BuiltChip
from chipgen.chips import KINDS
from chipgen.errors import DataError
from chipgen.labels import STATES
from chipgen.remote import is_there, path_of
from chipgen.rows import SourceRow
from chipgen.store import MANIFEST, refuse_collection
from chipgen.verification.faults import Faults, MalformedError
from chipgen.verification.manifest import check_manifest, read_manifest
from chipgen.verification.tables import read_plan
from chipgen.writers.tables import PLAN

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.boxes import Ints
    from chipgen.verification.manifest import Manifest
    from chipgen.verification.tables import PlanTable


@dataclass(frozen=True)
class Built:
    """A finished build.

    Parameters
    ----------
    out
        Its folder.
    manifest, plan
        What they say.
    classes
        Name of each class, in the order of the category table.
    """

    out: Path
    manifest: Manifest
    plan: PlanTable
    classes: tuple[str, ...]

    def chips(self, rows: Ints) -> Iterator[BuiltChip]:
        """Yield some chips, shard by shard.

        Parameters
        ----------
        rows
            Of the plan, in its order, each once, shape ``(R,)``, int64.

        Raises
        ------
        DataError
            A shard is damaged, or has not the chips that the plan says.
        """
        row_of = dict(zip(self.plan.chips.id[rows].tolist(), rows.tolist(), strict=True))
        read = READERS[self.manifest.configuration.format].read
        for shard in np.unique(self.plan.shard[rows]).tolist():
            path = self.manifest.shards[shard].path
            wanted = set(self.plan.chips.id[rows[self.plan.shard[rows] == shard]].tolist())
            with reading(self.out / path):
                for chip, encoded, masks in read(self.out, path, frozenset(wanted)):
                    wanted.remove(chip)
                    yield self._chip(row_of[chip], encoded, masks)
                if wanted:
                    raise MalformedError("", f"has no chip {min(wanted)}, which {PLAN} says is there")

    def shard_of(self, row: int) -> Path:
        """Return the file that names the shard of a chip."""
        return self.out / self.manifest.shards[int(self.plan.shard[row])].path

    def _chip(self, row: int, encoded: bytes, masks: dict[int, Any]) -> BuiltChip:
        """Return a chip of the plan with its picture."""
        chips = self.plan.chips
        size, origin, factor = (chips.size_img[row], chips.origin_img[row], chips.factor[row])
        content, valid_range = chips.content[row], chips.valid_range[row]
        return BuiltChip(
            row=row,
            id=int(chips.id[row]),
            encoded=encoded,
            kind=KINDS[chips.kind[row]],
            level=int(chips.level[row]),
            source=SourceRow(int(chips.image_id[row]), str(chips.file_name[row]), int(size[0]), int(size[1])),
            origin_img=(float(origin[0]), float(origin[1])),
            factor=(float(factor[0]), float(factor[1])),
            content=(int(content[0]), int(content[1])),
            valid_range=(float(valid_range[0]), float(valid_range[1])),
            boxes=tuple(self._box(box, masks) for box in range(*self.plan.spans[row : row + 2].tolist())),
        )

    def _box(self, box: int, masks: dict[int, Any]) -> BuiltBox:
        """Return a box of the plan with its mask."""
        boxes, category = self.plan.boxes, int(self.plan.boxes.category[box])
        x, y, width, height = boxes.bbox[box].tolist()
        return BuiltBox(
            id=int(boxes.id[box]),
            source_id=int(boxes.source_id[box]),
            bbox=(x, y, width, height),
            category=category,
            name=self.classes[category],
            valid=bool(boxes.valid[box]),
            reason=STATES[boxes.reason[box]],
            visibility=float(boxes.visibility[box]),
            segmentation=masks.get(int(boxes.id[box])),
        )


def open_built(out: str | os.PathLike[str]) -> Built:
    """Read manifest, plan and class names of a finished build.

    Raises
    ------
    DataError
        The folder holds none, or one whose parts contradict each other.
    """
    folder = path_of(out)
    if not is_there(folder / MANIFEST):
        raise DataError.one(folder, "", "holds no finished build", "name the output folder of chipgen build")
    refuse_collection(folder)
    with reading(folder / MANIFEST):
        manifest = read_manifest(folder)
    faults = Faults(folder)
    check_manifest(manifest, faults)
    if faults.problems:
        raise DataError(faults.problems[:1])
    with reading(folder / PLAN):
        plan = read_plan(folder / PLAN)
    shard = manifest.shards[0].path
    with reading(folder / shard):
        classes = READERS[manifest.configuration.format].classes(folder, shard)
    _refuse_other(folder, manifest, plan, len(classes))
    return Built(folder, manifest, plan, classes)


def _refuse_other(folder: Path, manifest: Manifest, plan: PlanTable, classes: int) -> None:
    """Refuse a plan that speaks of what there is not.

    Raises
    ------
    DataError
        Naming the first such thing.
    """
    chips, boxes = plan.chips, plan.boxes
    laws = (
        (len(chips) == manifest.counts.chips, f"has {len(chips)} rows, the manifest says {manifest.counts.chips}"),
        (len(np.unique(chips.id)) == len(chips), "an id of a chip stands there twice"),
        (_all_below(plan.shard, len(manifest.shards)), "speaks of shards that the manifest does not list"),
        (_all_below(chips.level, manifest.configuration.levels), "speaks of levels there are not"),
        (_all_below(boxes.category, classes), "speaks of classes there are not"),
        (_all_below(chips.kind, len(KINDS)), "speaks of kinds of chips there are not"),
        (_all_below(boxes.reason, len(STATES)), "gives reasons that are not known"),
        (bool(np.isfinite(boxes.bbox).all() and (chips.factor > 0).all()), "holds places that are no numbers"),
        (bool(np.isfinite(chips.origin_img).all() and (chips.size_img > 0).all()), "holds places that are no numbers"),
    )
    for holds, what in laws:
        if not holds:
            raise DataError.one(folder / PLAN, "", what, TODO)


def _all_below(values: Ints, end: int) -> bool:
    """Tell whether all values lie in ``[0, end)``."""
    return bool(((values >= 0) & (values < end)).all())

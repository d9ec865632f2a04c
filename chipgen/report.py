"""What `chipgen stats` shows: the sizes in a dataset, scales that suit them, and what a plan or a build comes to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from chipgen.errors import ChipgenError, DataError
from chipgen.negative_summary import NegativeSummary
from chipgen.plan import plan
from chipgen.scales import GOOD_CHIP
from chipgen.store import MANIFEST
from chipgen.suggestion import Suggestion, suggest
from chipgen.summary import Summary, chips_line, histogram, learnable_sizes, pixel_lines, ratio, size_lines
from chipgen.text import counted, human_bytes, listed, table
from chipgen.writers.tables import LEDGER, PLAN

if TYPE_CHECKING:
    import os

    import pyarrow as pa
    from typing_extensions import Unpack

    from chipgen.boxes import Floats
    from chipgen.config import PlanSettings
    from chipgen.dataset import Dataset
    from chipgen.scored import ProposalSource


@dataclass(frozen=True)
class Stats:
    """A dataset before it is built.

    Parameters
    ----------
    suggestion
        Scales and ranges that suit its objects; None without objects.
    summary
        What the given scales come to, or else the suggested ones; None without objects and scales.
    """

    suggestion: Suggestion | None
    summary: Summary | None

    @property
    def too_large(self) -> int:
        """Return how many objects fit no chip at any level that would learn them."""
        return self.summary.ledger["too_large"] if self.summary else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the figures for people."""
        if self.suggestion is None:
            advice = "no objects to learn: nothing to suggest"
        else:
            found = self.suggestion
            advice = (
                f"suggested    --scales {found.scales} --valid-ranges {found.valid_ranges}\n"
                f"             brings sizes {found.small_img:.1f} to {found.large_img:.1f} px, the 2nd to 98th "
                "percentile, to about 50-250 px in a 512 chip"
            )
        if self.too_large:
            lost = counted(self.too_large, "object")
            advice += f"\n             {lost} too large for a chip at the scales above: add a coarser one, such as 512"
        return advice if self.summary is None else f"{self.summary}\n\n{advice}"


def stats(
    dataset: Dataset,
    scales: str | None = None,
    valid_ranges: str = "auto",
    proposals: ProposalSource | None = None,
    **settings: Unpack[PlanSettings],
) -> Stats:
    """Describe a dataset and what building chips from it would come to.

    Parameters
    ----------
    dataset
        What `read_coco` returned, best with ``on_error="skip"``.
    scales, valid_ranges
        As for `plan`; without scales the suggested ones are used, with the ranges suggested for them.
    proposals, **settings
        As for `plan`.
    """
    found = suggest(learnable_sizes(dataset), settings.get("chip_size", GOOD_CHIP))
    if scales is None and found is not None:
        scales, valid_ranges = found.scales, found.valid_ranges
    if scales is None:
        return Stats(found, None)
    return Stats(found, plan(dataset, scales, valid_ranges, proposals=proposals, **settings).summary())


@dataclass(frozen=True)
class BuiltStats:
    """A finished build, read back from its plan and ledger.

    Parameters
    ----------
    images, annotations, chips, chips_per_image
        Counts.
    sizes
        Histogram of sqrt(w * h) of the source objects seen in chips, image px.
    negatives
        The negative chips among them.
    levels
        For each level: ``(level, scale, chips, valid boxes, ignored boxes)``.
    coverage
        Share of the valid (box, level) pairs that a positive chip encloses.
    valid_boxes, ignored_boxes, ledger
        Boxes in chips, the ignored by reason; annotations by status.
    pixels_to_single_scale, pixels_to_pyramid
        Pixels of all chips against whole images at 800x1333, and at all the scales; None when empty.
    bytes
        Length of all files.
    skipped
        Things left out, by reason.
    """

    images: int
    annotations: int
    chips: int
    chips_per_image: float
    negatives: NegativeSummary
    sizes: tuple[tuple[float, float | None, int], ...]
    levels: tuple[tuple[int, str, int, int, int], ...]
    coverage: float
    valid_boxes: int
    ignored_boxes: dict[str, int]
    ledger: dict[str, int]
    pixels_to_single_scale: float | None
    pixels_to_pyramid: float | None
    bytes: int
    skipped: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the figures for people."""
        rows = [("level", "scale", "chips", "valid", "ignored")]
        rows += [(str(n), scale, f"{c:,}", f"{v:,}", f"{i:,}") for n, scale, c, v, i in self.levels]
        blocks = (size_lines(self.sizes), table(rows), self.negatives.level_lines(), self._totals())
        return "\n\n".join("\n".join(block) for block in blocks if block)

    def _totals(self) -> list[str]:
        """Say what it comes to."""
        return [
            chips_line(self.chips - self.negatives.chips, self.negatives.chips, self.chips_per_image),
            *self.negatives.total_lines(),
            f"coverage     {self.coverage:.2%} of the valid (box, level) pairs",
            f"boxes        {self.valid_boxes:,} valid; ignored: {listed(self.ignored_boxes)}",
            f"annotations  {listed(self.ledger)}",
            *pixel_lines(self.pixels_to_single_scale, self.pixels_to_pyramid),
            f"written      {human_bytes(self.bytes)}",
            f"skipped      {listed(self.skipped)}",
        ]


def built_stats(out: str | os.PathLike[str]) -> BuiltStats:
    """Describe a finished build.

    Raises
    ------
    DataError
        The folder holds none.
    """
    folder = Path(out)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        chips, ledger = pq.read_table(folder / PLAN), pq.read_table(folder / LEDGER)
        return _read_back(manifest, chips, ledger)
    except ChipgenError:
        raise
    except Exception as error:  # somebody may have put anything there
        what = f"holds no finished build ({type(error).__name__}: {' '.join(str(error).split())})"
        raise DataError.one(folder, "", what, "name the output folder of chipgen build") from error


def _read_back(manifest: dict[str, Any], chips: pa.Table, ledger: pa.Table) -> BuiltStats:
    """Compute the figures."""
    counts, scales = manifest["counts"], manifest["configuration"]["scales"].split(",")
    boxes = _boxes(chips)
    level, valid = boxes["level"], boxes["valid"]
    enclosed = valid & (boxes["visibility"] > 1 - 1e-6) & boxes["positive"]
    pairs = {*zip(boxes["source_id"][enclosed].tolist(), level[enclosed].tolist(), strict=True)}
    chip_level = chips["level"].to_numpy()
    pixels = len(chips) * manifest["configuration"]["chip_size"] ** 2
    return BuiltStats(
        images=counts["images"],
        annotations=len(ledger),
        chips=len(chips),
        chips_per_image=round(len(chips) / max(1, counts["images"]), 4),
        negatives=NegativeSummary.read(counts["negatives"]),
        sizes=histogram(_source_sizes(boxes)),
        levels=tuple(
            (
                number,
                scale,
                int(np.count_nonzero(chip_level == number)),
                int(np.count_nonzero(valid & (level == number))),
                int(np.count_nonzero(~valid & (level == number))),
            )
            for number, scale in enumerate(scales)
        ),
        coverage=len(pairs) / counts["valid_pairs"] if counts["valid_pairs"] else 1.0,
        valid_boxes=int(np.count_nonzero(valid)),
        ignored_boxes=_counts(boxes["ignore_reason"][~valid]),
        ledger=_counts(ledger["status"].to_numpy()),
        pixels_to_single_scale=ratio(pixels, counts["single_scale_pixels"]),
        pixels_to_pyramid=ratio(pixels, counts["pyramid_pixels"]),
        bytes=sum(file["bytes"] for file in manifest["files"]),
        skipped=counts["skipped"],
    )


def _boxes(chips: pa.Table) -> dict[str, np.typing.NDArray[Any]]:
    """Return the boxes of a plan table as flat columns, with the level, kind and factor of their chips."""
    objects = chips["objects"].combine_chunks()
    names = ("valid", "ignore_reason", "visibility", "source_id")
    columns = {name: objects.field(name).flatten().to_numpy(zero_copy_only=False) for name in names}
    chip = np.repeat(np.arange(len(chips)), objects.field("id").value_lengths().to_numpy(zero_copy_only=False))
    transform = chips["transform"].combine_chunks()
    factor = [transform.field(name).to_numpy() for name in ("factor_x", "factor_y")]
    columns["bbox"] = objects.field("bbox").flatten().flatten().to_numpy().reshape(-1, 4).astype(np.float64)
    columns["level"] = chips["level"].to_numpy()[chip]
    columns["positive"] = (chips["kind"].to_numpy() == "positive")[chip]
    columns["change_of_area"] = (factor[0] * factor[1])[chip]
    return columns


def _source_sizes(boxes: dict[str, np.typing.NDArray[Any]]) -> Floats:
    """Return sqrt(w * h) of each source annotation seen, image px, from the chip that shows most of it."""
    best_last = np.lexsort((boxes["visibility"], boxes["source_id"]))
    source = boxes["source_id"][best_last]
    last = best_last[np.flatnonzero(np.append(source[1:] != source[:-1], True))] if len(source) else best_last
    area_chip = boxes["bbox"][last, 2:].prod(axis=1) / boxes["visibility"][last]
    return np.asarray(np.sqrt(area_chip / boxes["change_of_area"][last]), dtype=np.float64)


def _counts(words: np.typing.NDArray[Any]) -> dict[str, int]:
    """Count words."""
    names, numbers = np.unique(words.astype(str), return_counts=True)
    return dict(zip(names.tolist(), numbers.tolist(), strict=True))

"""A finished build in figures, read back from its plan and ledger."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipgen.errors import DataError, StorageError
from chipgen.negative_summary import NegativeSummary
from chipgen.parquet_files import read_parquet
from chipgen.remote import is_remote, path_of, refuse_silence
from chipgen.report.columns import BoxColumns, boxes_of, counted_words, source_sizes
from chipgen.report.names import category_names
from chipgen.report.spread_back import spread_back
from chipgen.sizes import Bins, histogram
from chipgen.stats_page import built_facts, page
from chipgen.store import MANIFEST, refuse_collection
from chipgen.summary import chips_line, pixel_lines, ratio, size_lines
from chipgen.text import human_bytes, listed, table
from chipgen.writers.tables import LEDGER, PLAN

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pyarrow as pa

    from chipgen.spread import Spread


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
    positive
        Positive chips of each level.
    pairs, covered
        Valid (box, level) pairs, and those that a positive chip encloses.
    chip_pixels, single_scale_pixels, pyramid_pixels
        Pixels of all chips, of all images at 800x1333, and of all images at all the scales.
    spread
        The same in detail: what a picture needs.
    source
        The output folder.
    """

    images: int
    annotations: int
    chips: int
    chips_per_image: float
    negatives: NegativeSummary
    sizes: Bins
    levels: tuple[tuple[int, str, int, int, int], ...]
    coverage: float
    valid_boxes: int
    ignored_boxes: dict[str, int]
    ledger: dict[str, int]
    pixels_to_single_scale: float | None
    pixels_to_pyramid: float | None
    bytes: int
    skipped: dict[str, int]
    positive: tuple[int, ...]
    pairs: int
    covered: int
    chip_pixels: int
    single_scale_pixels: int
    pyramid_pixels: int
    spread: Spread
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return asdict(self)

    def to_html(self) -> str:
        """Return the figures as a page with charts, complete in itself."""
        return page(built_facts(self))

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
    StorageError
        The storage does not answer.
    """
    folder = path_of(out)
    refuse_collection(folder)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        chips, ledger = read_parquet(folder / PLAN), read_parquet(folder / LEDGER)
        return _read_back(folder, manifest, chips, ledger)
    except (DataError, StorageError):
        raise
    except Exception as error:  # somebody may have put anything there
        if is_remote(folder) and isinstance(error, OSError):
            refuse_silence(error.filename or folder, error)
        what = f"holds no finished build ({type(error).__name__}: {' '.join(str(error).split())})"
        raise DataError.one(folder, "", what, "name the output folder of chipgen build") from error


def _read_back(folder: Path, manifest: dict[str, Any], chips: pa.Table, ledger: pa.Table) -> BuiltStats:
    """Compute the figures."""
    counts, boxes = manifest["counts"], boxes_of(chips)
    pairs, covered = counts["valid_pairs"], boxes.enclosed_pairs()
    pixels = len(chips) * manifest["configuration"]["chip_size"] ** 2
    sizes_img, levels = source_sizes(boxes), _levels(manifest, chips, boxes)
    at_level = np.bincount(chips["level"].to_numpy()[chips["kind"].to_numpy() == "positive"], minlength=len(levels))
    names = category_names(folder, manifest, chips)
    return BuiltStats(
        images=counts["images"],
        annotations=len(ledger),
        chips=len(chips),
        chips_per_image=round(len(chips) / max(1, counts["images"]), 4),
        negatives=NegativeSummary.read(counts["negatives"]),
        sizes=histogram(sizes_img),
        levels=levels,
        coverage=covered / pairs if pairs else 1.0,
        valid_boxes=int(np.count_nonzero(boxes.valid)),
        ignored_boxes=counted_words(boxes.ignore_reason[~boxes.valid]),
        ledger=counted_words(ledger["status"].to_numpy()),
        pixels_to_single_scale=ratio(pixels, counts["single_scale_pixels"]),
        pixels_to_pyramid=ratio(pixels, counts["pyramid_pixels"]),
        bytes=sum(file["bytes"] for file in manifest["files"]),
        skipped=counts["skipped"],
        positive=tuple(at_level.tolist()),
        pairs=pairs,
        covered=covered,
        chip_pixels=pixels,
        single_scale_pixels=counts["single_scale_pixels"],
        pyramid_pixels=counts["pyramid_pixels"],
        spread=spread_back(manifest["configuration"], chips, boxes, ledger, names),
        source=str(folder),
    )


def _levels(manifest: dict[str, Any], chips: pa.Table, boxes: BoxColumns) -> tuple[tuple[int, str, int, int, int], ...]:
    """Count chips and boxes of each level."""
    chip_level = chips["level"].to_numpy()
    return tuple(
        (
            number,
            scale,
            int(np.count_nonzero(chip_level == number)),
            int(np.count_nonzero(boxes.valid & (boxes.level == number))),
            int(np.count_nonzero(~boxes.valid & (boxes.level == number))),
        )
        for number, scale in enumerate(manifest["configuration"]["scales"].split(","))
    )

"""What a finished build in several parts comes to: the sums of what the manifest of each part says."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from chipgen.errors import DataError
from chipgen.store import MANIFEST
from chipgen.text import counted, human_bytes, listed
from chipgen.verification.manifest import Counts, FileEntry, ShardEntry  # noqa: TC001 -- msgspec looks at them
from chipgen.verification.reading import read_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class _Manifest(msgspec.Struct, frozen=True):
    """What is added up of a manifest."""

    counts: Counts
    shards: list[ShardEntry]
    files: list[FileEntry]


@dataclass(frozen=True)
class PartsStats:
    """A finished build in several parts, in figures.

    Parameters
    ----------
    out, parts
        The folder, and how many parts there are.
    images, annotations, categories
        The source.
    chips, negative, shards
        What was written.
    ledger, skipped
        Annotations by status, and things left out by reason.
    bytes
        Length of all files of the parts.
    """

    out: str
    parts: int
    images: int
    annotations: int
    categories: int
    chips: int
    negative: int
    shards: int
    ledger: dict[str, int]
    skipped: dict[str, int]
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the figures for people."""
        each = f"{self.chips / self.images:.2f} an image" if self.images else "no image"
        source = f"{counted(self.annotations, 'annotation')} in {counted(self.images, 'image')}"
        lines = (
            f"parts        {self.parts:,}, each a build by itself, such as {self.out}/part-00000",
            f"source       {source}; {counted(self.categories, 'category')}",
            f"chips        {self.chips:,}, {each}: {self.chips - self.negative:,} positive, {self.negative:,} negative",
            f"annotations  {listed(dict(sorted(self.ledger.items())))}",
            f"written      {counted(self.shards, 'shard')}, {human_bytes(self.bytes)}",
            f"skipped      {listed(dict(sorted(self.skipped.items())))}",
        )
        return "\n".join(lines)


def parts_stats(out: Path, folders: Sequence[str]) -> PartsStats:
    """Return what the parts of a finished build come to.

    Raises
    ------
    DataError
        One of them is not finished, or its manifest cannot be read.
    """
    total, ledger, skipped, categories = Counter[str](), Counter[str](), Counter[str](), 0
    for folder in folders:
        found = _manifest(out / folder / MANIFEST)
        counts, categories = found.counts, found.counts.categories
        ledger.update(counts.ledger)
        skipped.update(counts.skipped)
        total.update(images=counts.images, annotations=counts.annotations, chips=counts.chips)
        total.update(negative=counts.negatives.chips, shards=len(found.shards))
        total.update(bytes=sum(file.bytes for file in found.files))
    figures = {name: total[name] for name in ("images", "annotations", "chips", "negative", "shards", "bytes")}
    return PartsStats(str(out), len(folders), categories=categories, ledger={**ledger}, skipped={**skipped}, **figures)


def _manifest(path: Path) -> _Manifest:
    """Read the manifest of a part."""
    try:
        return msgspec.json.decode(read_whole(path), type=_Manifest)
    except (OSError, ValueError, RecursionError) as error:
        what = f"cannot be read ({type(error).__name__}: {error})".replace("\n", " ")
        raise DataError.one(path, "", what, "run the same chipgen build again") from error

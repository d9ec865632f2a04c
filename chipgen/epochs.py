"""Epochs: which chips of a finished build a trainer shows in each epoch, without writing a pixel twice.

Every epoch shows all positive chips and a draw of the negative ones. Its file names them by id and by row; a COCO build
also gets an annotation file for each epoch, with file names relative to the output folder as in ``annotations.json``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chipgen.additions import EPOCHS
from chipgen.draw import draw, share_of
from chipgen.errors import DataError
from chipgen.limits import at_least
from chipgen.negative_config import NegativeConfig
from chipgen.parquet_files import read_parquet
from chipgen.remote import path_of
from chipgen.store import MANIFEST, Addition
from chipgen.text import counted
from chipgen.writers import format_of
from chipgen.writers.refusals import refusals
from chipgen.writers.tables import PLAN

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from typing_extensions import Unpack

    from chipgen.boxes import Bools, Ints
    from chipgen.store import Staging
    from chipgen.writers.format import Listing

FOLDER = EPOCHS

MOST_EPOCHS = 10_000


class EpochSettings(TypedDict, total=False):
    """The fields of `EpochConfig`, as keyword arguments."""

    epochs: int
    negatives_per_image: int | str | None
    negative_ratio: float | None
    seed: int


@dataclass(frozen=True)
class EpochConfig:
    """What is drawn for the epochs.

    Parameters
    ----------
    epochs
        How many there are. Source: SNIPER trains for 7.
    negatives_per_image, negative_ratio
        As for a build: at most so many of each image, so many for each positive chip.
    seed
        Seed of the draw.
    """

    epochs: int = 7
    negatives_per_image: int | str | None = None
    negative_ratio: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        at_least("--epochs", self.epochs, 1, MOST_EPOCHS)
        at_least("--seed", self.seed, 0, 2**63 - 1)

    @property
    def budget(self) -> NegativeConfig:
        """Return the budget, checked."""
        return NegativeConfig(negatives_per_image=self.negatives_per_image, negative_ratio=self.negative_ratio)


@dataclass(frozen=True)
class EpochsReport:
    """What was written.

    Parameters
    ----------
    out
        The folder of the epochs.
    epochs, positive
        Their number, and the positive chips that each shows.
    negatives
        Negative chips of each epoch.
    pool, shown
        Negative chips of the build, and those of them that some epoch shows.
    written
        False when exactly these epochs were there already.
    notes
        What is worth knowing, one sentence each.
    """

    out: str
    epochs: int
    positive: int
    negatives: tuple[int, ...]
    pool: int
    shown: int
    written: bool
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Return the report for people."""
        least, most = min(self.negatives), max(self.negatives)
        each = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        shows = f"each with all {counted(self.positive, 'positive chip')} and {each} of {self.pool:,} negative ones"
        lines = [
            f"{'written ' if self.written else 'the same'}     {counted(self.epochs, 'epoch')}, {shows}: {self.out}",
            f"negatives    {self.shown:,} of {self.pool:,} are shown in some epoch",
        ]
        return "\n".join([*lines, *(f"note         {note}" for note in self.notes)])


def write_epochs(
    out: str | os.PathLike[str], *, overwrite: bool = False, **settings: Unpack[EpochSettings]
) -> EpochsReport:
    """Draw the negative chips of each epoch from a finished build and write which chips it shows.

    Parameters
    ----------
    out
        The output folder of a build, best one with ``negatives_per_image="all"``.
    overwrite
        Whether epochs written there before may be replaced.
    **settings
        Fields of `EpochConfig`: ``epochs``, ``negatives_per_image``, ``negative_ratio``, ``seed``.

    Returns
    -------
    EpochsReport
        What was written.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError
        With the reason; the build stays as it was.
    """
    config, folder = EpochConfig(**settings), path_of(out)
    per_image, ratio = config.budget.per_image, config.negative_ratio
    with Addition(folder, FOLDER, overwrite=overwrite) as addition:
        _check(folder, addition.manifest)
        chip_id, negative, image_id = _chips(folder)
        total = share_of(ratio, int(np.count_nonzero(~negative)))
        staging, drawn = addition.staging(FOLDER), []
        for epoch in range(config.epochs):
            kept = ~negative
            kept[negative] = draw(image_id[negative], per_image, total, config.seed, epoch)
            _write(folder, f"{FOLDER}/epoch-{epoch}", chip_id, kept, staging, addition.manifest)
            drawn.append(kept[negative])
        written = addition.publish(staging, asdict(config))
    return EpochsReport(
        out=str(folder / FOLDER),
        epochs=config.epochs,
        positive=int(np.count_nonzero(~negative)),
        negatives=tuple(int(np.count_nonzero(one)) for one in drawn),
        pool=int(np.count_nonzero(negative)),
        shown=int(np.count_nonzero(np.any(drawn, axis=0))),
        written=written,
        notes=tuple(_notes(addition.manifest, int(np.count_nonzero(negative)))),
    )


def _chips(out: Path) -> tuple[Ints, Bools, Ints]:
    """Return of each chip its id, whether it is negative, and the id of its image, in the order of the shards.

    Raises
    ------
    DataError
        The plan cannot be read.
    """
    try:
        table = read_parquet(out / PLAN, columns=["image_id", "kind", "source"])
        source = table["source"].combine_chunks().field("image_id").to_numpy()
        return table["image_id"].to_numpy(), np.asarray(table["kind"].to_numpy() == "negative"), source
    except Exception as error:  # somebody may have put anything there
        what = f"cannot be read ({type(error).__name__}: {error})".replace("\n", " ")
        raise DataError.one(out / PLAN, "", what, "build the chips again") from error


def _write(out: Path, name: str, chip_id: Ints, kept: Bools, staging: Staging, manifest: dict[str, Any]) -> None:
    """Write the files of one epoch."""
    with staging.create(f"{name}.parquet") as file, refusals(f"{name}.parquet"):
        table = pa.table({"image_id": chip_id[kept], "row": np.flatnonzero(kept)})
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)
    listing = _listing(manifest)
    if listing is not None:
        shards, ids = [shard["path"] for shard in manifest["shards"]], set(chip_id[kept].tolist())
        pieces = listing.pieces(shards, lambda path: _shard(out / path), ids)
        staging.write_all(f"{name}.{listing.ending}", pieces)


def _listing(manifest: dict[str, Any]) -> Listing | None:
    """Return how some of the chips are listed in the format of a build.

    Raises
    ------
    DataError
        There is no such format.
    """
    configuration = manifest["configuration"]
    try:
        return format_of(configuration["format"], configuration.get("layout", "plain")).listing
    except (KeyError, TypeError) as error:
        what = f"names a format that is not known: {configuration['format']!r:.100}"
        raise DataError.one(MANIFEST, "configuration.format", what, "use the chipgen that built it") from error


def _shard(path: Path) -> bytes:
    """Return the content of a shard's annotation file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError.one(path, "", f"cannot be read ({error})", "build the chips again") from error


def _check(out: Path, manifest: dict[str, Any]) -> None:
    """Check what is needed of a manifest, which somebody may have changed.

    Raises
    ------
    DataError
        It is not what was written once.
    """
    found, shards = manifest["counts"]["negatives"]["found"], manifest["shards"]
    if type(found) is not int or not isinstance(shards, list):
        raise DataError.one(out / MANIFEST, "", "is not what chipgen wrote", "build the chips again")
    for number, shard in enumerate(shards):
        if not isinstance(shard, dict) or not isinstance(shard.get("path"), str):
            what = "is not what chipgen wrote"
            raise DataError.one(out / MANIFEST, f"shards[{number}]", what, "build the chips again")


def _notes(manifest: dict[str, Any], pool: int) -> list[str]:
    """Say what is worth knowing about the pool."""
    if not pool:
        return ["the build holds no negative chips: build it with --proposals or --negatives random"]
    found = manifest["counts"]["negatives"]["found"]
    if pool < found:
        return [f"the build holds {pool:,} of {found:,} negative chips found: --negatives-per-image all keeps them all"]
    return []

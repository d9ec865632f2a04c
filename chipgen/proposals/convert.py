"""``chipgen proposals``: any file of proposals to the Parquet form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from chipgen.errors import DataError, OutputError, UsageError
from chipgen.limits import at_least
from chipgen.proposals.batch import Findings
from chipgen.proposals.box_formats import BOX_FORMATS
from chipgen.proposals.faulty import Faulty
from chipgen.proposals.files import reading
from chipgen.proposals.image_list import read_image_list
from chipgen.proposals.readers import ReadOptions, open_proposals
from chipgen.proposals.sort import by_image
from chipgen.proposals.survey import Survey
from chipgen.proposals.table import TableWriter, is_ours
from chipgen.remote import fetched, place_of
from chipgen.store import new_file
from chipgen.text import counted, human_bytes, listed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from typing_extensions import Unpack

    from chipgen.proposals.batch import Batch
    from chipgen.proposals.image_list import ImageList
    from chipgen.store import HashingFile


class ConversionSettings(TypedDict, total=False):
    """The fields of `ConversionOptions`, as keyword arguments."""

    trust_pickle: bool
    coco: str | os.PathLike[str] | None
    box_format: str | None
    on_error: str
    max_skipped: int
    overwrite: bool


@dataclass(frozen=True)
class ConversionOptions:
    """How a file of proposals is converted.

    Parameters
    ----------
    trust_pickle
        Whether a pickle is read: with a reader that makes arrays and plain containers and runs nothing, but still.
    coco
        The annotation file whose images, in its order, the proposals are of; needed for layouts without ids.
    box_format
        ``xywh``, ``xyxy`` or ``xyxy-inclusive``; None for what is usual in the kind of file.
    on_error
        ``fail`` or ``skip`` for proposals that cannot be used.
    max_skipped
        Skipped proposals that are still a success.
    overwrite
        Whether a file that was converted before may be replaced.

    Raises
    ------
    UsageError
        A value cannot be meant.
    """

    trust_pickle: bool = False
    coco: str | os.PathLike[str] | None = None
    box_format: str | None = None
    on_error: str = "fail"
    max_skipped: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        at_least("--max-skipped", self.max_skipped, 0)
        for option, value, choices in (
            ("--on-error", self.on_error, ("fail", "skip")),
            ("--box-format", self.box_format, (None, *BOX_FORMATS)),
        ):
            if value not in choices:
                todo = f"use {' or '.join(filter(None, choices))}"
                raise UsageError.one(option, repr(value), "is not possible", todo)


@dataclass(frozen=True)
class Conversion:
    """What was converted.

    Parameters
    ----------
    out, bytes
        The file and its length.
    form
        What the source was recognised as.
    proposals, images, per_image
        Proposals written, the images that have any, and the mean.
    scored
        Whether there are scores.
    skipped
        Proposals left out, by reason.
    notes
        Sentences worth reading.
    within_limit
        Whether no more was skipped than allowed.
    """

    out: str
    bytes: int
    form: str
    proposals: int
    images: int
    per_image: float
    scored: bool
    skipped: dict[str, int]
    notes: tuple[str, ...]
    within_limit: bool

    def __str__(self) -> str:
        """Return the figures as lines for people."""
        counts = f"{counted(self.proposals, 'proposal')} of {counted(self.images, 'image')}"
        lines = [
            f"read as      {self.form}",
            f"written      {counts}, {self.per_image:.2f} an image, {human_bytes(self.bytes)}: {self.out}",
            f"skipped      {listed(self.skipped) if self.skipped else 'nothing'}",
        ]
        return "\n".join(lines + [f"note         {note}" for note in self.notes])


def convert_proposals(
    source: str | os.PathLike[str], out: str | os.PathLike[str], **settings: Unpack[ConversionSettings]
) -> Conversion:
    """Write any file of proposals anew as Parquet: sorted by image, falling score, and position in the file.

    Parameters
    ----------
    source
        The file, or its URL.
    out
        The Parquet file to be written, which must not exist yet.
    **settings
        Fields of `ConversionOptions`: what the file does not say of itself, and how to go on.

    Returns
    -------
    Conversion
        What was written and what was left out.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError
        With the reason; nothing is written then.
    """
    options = ConversionOptions(**settings)
    with reading(place_of(str(source))):
        read = fetched(source)
    findings = Findings(str(read))
    _refuse_same(read, Path(out))
    with new_file(Path(out), overwrite=options.overwrite, is_ours=is_ours) as file:
        images = None if options.coco is None else _images(options.coco)
        read_options = ReadOptions(options.trust_pickle, images, options.box_format)
        opened = open_proposals(read, findings, read_options)
        survey, faulty = Survey(opened.box_format, images), Faulty(findings)
        batches = survey.taken(opened.batches)
        sound = faulty.left_out(batches) if options.on_error == "skip" else faulty.listed(batches)
        try:
            written = _write(sound, file, out)
        except DataError as error:
            raise DataError([*survey.problems(str(read)), *error.problems]) from error
    return Conversion(
        out=str(out),
        bytes=file.tell(),
        form=f"{opened.form}, boxes {opened.box_format}",
        proposals=written.proposals,
        images=written.images,
        per_image=round(written.proposals / max(1, written.images), 2),
        scored=written.scored,
        skipped=dict(sorted(faulty.counts.items())),
        notes=(*survey.notes(), *_note_on_scores(written)),
        within_limit=faulty.counts.total() <= options.max_skipped,
    )


def _images(coco: str | os.PathLike[str]) -> ImageList:
    """Read the images of an annotation file."""
    with reading(place_of(str(coco))):
        return read_image_list(fetched(coco))


@dataclass
class _Written:
    """What was written so far."""

    proposals: int = 0
    images: int = 0
    scored: bool = False


def _write(batches: Iterable[Batch], file: HashingFile, name: object) -> _Written:
    """Write proposals, sorted."""
    written = _Written()
    with TableWriter(file, name) as writer:
        for piece in by_image(batches):
            writer.write(piece)
            written.proposals += len(piece)
            written.images += len(np.unique(piece.image_id))  # no image is in two pieces
            written.scored = piece.score is not None
    return written


def _note_on_scores(written: _Written) -> Iterator[str]:
    """Say what their absence means."""
    if written.proposals and not written.scored:
        yield "there are no scores: among the proposals of an image the first ones come first"


def _refuse_same(source: Path, out: Path) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    OutputError
        Both are the same file.
    """
    try:
        same = out.samefile(source)
    except (OSError, ValueError):  # one of them is not there: whoever opens it says so
        return
    if same:
        raise OutputError.one(out, "", "is the file that is read", "choose another name")

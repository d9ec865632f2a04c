"""From a file of any supported kind to batches of proposals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chipgen.proposals.entries import Entries
from chipgen.proposals.files import JSON, JSON_LINES, NPY, NPZ, PARQUET, PICKLE, recognise
from chipgen.proposals.layouts import batches as batches_of
from chipgen.proposals.layouts import recognise_layout
from chipgen.proposals.npz import npy_error, read_npz
from chipgen.proposals.pickles import read_pickle
from chipgen.proposals.table import Table
from chipgen.proposals.text import read_lines, read_list

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chipgen.proposals.batch import Batch, Findings
    from chipgen.proposals.files import Found
    from chipgen.proposals.image_list import ImageList


@dataclass(frozen=True)
class ReadOptions:
    """What a file of proposals does not say of itself.

    Parameters
    ----------
    trust_pickle
        Whether pickles are read at all.
    images
        The images of the annotation file, for pickles without ids.
    box_format
        One of `box_formats.BOX_FORMATS`; None for what is usual in the kind of file.
    """

    trust_pickle: bool = False
    images: ImageList | None = None
    box_format: str | None = None


@dataclass(frozen=True)
class Opened:
    """A file of proposals that is about to be read.

    Parameters
    ----------
    form
        What it was recognised as, in words.
    box_format
        How its boxes are written.
    batches
        Its proposals in the order of the file, to be taken once; boxes as the file writes them. All have scores or
        none has. What is wrong with single entries is raised behind the last batch.
    """

    form: str
    box_format: str
    batches: Iterator[Batch]


def open_proposals(path: Path, findings: Findings, options: ReadOptions | None = None) -> Opened:
    """Recognise a file and open it.

    Raises
    ------
    DataError
        It is no file of proposals, or a pickle that nobody trusts.
    """
    options = options or ReadOptions()
    found = recognise(path)
    if found.form == PICKLE:
        return _open_pickle(path, found, findings, options)
    box_format = options.box_format or "xywh"
    return Opened(found.form, box_format, _checked(_batches(path, found, box_format, findings), findings))


def _open_pickle(path: Path, found: Found, findings: Findings, options: ReadOptions) -> Opened:
    """Read a pickle, which stands in memory whole."""
    if not options.trust_pickle:
        todo = f"convert it with chipgen proposals {path} OUT.parquet --trust-pickle"
        raise findings.fatal("", "pickle refused: reading one may run code", todo)
    layout = recognise_layout(read_pickle(path, findings), options, findings)
    form = f"{found.form}, {layout.name}"
    batches = batches_of(layout, found.bytes, findings)
    return Opened(form, options.box_format or layout.box_format, _checked(batches, findings))


def _batches(path: Path, found: Found, box_format: str, findings: Findings) -> Iterator[Batch]:
    """Yield the proposals of anything but a pickle."""
    if found.form == JSON:
        yield from read_list(path, found, Entries(findings))
    elif found.form == JSON_LINES:
        yield from read_lines(path, found, Entries(findings))
    elif found.form == NPZ:
        yield from read_npz(path, findings, box_format)
    elif found.form == NPY:
        raise npy_error(path, findings)
    else:
        assert found.form == PARQUET
        table = Table(path, findings, box_format)
        for group in range(len(table.groups)):
            yield from table.batches(group)


def _checked(batches: Iterator[Batch], findings: Findings) -> Iterator[Batch]:
    """Yield all batches, then raise what was found wrong with single entries."""
    yield from batches
    findings.raise_any()

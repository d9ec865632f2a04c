"""What `chipgen view` does: choose chips, draw them, add page and sheets to the build."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypedDict

from chipgen.additions import PAGE, VIEW
from chipgen.built import open_built
from chipgen.limits import at_least
from chipgen.remote import path_of
from chipgen.store import Addition
from chipgen.text import counted, human_bytes, listed
from chipgen.viewing.content import MOST_BYTES, ContentMaker
from chipgen.viewing.gallery import MOST_CLASSES, gather
from chipgen.viewing.page import page
from chipgen.viewing.sheets import sheets
from chipgen.viewing.sources import open_sources

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from chipgen.built import Built
    from chipgen.viewing.content import Content
    from chipgen.viewing.gallery import Gallery
    from chipgen.viewing.sources import Sources

MOST_CHIPS = 2_000


class ViewSettings(TypedDict, total=False):
    """The fields of `ViewConfig`, as keyword arguments."""

    limit: int
    seed: int


@dataclass(frozen=True)
class ViewConfig:
    """What is shown.

    Parameters
    ----------
    limit
        Chips in the page, about; at most `MOST_CHIPS`.
    seed
        Seed of the choice.
    """

    limit: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        at_least("--limit", self.limit, 1, MOST_CHIPS)
        at_least("--seed", self.seed, 0, 2**63 - 1)


@dataclass(frozen=True)
class ViewReport:
    """What was written.

    Parameters
    ----------
    page
        The file to open in a browser.
    chips, total
        Chips in it, and of the build.
    images
        Source images that these chips are of.
    sheets
        Contact sheets beside it.
    bytes
        Length of all these files.
    written
        False when exactly these files were there already.
    notes
        What is worth knowing, one sentence each.
    """

    page: str
    chips: int
    total: int
    images: int
    sheets: int
    bytes: int
    written: bool
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Return the report for people."""
        shown = f"{self.chips:,} of {counted(self.total, 'chip')}, from {counted(self.images, 'image')}"
        beside = f"{counted(self.sheets, 'contact sheet')}, {human_bytes(self.bytes)}"
        lines = [
            f"{'written ' if self.written else 'the same'}     {shown}; {beside}",
            f"open         {self.page}",
        ]
        return "\n".join([*lines, *(f"note         {note}" for note in self.notes)])


def view(
    out: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    *,
    overwrite: bool = False,
    **settings: Unpack[ViewSettings],
) -> ViewReport:
    """Draw chips of a finished build: contact sheets, and a page that a browser opens without a server.

    Parameters
    ----------
    out
        The output folder of a build; ``view/`` is added to it.
    images
        The folder of its source images, which the page then shows; without it, chips are put together in their place.
    overwrite
        Whether what was drawn there before may be replaced.
    **settings
        Fields of `ViewConfig`: ``limit``, ``seed``.

    Returns
    -------
    ViewReport
        What was written.

    Raises
    ------
    UsageError, DataError, OutputError, StorageError
        With the reason; the build stays as it was.
    """
    config, folder = ViewConfig(**settings), path_of(out)
    with Addition(folder, VIEW, overwrite=overwrite) as addition:
        built = open_built(folder)
        sources = None if images is None else open_sources(built, path_of(images), addition.manifest)
        gallery = gather(built, config.limit, config.seed)
        content = ContentMaker(built, gallery, sources).content()
        staging, names = addition.staging(VIEW), []
        staging.write(f"{VIEW}/{PAGE}", page(content.data))
        for name, sheet in sheets(built, gallery, content.rows):
            staging.write(f"{VIEW}/{name}", sheet)
            names.append(name)
        made = {**asdict(config), "images": sources is not None, "sheets": sorted(names)}
        written = addition.publish(staging, made)
    return ViewReport(
        page=str(folder / VIEW / PAGE),
        chips=len(content.rows),
        total=len(built.plan.chips),
        images=content.images,
        sheets=len(names),
        bytes=sum(file.bytes for file in staging.written),
        written=written,
        notes=tuple(_notes(built, gallery, content, sources)),
    )


def _notes(built: Built, gallery: Gallery, content: Content, sources: Sources | None) -> Iterator[str]:
    """Say what is worth knowing."""
    if not len(built.plan.chips):
        yield "the build holds no chips"
    if len(content.rows) < len(gallery.rows):
        left = len(gallery.rows) - len(content.rows)
        yield f"{counted(left, 'chip')} left out: the page is full at {human_bytes(MOST_BYTES)}"
    if gallery.classes > len(gallery.of_class):
        yield f"{gallery.classes:,} classes: the {MOST_CLASSES} with most valid boxes have a contact sheet"
    if sources is not None and sources.left_out:
        count = sum(sources.left_out.values())
        yield f"{counted(count, 'source picture')} not shown: {listed(sources.left_out)}; chips stand in their place"

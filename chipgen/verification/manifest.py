"""The manifest: read without trusting it, and checked against itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from chipgen.additions import ADDED, EPOCHS, PAGE, VIEW
from chipgen.card import CARD
from chipgen.fingerprint import FORMAT_VERSION
from chipgen.ledger import STATUSES
from chipgen.partition_ids import MOST_FILES, first_id
from chipgen.samplers import COVERING
from chipgen.store import MANIFEST
from chipgen.verification.faults import MalformedError
from chipgen.verification.reading import read_whole
from chipgen.writers import FORMATS, Format, format_of
from chipgen.writers.tables import LEDGER, PLAN, SKIPPED, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from chipgen.verification.faults import Faults

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}\\Z")]

RESTORE = "take it from a copy, or build the chips again to another folder"
"""What can be done about a manifest that is wrong: nothing else knows what a build was."""

OF_A_RUN = frozenset(
    {
        "cwd",
        "created",
        "date",
        "host",
        "hostname",
        "out",
        "pid",
        "time",
        "timestamp",
        "user",
        "workers",
        "backend",
        "scheduler",
    }
)
"""Keys that a manifest must not have: the same inputs give the same bytes, anywhere and at any time."""

OPTIONS = "configuration.sampler_options"

LONGEST = 4096
"""Characters of a path at most."""


class ShardEntry(msgspec.Struct, frozen=True):
    """A shard: the file that names it, and its chips."""

    path: str
    rows: Count
    bytes: Count
    sha256: Digest


class FileEntry(msgspec.Struct, frozen=True):
    """A file, relative to the output folder."""

    path: str
    bytes: Count
    sha256: Digest


class Negatives(msgspec.Struct, frozen=True):
    """Negative chips found, and those of them that the plan held."""

    found: Count
    chips: Count


class Counts(msgspec.Struct, frozen=True):
    """What the build came to; annotations by status, skipped things by reason."""

    images: Count
    annotations: Count
    categories: Count
    chips: Count
    valid_pairs: Count
    negatives: Negatives
    ledger: dict[str, Count]
    skipped: dict[str, Count]


class Configuration(msgspec.Struct, frozen=True):
    """The settings that decide what the files hold; ``assign`` is missing where chipgen knew ``all`` only."""

    format: Literal["parquet", "coco", "yolo", "webdataset"]
    split: str
    ignored: Literal["crowd", "drop", "keep", "paint"]
    image_format: Literal["jpeg", "png", "webp"]
    pad: bool
    chip_size: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    scales: str
    sampler: str
    min_visibility: float
    min_box: float
    sampler_options: dict[str, bool | int | float | str] = msgspec.field(default_factory=dict)
    assign: Literal["all", "one"] = "all"
    layout: Literal["plain", "roboflow"] = "plain"
    labels: Literal["boxes", "outlines"] = "boxes"
    partition: Annotated[int, msgspec.Meta(ge=0, lt=MOST_FILES)] | None = None

    @property
    def first_id(self) -> int:
        """Return what is added to all ids."""
        return first_id(self.partition)

    @property
    def form(self) -> Format:
        """Return the format."""
        return format_of(self.format, self.layout)

    @property
    def levels(self) -> int:
        """Return the number of levels."""
        return self.scales.count(",") + 1

    @property
    def covers(self) -> bool:
        """Return whether the sampler promises to cover every box that counts; most need not."""
        return self.sampler in COVERING


class Input(msgspec.Struct, frozen=True):
    """An input file."""

    sha256: Digest


class Inputs(msgspec.Struct, frozen=True):
    """The input files that are looked at again."""

    annotations: Input


class Epochs(msgspec.Struct, frozen=True):
    """How epochs were drawn: here only how many."""

    epochs: Count


class View(msgspec.Struct, frozen=True):
    """How chips were drawn: here only which sheets lie beside the page."""

    sheets: list[str]


class Manifest(msgspec.Struct, frozen=True):
    """What a manifest says, as far as it can be checked."""

    format_version: int
    chipgen_version: str
    configuration: Configuration
    inputs: Inputs
    counts: Counts
    shards: list[ShardEntry]
    files: list[FileEntry]
    epochs: Epochs | None = None
    view: View | None = None


def read_manifest(out: Path) -> Manifest:
    """Read the manifest of a folder.

    Raises
    ------
    MalformedError, UnusableError
        It is none that this version knows.
    """
    if (out / MANIFEST).is_symlink():
        raise MalformedError("", "is a link, not a file")
    try:
        value = msgspec.json.decode(read_whole(out / MANIFEST))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError("", f"is no JSON ({error})") from error
    version = value.get("format_version") if isinstance(value, dict) else None
    if isinstance(version, int) and version != FORMAT_VERSION:
        what = f"format version {version} is not known, only {FORMAT_VERSION}; use the chipgen that built it"
        raise MalformedError("format_version", what)
    try:
        manifest = msgspec.convert(value, Manifest)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise MalformedError(where.removeprefix("$.").rstrip("`"), what) from error
    if stray := next(_strays(value), None):
        raise MalformedError(stray, "tells of the run or the machine: the same inputs no longer give the same bytes")
    return manifest


def _strays(value: dict[str, Any]) -> Iterator[str]:
    """Yield where a manifest tells of the run or the machine; its lists of paths are checked elsewhere.

    What the options of a sampler are called and what they say is its user's choice.
    """
    waiting = [(key, inner) for key, inner in value.items() if key not in {"files", "shards"}]
    yield from OF_A_RUN & value.keys()
    while waiting:
        where, item = waiting.pop()
        if where == OPTIONS:
            continue
        if isinstance(item, dict):
            yield from (f"{where}.{key}" for key in item if key in OF_A_RUN)
            waiting.extend((f"{where}.{key}", inner) for key, inner in item.items())
        elif isinstance(item, list):
            waiting.extend((f"{where}[{index}]", inner) for index, inner in enumerate(item))
        elif isinstance(item, str) and (item.startswith(("/", "~", "file:")) or item[1:3] in {":\\", ":/"}):
            yield where


def check_manifest(manifest: Manifest, faults: Faults) -> dict[str, FileEntry]:
    """Check a manifest against itself.

    Returns
    -------
    dict
        The listed files that lie in the folder, by path.
    """
    listed = check_listed(manifest.files, faults)
    before = len(faults)
    for check in (_shards, _others, _counts):
        if len(faults) == before:
            for where, what in check(manifest, listed):
                faults.add(MANIFEST, where, what, RESTORE)
    return listed


def expected_files(manifest: Manifest) -> Iterator[str]:
    """Yield the files that there must be, whatever the list says: all but the pictures of COCO shards."""
    yield from (CARD, PLAN, LEDGER, SKIPPED, SOURCES)
    form = manifest.configuration.form
    yield from form.whole_files
    yield from (shard.path for shard in manifest.shards)
    for epoch in range(min(manifest.epochs.epochs, len(manifest.files) + 1) if manifest.epochs else 0):
        yield f"{EPOCHS}/epoch-{epoch}.parquet"
        if form.listing is not None:
            yield f"{EPOCHS}/epoch-{epoch}.{form.listing.ending}"
    if manifest.view:
        yield f"{VIEW}/{PAGE}"
        yield from (f"{VIEW}/{sheet}" for sheet in manifest.view.sheets)


def check_listed(files: Sequence[FileEntry], faults: Faults) -> dict[str, FileEntry]:
    """Return the listed files by path; those that are listed twice, or would lie elsewhere, are faults."""
    listed: dict[str, FileEntry] = {}
    for index, entry in enumerate(files):
        where = f"files[{index}]"
        if not _is_plain(entry.path):
            faults.add(MANIFEST, where, f"{entry.path!r:.300} is no path of a file in the folder", RESTORE)
        elif entry.path in listed:
            faults.add(MANIFEST, where, f"{entry.path} stands there twice", RESTORE)
        else:
            listed[entry.path] = entry
    return listed


def _is_plain(path: str) -> bool:
    """Tell whether a path leads to a file inside the folder and is written in the only way."""
    plain = not {"", ".", ".."} & set(path.split("/"))
    return plain and path.isprintable() and path != MANIFEST and len(path) < LONGEST


def _shards(manifest: Manifest, listed: dict[str, FileEntry]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the list of shards."""
    form, split, count = manifest.configuration.form, manifest.configuration.split, len(manifest.shards)
    if not count:
        yield "shards", "is empty"
    for index, shard in enumerate(manifest.shards):
        where, path = f"shards[{index}]", form.shard_path(split, index, count)
        entry = listed.get(path)
        if shard.path != path:
            yield where, f"{shard.path!r:.300} should be {path}"
        elif entry is None:
            yield where, f"{path} is not in the list of files"
        elif (entry.bytes, entry.sha256) != (shard.bytes, shard.sha256):
            yield where, "bytes or sha256 are not those in the list of files"


def _others(manifest: Manifest, listed: dict[str, FileEntry]) -> Iterator[tuple[str, str]]:
    """Yield what else is missing from the list of files, and files of shards, epochs and views there are not."""
    expected = set(expected_files(manifest))
    for path in sorted(expected - listed.keys()):
        yield "files", f"{path} is not listed"
    form, split = manifest.configuration.form, manifest.configuration.split
    ends = [*range(len(manifest.shards)), 2**63 - 1]  # which of them is asked later on
    folders = tuple(
        f"{folder}/" for folder in {*ADDED, *(folder for form in FORMATS.values() for folder in form.folders)}
    )
    for path in sorted(listed.keys() - expected):
        if path.startswith(folders) and form.shard_of(path, split, ends) is None:
            yield "files", f"{path} belongs to no shard or epoch, and to no view"


def _counts(manifest: Manifest, _: dict[str, FileEntry]) -> Iterator[tuple[str, str]]:
    """Yield the figures that do not add up."""
    counts = manifest.counts
    rows, statuses = sum(shard.rows for shard in manifest.shards), Counter(counts.ledger).total()
    if rows != counts.chips:
        yield "counts.chips", f"is {counts.chips}, the shards hold {rows}"
    if statuses != counts.annotations:
        yield "counts.ledger", f"adds up to {statuses}, not to the {counts.annotations} annotations"
    for status in counts.ledger.keys() - set(STATUSES):
        yield "counts.ledger", f"{status!r:.100} is no status"

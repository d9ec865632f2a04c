"""What a format is to the rest of the program: who writes a shard, which files it is, and what is said of all of them.

The loop knows no format: it asks for one of these by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chipgen.boxes import Ints
    from chipgen.dataset import Categories
    from chipgen.rows import ChipRow
    from chipgen.store import Staging

Pieces = Iterator[bytes]
"""A file in pieces, none of them large."""

Writer = Callable[[Iterable["ChipRow"], "Labels", "Staging", str], int]
"""``write(rows, labels, staging, path)`` writes one shard, named by `path`, and returns its number of rows."""


@dataclass(frozen=True)
class Labels:
    """What a writer must know of the dataset as a whole.

    Parameters
    ----------
    categories
        The category table.
    outlines
        Whether some object to learn has a mask: formats that know only one kind of label then write outlines.
    """

    categories: Categories
    outlines: bool = False


class Written(NamedTuple):
    """The shards of a build, all written, for what is said of them together.

    Parameters
    ----------
    split
        Name of the split.
    labels
        What the dataset is about.
    shards
        Paths of the files that name them, at least one.
    read
        Returns the content of one.
    """

    split: str
    labels: Labels
    shards: Sequence[str]
    read: Callable[[str], bytes]


class Listing(NamedTuple):
    """A file that names some of the chips for trainers that read such a list.

    Parameters
    ----------
    ending
        Of its name.
    pieces
        ``pieces(shards, read, kept)`` yields it: paths of the shards, what returns the content of one, and the ids of
        the chips to keep, None for all.
    """

    ending: str
    pieces: Callable[..., Pieces]


def nothing(_: Written) -> Iterator[tuple[str, Pieces]]:
    """Yield no file: all is said in the shards."""
    return iter(())


@dataclass(frozen=True)
class Format:
    """A format.

    Parameters
    ----------
    write
        Writes a shard.
    shard_path
        ``shard_path(split, index, count)``: the file that names a shard, relative to the output folder.
    shard_of
        ``shard_of(path, split, ends)``: the number of the shard that a file belongs to, None for any other file; `ends`
        are the first chip of each shard and the end of the last.
    units
        ``units(path, files)``: the files or folders that are renamed when a shard is finished.
    folders
        The folders that hold nothing but shards.
    whole
        Yields path and content of files about all shards.
    whole_files
        Their paths.
    listing
        How some of the chips are listed for an epoch, besides their numbers.
    """

    write: Writer
    shard_path: Callable[[str, int, int], str]
    shard_of: Callable[[str, str, Sequence[int] | Ints], int | None]
    units: Callable[[str, Sequence[str]], Sequence[str]]
    folders: tuple[str, ...]
    whole: Callable[[Written], Iterable[tuple[str, Pieces]]] = nothing
    whole_files: tuple[str, ...] = ()
    listing: Listing | None = None


def the_shard(path: str, _: Sequence[str]) -> Sequence[str]:
    """Return the one file of a shard."""
    return (path,)


def numbered(
    shard_path: Callable[[str, int, int], str], path: str, split: str, ends: Sequence[int] | Ints
) -> int | None:
    """Return the number of the shard that is one file with a name made by `shard_path`; None for any other."""
    digits = path.rpartition("/")[2].removeprefix(f"{split}-").partition("-of-")[0]
    index = int(digits) if digits.isascii() and digits.isdigit() else -1
    return index if 0 <= index < len(ends) - 1 and path == shard_path(split, index, len(ends) - 1) else None

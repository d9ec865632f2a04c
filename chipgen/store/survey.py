"""Looking at an output folder before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipgen.errors import OutputError
from chipgen.store.folder import Found, look, part_folders, parts_of, refuse_unwritable, splits_of
from chipgen.store.lock import refuse_running
from chipgen.store.record import first_difference
from chipgen.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def refuse_other(found: Found, record: dict[str, Any], may_rise: Collection[str] = ()) -> None:
    """Refuse a folder that holds another build; some settings may be higher than there.

    Raises
    ------
    OutputError
        Naming the first thing that differs.
    """
    difference = None if found.record is None else first_difference(found.record, record, may_rise)
    if difference:
        where, what = difference
        todo = "choose another --out, or --overwrite what chipgen wrote there"
        raise OutputError.one(found.out, where, what, todo)


def refuse_splits(out: Path, folders: Collection[str] = ()) -> None:
    """Refuse a folder of splits for anything but the same splits: which of its folders went with what no one knows.

    A folder of parts is refused for the same reason.

    Parameters
    ----------
    out
        The output folder.
    folders
        The folders of the splits that are to be written there; empty for a build that is none.

    Raises
    ------
    OutputError
        Other splits are there.
    """
    if parts := parts_of(out):
        what = f"holds {len(parts)} parts of one dataset, which is not this"
        raise OutputError.one(out, "configuration.parts", what, "choose another --out")
    there = splits_of(out)
    if there and {*there.values()} != {*folders}:
        what = f"holds the splits {', '.join(there)}, which are not these"
        raise OutputError.one(out, "configuration.splits", what, "choose another --out")


def refuse_parts(out: Path, count: int) -> None:
    """Refuse a folder of splits, and one of more parts than are to be written there, finished or begun.

    Raises
    ------
    OutputError
        It is one.
    """
    there = parts_of(out)
    if not there:
        refuse_splits(out)
    if len(there) > count:
        what = f"holds {len(there)} parts, and now there are {count}"
        raise OutputError.one(out, "configuration.parts", what, "name all annotation files, or choose another --out")
    if there and (out / (more := part_folders(count + 1)[-1])).is_dir():
        what = f"is a part more than there are now, {count}"
        raise OutputError.one(out, more, what, "name all annotation files, or remove it")


def survey(out: Path) -> Found:
    """Look at an output folder before any work is done; of a finished build, clear what a killed run left in it.

    Raises
    ------
    OutputError
        A run is going on in it.
    StorageError
        It cannot be made or written to.
    """
    found = look(out)
    refuse_running(out)
    refuse_unwritable(out)
    if found.untidy:
        with Workspace(out):
            pass
        found = look(out)
    return found

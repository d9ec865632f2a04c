"""Looking at an output folder before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipgen.errors import OutputError
from chipgen.store.folder import Found, look, refuse_unwritable
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
        with Workspace(out) as workspace:
            found = workspace.found
    return found

"""What a run finds of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chipgen.store.journal import Entry


@dataclass(frozen=True)
class Start:
    """What a run begins with.

    Parameters
    ----------
    kept
        Shards that an earlier run finished and that are still as they were written.
    finished
        The manifest of the same build, when it is finished already; else None.
    lost
        Files of it, or of an earlier run, that are missing or damaged, or of which the journal tells nothing.
    resumed
        Whether an earlier run began it.
    """

    kept: tuple[Entry, ...] = ()
    finished: dict[str, Any] | None = None
    lost: tuple[str, ...] = ()
    resumed: bool = False

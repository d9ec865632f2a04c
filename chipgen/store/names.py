"""What chipgen's own files in an output folder are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.store.journal import JOURNAL, PART
from chipgen.store.lease import NAME
from chipgen.store.lock import LOCK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MANIFEST = "_manifest.json"
RUN = "_run.json"
STAGE = ".tmp"
ASIDE = f"{STAGE}/replaced"
"""Where a build waits that is being overwritten: it comes back when the new one fails."""

LITTER = f"run-{'[0-9a-f]' * 12}"
"""Folders below `STAGE` that a run makes for its temporary files."""

OF_RUN = frozenset({"format_version", "configuration"})
OF_MANIFEST = OF_RUN | {"files"}
"""Keys without which a file of this name is not ours."""

MOST_OF_SPLITS = 1 << 20
"""Bytes of the manifest of a folder of splits at most: it lists a handful of files."""

OF_RUNS = frozenset({RUN, JOURNAL, LOCK})
HELPERS = OF_RUNS | {MANIFEST}


def helper_of(name: str) -> str | None:
    """Return which of our own files one is by its name, None for all others."""
    if name in HELPERS or "/" in name:
        return name if name in HELPERS else None
    return JOURNAL if PART.fullmatch(name) else LOCK if NAME.fullmatch(name) else None


def without_helpers(names: Iterable[str]) -> Iterator[str]:
    """Yield all names but those of what a run keeps for itself while it is going on."""
    return (name for name in names if helper_of(name) not in OF_RUNS)

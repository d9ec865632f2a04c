"""What a worker on another machine must have in common with us, or its shards would be others."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from chipgen import _version
from chipgen.remote import is_remote

if TYPE_CHECKING:
    from pathlib import Path

SAME = "install the same versions there as here"
DECIDING = ("numpy", "shapely", "pycocotools")
"""Libraries that decide what is written, besides the encoders."""


@dataclass(frozen=True)
class Needs:
    """What a worker needs.

    Parameters
    ----------
    imaging
        The engine.
    versions
        Names and versions of all that decides what is written.
    root
        The image root.
    """

    imaging: str
    versions: tuple[tuple[str, str], ...]
    root: Path

    @classmethod
    def here(cls, imaging: str, root: Path) -> Needs:
        """Return what others need to do as this process does."""
        return cls(imaging, versions_here(imaging), root)


def versions_here(imaging: str) -> tuple[tuple[str, str], ...]:
    """Return the versions that this process runs with, chipgen's first."""
    python = ".".join(map(str, sys.version_info[:2]))
    others = {"python": python, **{name: version(name) for name in DECIDING}, **_version.encoder_versions(imaging)}
    return (("chipgen", _version.__version__), *others.items())


def unlike(needs: Needs) -> tuple[str, str] | None:
    """Return what this process lacks to do as others do, and what to do about it; None when it can."""
    return _unlike(needs)


@functools.lru_cache(maxsize=8)  # neither libraries nor mounted folders come and go while a process runs
def _unlike(needs: Needs) -> tuple[str, str] | None:
    """Look for what `unlike` returns."""
    try:
        there = dict(versions_here(needs.imaging))
    except PackageNotFoundError as error:
        return f"{error.name} is not installed there", SAME
    for name, here in needs.versions:
        if there.get(name, "none") != here:
            return f"{name} {there.get(name, 'none')} there, {here} here", SAME
    if not is_remote(needs.root) and not needs.root.is_dir():
        return (
            f"there is no folder {needs.root} there",
            "put the images where all workers see them, or name it with --images",
        )
    return None


def other_version(there: object) -> str | None:
    """Return what is wrong with the version of chipgen on a worker; None when it is ours.

    Parameters
    ----------
    there
        What `importlib.metadata.version` returned, or raised.
    """
    if there == _version.__version__:
        return None
    if isinstance(there, PackageNotFoundError):
        return "chipgen is not installed there"
    if isinstance(there, Exception):
        return f"does not answer ({type(there).__name__}: {' '.join(str(there).split())})"
    return f"chipgen {there} there, {_version.__version__} here"

"""Annotation files made of all shards: what they must say, to the byte, and where they say something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipgen.images import open_regular
from chipgen.verification.faults import MalformedError
from chipgen.verification.reading import read_whole

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from chipgen.verification.manifest import Manifest


def check_merged(out: Path, path: str, manifest: Manifest, kept: Collection[int] | None = None) -> None:
    """Compare an annotation file with the shards, a piece at a time.

    Parameters
    ----------
    out
        The output folder.
    path
        The file, relative to it.
    manifest
        Names the shards, which are known to be sound.
    kept
        Ids of the chips it holds; None for all.

    Raises
    ------
    MalformedError
        It differs; naming the line.
    UnusableError
        It is no regular file.
    """
    listing = manifest.configuration.form.listing
    assert listing is not None
    shards, line = [shard.path for shard in manifest.shards], 1
    with open_regular(out / path) as file:
        for piece in listing.pieces(shards, lambda shard: read_whole(out / shard), kept):
            if file.read(len(piece)) != piece:
                line += piece.startswith((b",", b"\n"))  # an entry begins with the end of the line before
                raise MalformedError(f"line {line}", "is not what the shards say")
            line += piece.count(b"\n")
        if file.read(1):
            raise MalformedError(f"line {line}", "goes on where the shards end")

"""A finished build read back for people who look at it: some of its chips, with all that is told of them.

The plan tells everything but pixels, masks and the names of classes. These come from the shards, of which only the
chips that are asked for are read, by one small reader a format; see `chipgen.built.readers`.
"""

from __future__ import annotations

from chipgen.built.build import Built, open_built
from chipgen.built.reading import reading
from chipgen.built.values import BuiltBox, BuiltChip

__all__ = ["Built", "BuiltBox", "BuiltChip", "open_built", "reading"]

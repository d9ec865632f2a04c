"""The output: the only room that creates, renames or removes anything in it.

Everything is written under ``.tmp/`` first, flushed to disk and checksummed on the way, then renamed to its final
name; the manifest comes last. A file under its final name is therefore complete, and a folder with a manifest is a
finished build.
"""

from __future__ import annotations

from chipgen.store.addition import Addition
from chipgen.store.files import HashingFile, Staging, Written, guarded
from chipgen.store.output import MANIFEST, Output
from chipgen.store.single import new_file

__all__ = ["MANIFEST", "Addition", "HashingFile", "Output", "Staging", "Written", "guarded", "new_file"]

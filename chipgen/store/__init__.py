"""The output: the only room that creates, renames or removes anything in it.

The protocol, in the order of its steps:

1. one run at a time holds ``.lock``;
2. ``_run.json`` says what the build is made from: another build never goes on in the folder of this one;
3. workers write below ``.tmp/``; every file is flushed to the disk and checksummed on the way;
4. the parent alone announces a shard in ``_journal.jsonl``, then gives it its final name in one step;
5. when all are there, the tables follow, then ``_manifest.json``; ``_journal.jsonl`` and ``_run.json`` go.

So a file under its final name is complete, a folder with a manifest is a finished build, and a run that was killed at
any moment is resumed by the same command: announced shards of the right length stay, all others are made.
"""

from __future__ import annotations

from chipgen.store.addition import Addition
from chipgen.store.contents import differing
from chipgen.store.files import HashingFile, Staging, Written, guarded, noting
from chipgen.store.folder import Found, part_folders, parts_of, refuse_collection, splits_of
from chipgen.store.journal import Entry
from chipgen.store.names import MANIFEST
from chipgen.store.output import Output
from chipgen.store.scratch import remove_scratch, scratch_folder, tidy_scratch
from chipgen.store.single import new_file
from chipgen.store.start import Start
from chipgen.store.survey import refuse_other, refuse_parts, refuse_splits, survey

__all__ = [
    "MANIFEST",
    "Addition",
    "Entry",
    "Found",
    "HashingFile",
    "Output",
    "Staging",
    "Start",
    "Written",
    "differing",
    "guarded",
    "new_file",
    "noting",
    "part_folders",
    "parts_of",
    "refuse_collection",
    "refuse_other",
    "refuse_parts",
    "refuse_splits",
    "remove_scratch",
    "scratch_folder",
    "splits_of",
    "survey",
    "tidy_scratch",
]

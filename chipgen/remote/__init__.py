"""Paths in object storage and on web servers: told from those of the disk, and read in the same way.

A path is given as a URL, such as ``s3://bucket/coco/instances.json``. `path_of` makes of it what has the part of the
interface of `pathlib.Path` that chipgen uses, so that whoever reads need not know where a path lies. What is read in
several passes is `fetched` once.
"""

from chipgen.remote.copies import fetched
from chipgen.remote.given import is_remote, is_url, path_of, place_of
from chipgen.remote.path import RemotePath
from chipgen.remote.questions import is_file, is_folder, is_there
from chipgen.remote.ranges import BLOCK, Ranges, RangesFile
from chipgen.remote.systems import refuse_silence

__all__ = [
    "BLOCK",
    "Ranges",
    "RangesFile",
    "RemotePath",
    "fetched",
    "is_file",
    "is_folder",
    "is_remote",
    "is_there",
    "is_url",
    "path_of",
    "place_of",
    "refuse_silence",
]

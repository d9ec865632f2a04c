"""Paths in object storage and on web servers: told from those of the disk, and read in the same way.

A path is given as a URL, such as ``s3://bucket/coco/instances.json``. `path_of` makes of it what has the part of the
interface of `pathlib.Path` that chipgen uses, so that whoever reads need not know where a path lies.
"""

from chipgen.remote.path import RemotePath, is_remote, is_url, path_of, place_of

__all__ = ["RemotePath", "is_remote", "is_url", "path_of", "place_of"]

"""Single changes of a finished build after which all checksums still hold, and what must be said of each.

The build is that of `tampering.rich_build`. Its chip 19, in shard 6, shows boxes 18 to 21: valid, truncated, too large,
valid. Chip 22, in shard 6, is negative. Annotation 12 is covered, 16 too small, 17 invalid, 4 a crowd; image 2 was
skipped.
"""

from __future__ import annotations

from mutations.changes import Mutation
from mutations.of_coco import COCO
from mutations.of_manifest import MANIFESTS
from mutations.of_plan import PLANNED
from mutations.of_roboflow import ROBOFLOW
from mutations.of_shards import SHARDS
from mutations.of_tables import TABLES
from mutations.of_webdataset import WEBDATASET
from mutations.of_yolo import BOXES, YOLO

__all__ = ["BOXES", "COCO", "MANIFESTS", "PLANNED", "ROBOFLOW", "SHARDS", "TABLES", "WEBDATASET", "YOLO", "Mutation"]
